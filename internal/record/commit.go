package record

import (
	"context"
	"errors"
	"time"

	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/store"
)

// batch is a staged batch on its way to the chain.
type batch struct {
	pos   store.Pos
	tx    []byte
	units []*unit // none for a batch found staged at start
}

// subjects are the patients whose policies the batch changes.
func (b *batch) subjects() (out []store.Handle) {
	for _, u := range b.units {
		for i := range u.consents {
			out = append(out, u.consents[i].subjects...)
		}
	}
	return out
}

func (b *batch) leaves() (n int) {
	for _, u := range b.units {
		n += u.leaves()
	}
	return n
}

func (w *writer) commitLoop() {
	for b := range w.handoff {
		committed := w.awaitCommit(b)
		w.inFlight.Add(-1)
		signal(w.ripe)
		if !committed {
			w.failBatch(b, fail(Unavailable, "the server stops before the ledger has committed; the outcome is not known yet"))
			continue
		}
		w.cfg.publish(b)
		for _, u := range b.units {
			w.backlog.Add(-int64(u.leaves()))
			u.finish(nil)
		}
	}
}

// awaitCommit submits the staged bytes until the chain has them. It gives up only when the process stops, or when
// the chain refuses them for good, which means that store and chain do not belong together.
func (w *writer) awaitCommit(b *batch) bool {
	timer := time.NewTimer(w.cfg.retry)
	defer timer.Stop()
	for w.askCommitted(); w.committed.Load() < b.pos.Seq; w.askCommitted() {
		if w.halted.Load() != nil {
			return false
		}
		ctx, cancel := context.WithTimeout(context.Background(), w.cfg.retry)
		err := w.cfg.chain.Submit(ctx, b.tx)
		cancel()
		if errors.Is(err, ledger.ErrRejected) {
			_ = w.halt("the ledger refuses a staged batch; an operator must look", err)
			return false
		}
		if err != nil {
			w.cfg.log.Warn("submit batch", "seq", b.pos.Seq, "error", err)
		}
		timer.Reset(w.cfg.retry)
		if !w.awaitSeq(b.pos.Seq, timer.C) {
			return false
		}
	}
	return true
}

// awaitSeq returns true when the chain reached seq or the timer fired, false when the process stops.
func (w *writer) awaitSeq(seq uint64, timeout <-chan time.Time) bool {
	for w.committed.Load() < seq {
		select {
		case <-w.wake:
		case <-timeout:
			return true
		case <-w.abort:
			return false
		}
	}
	return true
}
