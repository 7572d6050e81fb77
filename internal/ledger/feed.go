package ledger

import (
	"context"
	"sync"
)

// feed carries events from the consensus goroutine, which must not wait and may not be called back from, to
// subscribers, in order and from one goroutine.
type feed[T any] struct {
	mu    sync.Mutex
	queue []T       // guarded by mu
	subs  []func(T) // guarded by mu
	wake  chan struct{}
}

func newFeed[T any]() *feed[T] { return &feed[T]{wake: make(chan struct{}, 1)} }

func (f *feed[T]) subscribe(fn func(T)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs = append(f.subs, fn)
}

func (f *feed[T]) publish(events ...T) {
	f.mu.Lock()
	f.queue = append(f.queue, events...)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run delivers until ctx ends. What is queued then is dropped: subscribers learn it from the chain's state.
func (f *feed[T]) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		f.mu.Lock()
		events, subs := f.queue, f.subs
		f.queue = nil
		f.mu.Unlock()
		for _, e := range events {
			for _, fn := range subs {
				fn(e)
			}
		}
	}
}
