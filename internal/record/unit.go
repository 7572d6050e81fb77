package record

import (
	"context"
	"sync/atomic"

	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/seal"
	"github.com/chartseal/chartseal/internal/store"
)

// unit is one request's writes, or a whole transaction Bundle: never split over batches, all of it or none.
// Its goroutine prepares it under lock; from enqueue on the writer owns it.
type unit struct {
	versions []store.StagedVersion
	keys     []seal.KeyRecord
	outcomes []store.Outcome
	consents []consentChange
	locks    *lockSet

	state  atomic.Int32  // queued, taken or withdrawn
	staged chan struct{} // closed when the unit is durable, or has failed
	done   chan struct{} // closed when it is published, or has failed
	early  error         // why it was never staged; set before staged is closed
	err    error         // set before done is closed
	owned  bool          // by the writer: whoever began it must not drop it
	pos    store.Pos     // set before staged is closed
}

const (
	unitQueued int32 = iota
	unitTaken
	unitWithdrawn
)

// consentChange is a version of a Consent that the consortium chain must record.
type consentChange struct {
	version  int // index into unit.versions
	change   ledger.Consent
	subjects []store.Handle // patients whose policies change, before and after
}

func newUnit() *unit {
	return &unit{staged: make(chan struct{}), done: make(chan struct{})}
}

func (u *unit) leaves() int { return len(u.versions) }

// finish ends the unit before or at publish. It runs once.
func (u *unit) finish(err error) {
	u.err = err
	select {
	case <-u.staged:
	default:
		u.early = err
		close(u.staged)
	}
	u.locks.release()
	close(u.done)
}

// stagedIf is the channel that an early answer waits for; nil never fires.
func stagedIf(early bool, u *unit) <-chan struct{} {
	if early {
		return u.staged
	}
	return nil
}

// durable marks the unit as staged.
func (u *unit) durable(pos store.Pos) {
	u.pos = pos
	close(u.staged)
}

// await waits until the unit is published (or, for early, durable). When ctx ends first the unit is withdrawn if
// it was not staged yet; else its outcome is not known to the caller, and says so.
func (u *unit) await(ctx context.Context, early bool, location string) error {
	done := u.done
	if early {
		done = nil
	}
	select {
	case <-done:
		return u.err
	case <-stagedIf(early, u):
		return u.early
	case <-ctx.Done():
	}
	if u.state.CompareAndSwap(unitQueued, unitWithdrawn) {
		u.locks.release()
		return &Error{Kind: Unavailable, Msg: "the server is busy; nothing was stored, try again", err: ctx.Err()}
	}
	return &Error{
		Kind: Unavailable, Location: location, err: ctx.Err(),
		Msg: "the ledger did not commit in time; the outcome is not known yet and will appear at the location given",
	}
}
