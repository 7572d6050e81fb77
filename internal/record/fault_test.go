package record

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store/storetest"
)

const consentBody = `{"resourceType":"Consent","id":"c1","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/p1"},"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}]},"provision":{"type":"deny"}}`

func marked(marker string) []byte {
	return []byte(`{"resourceType":"Patient","identifier":[{"system":"urn:m","value":"` + marker + `"}]}`)
}

// found counts the resources with a marker.
func (r *rig) found(typ, marker string) int {
	r.t.Helper()
	page, err := r.service.Search(context.Background(), staff(), typ, url.Values{"identifier": {"urn:m|" + marker}}, true)
	if err != nil {
		r.t.Fatal(err)
	}
	return len(page.Matches)
}

// bundle is a transaction of a Patient and an Observation under one marker.
func bundle(t *testing.T, marker string) *fhir.Bundle {
	t.Helper()
	raw := `{"resourceType":"Bundle","type":"transaction","entry":[
	{"fullUrl":"urn:uuid:11111111-1111-4111-8111-111111111111","resource":` + string(marked(marker)) + `,"request":{"method":"POST","url":"Patient"}},
	{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"identifier":[{"system":"urn:m","value":"` + marker + `"}],"subject":{"reference":"urn:uuid:11111111-1111-4111-8111-111111111111"}},"request":{"method":"POST","url":"Observation"}}]}`
	b, err := fhir.ParseBundle([]byte(raw), fhir.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// trial is one write under a fault: what it answered, and what there is of it.
type trial struct {
	name  string
	err   error
	state func() (whole, absent bool)
}

// trials are the interactions that write. Each makes what it needs, and then is what the fault meets.
func trials(round string) map[string]func(r *rig, inject func()) *trial {
	ctx := context.Background()
	count := func(r *rig, want int, typ, marker string) func() (bool, bool) {
		return func() (bool, bool) { n := r.found(typ, marker); return n == want, n == 0 }
	}
	active := func(r *rig, id string) func() (bool, bool) {
		return func() (bool, bool) {
			changed := strings.Contains(r.stored("Patient", id), `"active":true`)
			return changed && r.version("Patient", id) == 2, !changed && r.version("Patient", id) == 1
		}
	}
	both := func(a, b func() (bool, bool)) func() (bool, bool) {
		return func() (bool, bool) {
			aWhole, aAbsent := a()
			bWhole, bAbsent := b()
			return aWhole && bWhole, aAbsent && bAbsent
		}
	}
	return map[string]func(r *rig, inject func()) *trial{
		"create": func(r *rig, inject func()) *trial {
			m := "create-" + round
			inject()
			_, err := r.service.Create(ctx, staff(), "Patient", marked(m), WriteOptions{IdempotencyKey: m, IfNoneExist: "identifier=" + m})
			return &trial{err: err, state: count(r, 1, "Patient", m)}
		},
		"consent": func(r *rig, inject func()) *trial {
			id := "consent-" + round
			inject()
			_, err := r.service.Update(ctx, staff(), "Consent", id, []byte(strings.Replace(consentBody, `"c1"`, `"`+id+`"`, 1)), WriteOptions{})
			return &trial{err: err, state: func() (bool, bool) { n := r.version("Consent", id); return n == 1, n == 0 }}
		},
		"transaction": func(r *rig, inject func()) *trial {
			m := "tx-" + round
			b := bundle(r.t, m)
			inject()
			_, err := r.service.Transaction(ctx, staff(), b, WriteOptions{IdempotencyKey: m})
			return &trial{err: err, state: both(count(r, 1, "Patient", m), count(r, 1, "Observation", m))}
		},
		"conditional update": func(r *rig, inject func()) *trial {
			m := "update-" + round
			id := r.must(marked(m)).ID
			inject()
			_, err := r.service.UpdateWhere(ctx, staff(), "Patient", "identifier="+m, body("Patient", "", mark(m), `"active":true`), WriteOptions{})
			return &trial{err: err, state: active(r, id)}
		},
		"patch": func(r *rig, inject func()) *trial {
			id := r.must(marked("patch-" + round)).ID
			inject()
			_, err := r.service.Patch(ctx, staff(), "Patient", id, Patch{Body: []byte(activePatch)}, WriteOptions{IfMatch: `W/"1"`})
			return &trial{err: err, state: active(r, id)}
		},
		"delete of several": func(r *rig, inject func()) *trial {
			m := "delete-" + round
			for range 3 {
				r.must(marked(m))
			}
			inject()
			_, err := r.service.DeleteWhere(ctx, staff(), "Patient", "identifier="+m, WriteOptions{})
			return &trial{err: err, state: func() (bool, bool) { n := r.found("Patient", m); return n == 0, n == 3 }}
		},
		"transaction with a patch": func(r *rig, inject func()) *trial {
			m := "patched-" + round
			id := r.must(body("Patient", "")).ID
			b := r.bundle(r.t, entry("PATCH", "Patient/"+id, binaryPatch(activePatch)), entry("POST", "Observation", body("Observation", "", `"status":"final"`, `"code":{"text":"x"}`, mark(m),
				`"subject":{"reference":"Patient?_id=`+id+`"}`)))
			inject()
			_, err := r.service.Transaction(ctx, staff(), b, WriteOptions{})
			return &trial{err: err, state: both(active(r, id), count(r, 1, "Observation", m))}
		},
	}
}

// faults of every step of the write path, each failed, and failed but had been stored.
func faults() map[string]func(*rig) {
	out := map[string]func(*rig){}
	halves := map[string]storetest.Fault{"failed": storetest.Failed, "failed but stored": storetest.FailedButStored}
	for _, op := range []storetest.Op{storetest.OpStage, storetest.OpSetPublished, storetest.OpSides, storetest.OpRemoveSide} {
		for n, fault := range halves {
			out["store "+string(op)+" "+n] = func(r *rig) { r.faulty.Inject(op, 1, fault) }
		}
	}
	for op, calls := range map[storetest.Op][]int{
		storetest.OpHead: {1, 2, 4}, storetest.OpKey: {1}, storetest.OpOutcome: {1}, storetest.OpVersion: {1}, storetest.OpDoc: {1, 2, 4}, storetest.OpPostings: {1, 2},
		storetest.OpNext: {1, 3},
	} {
		for _, n := range calls {
			out[fmt.Sprintf("store %s fails at call %d", op, n)] = func(r *rig) { r.faulty.Inject(op, n, storetest.Failed) }
		}
	}
	// The store does not know whether it staged, and cannot be asked either.
	for n, fault := range halves {
		out["store Stage and Batch "+n] = func(r *rig) {
			r.faulty.Inject(storetest.OpStage, 1, fault)
			r.faulty.Inject(storetest.OpBatch, 1, storetest.Failed)
		}
	}
	for _, s := range []step{stepBatchTx, stepSubmit, stepConsentTx, stepForward} {
		out[string(s)+" failed"] = func(r *rig) { r.chain.inject(s, false) }
		out[string(s)+" failed but stored"] = func(r *rig) { r.chain.inject(s, true) }
	}
	return out
}

// concurrently runs subtests, several at a time: they wait for disks and ledgers more than they compute.
func concurrently[V any](t *testing.T, cases map[string]V, f func(t *testing.T, v V)) {
	t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for name, v := range cases {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer wg.Done()
			defer func() { <-slots }()
			t.Run(name, func(t *testing.T) { f(t, v) })
		}()
	}
	wg.Wait()
}

// What was acknowledged is there, what was refused is not, nothing is half there: at once and after a restart, whatever
// fails on the way.
func TestFaultsOfTheWritePath(t *testing.T) {
	concurrently(t, faults(), func(t *testing.T, inject func(*rig)) {
		r := newRig(t)
		r.service.cfg.DeleteMany = true
		var all []*trial
		struck := false
		try := func(round string, inject func(*rig)) {
			for name, do := range trials(round) {
				if round != "during" && name != "create" && name != "transaction" {
					continue
				}
				tr := do(r, func() { inject(r) })
				if round == "during" && name == "consent" {
					r.awaitStrike() // on what goes on in the background
				}
				struck = struck || round == "during" && !r.armed()
				r.faulty.Disarm()
				r.chain.inject("", false)
				tr.name = name + " " + round
				all = append(all, tr)
				if round != "during" && tr.err != nil {
					t.Errorf("%s a fault: %v", tr.name, tr.err)
				}
				if r.service.Ready() != nil {
					r.reopen()
				}
			}
		}
		none := func(*rig) {}
		try("before", none)
		try("during", inject)
		try("after", none)
		if !struck {
			t.Error("the fault never happened")
		}
		r.check(all, "at once")
		r.reopen()
		r.check(all, "after a restart")
		if _, err := r.service.Create(context.Background(), staff(), "Patient", marked("last"), WriteOptions{}); err != nil {
			t.Errorf("no write after the restart: %v", err)
		}
	})
}

// armed tells whether an injected fault is yet to happen.
func (r *rig) armed() bool {
	r.chain.mu.Lock()
	defer r.chain.mu.Unlock()
	return r.faulty.Pending() > 0 || r.chain.fail != ""
}

func (r *rig) awaitStrike() {
	for range 1000 {
		if !r.armed() {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// reopen restarts the service on what the disk has.
func (r *rig) reopen() {
	r.t.Helper()
	many := r.service.cfg.DeleteMany
	r.close()
	r.open()
	r.service.cfg.DeleteMany = many
}

func (r *rig) check(all []*trial, when string) {
	r.t.Helper()
	for _, tr := range all {
		whole, absent := tr.state()
		switch {
		case !whole && !absent:
			r.t.Errorf("%s: %s is half visible, answered %v", when, tr.name, tr.err)
		case tr.err == nil && !whole:
			r.t.Errorf("%s: %s is lost", when, tr.name)
		case tr.err != nil && !strings.Contains(tr.err.Error(), "not known") && !absent:
			r.t.Errorf("%s: %s was refused, yet is there: %v", when, tr.name, tr.err)
		}
	}
}

// A store that is older than its chain, as after a restore from backup, is served read-only.
func TestStoreBehindChain(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	for i := range 3 {
		if _, err := r.service.Create(ctx, staff(), "Patient", marked(fmt.Sprint(i)), WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := r.ledger.BatchTx(4, [32]byte{1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.ledger.Submit(ctx, tx); err != nil {
		t.Fatal(err)
	}
	for seq := uint64(0); seq < 4; {
		if seq, err = r.ledger.CommittedSeq(r.ledger.Writer()); err != nil {
			t.Fatal(err)
		}
	}
	r.close()
	r.open()
	_, err = r.service.Create(ctx, staff(), "Patient", marked("late"), WriteOptions{})
	if KindOf(err) != Unavailable || !strings.Contains(err.Error(), "batches 4 to 4") {
		t.Errorf("a write on a store behind its chain: %v", err)
	}
	if n := r.found("Patient", "1"); n != 1 {
		t.Errorf("reads do not go on: %d", n)
	}
	if r.service.Ready() == nil {
		t.Error("ready although writes are refused")
	}
}
