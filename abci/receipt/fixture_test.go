package receipt

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtversion "github.com/cometbft/cometbft/proto/tendermint/version"
	cmttypes "github.com/cometbft/cometbft/types"
	"google.golang.org/protobuf/proto"

	"github.com/chartseal/chartseal/abci/private"
	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/abci/tx/mlog"
)

const (
	privateChain = "private-a"
	consortium   = "consortium"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

func fill(seed byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = seed + byte(i)*7
	}
	return out
}

func hash32(seed byte) []byte { return fill(seed, 32) }

func key(seed byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(hash32(seed)) }

func pub(seed byte) ed25519.PublicKey { return ed25519.PublicKey(key(seed)[ed25519.SeedSize:]) }

// set is a validator set whose keys are known, in CometBFT's order.
type set struct {
	*cmttypes.ValidatorSet
	keys map[string]ed25519.PrivateKey // by address
}

func newSet(power int64, seeds ...byte) set {
	s := set{keys: make(map[string]ed25519.PrivateKey)}
	var vals []*cmttypes.Validator
	for i, seed := range seeds {
		v := cmttypes.NewValidator(cmted25519.PubKey(pub(seed)), power+int64(i))
		s.keys[string(v.Address)] = key(seed)
		vals = append(vals, v)
	}
	s.ValidatorSet = cmttypes.NewValidatorSet(vals)
	return s
}

func (s set) list(t testing.TB) List[Validator] {
	t.Helper()
	out, err := ValidatorsOf(s.ValidatorSet)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func header(chain string, height int64, appHash []byte, now, next set) *cmttypes.Header {
	return &cmttypes.Header{
		Version: cmtversion.Consensus{Block: 11, App: 1}, ChainID: chain, Height: height, Time: epoch.Add(time.Duration(height) * time.Second),
		LastBlockID:    cmttypes.BlockID{Hash: hash32(byte(height)), PartSetHeader: cmttypes.PartSetHeader{Total: 1, Hash: hash32(2)}},
		LastCommitHash: hash32(3), DataHash: hash32(4), ValidatorsHash: now.Hash(), NextValidatorsHash: next.Hash(),
		ConsensusHash: hash32(5), AppHash: appHash, LastResultsHash: hash32(6), EvidenceHash: hash32(7),
		ProposerAddress: now.Validators[0].Address,
	}
}

// commit signs a header; votes tells for each validator, in order, what it voted: 'c' for the block, 'n' for nil, '-' not.
// Validators beyond its length vote for the block.
func commit(t testing.TB, h *cmttypes.Header, s set, votes string) *cmttypes.Commit {
	t.Helper()
	c := &cmttypes.Commit{
		Height: h.Height, Round: 1,
		BlockID: cmttypes.BlockID{Hash: h.Hash(), PartSetHeader: cmttypes.PartSetHeader{Total: 2, Hash: hash32(8)}},
	}
	for i, v := range s.Validators {
		vote := byte('c')
		if i < len(votes) {
			vote = votes[i]
		}
		if vote == '-' {
			c.Signatures = append(c.Signatures, cmttypes.NewCommitSigAbsent())
			continue
		}
		sig := cmttypes.CommitSig{BlockIDFlag: cmttypes.BlockIDFlagCommit, ValidatorAddress: v.Address, Timestamp: h.Time.Add(time.Duration(i+1) * time.Millisecond)}
		if vote == 'n' {
			sig.BlockIDFlag = cmttypes.BlockIDFlagNil
		}
		c.Signatures = append(c.Signatures, sig)
		c.Signatures[i].Signature = ed25519.Sign(s.keys[string(v.Address)], c.VoteSignBytes(h.ChainID, int32(i)))
	}
	return c
}

func signedHeader(t testing.TB, h *cmttypes.Header, s set, votes string) SignedHeader {
	t.Helper()
	return SignedHeader{Header: h, Commit: commit(t, h, s, votes), Validators: s.ValidatorSet}
}

// ledger runs a real private application, and the logs of a consortium, in memory.
type ledger struct {
	t       testing.TB
	app     *private.App
	height  int64
	seq     uint64
	batches [][][32]byte

	nodes    memory
	anchors  *mlog.Log
	consents *mlog.Log
}

type memory map[string][]byte

func (m memory) Get(key []byte) ([]byte, error) { return m[string(key)], nil }
func (m memory) Set(key, value []byte) error    { m[string(key)] = bytes.Clone(value); return nil }

var writer = [16]byte(fill(90, 16))

func newLedger(t testing.TB) *ledger {
	t.Helper()
	app, err := private.New(private.Config{Dir: "state", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	l := &ledger{t: t, app: app, nodes: memory{}}
	genesis, err := json.Marshal(private.Genesis{Organisation: "hospital-a", AdminKey: pub(60), Params: private.DefaultParams()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.InitChain(t.Context(), &abci.RequestInitChain{ChainId: privateChain, InitialHeight: 1, AppStateBytes: genesis}); err != nil {
		t.Fatal(err)
	}
	l.anchors, l.consents = l.log("a"), l.log("c")
	l.block(key(60), &tx.PrivateBody{ChainId: privateChain, Message: &tx.PrivateBody_AdmitWriter{
		AdmitWriter: &tx.AdmitWriter{Writer: writer[:], PublicKey: pub(61)},
	}})
	return l
}

func (l *ledger) log(prefix string) *mlog.Log {
	log, err := mlog.Open(l.nodes, []byte(prefix), 0)
	if err != nil {
		l.t.Fatal(err)
	}
	return log
}

func (l *ledger) block(by ed25519.PrivateKey, body *tx.PrivateBody) {
	l.t.Helper()
	raw, err := tx.Sign(by, body)
	if err != nil {
		l.t.Fatal(err)
	}
	res, err := l.app.FinalizeBlock(l.t.Context(), &abci.RequestFinalizeBlock{Height: l.height + 1, Txs: [][]byte{raw}})
	if err != nil || res.TxResults[0].Code != private.CodeOK {
		l.t.Fatalf("block: %v, %v", res, err)
	}
	if _, err := l.app.Commit(l.t.Context(), &abci.RequestCommit{}); err != nil {
		l.t.Fatal(err)
	}
	l.height++
}

// batch commits a batch and returns its seq.
func (l *ledger) batch(commitments ...[32]byte) uint64 {
	l.t.Helper()
	l.seq++
	l.batches = append(l.batches, commitments)
	root := tx.BatchRoot(commitments)
	l.block(key(61), &tx.PrivateBody{ChainId: privateChain, Message: &tx.PrivateBody_Batch{Batch: &tx.Batch{
		Format: tx.Format, Writer: writer[:], Seq: l.seq, Root: root[:], Size: uint64(len(commitments)),
	}}})
	return l.seq
}

// parts fills in all of the private chain for a leaf of a batch, under the newest header.
func (l *ledger) parts(leaf *tx.Leaf, seq uint64, index int, validators set) Parts {
	l.t.Helper()
	v := l.app.View()
	got, err := v.BatchEntry(writer, seq)
	if err != nil {
		l.t.Fatal(err)
	}
	path, err := v.Inclusion(got.Index, v.LogSize())
	if err != nil {
		l.t.Fatal(err)
	}
	state, _, err := v.StateAt(v.Height())
	if err != nil {
		l.t.Fatal(err)
	}
	return Parts{
		Leaf: leaf, Open: []tx.LeafField{1, 2, 6}, Batch: got.Entry, BatchIndex: uint64(index),
		BatchPath: tx.BatchProof(l.batches[seq-1], index), LogIndex: got.Index, LogPath: path, State: state,
		Private: signedHeader(l.t, header(privateChain, v.Height()+1, v.AppHash(), validators, validators), validators, ""),
	}
}

// anchorEntry records an anchor of the parts' private header at a consortium height.
func (l *ledger) anchorEntry(p Parts, height int64) *tx.AnchorEntry {
	l.t.Helper()
	e := &tx.AnchorEntry{
		PrivateChainId: privateChain, PrivateHeight: p.Private.Header.Height, HeaderHash: p.Private.Header.Hash(),
		LogRoot: p.State.LogRoot, LogSize: p.State.LogSize, ValidatorsHash: p.Private.Header.ValidatorsHash,
		Height: height, TimeUnixNano: epoch.Add(time.Duration(height)*time.Second + 17).UnixNano(),
	}
	l.appendTo(l.anchors, e)
	return e
}

func (l *ledger) consentEntry(id byte, version uint64, height int64) *tx.ConsentEntry {
	l.t.Helper()
	e := &tx.ConsentEntry{
		ConsentId: hash32(id), Version: version, Status: tx.ConsentStatus_CONSENT_STATUS_ACTIVE, PolicyCommitment: hash32(71),
		EnvelopeHash: hash32(72), Member: "hospital-a", Height: height, TimeUnixNano: epoch.UnixNano(),
	}
	l.appendTo(l.consents, e)
	return e
}

func (l *ledger) appendTo(log *mlog.Log, m proto.Message) {
	l.t.Helper()
	leaf, err := tx.EntryLeaf(m)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := log.Append(l.nodes, leaf); err != nil {
		l.t.Fatal(err)
	}
}

// consortiumState is the state after everything that was appended so far.
func (l *ledger) consortiumState() *tx.ConsortiumState {
	return &tx.ConsortiumState{
		Format: tx.Format, StateRoot: hash32(80), AnchorLogRoot: l.anchors.Root(), AnchorLogSize: l.anchors.Size(),
		ConsentLogRoot: l.consents.Root(), ConsentLogSize: l.consents.Size(),
	}
}

func (l *ledger) proof(log *mlog.Log, prefix string, index uint64) [][]byte {
	l.t.Helper()
	path, err := mlog.NewView(l.nodes, []byte(prefix), log.Size()).Inclusion(index, log.Size())
	if err != nil {
		l.t.Fatal(err)
	}
	return path
}
