package record

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// Every interaction that writes answers a repeated request by its first outcome, and does nothing again.
func TestIdempotency(t *testing.T) {
	r := shared(t)
	r.with(func(c *Config) { c.DeleteMany = true })
	one, two := unique("one"), unique("two")
	p := r.must(body("Patient", unique("p"), mark(one)))
	for range 3 {
		r.must(body("Patient", "", mark(two)))
	}
	query := "identifier=" + one
	patch := func(i int) Patch {
		return Patch{Body: []byte(fmt.Sprintf(`[{"op":"add","path":"/multipleBirthInteger","value":%d}]`, i))}
	}
	b := r.bundle(t, entry("POST", "Patient", body("Patient", "")), entry("PUT", "Patient/"+p.ID, body("Patient", p.ID, mark(one))), entry("DELETE", "Patient/"+unique("none"), nil))
	single := func(res *Result, err error) ([]*Result, error) { return []*Result{res}, err }
	for _, tt := range []struct {
		what string
		do   func(opt WriteOptions) ([]*Result, error)
	}{
		{"create", func(opt WriteOptions) ([]*Result, error) {
			return single(r.service.Create(t.Context(), staff(), "Patient", body("Patient", ""), opt))
		}},
		{"update", func(opt WriteOptions) ([]*Result, error) {
			return single(r.service.Update(t.Context(), staff(), "Patient", p.ID, body("Patient", p.ID, mark(one)), opt))
		}},
		{"conditional update", func(opt WriteOptions) ([]*Result, error) {
			return single(r.service.UpdateWhere(t.Context(), staff(), "Patient", query, body("Patient", "", mark(one)), opt))
		}},
		{"patch", func(opt WriteOptions) ([]*Result, error) {
			return single(r.service.Patch(t.Context(), staff(), "Patient", p.ID, patch(1), opt))
		}},
		{"conditional patch", func(opt WriteOptions) ([]*Result, error) {
			return single(r.service.PatchWhere(t.Context(), staff(), "Patient", query, patch(2), opt))
		}},
		{"meta", func(opt WriteOptions) ([]*Result, error) {
			return single(r.service.EditMeta(t.Context(), staff(), "Patient", p.ID, []byte(`{"tag":[{"code":"x"}]}`), false, opt))
		}},
		{"transaction", func(opt WriteOptions) ([]*Result, error) {
			entries, err := r.service.Transaction(t.Context(), staff(), b, opt)
			var out []*Result
			for _, e := range entries {
				if e.Status == 0 {
					t.Error("no status")
				}
				if e.Result != nil {
					out = append(out, e.Result)
				}
			}
			return out, err
		}},
		{"conditional delete of several", func(opt WriteOptions) ([]*Result, error) {
			return r.service.DeleteWhere(t.Context(), staff(), "Patient", "identifier="+two, opt)
		}},
		{"delete", func(opt WriteOptions) ([]*Result, error) {
			return single(r.service.Delete(t.Context(), staff(), "Patient", p.ID, opt))
		}},
	} {
		opt := WriteOptions{IdempotencyKey: unique("key")}
		first, err := tt.do(opt)
		if err != nil {
			t.Fatalf("%s: %v", tt.what, err)
		}
		before := r.version("Patient", p.ID)
		again, err := tt.do(opt)
		if err != nil || len(again) != len(first) || r.version("Patient", p.ID) != before {
			t.Errorf("%s again: %d results after %d, %v", tt.what, len(again), len(first), err)
			continue
		}
		for i, a := range again {
			f := first[i]
			if !a.Replayed || a.ID != f.ID || a.Version != f.Version || a.Created != f.Created || a.Deleted != f.Deleted || !a.LastUpdated.Equal(f.LastUpdated) {
				t.Errorf("%s again: %+v, want %+v", tt.what, a, f)
			}
		}
		_, err = r.service.Create(t.Context(), staff(), "Patient", body("Patient", "", mark(opt.IdempotencyKey)), opt)
		wantKind(t, err, Unprocessable, tt.what+", the key for another request")
		other := *staff()
		other.Client = "another"
		_, err = r.service.Create(t.Context(), &other, "Patient", body("Patient", "", mark(opt.IdempotencyKey)), opt)
		wantKind(t, err, ok, tt.what+", the key of another client")
	}
}

// Many at once with one key make one.
func TestIdempotencyRace(t *testing.T) {
	r := shared(t)
	m, key := unique("m"), unique("key")
	var wg sync.WaitGroup
	for range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := r.service.Create(t.Context(), staff(), "Patient", body("Patient", "", mark(m)), WriteOptions{IdempotencyKey: key}); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if n := r.found("Patient", m); n != 1 {
		t.Errorf("%d", n)
	}
}

// A write that is not waited for says so, and later how it went.
func TestEarlyAnswers(t *testing.T) {
	r := shared(t)
	r.with(func(c *Config) { c.DeleteMany = true })
	m := unique("m")
	a, b := r.must(body("Patient", "", mark(m))), r.must(body("Patient", "", mark(m)))
	opt := WriteOptions{Durable: true, StatusID: unique("status")}
	got, err := r.service.DeleteWhere(t.Context(), staff(), "Patient", "identifier="+m, opt)
	if err != nil || len(got) != 2 || !got[0].Early || !got[1].Early {
		t.Fatalf("%+v, %v", got, err)
	}
	for range 2000 {
		entries, err := r.service.Status(t.Context(), staff(), opt.StatusID)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) > 0 {
			if r.read("Patient", a.ID) != nil || r.read("Patient", b.ID) != nil || entries[0].Status != 204 {
				t.Errorf("%+v", entries)
			}
			break
		}
		time.Sleep(time.Millisecond)
	}
	_, err = r.service.Status(t.Context(), patientApp("x"), opt.StatusID)
	wantKind(t, err, Absent, "another's status")
	res, err := r.service.Create(t.Context(), staff(), "Patient", body("Patient", ""), WriteOptions{Durable: true, IfNoneExist: "identifier=" + r.visibleMarker()})
	if err != nil || res.Early {
		t.Errorf("what changes nothing is no early answer: %+v, %v", res, err)
	}
}

// The options are not the request: of a key that was used the second request is told apart by method, URL and body.
func TestIdempotencyOfNothing(t *testing.T) {
	r := shared(t)
	m := r.visibleMarker()
	opt := WriteOptions{IfNoneExist: "identifier=" + m, IdempotencyKey: unique("key")}
	for range 2 {
		res, err := r.service.Create(t.Context(), staff(), "Patient", body("Patient", ""), opt)
		if err != nil || res.Created || res.Replayed {
			t.Errorf("%+v, %v", res, err)
		}
	}
}
