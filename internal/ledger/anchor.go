package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cometbft/cometbft/types"

	"github.com/chartseal/chartseal/abci/consortium"
	"github.com/chartseal/chartseal/abci/tx"
)

const (
	// anchorPatience is how long an anchor may stay uncommitted before it is built anew.
	anchorPatience = 15 * time.Second
	// anchorRetryMost is the longest pause after failures.
	anchorRetryMost = 30 * time.Second
)

// anchorLoop anchors the private chain whenever it has grown, at most once in an interval. One anchor covers all that
// came before it, so after a cut, or a restart, one catches up.
func (l *Ledger) anchorLoop(ctx context.Context) {
	pause := l.cfg.AnchorInterval
	for ctx.Err() == nil {
		grown := l.private.commits.next()
		anchored, err := l.anchorOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = min(2*pause, anchorRetryMost)
			l.log.Warn("anchor the private chain", "error", err, "retry_in", pause)
		case anchored:
			pause = l.cfg.AnchorInterval
		default:
			select { // nothing to anchor before the next block
			case <-grown:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// anchorOnce anchors the newest header if the log grew, and waits until the anchor is committed.
func (l *Ledger) anchorOnce(ctx context.Context) (bool, error) {
	anchor, height, err := l.nextAnchor()
	if err != nil || anchor == nil {
		return false, err
	}
	nonce, err := l.consortiumApp.Current().Nonce(tx.KeyID(public(l.keys.writer)), consortium.KindAnchor)
	if err != nil {
		return false, fmt.Errorf("nonce: %w", err)
	}
	raw, err := tx.Sign(l.keys.writer, &tx.ConsortiumBody{
		ChainId: l.id.chainID("consortium"), Nonce: nonce + 1, Message: &tx.ConsortiumBody_Anchor{Anchor: anchor},
	})
	if err != nil {
		return false, fmt.Errorf("sign anchor: %w", err)
	}
	code, reason, err := l.consortium.check(raw)
	if err != nil {
		return false, err
	}
	if code != uint32(consortium.CodeOK) {
		return false, fmt.Errorf("%w: %s (code %d)", ErrRejected, reason, code)
	}
	wait, cancel := context.WithTimeout(ctx, anchorPatience)
	defer cancel()
	return true, l.consortium.await(wait, func() (bool, error) {
		last, err := l.lastAnchor()
		return last.GetHeight() >= height, err
	})
}

func (l *Ledger) lastAnchor() (*consortium.Chain, error) {
	last, err := l.consortiumApp.Current().Chain(l.id.chainID("private"))
	if err != nil {
		return nil, fmt.Errorf("last anchor: %w", err)
	}
	return last, nil
}

// nextAnchor builds the anchor of the newest private header; nil if its log has not grown since the last one.
func (l *Ledger) nextAnchor() (*tx.Anchor, int64, error) {
	last, err := l.lastAnchor()
	if err != nil {
		return nil, 0, err
	}
	height := l.private.node.BlockStore().Height()
	view := l.privateApp.View()
	if height < 2 || height <= last.GetHeight() || view.Height() < height-1 {
		return nil, 0, nil
	}
	state, _, err := view.StateAt(height - 1)
	if err != nil {
		return nil, 0, fmt.Errorf("private state: %w", err)
	}
	if state.GetLogSize() <= last.GetLogSize() {
		return nil, 0, nil
	}
	anchor := &tx.Anchor{PrivateChainId: l.id.chainID("private"), State: state}
	if anchor.Consistency, err = view.Consistency(last.GetLogSize(), state.GetLogSize()); err != nil {
		return nil, 0, fmt.Errorf("consistency with the last anchor: %w", err)
	}
	header, commit, set, ok, err := l.private.header(height)
	if err != nil {
		return nil, 0, err
	}
	if !ok {
		return nil, 0, fmt.Errorf("header %d: %w", height, ErrAbsent)
	}
	return anchor, height, encodeHeader(anchor, header, commit, set)
}

// encodeHeader puts a signed header into an anchor.
func encodeHeader(a *tx.Anchor, header *types.Header, commit *types.Commit, set *types.ValidatorSet) error {
	pb, err := set.ToProto()
	if err != nil {
		return fmt.Errorf("validators: %w", err)
	}
	var errHeader, errCommit, errSet error
	a.Header, errHeader = header.ToProto().Marshal()
	a.Commit, errCommit = commit.ToProto().Marshal()
	a.Validators, errSet = pb.Marshal()
	return errors.Join(errHeader, errCommit, errSet)
}

// lagClock knows for how long the oldest unanchored batch has been waiting, to about a second.
type lagClock struct {
	mu    sync.Mutex
	size  uint64 // guarded by mu; of the log
	marks []mark // guarded by mu; sizes of the log with the time they were reached, at most one a second
}

type mark struct {
	size uint64
	at   time.Time
}

func (c *lagClock) committed(size uint64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size = size
	if n := len(c.marks); n == 0 || now.Sub(c.marks[n-1].at) >= time.Second {
		c.marks = append(c.marks, mark{size, now})
	}
}

func (c *lagClock) anchored(size uint64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.marks) > 0 && c.marks[0].size <= size {
		c.marks = c.marks[1:]
	}
	if len(c.marks) == 0 && size < c.size {
		c.marks = []mark{{c.size, now}}
	}
}

// lag is 0 if everything is anchored.
func (c *lagClock) lag(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.marks) == 0 {
		return 0
	}
	return max(now.Sub(c.marks[0].at), 0)
}
