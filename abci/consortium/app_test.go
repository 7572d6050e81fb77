package consortium

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/tmhash"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/types"
	ics23 "github.com/cosmos/ics23/go"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/chartseal/chartseal/abci/tx"
)

func TestEnvelopeIsRefused(t *testing.T) {
	o, stranger := newOrg("north", 1), newOrg("stranger", 1)
	n := newNode(t, genesisOf(t, o))
	for range 3 {
		n.run()
	}
	o.nonce = 7
	n.run(o.sign(t, consent(1, 1)))
	signed := func(body *tx.ConsortiumBody) []byte {
		body.Message = &tx.ConsortiumBody_PutConsent{PutConsent: consent(2, 1)}
		raw, err := tx.Sign(o.gateway, body)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	good := signed(&tx.ConsortiumBody{ChainId: testChain, Nonce: 100})
	governance, err := tx.Sign(o.governance, &tx.ConsortiumBody{
		ChainId: testChain, Nonce: 1, Message: &tx.ConsortiumBody_PutConsent{PutConsent: consent(2, 1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	badSignature := bytes.Clone(good)
	badSignature[len(badSignature)-1] ^= 1
	for name, c := range map[string]struct {
		raw  []byte
		want Code
	}{
		"empty":                 {nil, CodeMalformed},
		"noise":                 {[]byte("noise"), CodeMalformed},
		"trailing byte":         {append(bytes.Clone(good), 0), CodeMalformed},
		"too long":              {make([]byte, maxTxBytes+1), CodeMalformed},
		"another chain":         {signed(&tx.ConsortiumBody{ChainId: "elsewhere", Nonce: 100}), CodeChainID},
		"unknown key":           {stranger.sign(t, consent(2, 1)), CodeKey},
		"governance key":        {governance, CodeKey},
		"wrong signature":       {badSignature, CodeSignature},
		"nonce used":            {signed(&tx.ConsortiumBody{ChainId: testChain, Nonce: 8}), CodeNonce},
		"nonce below":           {signed(&tx.ConsortiumBody{ChainId: testChain, Nonce: 1}), CodeNonce},
		"expired one ago":       {signed(&tx.ConsortiumBody{ChainId: testChain, Nonce: 9, ExpiryHeight: 4}), CodeExpired},
		"expires with the next": {signed(&tx.ConsortiumBody{ChainId: testChain, Nonce: 9, ExpiryHeight: 5}), CodeOK},
		"good":                  {good, CodeOK},
	} {
		if got := n.check(c.raw); got != c.want {
			t.Errorf("%s: code %d, want %d", name, got, c.want)
		}
	}
	before := n.app.Current().AppHash
	if got := n.run([]byte("noise"), badSignature); got[0] != CodeMalformed || got[1] != CodeSignature {
		t.Errorf("in a block: %v", got)
	}
	if !bytes.Equal(before, n.app.Current().AppHash) {
		t.Error("refused transactions changed the state")
	}
}

func TestNonceIsPerKeyAndKind(t *testing.T) {
	a, b := newOrg("north", 1), newOrg("south", 1)
	n := newNode(t, genesisOf(t, a, b))
	a.write(1)
	a.nonce = 50
	first := a.good(t)
	a.nonce, b.nonce = 3, 2
	second := a.sign(t, consent(1, 1)) // nonce 4 of the other kind
	third := b.sign(t, consent(2, 1))
	if diff := cmp.Diff([]Code{CodeOK, CodeOK, CodeOK, CodeNonce}, n.run(first, second, third, third)); diff != "" {
		t.Fatal(diff)
	}
	for _, c := range []struct {
		o    *org
		kind uint32
		want uint64
	}{{a, KindAnchor, 51}, {a, KindPutConsent, 4}, {b, KindAnchor, 0}, {b, KindPutConsent, 3}} {
		got, err := n.app.Current().Nonce(tx.KeyID(public(c.o.gateway)), c.kind)
		if err != nil || got != c.want {
			t.Errorf("nonce of %s, kind %d: %d, %v", c.o.name, c.kind, got, err)
		}
	}
}

func TestConsents(t *testing.T) {
	a, b := newOrg("north", 1), newOrg("south", 1)
	n := newNode(t, genesisOf(t, a, b))
	unmarked := consent(1, 1)
	unmarked.RecordedByMember = false
	steps := []struct {
		name string
		o    *org
		m    *tx.PutConsent
		want Code
	}{
		{"without a mark", a, unmarked, CodeConsentMark},
		{"first", a, consent(1, 3), CodeOK},
		{"same version", a, consent(1, 3), CodeConsentVersion},
		{"lower version", a, consent(1, 2), CodeConsentVersion},
		{"another member", b, consent(1, 4), CodeConsentOwner},
		{"amended", a, consent(1, 9), CodeOK},
		{"another consent", b, consent(2, 1), CodeOK},
	}
	for _, s := range steps {
		if got := n.run(s.o.sign(t, s.m)); got[0] != s.want {
			t.Errorf("%s: code %d, want %d", s.name, got[0], s.want)
		}
	}
	s := n.app.Current()
	id := [32]byte(tmhash.Sum([]byte{1}))
	got, err := s.Consent(id)
	want := &tx.ConsentEntry{
		ConsentId: id[:], Version: 9, Status: tx.ConsentStatus_CONSENT_STATUS_ACTIVE, PolicyCommitment: tmhash.Sum([]byte("policy")),
		EnvelopeHash: tmhash.Sum([]byte("envelope")), RecordedByMember: true, Member: "north", Height: 6,
		TimeUnixNano: time.Unix(1700000030, 0).UnixNano(),
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); err != nil || diff != "" {
		t.Error(err, diff)
	}
	change, err := s.ConsentChange(id, 9)
	if err != nil || change.Index != 1 {
		t.Fatalf("change: %v, %v", change, err)
	}
	leaf, _ := tx.EntryLeaf(change.Entry)
	path, err := s.ConsentLog().Inclusion(1, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.VerifyInclusion(s.State.ConsentLogRoot, leaf, 1, 3, path); err != nil {
		t.Error(err)
	}
	_, err = s.ConsentChange(id, 4)
	mustAbsent(t, err)
	_, err = s.Consent([32]byte{})
	mustAbsent(t, err)
}

func TestStateRecordsHaveProofs(t *testing.T) {
	a, b := newOrg("north", 2), newOrg("south", 1)
	n := newNode(t, genesisOf(t, a, b))
	a.write(1)
	n.run(a.good(t), b.sign(t, consent(1, 1)))
	n.run(b.sign(t, consent(2, 1)))
	s := n.app.Current()
	for _, key := range [][]byte{MemberKey("north"), ChainKey(a.chainID), ChainKey(b.chainID), ConsentKey(tmhash.Sum([]byte{1}))} {
		v, p, err := s.Proof(key)
		if err != nil {
			t.Fatal(err)
		}
		if !ics23.VerifyMembership(ics23.IavlSpec, s.State.StateRoot, p, key, v) {
			t.Errorf("proof of %q does not hold", key)
		}
		if ics23.VerifyMembership(ics23.IavlSpec, s.State.StateRoot, p, key, append(v, 0)) {
			t.Errorf("proof of %q holds for another value", key)
		}
	}
	_, _, err := s.Proof(MemberKey("east"))
	mustAbsent(t, err)
}

func TestGenesisIsChecked(t *testing.T) {
	change := func(f func(*Genesis)) []byte {
		g := Genesis{Members: []GenesisMember{newOrg("north", 2).genesis(), newOrg("south", 1).genesis()}}
		f(&g)
		raw, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if _, err := ParseGenesis(change(func(*Genesis) {})); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"no JSON":             []byte("{"),
		"two values":          []byte(`{"members":[]}{}`),
		"unknown member":      []byte(`{"memberz":[]}`),
		"no name":             change(func(g *Genesis) { g.Members[0].Name = "" }),
		"quoted name":         change(func(g *Genesis) { g.Members[0].Name = `a"b` }),
		"name with a line":    change(func(g *Genesis) { g.Members[0].Name = "a\nb" }),
		"long name":           change(func(g *Genesis) { g.Members[0].Name = strings.Repeat("n", maxName+1) }),
		"name twice":          change(func(g *Genesis) { g.Members[1].Name = "north" }),
		"unknown role":        change(func(g *Genesis) { g.Members[0].Role = "other" }),
		"chain twice":         change(func(g *Genesis) { g.Members[1].PrivateChainID = g.Members[0].PrivateChainID }),
		"no chain":            change(func(g *Genesis) { g.Members[1].PrivateChainID = "" }),
		"long chain id":       change(func(g *Genesis) { g.Members[1].PrivateChainID = strings.Repeat("c", tx.MaxChainID+1) }),
		"key twice":           change(func(g *Genesis) { g.Members[1].GovernanceKey = g.Members[0].GatewayKeys[0] }),
		"short key":           change(func(g *Genesis) { g.Members[1].GovernanceKey = []byte{1} }),
		"no validators":       change(func(g *Genesis) { g.Members[0].PrivateValidators = nil }),
		"validator twice":     change(func(g *Genesis) { g.Members[0].PrivateValidators[1] = g.Members[0].PrivateValidators[0] }),
		"validator powerless": change(func(g *Genesis) { g.Members[0].PrivateValidators[1].Power = 0 }),
		"too many validators": change(func(g *Genesis) { g.Params.MaxPrivateValidators = 1 }),
		"absurd limit":        change(func(g *Genesis) { g.Params.MaxPrivateValidators = maxValidators + 1 }),
	} {
		if _, err := ParseGenesis(raw); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestInitChainOnlyOnce(t *testing.T) {
	o := newOrg("north", 1)
	g := genesisOf(t, o)
	n := newNode(t, g)
	n.run()
	req := &abci.RequestInitChain{ChainId: testChain, InitialHeight: 1, AppStateBytes: g}
	if _, err := n.app.InitChain(context.Background(), req); err == nil {
		t.Error("second InitChain accepted")
	}
	fresh := Config{Dir: "fresh", FS: n.cfg.FS}
	app, err := New(fresh)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close() //nolint:errcheck // nothing was written
	req.InitialHeight = 5
	if _, err := app.InitChain(context.Background(), req); err == nil {
		t.Error("initial height 5 accepted")
	}
}

// ABCI requirements 2, 3 and 9: a prepared proposal is accepted by ProcessProposal, keeps to the size limit, and
// neither call changes the state. Requirements 4 and 5: acceptance depends on the block and the committed state.
func TestProposals(t *testing.T) {
	o := newOrg("north", 1)
	g := genesisOf(t, o)
	n, peer := newNode(t, g), newNode(t, g)
	n.run()
	peer.run()
	a, b := o.sign(t, consent(1, 1)), o.sign(t, consent(2, 1))
	bad := [][]byte{[]byte("noise"), newOrg("stranger", 1).sign(t, consent(1, 1)), append(bytes.Clone(a), 0)}
	prepare := func(limit int64, txs ...[]byte) [][]byte {
		r, err := n.app.PrepareProposal(context.Background(), &abci.RequestPrepareProposal{MaxTxBytes: limit, Txs: txs, Height: 2})
		if err != nil {
			t.Fatal(err)
		}
		return r.Txs
	}
	process := func(to *node, txs ...[]byte) bool {
		r, err := to.app.ProcessProposal(context.Background(), &abci.RequestProcessProposal{Txs: txs, Height: 2})
		if err != nil {
			t.Fatal(err)
		}
		return r.IsAccepted()
	}
	hash := n.app.Current().AppHash
	got := prepare(1<<20, bad[0], a, bad[1], b, bad[2])
	if diff := cmp.Diff([][]byte{a, b}, got); diff != "" {
		t.Error("prepared:", diff)
	}
	if !process(n, got...) || !process(peer, got...) {
		t.Error("prepared proposal was rejected")
	}
	limit := types.ComputeProtoSizeForTxs([]types.Tx{a})
	if diff := cmp.Diff([][]byte{a}, prepare(limit, a, b)); diff != "" {
		t.Error("prepared within one transaction:", diff)
	}
	if got := prepare(limit-1, a, b); len(got) != 0 {
		t.Errorf("prepared beyond the limit: %d", len(got))
	}
	for i, raw := range bad {
		if process(n, a, raw) || process(peer, raw, a) {
			t.Errorf("block with bad transaction %d accepted", i)
		}
	}
	// A replayed nonce is a matter of the result, not of the block.
	if !process(n, a, a) {
		t.Error("block with a used nonce rejected")
	}
	if n.run(); !bytes.Equal(hash, n.app.Current().AppHash) {
		t.Error("proposals changed the state")
	}
}

func TestBlocksOutOfOrderAreRefused(t *testing.T) {
	n := newNode(t, genesisOf(t, newOrg("north", 1)))
	n.run()
	for _, h := range []int64{0, 1, 3} {
		if _, err := n.app.FinalizeBlock(context.Background(), &abci.RequestFinalizeBlock{Height: h}); err == nil {
			t.Errorf("block %d after 1 accepted", h)
		}
	}
	if _, err := n.app.Commit(context.Background(), nil); err == nil {
		t.Error("commit without a block accepted")
	}
}

func TestQueryServesNothing(t *testing.T) {
	n := newNode(t, genesisOf(t, newOrg("north", 1)))
	r, err := n.app.Query(context.Background(), &abci.RequestQuery{Path: "/p2p/filter/addr/127.0.0.1:1"})
	if err != nil || !r.IsErr() {
		t.Errorf("query: %v, %v", r, err)
	}
}

func TestClosed(t *testing.T) {
	o := newOrg("north", 1)
	n := newNode(t, genesisOf(t, o))
	o.write(1)
	n.run(o.good(t))
	s := n.app.Current()
	if err := n.app.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.app.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	_, errChain := s.Chain(o.chainID)
	_, _, errAnchor := s.Anchor(0)
	_, errFor := s.AnchorFor(o.chainID, 0)
	_, errRoot := s.AnchorLog().Root()
	for i, err := range []error{errChain, errAnchor, errFor, errRoot} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("reader %d after Close: %v", i, err)
		}
	}
}

// Snapshots stay what they are while blocks are committed and the tree is pruned under them.
func TestSnapshotsUnderLoad(t *testing.T) {
	o := newOrg("north", 1)
	n := newNode(t, genesisOf(t, o))
	n.run(o.sign(t, consent(1, 1)))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s := n.app.Current()
				c, err := s.Consent([32]byte(tmhash.Sum([]byte{1})))
				if err != nil || c.Version != uint64(s.Height) { //nolint:gosec // positive
					t.Errorf("height %d: version %d, %v", s.Height, c.GetVersion(), err)
					return
				}
				v, p, err := s.Proof(ConsentKey(tmhash.Sum([]byte{1})))
				if err != nil || !ics23.VerifyMembership(ics23.IavlSpec, s.State.StateRoot, p, ConsentKey(tmhash.Sum([]byte{1})), v) {
					t.Errorf("height %d: proof: %v", s.Height, err)
					return
				}
			}
		})
	}
	for v := uint64(2); v < 700; v++ {
		n.run(o.sign(t, consent(1, v)))
	}
	close(stop)
	wg.Wait()
}

func TestVerifiedTransactionsAreBounded(t *testing.T) {
	o := newOrg("north", 1)
	v := newVerifiedTxs()
	v.capacity = 4
	for i := range 40 {
		raw := o.sign(t, consent(byte(i), 1))
		signed, err := tx.DecodeSigned(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.check(raw, signed, public(o.gateway)); err != nil {
			t.Fatal(err)
		}
		if err := v.check(raw, signed, public(o.governance)); err == nil {
			t.Fatal("remembered under another key")
		}
		if len(v.young) > 4 || len(v.old) > 4 {
			t.Fatalf("%d and %d remembered", len(v.young), len(v.old))
		}
	}
}

// ABCI requirement 13 (CheckTx does not oscillate): a transaction that was committed, or whose height has passed, is
// refused from then on, and one that CheckTx takes succeeds in the next block if nothing comes between.
func TestCheckTxSettles(t *testing.T) {
	o := newOrg("north", 1)
	n := newNode(t, genesisOf(t, o))
	n.run()
	committed := o.sign(t, consent(1, 1))
	expiring, err := tx.Sign(o.gateway, &tx.ConsortiumBody{
		ChainId: testChain, Nonce: 100, ExpiryHeight: 4, Message: &tx.ConsortiumBody_PutConsent{PutConsent: consent(2, 1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := n.check(committed), n.check(expiring); a != CodeOK || b != CodeOK {
		t.Fatalf("codes %d and %d", a, b)
	}
	if got := n.run(committed); got[0] != CodeOK {
		t.Fatalf("taken by CheckTx, refused in the block: code %d", got[0])
	}
	for height := int64(3); height < 9; height++ {
		want := CodeOK
		if height > 4 {
			want = CodeExpired
		}
		if a, b := n.check(committed), n.check(expiring); a != CodeNonce || b != want {
			t.Errorf("for block %d: codes %d and %d, want %d and %d", height, a, b, CodeNonce, want)
		}
		n.run()
	}
}
