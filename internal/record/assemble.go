package record

import (
	"context"
	"errors"

	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/store"
)

// assemble numbers the versions, computes the root and signs the ledger transaction.
func (w *writer) assemble(b *batch) (*store.Staging, error) {
	n := b.leaves()
	st := &store.Staging{
		Pos: b.pos, Commitments: make([][32]byte, 0, n), Versions: make([]store.StagedVersion, 0, n),
	}
	for _, u := range b.units {
		base := len(st.Versions)
		for _, v := range u.versions {
			v.Pos, v.Index, v.Doc = b.pos, uint32(len(st.Versions)), w.doc+store.DocID(len(st.Versions))+1
			st.Versions = append(st.Versions, v)
			st.Commitments = append(st.Commitments, v.Commitment)
		}
		for _, k := range u.keys {
			st.Keys = append(st.Keys, store.KeyRecord(k))
		}
		for _, o := range u.outcomes {
			o.Pos = b.pos
			st.Outcomes = append(st.Outcomes, o)
		}
		if err := w.assembleConsents(st, u, base); err != nil {
			return nil, err
		}
	}
	st.Root = ledger.BatchRoot(st.Commitments)
	tx, err := w.cfg.chain.BatchTx(b.pos.Seq, st.Root, uint64(n))
	if err != nil {
		return nil, internalError("sign batch", err)
	}
	st.Tx, b.tx = tx, tx
	return st, nil
}

// assembleConsents signs the consortium transactions that belong to the unit. The nonce follows the position in
// the private chain, so it rises strictly without a counter of its own.
func (w *writer) assembleConsents(st *store.Staging, u *unit, base int) error {
	for i := range u.consents {
		c := &u.consents[i]
		v := &st.Versions[base+c.version]
		tx, err := w.cfg.consortium.ConsentTx(c.change, st.Pos.Seq<<20|uint64(v.Index))
		if err != nil {
			return internalError("sign consent transaction", err)
		}
		st.Side = append(st.Side, store.SideTx{
			Pos: st.Pos, Index: v.Index, Resource: v.Resource, Version: v.Version.Version, Tx: tx, Overlay: c.change.ID[:],
		})
	}
	return nil
}

// stageDurably stages and, when the store does not know whether it did, asks it. A store that cannot answer
// halts the writer: its state is unknown until a restart compares it with the chain.
func (w *writer) stageDurably(st *store.Staging) error {
	ctx := context.Background()
	err := w.cfg.store.Stage(ctx, st)
	if err == nil {
		return nil
	}
	w.cfg.log.Error("stage failed", "seq", st.Pos.Seq, "error", err)
	got, askErr := w.cfg.store.Batch(ctx, st.Pos)
	switch {
	case askErr == nil && got.Root == st.Root:
		return nil
	case errors.Is(askErr, store.ErrAbsent):
		return &Error{Kind: Unavailable, Msg: "the write could not be made durable; nothing was stored, try again", err: err}
	default:
		return w.halt("the store does not answer; it is not known whether the write was stored", errors.Join(err, askErr))
	}
}
