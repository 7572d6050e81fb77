package consortium

import (
	"context"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/types"
)

// CheckTx executes a transaction on the committed state and drops the result. One that would be refused does not
// enter the mempool; one that proves a misbehaviour does.
func (a *App) CheckTx(_ context.Context, req *abci.RequestCheckTx) (*abci.ResponseCheckTx, error) {
	s := a.Current()
	refused := a.stopped()
	if refused == nil {
		refused = a.execute(newLayer(s, s.anchors, s.consents), &execution{chainID: s.ChainID, height: s.Height + 1, time: s.Time}, req.Tx)
	}
	code, err := codeOf(refused)
	if err != nil {
		return nil, fmt.Errorf("check transaction: %w", err)
	}
	if code == CodeOK || code.Recorded() {
		return &abci.ResponseCheckTx{}, nil
	}
	return &abci.ResponseCheckTx{Code: uint32(code), Codespace: Codespace, Log: refused.Error()}, nil
}

// stopped is a refusal once the store has failed.
func (a *App) stopped() error {
	if err := a.Err(); err != nil {
		return refuse(CodeStopped, "%v", err)
	}
	return nil
}

// admissible tells whether a transaction may stand in a block: it decodes, and a key of the committed state signed
// it. What else could be wrong with it shows in its result. It depends on the transaction and the committed state
// only (ABCI requirements 4 and 5).
func (a *App) admissible(s *Snapshot, raw []byte) (bool, error) {
	code, err := codeOf(a.open(s, &execution{chainID: s.ChainID}, raw))
	return code == CodeOK, err
}

// PrepareProposal leaves out what ProcessProposal would reject (ABCI requirement 3) and keeps to the size limit
// (requirement 2). It changes no state (requirement 9).
func (a *App) PrepareProposal(_ context.Context, req *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	s := a.Current()
	var size int64
	out := make([][]byte, 0, len(req.Txs))
	for _, raw := range req.Txs {
		ok, err := a.admissible(s, raw)
		if err != nil {
			return nil, fmt.Errorf("prepare proposal: %w", err)
		}
		if !ok {
			continue
		}
		if size += types.ComputeProtoSizeForTxs([]types.Tx{raw}); size > req.MaxTxBytes {
			break
		}
		out = append(out, raw)
	}
	return &abci.ResponsePrepareProposal{Txs: out}, nil
}

// ProcessProposal rejects a block with a transaction that does not decode or is not signed by a known key.
func (a *App) ProcessProposal(_ context.Context, req *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	s := a.Current()
	for _, raw := range req.Txs {
		ok, err := a.admissible(s, raw)
		if err != nil {
			return nil, fmt.Errorf("process proposal: %w", err)
		}
		if !ok {
			return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}, nil
		}
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}
