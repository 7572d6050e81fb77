package consortium

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"google.golang.org/protobuf/proto"

	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/abci/tx/mlog"
)

// block is the execution of one block until it is committed.
type block struct {
	chainID string
	height  int64
	time    time.Time
	layer   *layer
	changed bool                // the state tree has changes
	state   *tx.ConsortiumState // set by seal, as is meta
	meta    *Meta
	results []*abci.ExecTxResult
}

// begin starts a block on the committed state.
func (a *App) begin(chainID string, height int64, at time.Time) *block {
	s := a.Current()
	return &block{chainID: chainID, height: height, time: at, layer: newLayer(s, s.anchors, s.consents)}
}

// FinalizeBlock executes a decided block. Nothing is written before Commit (ABCI requirements 11 and 12: the
// results depend on the committed state and the block only).
func (a *App) FinalizeBlock(_ context.Context, req *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	s := a.Current()
	if err := a.Err(); err != nil {
		return nil, fmt.Errorf("finalize block %d: %w", req.Height, err)
	}
	if req.Height != s.Height+1 {
		return nil, fmt.Errorf("finalize block %d after block %d", req.Height, s.Height)
	}
	b := a.begin(s.ChainID, req.Height, req.Time)
	for _, raw := range req.Txs {
		r, err := a.deliver(b, raw)
		if err != nil {
			return nil, fmt.Errorf("finalize block %d: %w", req.Height, err)
		}
		b.results = append(b.results, r)
	}
	if err := a.seal(b); err != nil {
		return nil, fmt.Errorf("finalize block %d: %w", req.Height, err)
	}
	a.block = b
	return &abci.ResponseFinalizeBlock{TxResults: b.results, AppHash: b.meta.AppHash}, nil
}

// deliver executes one transaction of a block and keeps its changes, or drops them.
func (a *App) deliver(b *block, raw []byte) (*abci.ExecTxResult, error) {
	l := b.layer.child()
	err := a.execute(l, &execution{chainID: b.chainID, height: b.height, time: b.time}, raw)
	code, err := codeOf(err)
	if err != nil {
		return nil, err
	}
	if code == CodeOK || code.Recorded() {
		b.layer.merge(l)
	}
	return &abci.ExecTxResult{Code: uint32(code), Codespace: Codespace}, nil
}

// codeOf separates refusals, which are results, from failures of the node, which stop it.
func codeOf(err error) (Code, error) {
	var r *refusal
	switch {
	case err == nil:
		return CodeOK, nil
	case errors.As(err, &r):
		return r.code, nil
	default:
		return 0, err
	}
}

// seal brings the block's records into the tree and computes the application hash.
func (a *App) seal(b *block) error {
	a.tree.Rollback() // a block that was finalized and never committed
	root, version := a.Current().State.GetStateRoot(), a.treeVersion
	for _, p := range b.layer.sorted() {
		if _, err := a.tree.Set(p.key, p.value); err != nil {
			return fmt.Errorf("change state tree: %w", err)
		}
		b.changed = true
	}
	if b.changed {
		root = a.tree.WorkingHash()
		version++
	}
	b.state = stateOf(root, b.layer.anchors, b.layer.consents)
	b.meta = &Meta{
		ChainId: b.chainID, Height: b.height, TimeUnixNano: b.time.UnixNano(), AppHash: b.state.Hash(),
		TreeVersion: version, AnchorLogSize: b.state.GetAnchorLogSize(), ConsentLogSize: b.state.GetConsentLogSize(),
	}
	return nil
}

// stateOf is the preimage of the application hash.
func stateOf(root []byte, anchors, consents *mlog.Log) *tx.ConsortiumState {
	return &tx.ConsortiumState{
		Format: tx.Format, StateRoot: root,
		AnchorLogRoot: anchors.Root(), AnchorLogSize: anchors.Size(),
		ConsentLogRoot: consents.Root(), ConsentLogSize: consents.Size(),
	}
}

// save makes the block's tree a version, in the buffer, and returns the snapshot of the block.
func (a *App) save(b *block) (*Snapshot, error) {
	if b.changed {
		hash, version, err := a.tree.SaveVersion()
		if err != nil {
			return nil, fmt.Errorf("save state tree: %w", err)
		}
		if version != b.meta.TreeVersion || string(hash) != string(b.state.StateRoot) {
			return nil, fmt.Errorf("state tree %d was saved as %d with another root", b.meta.TreeVersion, version)
		}
		a.treeVersion = version
		if err := a.prune(); err != nil {
			return nil, err
		}
	}
	snap := &Snapshot{
		ChainID: b.chainID, Height: b.height, Time: b.time.UTC(), AppHash: b.meta.AppHash,
		State: b.state, anchors: b.layer.anchors, consents: b.layer.consents,
		app: a, tree: a.Current().tree,
	}
	if b.changed {
		var err error
		if snap.tree, err = a.views.GetImmutable(a.treeVersion); err != nil {
			return nil, fmt.Errorf("state tree %d: %w", a.treeVersion, err)
		}
	}
	return snap, nil
}

// prune drops versions of the tree that no snapshot needs any more.
func (a *App) prune() error {
	to := a.treeVersion - a.cfg.KeepVersions
	if to < a.pruned+pruneEvery {
		return nil
	}
	if err := a.tree.DeleteVersionsTo(to); err != nil {
		return fmt.Errorf("prune state tree: %w", err)
	}
	a.pruned = to
	return nil
}

// Commit makes the finalized block durable in one synchronous step, publishes its snapshot and reports it. After an
// error the outcome is not known: the application takes no more blocks, and a restart tells by Info what was stored.
func (a *App) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	if err := a.Err(); err != nil {
		return nil, err
	}
	b := a.block
	if b == nil {
		return nil, errors.New("commit without a finalized block")
	}
	snap, err := a.persist(b)
	if err != nil {
		err = fmt.Errorf("commit block %d: %w", b.height, err)
		a.failed.Store(&err)
		a.log.Error("consortium chain stopped", "error", err)
		return nil, err
	}
	a.block = nil
	a.current.Store(snap)
	for _, m := range b.layer.newMisbehaved {
		a.log.Error("misbehaviour of a private chain recorded", "chain", m.PrivateChainId, "kind", m.Kind.String(), "height", m.Signed.Height)
	}
	if a.cfg.OnCommit != nil {
		a.cfg.OnCommit(Committed{
			Snapshot: snap, Anchors: b.layer.newAnchors, Consents: b.layer.newConsents, Misbehaviours: b.layer.newMisbehaved,
		})
	}
	return &abci.ResponseCommit{}, nil
}

func (a *App) persist(b *block) (*Snapshot, error) {
	snap, err := a.save(b)
	if err != nil {
		return nil, err
	}
	meta, err := proto.MarshalOptions{Deterministic: true}.Marshal(b.meta)
	if err != nil {
		return nil, err
	}
	return snap, a.store.commit(append(b.layer.side, pair{metaKey(), meta}))
}

// txID is the SHA-256 of a transaction as received, as CometBFT computes it.
func txID(raw []byte) [sha256.Size]byte { return sha256.Sum256(raw) }
