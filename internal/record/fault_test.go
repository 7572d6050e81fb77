package record

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

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

// faults of every step of the write path, each failed, and failed but had been stored.
func faults() map[string]func(*rig) {
	out := map[string]func(*rig){}
	for _, op := range []storetest.Op{
		storetest.OpStage, storetest.OpBatch, storetest.OpSetPublished, storetest.OpHead, storetest.OpKey, storetest.OpOutcome,
		storetest.OpSides, storetest.OpRemoveSide,
	} {
		for n, fault := range map[string]storetest.Fault{"failed": storetest.Failed, "failed but stored": storetest.FailedButStored} {
			out["store "+string(op)+" "+n] = func(r *rig) { r.faulty.Inject(op, 1, fault) }
		}
	}
	// The store does not know whether it staged, and cannot be asked either.
	for n, fault := range map[string]storetest.Fault{"failed": storetest.Failed, "failed but stored": storetest.FailedButStored} {
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

// What was acknowledged is there, what was refused for good is not, nothing is half there: at once and after a
// restart, whatever fails on the way.
func TestFaultsOfTheWritePath(t *testing.T) {
	for name, inject := range faults() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			ctx := context.Background()
			outcomes := map[string]error{}
			try := func(marker string, f func() error) { outcomes[marker] = f() }
			write := func(round string) {
				try("single-"+round, func() error {
					_, err := r.service.Create(ctx, staff(), "Patient", marked("single-"+round), WriteOptions{IdempotencyKey: round})
					return err
				})
				try("tx-"+round, func() error {
					_, err := r.service.Transaction(ctx, staff(), bundle(t, "tx-"+round), WriteOptions{})
					return err
				})
				_, _ = r.service.Update(ctx, staff(), "Consent", "c1", []byte(consentBody), WriteOptions{})
			}
			write("before")
			for marker, err := range outcomes {
				if err != nil {
					t.Fatalf("%s without a fault: %v", marker, err)
				}
			}
			inject(r)
			write("during")
			write("after")
			r.check(outcomes, "at once")
			r.close()
			r.open()
			r.check(outcomes, "after a restart")
			if _, err := r.service.Create(ctx, staff(), "Patient", marked("last"), WriteOptions{}); err != nil {
				t.Errorf("no write after the restart: %v", err)
			}
		})
	}
}

func (r *rig) check(outcomes map[string]error, when string) {
	r.t.Helper()
	for marker, err := range outcomes {
		patients, observations := r.found("Patient", marker), 0
		whole := patients == 1
		if strings.HasPrefix(marker, "tx") {
			observations = r.found("Observation", marker)
			whole = whole && observations == 1
		}
		absent := patients == 0 && observations == 0
		described := fmt.Sprintf("%s: %s: %d patients, %d observations, answered %v", when, marker, patients, observations, err)
		switch {
		case !whole && !absent:
			r.t.Errorf("half visible: %s", described)
		case err == nil && !whole:
			r.t.Errorf("lost: %s", described)
		case err != nil && strings.Contains(err.Error(), "nothing was stored") && !absent:
			r.t.Errorf("refused, yet there: %s", described)
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
