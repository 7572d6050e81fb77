package ledger

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chartseal/chartseal/abci/receipt"
)

// leafBatch commits a batch of so many leaves and returns what a receipt of one of them needs.
func (b *bed) leafBatch(seq uint64, leaves int) ReceiptInput {
	b.t.Helper()
	in := ReceiptInput{Writer: b.Writer(), Seq: seq, Index: uint32(leaves / 2), WithContent: true} //nolint:gosec // small
	for i := range leaves {
		opening, commitment, err := NewLeaf(LeafFields{
			Subject: "Observation/o/_history/1", Content: ContentHash([]byte(`{"resourceType":"Observation"}`)), Activity: "create",
			Recorded: "2026-01-02T03:04:05Z", Agent: "client", Consent: ConsentRef(rootOf(1), 1, 1<<40),
		})
		if err != nil {
			b.t.Fatal(err)
		}
		if in.Commitments = append(in.Commitments, commitment); i == int(in.Index) {
			in.Leaf = opening
		}
	}
	raw, err := b.BatchTx(seq, BatchRoot(in.Commitments), uint64(leaves)) //nolint:gosec // small
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.Submit(within(b.t), raw); err != nil {
		b.t.Fatal(err)
	}
	b.wait(seq)
	return in
}

// putConsent records a consent and waits for it.
func (b *bed) putConsent(c Consent, nonce uint64) {
	b.t.Helper()
	raw, err := b.ConsentTx(c, nonce)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.SubmitConsortium(within(b.t), raw); err != nil {
		b.t.Fatal(err)
	}
	err = b.consortium.await(within(b.t), func() (bool, error) {
		got, ok := b.ConsentState(c.ID)
		return ok && got.Version >= c.Version, nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// verdict verifies a receipt with the ledger's own trust file.
func (b *bed) verdict(raw, resource []byte) *receipt.Report {
	b.t.Helper()
	trust, err := b.Trust()
	if err != nil {
		b.t.Fatal(err)
	}
	r := receipt.Verify(raw, trust, receipt.Options{Resource: resource, Now: time.Now()})
	if r.Failed() != nil {
		b.t.Fatalf("receipt: %+v", r.Failed())
	}
	return r
}

func TestReceiptsAreCommittedThenAnchored(t *testing.T) {
	b := newBed(t)
	b.close()
	b.cfg.AnchorInterval = time.Hour // one anchor at the start, then none
	b.open()
	b.commit(1)
	b.awaitAnchored(1)
	in := b.leafBatch(2, 5)
	raw, err := b.Receipt(within(t), in)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.verdict(raw, []byte(`{"resourceType":"Observation"}`)); got.Verdict != receipt.Committed || got.Claims.Organisation != "Test Hospital" {
		t.Errorf("before the anchor: %+v", got)
	}
	b.close()
	b.cfg.AnchorInterval = time.Millisecond
	b.open()
	b.putConsent(Consent{ID: rootOf(1), Version: 1, Active: true, PolicyCommitment: rootOf(8), EnvelopeHash: rootOf(9)}, 1)
	for seq := uint64(3); seq < 8; seq++ { // later batches and anchors change nothing for earlier ones
		b.commit(seq)
	}
	b.awaitAnchored(7)
	if raw, err = b.Receipt(within(t), in); err != nil {
		t.Fatal(err)
	}
	got := b.verdict(raw, []byte(`{"resourceType":"Observation"}`))
	if got.Verdict != receipt.Anchored || got.Claims.Consent == nil || !got.Claims.ResourceMatches {
		t.Errorf("after the anchor: %+v", got)
	}
	trust, err := b.Trust()
	if err != nil {
		t.Fatal(err)
	}
	report, valid, err := VerifyReceipt(raw, trust, nil)
	if err != nil || !valid || len(report) == 0 {
		t.Errorf("VerifyReceipt: %s, %v, %v", report, valid, err)
	}
	raw[len(raw)/2] ^= 1
	if _, valid, err := VerifyReceipt(raw, trust, nil); err != nil || valid {
		t.Errorf("changed receipt: %v, %v", valid, err)
	}
}

func TestReceiptDisclosesWhatIsAsked(t *testing.T) {
	b := newBed(t)
	in := b.leafBatch(1, 1)
	for name, c := range map[string]struct {
		content bool
		fields  []Field
		want    int
	}{
		"all":             {true, nil, 6},
		"without content": {false, nil, 5},
		"two fields":      {false, []Field{FieldSubject, FieldRecorded}, 2},
		"nothing":         {false, []Field{}, 0},
	} {
		in.WithContent, in.Fields = c.content, c.fields
		raw, err := b.Receipt(within(t), in)
		if err != nil {
			t.Fatal(name, err)
		}
		if got := b.verdict(raw, nil); len(got.Claims.Fields) != c.want {
			t.Errorf("%s: %d fields", name, len(got.Claims.Fields))
		}
	}
}

func TestReceiptOfWhatIsNotThere(t *testing.T) {
	b := newBed(t)
	in := b.leafBatch(1, 3)
	for name, change := range map[string]func(*ReceiptInput){
		"seq":          func(in *ReceiptInput) { in.Seq = 2 },
		"writer":       func(in *ReceiptInput) { in.Writer[0] ^= 1 },
		"index":        func(in *ReceiptInput) { in.Index = 0 },
		"index beyond": func(in *ReceiptInput) { in.Index = 3 },
		"commitments":  func(in *ReceiptInput) { in.Commitments = append([][32]byte{}, in.Commitments[:2]...) },
	} {
		other := in
		change(&other)
		if _, err := b.Receipt(within(t), other); !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	in.Leaf = in.Leaf[1:]
	if _, err := b.Receipt(within(t), in); err == nil {
		t.Error("malformed opening accepted")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Submit(ctx, b.batch(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("submit with a context that has ended: %v", err)
	}
}
