package record

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chartseal/chartseal/internal/store"
)

// writer turns units into batches. While batch k is being committed, units gather; when that is done, or when so
// many wait that staging them takes as long as a commit, they become batch k+1. Two goroutines own it: stageLoop
// assigns seq and DocIDs, commitLoop publishes.
type writer struct {
	cfg     writerConfig
	queue   chan *unit
	handoff chan *batch   // unbuffered: at most one batch is staged ahead of the one being committed
	wake    chan struct{} // signalled after each commit
	ripe    chan struct{} // signalled when enough leaves wait to stage ahead, and when no batch is in flight
	stop    chan struct{} // closed when no unit may be added any more
	abort   chan struct{} // closed when waiting for the chain must end
	wg      sync.WaitGroup

	committed atomic.Uint64 // the chain's seq of this writer
	backlog   atomic.Int64  // leaves queued or staged and not published
	waiting   atomic.Int64  // leaves queued
	inFlight  atomic.Int64  // batches staged and not published
	halted    atomic.Pointer[Error]
	aborted   sync.Once
	closing   sync.RWMutex // write-held once, to close stop after the last enqueue
	closed    bool         // guarded by closing

	seq uint64      // last staged; owned by stageLoop
	doc store.DocID // last assigned; owned by stageLoop
}

type writerConfig struct {
	store      store.Store
	chain      Chain
	consortium Consortium
	ordinal    uint32
	log        *slog.Logger
	maxLeaves  int           // a batch takes no further unit once it has this many leaves
	maxBacklog int64         // leaves; above it writes are refused with 503
	retry      time.Duration // how often an uncommitted transaction is submitted again
	durable    func(*unit)   // after stage
	abandon    func(*unit)   // a unit that never reached the store
	publish    func(*batch)  // makes the batch visible
}

func newWriter(cfg writerConfig, committed, staged uint64, doc store.DocID) *writer {
	w := &writer{
		cfg: cfg, queue: make(chan *unit, 4096), handoff: make(chan *batch), wake: make(chan struct{}, 1), ripe: make(chan struct{}, 1),
		stop: make(chan struct{}), abort: make(chan struct{}), seq: staged, doc: doc,
	}
	w.committed.Store(committed)
	id := cfg.chain.Writer()
	cfg.chain.OnCommit(func(writer [16]byte, seq uint64) {
		if writer == id {
			w.noteCommitted(seq)
		}
	})
	return w
}

func (w *writer) noteCommitted(seq uint64) {
	for old := w.committed.Load(); seq > old && !w.committed.CompareAndSwap(old, seq); {
		old = w.committed.Load()
	}
	signal(w.wake)
}

// askCommitted asks the chain itself: a commit may have come before anybody listened, as when CometBFT replays at
// the start.
func (w *writer) askCommitted() {
	seq, err := w.cfg.chain.CommittedSeq(w.cfg.chain.Writer())
	if err != nil {
		w.cfg.log.Warn("ask the chain", "error", err)
		return
	}
	w.noteCommitted(seq)
}

// signal sets a flag that somebody waits for; it stays set until taken.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (w *writer) start() {
	w.wg.Add(2)
	go func() { defer w.wg.Done(); w.stageLoop() }()
	go func() { defer w.wg.Done(); w.commitLoop() }()
}

// enqueue hands a prepared unit over. On error the unit is untouched and the caller releases its locks.
func (w *writer) enqueue(u *unit) error {
	w.closing.RLock()
	defer w.closing.RUnlock()
	if e := w.halted.Load(); e != nil {
		return refused(e)
	}
	if w.closed {
		return fail(Unavailable, "the server is stopping; nothing was stored, try again")
	}
	n := int64(u.leaves())
	if w.backlog.Add(n) > w.cfg.maxBacklog {
		w.backlog.Add(-n)
		return fail(Unavailable, "too many writes wait for the ledger; nothing was stored, try again")
	}
	select {
	case w.queue <- u:
		if w.waiting.Add(n) >= stageAhead {
			signal(w.ripe)
		}
		return nil
	default:
		w.backlog.Add(-n)
		return fail(Unavailable, "too many writes wait; nothing was stored, try again")
	}
}

// close stages and commits what is queued, for as long as ctx allows, and ends both goroutines.
func (w *writer) close(ctx context.Context) error {
	w.closing.Lock()
	if !w.closed {
		w.closed = true
		close(w.stop)
	}
	w.closing.Unlock()
	finished := make(chan struct{})
	go func() { w.wg.Wait(); close(finished) }()
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		w.giveUp()
		<-finished
		return fmt.Errorf("drain writes: %w", ctx.Err())
	}
}

// giveUp ends waiting for the chain.
func (w *writer) giveUp() { w.aborted.Do(func() { close(w.abort) }) }

func (w *writer) stageLoop() {
	defer close(w.handoff)
	for {
		select {
		case u := <-w.queue:
			w.ripen()
			w.stage(w.gather(u))
		case <-w.stop:
			w.drain()
			return
		}
	}
}

// stageAhead is how many leaves must wait to be staged while another batch is in flight. Fewer are staged faster
// than a commit takes: made a batch at once they would only make the rest wait for one commit more.
const stageAhead = 512

// ripen waits until staging is worth it.
func (w *writer) ripen() {
	for w.inFlight.Load() > 0 && w.waiting.Load() < stageAhead {
		select {
		case <-w.ripe:
		case <-w.stop:
			return
		}
	}
}

// drain stages what was queued before stop.
func (w *writer) drain() {
	for {
		select {
		case u := <-w.queue:
			w.stage(w.gather(u))
		default:
			return
		}
	}
}

// gather takes everything that has arrived, up to the batch limit.
func (w *writer) gather(first *unit) []*unit {
	var units []*unit
	n := 0
	take := func(u *unit) {
		w.waiting.Add(-int64(u.leaves()))
		if !u.state.CompareAndSwap(unitQueued, unitTaken) {
			w.backlog.Add(-int64(u.leaves()))
			w.cfg.abandon(u)
			return
		}
		units = append(units, u)
		n += u.leaves()
	}
	take(first)
	for n < w.cfg.maxLeaves {
		select {
		case u := <-w.queue:
			take(u)
		default:
			return units
		}
	}
	return units
}

// stage makes one durable batch of the units and hands it to commitLoop.
func (w *writer) stage(units []*unit) {
	if len(units) == 0 {
		return
	}
	b := &batch{pos: store.Pos{Writer: w.cfg.ordinal, Seq: w.seq + 1}, units: units}
	if e := w.halted.Load(); e != nil {
		w.refuse(b, refused(e))
		return
	}
	st, err := w.assemble(b)
	if err != nil {
		w.refuse(b, err)
		return
	}
	if err := w.stageDurably(st); err != nil {
		if w.halted.Load() == nil {
			w.refuse(b, err)
		} else {
			w.failBatch(b, err) // its outcome is unknown, and so are its keys
		}
		return
	}
	w.seq = b.pos.Seq
	w.doc += store.DocID(len(st.Versions))
	for _, u := range units {
		w.cfg.durable(u)
		u.durable(b.pos)
	}
	w.inFlight.Add(1)
	w.handoff <- b
}

// halt stops all further writes of this process; reads go on.
func (w *writer) halt(msg string, err error) *Error {
	e := &Error{Kind: Unavailable, Msg: msg, err: err}
	w.halted.CompareAndSwap(nil, e)
	w.cfg.log.Error("writes halted", "reason", msg, "error", err)
	return e
}

// refuse ends units of which nothing was stored.
func (w *writer) refuse(b *batch, err error) {
	for _, u := range b.units {
		w.cfg.abandon(u)
	}
	w.failBatch(b, err)
}

// refused is what a write gets that comes when another one has halted the writer: of this one the outcome is known.
func refused(e *Error) *Error {
	return &Error{Kind: Unavailable, Msg: "writes are halted until an operator looks; nothing was stored", err: e}
}

func (w *writer) failBatch(b *batch, err error) {
	for _, u := range b.units {
		w.backlog.Add(-int64(u.leaves()))
		u.finish(err)
	}
}
