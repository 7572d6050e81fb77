package record

import (
	"context"
	"sync"
	"testing"
	"time"
)

// Twenty clients that want the same resource make one.
func TestConditionalRaces(t *testing.T) {
	r := shared(t)
	ctx := context.Background()
	create := func(q, m string) (*Result, error) {
		return r.service.Create(ctx, staff(), "Patient", body("Patient", "", mark(m)), WriteOptions{IfNoneExist: q})
	}
	update := func(q, m string) (*Result, error) {
		return r.service.UpdateWhere(ctx, staff(), "Patient", q, body("Patient", "", mark(m)), WriteOptions{})
	}
	bundled := func(_, m string) (*Result, error) {
		out, err := r.service.Transaction(ctx, staff(), r.bundle(t,
			`{"resource":`+string(body("Patient", "", mark(m)))+`,"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:m|`+m+`&active:missing=true"}}`), WriteOptions{})
		if err != nil {
			return nil, err
		}
		return out[0].Result, nil
	}
	for name, ways := range map[string][]func(q, m string) (*Result, error){
		"create": {create}, "update": {update}, "all ways": {create, update, bundled},
	} {
		t.Run(name, func(t *testing.T) {
			m := unique("race")
			ids := make([]string, 20)
			var wg sync.WaitGroup
			for i := range ids {
				wg.Add(1)
				go func() {
					defer wg.Done()
					q := "identifier=urn:m|" + m + "&active:missing=true"
					if i%2 == 1 {
						q = "active:missing=true&identifier=urn:m|" + m
					}
					res, err := ways[i%len(ways)](q, m)
					if err != nil {
						t.Error(err)
						return
					}
					ids[i] = res.ID
				}()
			}
			wg.Wait()
			for _, id := range ids {
				if id != ids[0] {
					t.Fatalf("several resources: %v", ids)
				}
			}
			if n := r.found("Patient", m); n != 1 {
				t.Errorf("%d found", n)
			}
		})
	}
}

// What a condition finds may change before it is locked: the write then starts anew.
func TestConditionMoves(t *testing.T) {
	for name, move := range map[string]func(r *rig, first *Result, marker string){
		"deleted":         func(r *rig, first *Result, _ string) { r.mustDelete("Patient", first.ID) },
		"matches no more": func(r *rig, first *Result, _ string) { r.must(body("Patient", first.ID)) },
		"another matches": func(r *rig, _ *Result, marker string) { r.must(body("Patient", "", mark(marker))) },
	} {
		t.Run(name, func(t *testing.T) {
			r := shared(t)
			marker := unique("moves")
			cond, err := r.service.where(staff(), "Patient", "identifier=urn:m|"+marker)
			if err != nil {
				t.Fatal(err)
			}
			id := unique("first") // whose lock is taken after that of the condition
			for tok := r.service.resourceToken("Patient", id); compareTokens(tok, cond.lock) < 0; tok = r.service.resourceToken("Patient", id) {
				id = unique("first")
			}
			first := r.must(body("Patient", id, mark(marker)))
			held, err := r.service.locks.acquire(context.Background(), cond.keys())
			if err != nil {
				t.Fatal(err)
			}
			type answer struct {
				res *Result
				err error
			}
			done := make(chan answer)
			go func() {
				res, err := r.service.UpdateWhere(context.Background(), staff(), "Patient", "identifier=urn:m|"+marker, body("Patient", "", mark(marker)), WriteOptions{})
				done <- answer{res, err}
			}()
			r.awaitWaiters(cond.lock, 1)
			move(r, first, marker)
			held.release()
			got := <-done
			if name == "another matches" {
				wantKind(t, got.err, Precondition, name)
				return
			}
			if got.err != nil || !got.res.Created || got.res.ID == first.ID {
				t.Errorf("%+v, %v", got.res, got.err)
			}
		})
	}
}

// awaitWaiters waits until units stand in line for a lock.
func (r *rig) awaitWaiters(key token, n int) {
	r.t.Helper()
	for range 5000 {
		r.service.locks.mu.Lock()
		q := r.service.locks.held[key]
		waiting := q != nil && len(q.waiters) >= n
		r.service.locks.mu.Unlock()
		if waiting {
			return
		}
		time.Sleep(time.Millisecond)
	}
	r.t.Fatalf("no %d waiters", n)
}
