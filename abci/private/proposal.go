package private

import (
	"context"
	"errors"

	abci "github.com/cometbft/cometbft/abci/types"
	cmttypes "github.com/cometbft/cometbft/types"
)

// PrepareProposal keeps what has an effect, in the mempool's order: transactions that succeed after those before
// them, and conflicts, so that they are counted at the writer.
func (a *App) PrepareProposal(_ context.Context, req *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	var (
		keep  [][]byte
		total int64
	)
	err := a.rehearse(req.Height, func(b *block) error {
		for _, raw := range req.Txs {
			size := cmttypes.ComputeProtoSizeForTxs([]cmttypes.Tx{raw})
			if total+size > req.MaxTxBytes {
				return nil
			}
			v, err := b.deliver(raw)
			if err != nil {
				return err
			}
			if v.code == CodeOK || v.code == CodeConflict {
				keep, total = append(keep, raw), total+size
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &abci.ResponsePrepareProposal{Txs: keep}, nil
}

// ProcessProposal refuses a block with a transaction that does not decode or verify. Others without effect are
// accepted, and get their code in FinalizeBlock.
func (a *App) ProcessProposal(_ context.Context, req *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	status := abci.ResponseProcessProposal_ACCEPT
	err := a.rehearse(req.Height, func(b *block) error {
		for _, raw := range req.Txs {
			v, err := b.deliver(raw)
			if err != nil {
				return err
			}
			if Refused(v.code) {
				a.logger.Error("refused a proposed block", "height", req.Height, "code", v.code, "reason", v.log)
				status = abci.ResponseProcessProposal_REJECT
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &abci.ResponseProcessProposal{Status: status}, nil
}

// rehearse executes on a copy that is thrown away.
func (a *App) rehearse(height int64, run func(*block) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.ready(height); err != nil {
		return err
	}
	b := newBlock(a.db, &a.verifier, a.committed, height)
	return errors.Join(run(b), b.discard())
}
