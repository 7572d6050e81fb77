package record

import (
	"context"
	"slices"
	"sync"

	"github.com/chartseal/chartseal/internal/store"
)

// locks serialises units that touch the same resource or evaluate the same conditional criterion. Keys are
// taken in sorted order, so that no two units can wait for each other.
type locks struct {
	mu   sync.Mutex
	held map[store.Token]*lockQueue
}

// lockQueue is the line of waiters behind the holder of one key.
type lockQueue struct{ waiters []chan struct{} }

func newLocks() *locks { return &locks{held: make(map[store.Token]*lockQueue)} }

// lockSet is what one unit holds. It is released once.
type lockSet struct {
	l    *locks
	keys []store.Token
}

// acquire takes every key or, when ctx ends first, none.
func (l *locks) acquire(ctx context.Context, keys []store.Token) (*lockSet, error) {
	slices.SortFunc(keys, compareTokens)
	keys = slices.Compact(keys)
	for i, k := range keys {
		if err := l.lock(ctx, k); err != nil {
			(&lockSet{l: l, keys: keys[:i]}).release()
			return nil, &Error{Kind: Unavailable, Msg: "another write holds the resource; nothing was stored, try again", err: err}
		}
	}
	return &lockSet{l: l, keys: keys}, nil
}

func compareTokens(a, b store.Token) int { return slices.Compare(a[:], b[:]) }

func (l *locks) lock(ctx context.Context, k store.Token) error {
	l.mu.Lock()
	q, busy := l.held[k]
	if !busy {
		l.held[k] = &lockQueue{}
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	q.waiters = append(q.waiters, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.abandon(k, turn)
		return ctx.Err()
	}
}

// abandon leaves the line; a turn that came meanwhile is passed on.
func (l *locks) abandon(k store.Token, turn chan struct{}) {
	l.mu.Lock()
	q := l.held[k]
	i := -1
	if q != nil {
		i = slices.Index(q.waiters, turn)
	}
	if i >= 0 {
		q.waiters = slices.Delete(q.waiters, i, i+1)
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	l.unlock(k) // the turn had been given: this unit is the holder
}

func (l *locks) unlock(k store.Token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.held[k]
	if len(q.waiters) == 0 {
		delete(l.held, k)
		return
	}
	next := q.waiters[0]
	q.waiters = q.waiters[1:]
	close(next)
}

// release gives all keys back. A nil set holds nothing.
func (s *lockSet) release() {
	if s == nil {
		return
	}
	for _, k := range s.keys {
		s.l.unlock(k)
	}
	s.keys = nil
}
