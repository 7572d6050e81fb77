package private

import (
	"context"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/chartseal/chartseal/abci/tx"
)

// tip is the batch of a writer that CheckTx let into the mempool.
type tip struct {
	seq  uint64
	root [tx.HashSize]byte
	size uint64
}

// CheckTx lets a transaction into the mempool if it would succeed now, and at most one batch per writer: the next
// seq is staged meanwhile, and two roots never compete for one seq in a mempool. The same batch may come again.
func (a *App) CheckTx(_ context.Context, req *abci.RequestCheckTx) (*abci.ResponseCheckTx, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil {
		return nil, a.failed
	}
	if a.committed.genesis == nil {
		return checkResult(refuse(CodeWrongChain, "the chain has not begun")), nil
	}
	c, v := decode(req.Tx, a.committed.genesis.ChainID)
	if v.code != CodeOK {
		return checkResult(v), nil
	}
	v, err := a.committed.judge(reader{a.db}, &a.verifier, c)
	if err != nil {
		return nil, err
	}
	if batch := c.body.GetBatch(); batch != nil {
		if v.code == CodeOK {
			v = a.hold(batch)
		}
		if v.code == CodeConflict || v.code == CodeOutstanding {
			a.logger.Error("a writer reused a sequence number", "writer", hexID([tx.WriterSize]byte(batch.GetWriter())), "seq", batch.GetSeq(), "code", v.code)
		}
	}
	return checkResult(v), nil
}

// hold remembers the writer's one outstanding batch.
func (a *App) hold(b *tx.Batch) verdict {
	id := [tx.WriterSize]byte(b.GetWriter())
	next := tip{b.GetSeq(), [tx.HashSize]byte(b.GetRoot()), b.GetSize()}
	if held, ok := a.outstanding[id]; ok && held != next {
		return refuse(CodeOutstanding, "another batch with this seq is outstanding")
	}
	a.outstanding[id] = next
	return accepted
}

// settle forgets outstanding batches that a block has decided.
func (a *App) settle(s *state) {
	for _, w := range s.writers {
		id := [tx.WriterSize]byte(w.GetWriter())
		if held, ok := a.outstanding[id]; ok && (held.seq <= w.GetLastSeq() || w.GetClosed()) {
			delete(a.outstanding, id)
		}
	}
}

func checkResult(v verdict) *abci.ResponseCheckTx {
	return &abci.ResponseCheckTx{Code: v.code, Log: v.log, Codespace: Codespace}
}

// Query is not served: readers use View, which waits for nothing.
func (*App) Query(context.Context, *abci.RequestQuery) (*abci.ResponseQuery, error) {
	return &abci.ResponseQuery{Code: CodeUnsupported, Log: "queries are not served", Codespace: Codespace}, nil
}

// InsertTx refuses: with the application-side mempool, which this application has not, a transaction would vanish.
func (*App) InsertTx(context.Context, *abci.RequestInsertTx) (*abci.ResponseInsertTx, error) {
	return &abci.ResponseInsertTx{Code: CodeUnsupported}, nil
}
