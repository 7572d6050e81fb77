package ledger

import (
	"bytes"
	"sync/atomic"

	"github.com/chartseal/chartseal/abci/consortium"
)

// provable is a state of the consortium with the header that carries its hash.
type provable struct {
	snap   *consortium.Snapshot
	height int64 // of the header
}

// consortiumHead holds the newest state that a header proves: that before the last block. The state after the last
// block waits for the next header, and nobody should wait with it.
type consortiumHead struct {
	before  *consortium.Snapshot // owned by the consensus goroutine
	current atomic.Pointer[provable]
}

// keep remembers the state before a commit.
func (h *consortiumHead) keep(s *consortium.Snapshot) { h.before = s }

// advance follows the commit of the next block: its header carries the hash of the state kept.
func (h *consortiumHead) advance() {
	h.current.Store(&provable{snap: h.before, height: h.before.Height + 1})
}

// restore finds the provable state after a start. If the last block changed the state, there is none until the next
// block, which CometBFT makes at once in that case.
func (h *consortiumHead) restore(c *chain, s *consortium.Snapshot) {
	if meta := c.node.BlockStore().LoadBlockMeta(s.Height); meta != nil && bytes.Equal(meta.Header.AppHash, s.AppHash) {
		h.current.CompareAndSwap(nil, &provable{snap: s, height: s.Height})
	}
}

// load returns nil as long as there is none.
func (h *consortiumHead) load() *provable { return h.current.Load() }
