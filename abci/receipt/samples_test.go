package receipt

import (
	"testing"
	"time"

	"github.com/chartseal/chartseal/abci/tx"
)

// resource is the recorded one, canonical.
var resource = []byte(`{"id":"o1","resourceType":"Observation","status":"final","valueQuantity":{"value":6.30}}`)

func leaf(t testing.TB, seed byte, consent string) *tx.Leaf {
	t.Helper()
	l, err := tx.NewLeaf(&stream{next: seed}, tx.LeafKind_LEAF_KIND_VERSION, tx.LeafFields{
		Subject: "Observation/o" + string('0'+seed%10) + "/_history/1", Content: tx.ContentHash(resource), Agent: "client-7", Activity: "create",
		Recorded: "2026-01-02T03:04:05Z", Purpose: "TREAT", Consent: consent,
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// stream is a source of bytes that are always the same: never for use outside tests.
type stream struct{ next byte }

func (s *stream) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = s.next
		s.next += 11
	}
	return len(p), nil
}

// world holds the samples: two anchored receipts of different batches, anchors and consortium headers; one committed
// only; one whose consortium header is two changes of validators away from the trust file, and whose private validators
// were replaced since.
type world struct {
	trust                     *Trust
	trustFile                 []byte
	anchored, other           []byte
	committed, changed        []byte
	parts, changedParts       Parts
	privateSet, newPrivateSet set
	first, second, third      set // of the consortium
}

func (w *world) receipts() map[string][]byte {
	return map[string][]byte{"anchored": w.anchored, "other": w.other, "committed": w.committed, "changed": w.changed}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		privateSet: newSet(10, 20), newPrivateSet: newSet(10, 21, 22, 23),
		first: newSet(10, 1, 2, 3, 4), second: newSet(10, 1, 2, 3, 5), third: newSet(10, 1, 2, 6, 5, 7),
	}
	w.trust = &Trust{
		Format: TrustFormat, ChainID: consortium, TrustingPeriod: 14 * 24 * 3600,
		Checkpoint: Checkpoint{Height: 5, HeaderHash: Bytes(header(consortium, 5, hash32(1), w.first, w.first).Hash()), Time: epoch.Format(time.RFC3339Nano), Validators: w.first.list(t)},
		Members: List[Member]{
			{"hospital-a", "provider", Bytes(pub(30)), privateChain, w.privateSet.list(t)},
			{"payer & co", "payer", Bytes(pub(31)), "private-b", newSet(1, 24).list(t)},
			{"Ärztehaus", "laboratory", Bytes(pub(32)), "private-c", newSet(1, 25).list(t)},
			{"ministry", "regulator", Bytes(pub(33)), "private-d", newSet(1, 26).list(t)},
		},
	}
	var err error
	if w.trustFile, err = SignTrust(w.trust, key(33), key(30), key(31)); err != nil {
		t.Fatal(err)
	}
	w.fill(t)
	return w
}

func (w *world) fill(t testing.TB) {
	t.Helper()
	l := newLedger(t)
	consent := tx.ConsentRef{ID: [32]byte(hash32(70)), Version: 2, Height: 9}
	leaves := []*tx.Leaf{leaf(t, 1, ""), leaf(t, 2, consent.String()), leaf(t, 3, "emergency"), leaf(t, 4, consent.String())}
	seq := l.batch(leaves[0].Commitment(), leaves[1].Commitment(), leaves[2].Commitment())
	l.consentEntry(69, 1, 7)
	l.consentEntry(70, 2, 8)

	w.parts = l.parts(leaves[1], seq, 1, w.privateSet)
	w.parts.Open = append(w.parts.Open, 8)
	w.committed = mustBuild(t, w.parts)
	foreign := w.parts
	foreign.Private.Header = header("private-b", 9, hash32(9), w.privateSet, w.privateSet)
	l.anchorEntry(foreign, 10)
	w.parts.Anchor = &AnchorParts{Entry: l.anchorEntry(w.parts, 11), LogIndex: 1, State: l.consortiumState()}
	w.parts.Anchor.LogPath = l.proof(l.anchors, "a", 1)
	w.parts.Anchor.Consortium = signedHeader(t, header(consortium, 20, w.parts.Anchor.State.Hash(), w.first, w.first), w.first, "cncc")
	consentIndex := uint64(1)
	w.parts.Consent = &ConsentParts{Entry: mustConsent(70), LogIndex: consentIndex, LogPath: l.proof(l.consents, "c", consentIndex)}
	w.anchored = mustBuild(t, w.parts)

	l.consentEntry(68, 1, 12)
	seq = l.batch(leaves[3].Commitment(), leaf(t, 5, "").Commitment())
	other := l.parts(leaves[3], seq, 0, w.privateSet)
	other.Open = append(other.Open, 8, 4)
	other.Anchor = &AnchorParts{Entry: l.anchorEntry(other, 13), LogIndex: 2, State: l.consortiumState()}
	other.Anchor.LogPath = l.proof(l.anchors, "a", 2)
	other.Anchor.Consortium = signedHeader(t, header(consortium, 21, other.Anchor.State.Hash(), w.first, w.first), w.first, "-ccc")
	other.Consent = &ConsentParts{Entry: mustConsent(70), LogIndex: 1, LogPath: l.proof(l.consents, "c", 1)}
	w.other = mustBuild(t, other)

	w.fillChanged(t, l, leaves[0])
}

// fillChanged makes the receipt that crosses two changes of the consortium's validators.
func (w *world) fillChanged(t testing.TB, l *ledger, lf *tx.Leaf) {
	t.Helper()
	p := l.parts(lf, 1, 0, w.newPrivateSet)
	p.Open = nil
	p.Anchor = &AnchorParts{Entry: l.anchorEntry(p, 30), LogIndex: 3, State: l.consortiumState()}
	p.Anchor.LogPath = l.proof(l.anchors, "a", 3)
	p.Anchor.Changes = []ValidatorChange{
		{signedHeader(t, header(consortium, 25, hash32(1), w.first, w.second), w.first, ""), w.second.ValidatorSet},
		{signedHeader(t, header(consortium, 28, hash32(1), w.second, w.third), w.second, "n"), w.third.ValidatorSet},
	}
	p.Anchor.Consortium = signedHeader(t, header(consortium, 31, p.Anchor.State.Hash(), w.third, w.third), w.third, "")
	w.changedParts = p
	w.changed = mustBuild(t, p)
}

// mustConsent is what ledger.consentEntry appended for version 2 at height 8.
func mustConsent(id byte) *tx.ConsentEntry {
	return &tx.ConsentEntry{
		ConsentId: hash32(id), Version: 2, Status: tx.ConsentStatus_CONSENT_STATUS_ACTIVE, PolicyCommitment: hash32(71),
		EnvelopeHash: hash32(72), Member: "hospital-a", Height: 8, TimeUnixNano: epoch.UnixNano(),
	}
}

func mustBuild(t testing.TB, p Parts) []byte {
	t.Helper()
	raw, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// mustTrust signs a trust with the governance keys 30 to 33.
func mustTrust(t testing.TB, trust Trust) []byte {
	t.Helper()
	raw, err := SignTrust(&trust, key(30), key(31), key(32), key(33))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
