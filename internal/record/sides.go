package record

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/store"
)

// sideQueue carries staged consent transactions to the consortium, in order, one at a time. An entry leaves the
// durable queue when the consortium has it. One that the consortium refuses for good leaves too, and its
// restriction stays: the published consent goes on differing from the chain's, so both are decided under.
type sideQueue struct {
	s      *Service
	signal chan struct{}
	ctx    context.Context //nolint:containedctx // ends the goroutine that start began; not a request's
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// sideRetry is how long one transaction may take before it is submitted again.
const sideRetry = 5 * time.Second

func newSideQueue(s *Service) *sideQueue {
	ctx, cancel := context.WithCancel(context.Background())
	q := &sideQueue{s: s, signal: make(chan struct{}, 1), ctx: ctx, cancel: cancel}
	s.cfg.Consortium.OnConsent(func(ledger.Consent) { q.wake() })
	return q
}

func (q *sideQueue) start() {
	q.wg.Add(1)
	go func() { defer q.wg.Done(); q.loop() }()
	q.wake()
}

func (q *sideQueue) wake() { signal(q.signal) }

func (q *sideQueue) close() error {
	q.cancel()
	q.wg.Wait()
	return nil
}

func (q *sideQueue) loop() {
	retry := time.NewTicker(sideRetry)
	defer retry.Stop()
	for {
		select {
		case <-q.ctx.Done():
			return
		case <-q.signal:
		case <-retry.C:
		}
		if err := q.forward(); err != nil && q.ctx.Err() == nil {
			q.s.log.Warn("forward consent to the consortium", "error", err)
		}
	}
}

// forward submits the first entry that the consortium does not have yet, after removing those that it has.
func (q *sideQueue) forward() error {
	sides, err := q.s.store.Sides(q.ctx)
	if err != nil {
		return err
	}
	v := q.s.view()
	for i := range sides {
		if !v.sees(sides[i].Pos) {
			return nil // not visible yet: publish wakes us
		}
		if !q.arrived(&sides[i]) {
			return q.submit(&sides[i])
		}
		if err := q.remove(&sides[i]); err != nil {
			return err
		}
	}
	return nil
}

// arrived asks the consortium's state; the overlay of a side transaction is the consent's id there.
func (q *sideQueue) arrived(side *store.SideTx) bool {
	if len(side.Overlay) != len(ledger.Consent{}.ID) {
		return false
	}
	state, ok := q.s.cfg.Consortium.ConsentState([32]byte(side.Overlay))
	return ok && state.Version >= side.Version
}

func (q *sideQueue) submit(side *store.SideTx) error {
	ctx, cancel := context.WithTimeout(q.ctx, sideRetry)
	defer cancel()
	err := q.s.cfg.Consortium.SubmitConsortium(ctx, side.Tx)
	if !errors.Is(err, ledger.ErrRejected) {
		return err
	}
	q.s.log.Error("the consortium refused a consent; its restriction stays in force here, its permission does not", "error", err)
	q.wake()
	return q.remove(side)
}

func (q *sideQueue) remove(side *store.SideTx) error {
	return q.s.store.RemoveSide(q.ctx, side.Pos, side.Index)
}
