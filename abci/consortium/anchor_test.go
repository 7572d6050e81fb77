package consortium

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/tmhash"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/abci/tx/mlog"
)

func TestAnchorsAreFoundAndProved(t *testing.T) {
	a, b := newOrg("north", 4), newOrg("south", 1)
	n := newNode(t, genesisOf(t, a, b))
	var raws [][]byte
	for i := range 12 {
		a.write(1 + i%3)
		b.write(1)
		raws = append(raws, a.good(t))
		if diff := cmp.Diff([]Code{CodeOK, CodeOK}, n.run(raws[i], b.good(t))); diff != "" {
			t.Fatal(diff)
		}
	}
	s := n.app.Current()
	if got := s.State.AnchorLogSize; got != 24 {
		t.Fatalf("%d anchors", got)
	}
	log := s.AnchorLog()
	for logIndex := range a.log.Size() {
		i, err := s.AnchorFor(a.chainID, logIndex)
		if err != nil {
			t.Fatal(err)
		}
		e, evidence, err := s.Anchor(i)
		if err != nil {
			t.Fatal(err)
		}
		if e.PrivateChainId != a.chainID || e.LogSize <= logIndex || !bytes.Equal(evidence.State.LogRoot, e.LogRoot) {
			t.Fatalf("anchor %d for entry %d: %v", i, logIndex, e)
		}
		leaf, _ := tx.EntryLeaf(e)
		path, err := log.Inclusion(i, s.State.AnchorLogSize)
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.VerifyInclusion(s.State.AnchorLogRoot, leaf, i, s.State.AnchorLogSize, path); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.AnchorFor(a.chainID, a.log.Size())
	mustAbsent(t, err)
	_, err = s.AnchorFor("private-nort", 0) // a prefix of another chain's id
	mustAbsent(t, err)
	chain, err := s.Chain(a.chainID)
	if err != nil {
		t.Fatal(err)
	}
	if chain.Height != a.height || chain.LogSize != a.log.Size() || chain.Anchors != 12 || chain.LastIndex != 22 {
		t.Fatalf("chain record: %v", chain)
	}
	if got := n.run(raws[3]); got[0] != CodeNonce {
		t.Fatalf("replayed anchor: code %d", got[0])
	}
}

func TestEntryHoldsHeaderAndBlockTime(t *testing.T) {
	a := newOrg("north", 1)
	n := newNode(t, genesisOf(t, a))
	a.write(3)
	m := a.anchor(a.spec())
	if got := n.run(a.sign(t, m)); got[0] != CodeOK {
		t.Fatalf("code %d", got[0])
	}
	s, err := decodeSignedHeader(m.Header, m.Commit, m.Validators, 10)
	if err != nil {
		t.Fatal(err)
	}
	want := &tx.AnchorEntry{
		PrivateChainId: a.chainID, PrivateHeight: 2, HeaderHash: s.hash, LogRoot: a.log.Root(), LogSize: 3,
		ValidatorsHash: s.header.ValidatorsHash, Height: 1, TimeUnixNano: time.Unix(1700000005, 0).UnixNano(),
	}
	if diff := cmp.Diff(want, n.seen[0].Anchors[0].Entry, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	m.Consistency = nil
	_, evidence, err := n.app.Current().Anchor(0)
	if diff := cmp.Diff(m, evidence, protocmp.Transform()); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// Every bad anchor is refused with its own code and changes nothing, in CheckTx as in a block.
func TestBadAnchorsAreRefused(t *testing.T) {
	stranger := newOrg("stranger", 4)
	other := newOrg("other", 4)
	cases := map[string]struct {
		want Code
		bad  func(o *org, s *anchorSpec) func(*tx.Anchor)
	}{
		"chain not registered": {CodeAnchorChain, func(*org, *anchorSpec) func(*tx.Anchor) {
			return func(a *tx.Anchor) { a.PrivateChainId = stranger.chainID }
		}},
		"header of another chain": {CodeAnchorChain, func(_ *org, s *anchorSpec) func(*tx.Anchor) {
			s.chainID, s.signChain = other.chainID, other.chainID
			return nil
		}},
		"signed for another chain": {CodeAnchorSignatures, func(_ *org, s *anchorSpec) func(*tx.Anchor) {
			s.signChain = other.chainID
			return nil
		}},
		"validators of nobody": {CodeAnchorValidators, func(_ *org, s *anchorSpec) func(*tx.Anchor) {
			s.set, s.signers = stranger.validators, stranger.validators
			return nil
		}},
		"validators not of the header": {CodeAnchorValidators, func(o *org, _ *anchorSpec) func(*tx.Anchor) {
			return func(a *tx.Anchor) {
				s := o.spec()
				s.set, s.signers = stranger.validators, stranger.validators
				a.Validators = o.anchor(s).Validators
			}
		}},
		"new set with two thirds of the old, not more": {CodeAnchorValidators, func(o *org, s *anchorSpec) func(*tx.Anchor) {
			s.set = append(o.makeValidators(20, 4), o.validators[:2]...)
			s.signers = s.set
			return nil
		}},
		"half of the signatures": {CodeAnchorSignatures, func(o *org, s *anchorSpec) func(*tx.Anchor) {
			s.signers = o.validators[:2]
			return nil
		}},
		"no signature": {CodeAnchorSignatures, func(_ *org, s *anchorSpec) func(*tx.Anchor) {
			s.signers = nil
			return nil
		}},
		"signature changed": {CodeAnchorSignatures, func(o *org, s *anchorSpec) func(*tx.Anchor) {
			s.signers = o.validators[:3]
			return func(a *tx.Anchor) { a.Commit = flipSignature(a.Commit) }
		}},
		"wrong preimage": {CodeAnchorPreimage, func(_ *org, s *anchorSpec) func(*tx.Anchor) {
			s.hash = tmhash.Sum([]byte("another application hash"))
			return nil
		}},
		"another writers root": {CodeAnchorPreimage, func(_ *org, s *anchorSpec) func(*tx.Anchor) {
			s.hash = s.state.Hash()
			s.state.WritersRoot = tmhash.Sum([]byte("others"))
			return nil
		}},
		"header does not decode": {CodeAnchorMalformed, func(*org, *anchorSpec) func(*tx.Anchor) {
			return func(a *tx.Anchor) { a.Header = []byte{0xff} }
		}},
		"header with an unknown field": {CodeAnchorMalformed, func(*org, *anchorSpec) func(*tx.Anchor) {
			return func(a *tx.Anchor) { a.Header = append(a.Header, 0xf8, 0x07, 1) }
		}},
		"commit does not decode": {CodeAnchorMalformed, func(*org, *anchorSpec) func(*tx.Anchor) {
			return func(a *tx.Anchor) { a.Commit = []byte{0xff} }
		}},
		"validators do not decode": {CodeAnchorMalformed, func(*org, *anchorSpec) func(*tx.Anchor) {
			return func(a *tx.Anchor) { a.Validators = []byte{0xff} }
		}},
		"commit for another header": {CodeAnchorMalformed, func(o *org, _ *anchorSpec) func(*tx.Anchor) {
			return func(a *tx.Anchor) {
				s := o.spec()
				s.salt = 9
				a.Commit = o.anchor(s).Commit
			}
		}},
		"lower than the last": {CodeAnchorStale, func(o *org, s *anchorSpec) func(*tx.Anchor) {
			s.height = o.height - 2
			s.state = stateAt(o, 2)
			s.from = 2
			return nil
		}},
		"no consistency proof": {CodeAnchorConsistency, func(*org, *anchorSpec) func(*tx.Anchor) {
			return func(a *tx.Anchor) { a.Consistency = nil }
		}},
		"consistency proof from elsewhere": {CodeAnchorConsistency, func(_ *org, s *anchorSpec) func(*tx.Anchor) {
			s.from = 3
			return nil
		}},
		"log that forked": {CodeAnchorConsistency, func(o *org, s *anchorSpec) func(*tx.Anchor) {
			s.state.LogRoot = forked(o, s.state.LogSize).Root()
			return nil
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := newOrg("north", 4)
			n := newNode(t, genesisOf(t, o, other))
			o.write(5)
			if got := n.run(o.good(t)); got[0] != CodeOK {
				t.Fatalf("good anchor: code %d", got[0])
			}
			before := n.app.Current().AppHash
			o.write(4)
			s := o.spec()
			change := c.bad(o, &s)
			m := o.anchor(s)
			if change != nil {
				change(m)
			}
			raw := o.sign(t, m)
			if got := n.check(raw); got != c.want {
				t.Errorf("CheckTx: code %d, want %d", got, c.want)
			}
			if got := n.run(raw); got[0] != c.want {
				t.Errorf("block: code %d, want %d", got[0], c.want)
			}
			if !bytes.Equal(before, n.app.Current().AppHash) {
				t.Error("refused anchor changed the state")
			}
			if got := n.run(o.good(t)); got[0] != CodeOK {
				t.Errorf("good anchor afterwards: code %d", got[0])
			}
		})
	}
}

// flipSignature changes the last byte of a commit, which belongs to its last signature.
func flipSignature(commit []byte) []byte {
	c := bytes.Clone(commit)
	i := bytes.LastIndexByte(c, 0x40) // length prefix of the last signature of 64 bytes
	c[i+5] ^= 1
	return c
}

// stateAt is the state of an organisation's log when it had a smaller size.
func stateAt(o *org, size uint64) *tx.PrivateState {
	s := o.state()
	s.LogSize = size
	s.LogRoot, _ = mlog.NewView(o.nodes, nil, o.log.Size()).RootAt(size)
	return s
}

// forked is a log of the given size with other entries.
func forked(o *org, size uint64) *mlog.Log {
	f := newOrg(o.name+"-fork", 1)
	f.write(int(size)) //nolint:gosec // small
	return f.log
}

func TestMisbehaviourIsRecordedAndFlagsTheMember(t *testing.T) {
	cases := map[string]struct {
		want Code
		kind MisbehaviourKind
		spec func(o *org) anchorSpec
	}{
		"two headers at the last height": {CodeConflictingHeaders, MisbehaviourKind_MISBEHAVIOUR_KIND_HEADERS, func(o *org) anchorSpec {
			s := o.spec()
			s.salt = 1
			return s
		}},
		"two headers at an earlier height": {CodeConflictingHeaders, MisbehaviourKind_MISBEHAVIOUR_KIND_HEADERS, func(o *org) anchorSpec {
			s := o.spec()
			s.height, s.salt = o.height-1, 1
			return s
		}},
		"later header, shorter log": {CodeShrunkLog, MisbehaviourKind_MISBEHAVIOUR_KIND_SHRUNK, func(o *org) anchorSpec {
			s := o.spec()
			s.height, s.state = o.height+1, stateAt(o, 4)
			return s
		}},
		"earlier header, longer log": {CodeShrunkLog, MisbehaviourKind_MISBEHAVIOUR_KIND_SHRUNK, func(o *org) anchorSpec {
			s := o.spec()
			s.height = o.height - 2
			s.state.LogSize++
			return s
		}},
		"two roots at one size": {CodeConflictingRoots, MisbehaviourKind_MISBEHAVIOUR_KIND_ROOTS, func(o *org) anchorSpec {
			s := o.spec()
			s.height = o.height + 1
			s.state.LogRoot = forked(o, s.state.LogSize).Root()
			return s
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o, witness := newOrg("north", 4), newOrg("south", 1)
			n := newNode(t, genesisOf(t, o, witness))
			o.write(2) // height 2, not anchored
			o.write(3)
			n.run(o.good(t))
			o.write(2)
			n.run(o.good(t))
			s := n.app.Current()
			last, _ := s.Chain(o.chainID)
			m := o.anchor(c.spec(o))
			raw := witness.sign(t, m)
			if got := n.check(raw); got != CodeOK {
				t.Errorf("CheckTx keeps the proof out: code %d", got)
			}
			if got := n.run(raw); got[0] != c.want {
				t.Fatalf("code %d, want %d", got[0], c.want)
			}
			after := n.app.Current()
			if bytes.Equal(s.AppHash, after.AppHash) {
				t.Error("misbehaviour is not in the state")
			}
			if again, _ := after.Chain(o.chainID); cmp.Diff(last, again, protocmp.Transform()) != "" || after.State.AnchorLogSize != s.State.AnchorLogSize {
				t.Error("the anchor was taken")
			}
			if member, _ := after.Member(o.name); member.Misbehaviours != 1 {
				t.Errorf("member is not flagged: %v", member)
			}
			if member, _ := after.Member(witness.name); member.Misbehaviours != 0 {
				t.Errorf("witness is flagged: %v", member)
			}
			got := n.seen[len(n.seen)-1].Misbehaviours
			if len(got) != 1 || got[0].Kind != c.kind || got[0].Member != o.name || len(got[0].EvidenceHash) != tx.HashSize {
				t.Errorf("record: %v", got)
			}
			if codes := n.run(witness.sign(t, m)); codes[0] != CodeAnchorKnown {
				t.Errorf("second report: code %d", codes[0])
			}
			o.height += 3
			o.write(1)
			if codes := n.run(o.good(t)); codes[0] != CodeOK {
				t.Errorf("honest anchor afterwards: code %d", codes[0])
			}
		})
	}
}

// Two anchors of one height in one block: the second is seen although nothing is committed yet.
func TestMisbehaviourWithinOneBlock(t *testing.T) {
	o := newOrg("north", 1)
	n := newNode(t, genesisOf(t, o))
	o.write(1)
	other := o.spec()
	other.salt = 1
	first, second := o.good(t), o.sign(t, o.anchor(other))
	o.write(1)
	third := o.good(t)
	if diff := cmp.Diff([]Code{CodeOK, CodeOK, CodeNonce}, n.run(first, third, second)); diff != "" {
		t.Fatal(diff)
	}
	o.write(1)
	fourth := o.spec()
	fourth.salt = 2
	a, b := o.good(t), o.sign(t, o.anchor(fourth))
	if diff := cmp.Diff([]Code{CodeOK, CodeConflictingHeaders}, n.run(a, b)); diff != "" {
		t.Fatal(diff)
	}
}

func TestValidatorSetMayChange(t *testing.T) {
	o := newOrg("north", 4)
	n := newNode(t, genesisOf(t, o))
	o.write(1)
	n.run(o.good(t))
	for step := range 4 { // one validator replaced each time: three of the old four sign
		o.validators = append(o.makeValidators(10+step, 1), o.validators[:3]...)
		o.write(1)
		if got := n.run(o.good(t)); got[0] != CodeOK {
			t.Fatalf("step %d: code %d", step, got[0])
		}
	}
	o.write(1)
	first := newOrg("north", 4) // the registered set is not trusted any more
	s := o.spec()
	s.set, s.signers = first.validators, first.validators
	if got := n.run(o.sign(t, o.anchor(s))); got[0] != CodeAnchorValidators {
		t.Fatalf("retired set: code %d", got[0])
	}
}

func TestQuietChainMayBeAnchoredAgain(t *testing.T) {
	o := newOrg("north", 1)
	n := newNode(t, genesisOf(t, o))
	for i, batches := range []int{0, 2, 0, 0, 1} {
		o.write(batches)
		if got := n.run(o.good(t)); got[0] != CodeOK {
			t.Fatalf("anchor %d: code %d", i, got[0])
		}
	}
	i, err := n.app.Current().AnchorFor(o.chainID, 1)
	if err != nil || i != 1 {
		t.Fatalf("first anchor that covers entry 1: %d, %v", i, err)
	}
}

// A set whose power overflows makes CometBFT's constructor panic; it must never be reached.
func TestAbsurdValidatorSetsAreRefused(t *testing.T) {
	key := func(i byte) []byte { return public(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{i}, 32))) }
	for name, records := range map[string][]*PrivateValidator{
		"none":           {},
		"too many":       {{PublicKey: key(1), Power: 1}, {PublicKey: key(2), Power: 1}, {PublicKey: key(3), Power: 1}},
		"short key":      {{PublicKey: key(1)[:31], Power: 1}},
		"no key":         {{Power: 1}},
		"key twice":      {{PublicKey: key(1), Power: 1}, {PublicKey: key(1), Power: 2}},
		"no power":       {{PublicKey: key(1)}},
		"negative power": {{PublicKey: key(1), Power: -1}},
		"overflow":       {{PublicKey: key(1), Power: 1 << 60}, {PublicKey: key(2), Power: 1 << 60}},
		"one too strong": {{PublicKey: key(1), Power: 1<<63 - 1}},
	} {
		if _, err := validatorSet(records, 2); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
