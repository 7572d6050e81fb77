package ledger

import (
	"bytes"
	"context"
	"errors"
	"time"
)

func (l *Ledger) halt() { l.halting.Do(func() { close(l.halted) }) }

// Halted is closed when a chain cannot go on before the process is restarted: its disk failed, or its state
// contradicts itself. Status tells why.
func (l *Ledger) Halted() <-chan struct{} { return l.halted }

// restPatience bounds how long Close waits for a block that is on its way.
const restPatience = time.Second

// rest waits until neither chain has anything to sign. A node that is stopped between signing and logging what it
// signed loses a round at the next start.
func (l *Ledger) rest() {
	ctx, cancel := context.WithTimeout(context.Background(), restPatience)
	defer cancel()
	quiet := func(c *chain, hash func() []byte) {
		if c == nil || c.node == nil || !c.node.IsRunning() {
			return
		}
		_ = c.await(ctx, func() (bool, error) { // an error only means that the stop is less quiet
			blocks := c.node.BlockStore()
			meta := blocks.LoadBlockMeta(blocks.Height())
			return meta != nil && bytes.Equal(meta.Header.AppHash, hash()) && c.node.Mempool().Size() == 0, nil
		})
	}
	quiet(l.private, func() []byte { return l.privateApp.View().AppHash() })
	quiet(l.consortium, func() []byte { return l.consortiumApp.Current().AppHash })
}

// Close stops both nodes and waits for all goroutines. What was acknowledged is on the disk already.
func (l *Ledger) Close() error {
	l.once.Do(func() {
		l.stop()
		l.workers.Wait()
		l.rest()
		var errs []error
		for _, c := range []*chain{l.private, l.consortium} {
			if c != nil {
				errs = append(errs, c.close())
			}
		}
		if l.privateApp != nil {
			errs = append(errs, l.privateApp.Close())
		}
		if l.consortiumApp != nil {
			errs = append(errs, l.consortiumApp.Close())
		}
		l.closed = errors.Join(errs...)
	})
	return l.closed
}
