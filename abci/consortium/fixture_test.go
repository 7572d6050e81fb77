package consortium

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/crypto/tmhash"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmtversion "github.com/cometbft/cometbft/proto/tendermint/version"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"

	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/abci/tx/mlog"
)

const testChain = "consortium-test"

// keyFrom makes a key that is the same in every run.
func keyFrom(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(k[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

// memNodes is a log's storage in a test.
type memNodes map[string][]byte

func (m memNodes) Get(k []byte) ([]byte, error) { return m[string(k)], nil }

func (m memNodes) Set(k, v []byte) error { m[string(k)] = bytes.Clone(v); return nil }

// org is a member with a private chain whose blocks the test makes up.
type org struct {
	name       string
	gateway    ed25519.PrivateKey
	governance ed25519.PrivateKey
	chainID    string
	validators []ed25519.PrivateKey // of power 10 each
	height     int64
	nonce      uint64
	nodes      memNodes
	log        *mlog.Log
	anchored   uint64 // size of the log at the last anchor
}

func newOrg(name string, validators int) *org {
	o := &org{
		name: name, gateway: keyFrom(name + "/gateway"), governance: keyFrom(name + "/governance"),
		chainID: "private-" + name, height: 1, nodes: memNodes{},
	}
	o.validators = o.makeValidators(0, validators)
	o.log, _ = mlog.Open(o.nodes, nil, 0)
	return o
}

func (o *org) makeValidators(from, n int) []ed25519.PrivateKey {
	out := make([]ed25519.PrivateKey, n)
	for i := range out {
		out[i] = keyFrom(o.name + "/validator/" + string(rune('a'+from+i)))
	}
	return out
}

func (o *org) genesis() GenesisMember {
	m := GenesisMember{
		Name: o.name, Role: "provider", GovernanceKey: public(o.governance), GatewayKeys: [][]byte{public(o.gateway)}, PrivateChainID: o.chainID,
	}
	for _, v := range o.validators {
		m.PrivateValidators = append(m.PrivateValidators, GenesisValidator{PubKey: public(v), Power: 10})
	}
	return m
}

// write appends batches to the private log and moves on by a block.
func (o *org) write(batches int) {
	for range batches {
		if _, err := o.log.Append(o.nodes, binary.BigEndian.AppendUint64([]byte(o.name), o.log.Size())); err != nil {
			panic(err)
		}
	}
	o.height++
}

func (o *org) state() *tx.PrivateState {
	return &tx.PrivateState{
		Format: tx.Format, LogRoot: o.log.Root(), LogSize: o.log.Size(),
		WritersRoot: tmhash.Sum([]byte("writers")), Params: tmhash.Sum([]byte("params")),
	}
}

// anchorSpec says how an anchor is made; the zero value with a state is a good one.
type anchorSpec struct {
	state     *tx.PrivateState     // the claimed preimage
	hash      []byte               // application hash in the header; nil: that of state
	from      uint64               // size from which the consistency proof leads
	set       []ed25519.PrivateKey // validators in the header
	signers   []ed25519.PrivateKey // those of the set that sign
	height    int64
	chainID   string // in the header
	signChain string // in the signatures
	salt      byte   // makes another header
}

func (o *org) spec() anchorSpec {
	return anchorSpec{
		state: o.state(), from: o.anchored, set: o.validators, signers: o.validators, height: o.height,
		chainID: o.chainID, signChain: o.chainID,
	}
}

// anchor makes the message that a spec asks for.
func (o *org) anchor(s anchorSpec) *tx.Anchor {
	vals := make([]*types.Validator, len(s.set))
	byAddress := map[string]ed25519.PrivateKey{}
	for i, k := range s.set {
		vals[i] = types.NewValidator(cmted25519.PubKey(public(k)), 10)
		byAddress[string(vals[i].Address)] = k
	}
	set := types.NewValidatorSet(vals)
	hash := s.hash
	if hash == nil {
		hash = s.state.Hash()
	}
	h := types.Header{
		Version: cmtversion.Consensus{Block: version.BlockProtocol, App: 1}, ChainID: s.chainID, Height: s.height,
		Time: time.Unix(1700000000+s.height, 0).UTC(), LastBlockID: types.BlockID{},
		ValidatorsHash: set.Hash(), NextValidatorsHash: set.Hash(), ConsensusHash: tmhash.Sum([]byte{s.salt}),
		AppHash: hash, ProposerAddress: set.Validators[0].Address,
	}
	id := types.BlockID{Hash: h.Hash(), PartSetHeader: types.PartSetHeader{Total: 1, Hash: tmhash.Sum(h.Hash())}}
	commit := &types.Commit{Height: s.height, BlockID: id}
	for i, v := range set.Validators {
		sig := types.NewCommitSigAbsent()
		if k := byAddress[string(v.Address)]; contains(s.signers, k) {
			vote := &types.Vote{
				Type: cmtproto.PrecommitType, Height: s.height, BlockID: id, Timestamp: h.Time, ValidatorAddress: v.Address, ValidatorIndex: int32(i),
			}
			raw := types.VoteSignBytes(s.signChain, vote.ToProto())
			sig = types.CommitSig{BlockIDFlag: types.BlockIDFlagCommit, ValidatorAddress: v.Address, Timestamp: h.Time, Signature: ed25519.Sign(k, raw)}
		}
		commit.Signatures = append(commit.Signatures, sig)
	}
	a := &tx.Anchor{PrivateChainId: o.chainID, State: s.state}
	a.Header, _ = h.ToProto().Marshal()
	a.Commit, _ = commit.ToProto().Marshal()
	pv, _ := set.ToProto()
	a.Validators, _ = pv.Marshal()
	if s.from <= s.state.LogSize {
		a.Consistency, _ = mlog.NewView(o.nodes, nil, o.log.Size()).Consistency(s.from, s.state.LogSize)
	}
	return a
}

func contains(keys []ed25519.PrivateKey, k ed25519.PrivateKey) bool {
	for _, c := range keys {
		if c.Equal(k) {
			return true
		}
	}
	return false
}

// sign makes a transaction of a member with its next nonce.
func (o *org) sign(t testing.TB, message any) []byte {
	t.Helper()
	o.nonce++
	body := &tx.ConsortiumBody{ChainId: testChain, Nonce: o.nonce}
	switch m := message.(type) {
	case *tx.Anchor:
		body.Message = &tx.ConsortiumBody_Anchor{Anchor: m}
	case *tx.PutConsent:
		body.Message = &tx.ConsortiumBody_PutConsent{PutConsent: m}
	}
	raw, err := tx.Sign(o.gateway, body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// good makes the next anchor and remembers it as anchored.
func (o *org) good(t testing.TB) []byte {
	t.Helper()
	a := o.anchor(o.spec())
	o.anchored = o.log.Size()
	return o.sign(t, a)
}

func consent(id byte, version uint64) *tx.PutConsent {
	return &tx.PutConsent{
		ConsentId: tmhash.Sum([]byte{id}), Version: version, Status: tx.ConsentStatus_CONSENT_STATUS_ACTIVE,
		PolicyCommitment: tmhash.Sum([]byte("policy")), EnvelopeHash: tmhash.Sum([]byte("envelope")), RecordedByMember: true,
	}
}

// node is an application under test with the blocks that it was fed.
type node struct {
	t      testing.TB
	app    *App
	cfg    Config
	blocks []*abci.RequestFinalizeBlock
	seen   []Committed
}

func newNode(t testing.TB, genesis []byte) *node {
	t.Helper()
	n := &node{t: t}
	n.cfg = Config{Dir: "state", FS: vfs.NewMem(), OnCommit: func(c Committed) { n.seen = append(n.seen, c) }}
	n.open()
	n.init(genesis)
	t.Cleanup(func() {
		if err := n.app.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func (n *node) open() {
	n.t.Helper()
	app, err := New(n.cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	n.app = app
}

func (n *node) reopen() {
	n.t.Helper()
	if err := n.app.Close(); err != nil {
		n.t.Fatal(err)
	}
	n.open()
}

func (n *node) init(genesis []byte) []byte {
	n.t.Helper()
	r, err := n.app.InitChain(context.Background(), &abci.RequestInitChain{
		ChainId: testChain, InitialHeight: 1, AppStateBytes: genesis, Time: time.Unix(1700000000, 0),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return r.AppHash
}

func genesisOf(t testing.TB, orgs ...*org) []byte {
	t.Helper()
	g := Genesis{}
	for _, o := range orgs {
		g.Members = append(g.Members, o.genesis())
	}
	raw, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (n *node) next(txs ...[]byte) *abci.RequestFinalizeBlock {
	h := n.app.Current().Height + 1
	return &abci.RequestFinalizeBlock{Height: h, Time: time.Unix(1700000000+5*h, 0).UTC(), Txs: txs}
}

func (n *node) finalize(b *abci.RequestFinalizeBlock) *abci.ResponseFinalizeBlock {
	n.t.Helper()
	r, err := n.app.FinalizeBlock(context.Background(), b)
	if err != nil {
		n.t.Fatal(err)
	}
	return r
}

// run executes and commits a block and returns the codes of its transactions.
func (n *node) run(txs ...[]byte) []Code {
	n.t.Helper()
	b := n.next(txs...)
	r := n.finalize(b)
	if _, err := n.app.Commit(context.Background(), nil); err != nil {
		n.t.Fatal(err)
	}
	n.blocks = append(n.blocks, b)
	codes := make([]Code, len(r.TxResults))
	for i, res := range r.TxResults {
		codes[i] = Code(res.Code)
	}
	if !bytes.Equal(r.AppHash, n.app.Current().AppHash) {
		n.t.Fatalf("committed hash is not the finalized one")
	}
	return codes
}

// check runs CheckTx.
func (n *node) check(raw []byte) Code {
	n.t.Helper()
	r, err := n.app.CheckTx(context.Background(), &abci.RequestCheckTx{Tx: raw})
	if err != nil {
		n.t.Fatal(err)
	}
	return Code(r.Code)
}

func mustAbsent(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, ErrAbsent) {
		t.Fatalf("error %v, want ErrAbsent", err)
	}
}
