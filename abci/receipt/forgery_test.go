package receipt

import (
	"crypto/ed25519"
	"slices"
	"testing"

	cmttypes "github.com/cometbft/cometbft/types"
	"google.golang.org/protobuf/proto"

	"github.com/chartseal/chartseal/abci/tx"
)

// edit decodes a receipt, changes it, and writes it in canonical form again.
func edit(t *testing.T, raw []byte, change func(*Receipt)) []byte {
	t.Helper()
	r := new(Receipt)
	if err := decodeJSON(raw, r); err != nil {
		t.Fatal(err)
	}
	change(r)
	out, err := encodeJSON(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// uncut encodes a commit with all signatures that it has.
func uncut(t *testing.T, c *cmttypes.Commit) Bytes {
	t.Helper()
	raw, err := c.ToProto().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func mustEncode(t *testing.T, m proto.Message) Bytes {
	t.Helper()
	raw, err := tx.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Well-formed forgeries: what someone can try who knows the format and has keys of his own.
func TestForgeriesInForm(t *testing.T) {
	w := newWorld(t)
	tests := map[string]struct {
		base   []byte
		change func(*Receipt)
		want   string
	}{
		"r of 31 bytes":            {w.anchored, func(r *Receipt) { r.Leaf.R = r.Leaf.R[:31] }, StepLeaf},
		"r of 33 bytes":            {w.anchored, func(r *Receipt) { r.Leaf.R = append(r.Leaf.R, 0) }, StepLeaf},
		"no r":                     {w.anchored, func(r *Receipt) { r.Leaf.R = nil }, StepLeaf},
		"another r":                {w.anchored, func(r *Receipt) { r.Leaf.R = hash32(1) }, StepBatch},
		"body with one field less": {w.anchored, func(r *Receipt) { r.Leaf.Body = r.Leaf.Body[:len(r.Leaf.Body)-34] }, StepLeaf},
		"salt of 31 bytes":         {w.anchored, func(r *Receipt) { r.Leaf.Openings[0].Salt = r.Leaf.Openings[0].Salt[:31] }, StepOpenings},
		"another value":            {w.anchored, func(r *Receipt) { r.Leaf.Openings[2].Value = Bytes("2020-01-01T00:00:00Z") }, StepOpenings},
		"unknown field":            {w.anchored, func(r *Receipt) { r.Leaf.Openings[0].Field = "mood" }, StepOpenings},
		"openings out of order": {w.anchored, func(r *Receipt) {
			r.Leaf.Openings[0], r.Leaf.Openings[1] = r.Leaf.Openings[1], r.Leaf.Openings[0]
		}, StepOpenings},
		"a hidden opening": {w.anchored, func(r *Receipt) { r.Leaf.Discloses = r.Leaf.Discloses[1:] }, StepOpenings},
		"another format":   {w.anchored, func(r *Receipt) { r.Format = "chartseal-receipt/2" }, StepFormat},
		"weak algorithm":   {w.anchored, func(r *Receipt) { r.Algorithms.Hash = "MD5" }, StepFormat},
		"no anchor":        {w.anchored, func(r *Receipt) { r.Anchor = nil }, StepParts},
		"no consent":       {w.anchored, func(r *Receipt) { r.Consent = nil }, StepParts},
		"consent without anchor": {w.anchored, func(r *Receipt) {
			r.Anchor = nil
			r.Parts = r.parts()
		}, StepParts},
		"another leaf of the batch": {w.anchored, func(r *Receipt) { r.Batch.Index = 0 }, StepBatch},
		"an inner node as leaf": {w.anchored, func(r *Receipt) {
			r.Batch.Path = r.Batch.Path[1:]
		}, StepBatch},
		"log size":        {w.anchored, func(r *Receipt) { r.Private.State = changeState(t, r, func(s *tx.PrivateState) { s.LogSize++ }) }, StepPrivateLog},
		"parameters":      {w.anchored, func(r *Receipt) { r.Private.State = changeState(t, r, func(s *tx.PrivateState) { s.Params[0]++ }) }, StepPrivateHeader},
		"anchor is later": {w.committed, func(r *Receipt) { r.Private.LogIndex = 5 }, StepPrivateLog},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			expect(t, Verify(edit(t, tc.base, tc.change), w.trustFile, Options{}), tc.want)
		})
	}
}

func expect(t *testing.T, report *Report, step string) {
	t.Helper()
	if report.Verdict != Invalid {
		t.Fatalf("accepted as %s", report.Verdict)
	}
	if report.Failed() == nil || report.Failed().Name != step {
		t.Errorf("refused by %+v, want %s", report.Failed(), step)
	}
}

func changeState(t *testing.T, r *Receipt, change func(*tx.PrivateState)) Bytes {
	t.Helper()
	s := new(tx.PrivateState)
	if err := tx.Decode(r.Private.State, s); err != nil {
		t.Fatal(err)
	}
	change(s)
	return mustEncode(t, s)
}

// The commit must be the shortest prefix that suffices: no signature less, none more, none of another kind.
func TestForgedCommits(t *testing.T) {
	w := newWorld(t)
	c := w.parts.Anchor.Consortium
	full := commit(t, c.Header, w.first, "cccc")
	cut, err := trim(full, validators(w.first.list(t)))
	if err != nil {
		t.Fatal(err)
	}
	mixed := *cut
	mixed.Signatures = append([]cmttypes.CommitSig{full.Signatures[1], full.Signatures[0]}, cut.Signatures[2:]...)
	moved := *cut
	moved.Round++
	resign := func(c cmttypes.Commit) *cmttypes.Commit {
		c.Signatures = slices.Clone(c.Signatures)
		for i, v := range w.first.Validators[:len(c.Signatures)] {
			c.Signatures[i].Signature = ed25519.Sign(w.first.keys[string(v.Address)], c.VoteSignBytes(consortium, int32(i)))
		}
		return &c
	}
	higher, incomplete := *cut, *cut
	higher.Height++
	incomplete.BlockID.PartSetHeader = cmttypes.PartSetHeader{}
	tests := map[string]*cmttypes.Commit{
		"all signatures":    full,
		"one less":          {Height: cut.Height, Round: cut.Round, BlockID: cut.BlockID, Signatures: cut.Signatures[:len(cut.Signatures)-1]},
		"absent at the end": {Height: cut.Height, Round: cut.Round, BlockID: cut.BlockID, Signatures: append(cut.Signatures[:len(cut.Signatures):len(cut.Signatures)], cmttypes.NewCommitSigAbsent())},
		"votes for nil":     commit(t, c.Header, w.first, "nccc"),
		"swapped":           &mixed,
		"another round":     &moved,
		"another height":    resign(higher),
		"no parts":          resign(incomplete),
		"another header":    commit(t, header(consortium, c.Header.Height, hash32(1), w.first, w.first), w.first, ""),
		"another chain":     commit(t, header("elsewhere", c.Header.Height, c.Header.AppHash, w.first, w.first), w.first, ""),
	}
	if got := edit(t, w.anchored, func(r *Receipt) { r.Anchor.Commit = uncut(t, cut) }); Verify(got, w.trustFile, Options{}).Verdict != Anchored {
		t.Fatal("the unchanged commit is refused: the test proves nothing")
	}
	for name, forged := range tests {
		raw := edit(t, w.anchored, func(r *Receipt) { r.Anchor.Commit = uncut(t, forged) })
		t.Run(name, func(t *testing.T) { expect(t, Verify(raw, w.trustFile, Options{}), StepConsortiumCommit) })
	}
}

// Chains that are well-formed and signed, but not by whom the verifier trusts.
func TestForgedChains(t *testing.T) {
	w := newWorld(t)
	thieves := newSet(10, 101, 102, 103, 104)
	rebuild := func(change func(p *Parts)) []byte {
		p := w.parts
		anchor := *w.parts.Anchor
		p.Anchor = &anchor
		change(&p)
		return mustBuild(t, p)
	}
	private := func(chain string, s set) SignedHeader {
		h := header(chain, w.parts.Private.Header.Height, w.parts.Private.Header.AppHash, s, s)
		return signedHeader(t, h, s, "")
	}
	tests := map[string]struct {
		raw  []byte
		want string
	}{
		"consortium of thieves": {rebuild(func(p *Parts) {
			p.Anchor.Consortium = signedHeader(t, header(consortium, 20, p.Anchor.State.Hash(), thieves, thieves), thieves, "")
		}), StepConsortiumHeader},
		"another consortium": {rebuild(func(p *Parts) {
			p.Anchor.Consortium = signedHeader(t, header("elsewhere", 20, p.Anchor.State.Hash(), w.first, w.first), w.first, "")
		}), StepConsortiumHeader},
		"thieves under the names of validators": {rebuild(func(p *Parts) {
			p.Anchor.Consortium = signedHeader(t, header(consortium, 20, p.Anchor.State.Hash(), w.first, w.first), thieves, "")
			p.Anchor.Consortium.Validators = w.first.ValidatorSet
		}), StepConsortiumCommit},
		"header as old as the anchor": {rebuild(func(p *Parts) {
			p.Anchor.Consortium = signedHeader(t, header(consortium, 11, p.Anchor.State.Hash(), w.first, w.first), w.first, "")
		}), StepAnchorLog},
		"another header at the checkpoint": {rebuild(func(p *Parts) {
			p.Anchor.Consortium = signedHeader(t, header(consortium, 5, p.Anchor.State.Hash(), w.first, w.first), w.first, "")
		}), StepConsortiumHeader},
		"private header of thieves, anchored": {rebuild(func(p *Parts) { p.Private = private(privateChain, thieves) }), StepAnchor},
		"private header of thieves": {rebuild(func(p *Parts) {
			p.Private = private(privateChain, thieves)
			p.Anchor, p.Consent = nil, nil
		}), StepPrivateValidators},
		"second header of the same height and state": {rebuild(func(p *Parts) {
			h := *p.Private.Header
			h.Time = h.Time.Add(1)
			p.Private = signedHeader(t, &h, w.privateSet, "")
		}), StepAnchor},
		"chain of nobody":    {rebuild(func(p *Parts) { p.Private = private("private-x", w.privateSet) }), StepPrivateHeader},
		"chain of another":   {rebuild(func(p *Parts) { p.Private = private("private-b", w.privateSet) }), StepAnchor},
		"anchor of another":  {rebuild(func(p *Parts) { p.Private = private(privateChain, w.newPrivateSet) }), StepAnchor},
		"consent of another": {rebuild(func(p *Parts) { p.Open = []tx.LeafField{1}; p.Consent = w.parts.Consent }), StepConsent},
		"anchor of another time": {rebuild(func(p *Parts) {
			e := proto.CloneOf(p.Anchor.Entry)
			e.TimeUnixNano--
			p.Anchor.Entry = e
		}), StepAnchorLog},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) { expect(t, Verify(tc.raw, w.trustFile, Options{}), tc.want) })
	}
}

func TestForgedConsents(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*tx.ConsentEntry){
		"id":      func(e *tx.ConsentEntry) { e.ConsentId[0]++ },
		"version": func(e *tx.ConsentEntry) { e.Version++ },
		"status":  func(e *tx.ConsentEntry) { e.Status = tx.ConsentStatus_CONSENT_STATUS_INACTIVE },
		"later":   func(e *tx.ConsentEntry) { e.Height = 10 },
	} {
		p := w.parts
		entry := proto.CloneOf(p.Consent.Entry)
		change(entry)
		p.Consent = &ConsentParts{Entry: entry, LogIndex: p.Consent.LogIndex, LogPath: p.Consent.LogPath}
		raw := mustBuild(t, p)
		t.Run(name, func(t *testing.T) { expect(t, Verify(raw, w.trustFile, Options{}), StepConsent) })
	}
}

// An anchor entry that contradicts the private header in one field, under a good consortium header.
func TestContradictingAnchors(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*tx.AnchorEntry){
		"":           func(*tx.AnchorEntry) {},
		"chain":      func(e *tx.AnchorEntry) { e.PrivateChainId = "private-b" },
		"height":     func(e *tx.AnchorEntry) { e.PrivateHeight++ },
		"header":     func(e *tx.AnchorEntry) { e.HeaderHash[0]++ },
		"validators": func(e *tx.AnchorEntry) { e.ValidatorsHash[0]++ },
		"root":       func(e *tx.AnchorEntry) { e.LogRoot[0]++ },
		"size":       func(e *tx.AnchorEntry) { e.LogSize++ },
	} {
		l := newLedger(t)
		lf := leaf(t, 2, "")
		p := l.parts(lf, l.batch(lf.Commitment()), 0, w.privateSet)
		entry := proto.CloneOf(l.anchorEntry(p, 11))
		change(entry)
		l.anchors = l.log("b")
		l.appendTo(l.anchors, entry)
		p.Anchor = &AnchorParts{Entry: entry, State: l.consortiumState()}
		p.Anchor.Consortium = signedHeader(t, header(consortium, 20, p.Anchor.State.Hash(), w.first, w.first), w.first, "")
		report := Verify(mustBuild(t, p), w.trustFile, Options{})
		if name == "" && report.Verdict != Anchored {
			t.Fatalf("a good anchor is refused: %+v", report.Failed())
		}
		if name != "" {
			t.Run(name, func(t *testing.T) { expect(t, report, StepAnchor) })
		}
	}
}

// A consent that was recorded after the act cannot have permitted it.
func TestConsentAfterTheAct(t *testing.T) {
	w := newWorld(t)
	for height, want := range map[int64]Verdict{7: Invalid, 8: Anchored} {
		p := w.parts
		p.Leaf = leaf(t, 2, tx.ConsentRef{ID: [32]byte(hash32(70)), Version: 2, Height: height}.String())
		l := newLedger(t)
		l.consentEntry(69, 1, 7)
		l.consentEntry(70, 2, 8)
		q := l.parts(p.Leaf, l.batch(p.Leaf.Commitment()), 0, w.privateSet)
		q.Open = []tx.LeafField{8}
		q.Anchor = &AnchorParts{Entry: l.anchorEntry(q, 11), State: l.consortiumState()}
		q.Anchor.Consortium = signedHeader(t, header(consortium, 20, q.Anchor.State.Hash(), w.first, w.first), w.first, "")
		q.Consent = p.Consent
		report := Verify(mustBuild(t, q), w.trustFile, Options{})
		if report.Verdict != want || want == Invalid && report.Failed().Name != StepConsent {
			t.Errorf("act at height %d: %s, %+v", height, report.Verdict, report.Failed())
		}
	}
}
