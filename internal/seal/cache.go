package seal

import (
	"bytes"
	"container/list"
	"slices"
	"sync"
	"time"
)

// cache holds unwrapped keys: a bounded number for a bounded time, plus the keys whose records are not durable yet,
// which must not be dropped (a second key made for the same patient would take the place of the first).
//
// An entry is in one of three states. Loading: ready is open, whoever made the entry is fetching or making the key,
// the others wait. Pending: record is set, it was handed out for staging. Settled: in lru, may be dropped at any time.
type cache struct {
	size int
	ttl  time.Duration
	now  func() time.Time

	mu      sync.Mutex
	entries map[Handle]*entry // guarded by mu
	lru     *list.List        // guarded by mu; of *entry, settled ones, most recently used first
	forgets uint64            // guarded by mu; how often a key was dropped on demand
	timer   *time.Timer       // guarded by mu; nil while nothing is settled
	closed  bool              // guarded by mu
}

type entry struct {
	handle  Handle
	ready   chan struct{} // closed when loading ends; nil from then on
	forgets uint64        // of the cache, when loading started
	key     *Key          // nil while loading
	record  []byte        // pending only
	users   int           // pending only: callers that hold the record
	at      *list.Element // settled only
	expires time.Time     // settled only
}

func newCache(size int, ttl time.Duration, now func() time.Time) *cache {
	return &cache{size: size, ttl: ttl, now: now, entries: make(map[Handle]*entry), lru: list.New()}
}

// acquire returns the key of a handle. If its record is still pending and the caller is going to write, the record
// comes along and the caller becomes one of its users. If the cache has no key, the returned entry is the caller's to
// load: it must end in settle, pend or fail, and everybody else who asks for the handle waits for that.
func (c *cache) acquire(h Handle, write bool) (key *Key, record []byte, load *entry) {
	for {
		c.mu.Lock()
		e, ok := c.entries[h]
		if ok && e.at != nil && !c.now().Before(e.expires) {
			c.drop(e)
			ok = false
		}
		if !ok {
			load = &entry{handle: h, ready: make(chan struct{}), forgets: c.forgets}
			c.entries[h] = load
			c.mu.Unlock()
			return nil, nil, load
		}
		if e.key != nil {
			if e.at != nil {
				c.lru.MoveToFront(e.at)
			}
			if write && e.record != nil {
				e.users++
				record = e.record
			}
			key = e.key
			c.mu.Unlock()
			return key, record, nil
		}
		ready := e.ready
		c.mu.Unlock()
		<-ready
	}
}

// settle ends loading with a key whose record is stored. A key that was forgotten meanwhile is not kept.
func (c *cache) settle(e *entry, key *Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.forgets == c.forgets && !c.closed {
		e.key = key
		c.keep(e)
	} else {
		delete(c.entries, e.handle)
	}
	e.loaded()
}

// pend ends loading with a new key, whose record the caller is the first to hold.
func (c *cache) pend(e *entry, key *Key, record []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.key, e.record, e.users = key, record, 1
	e.loaded()
}

// fail ends loading without a key, unless it has ended already.
func (c *cache) fail(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.ready != nil {
		delete(c.entries, e.handle)
		e.loaded()
	}
}

func (e *entry) loaded() {
	close(e.ready)
	e.ready = nil
}

// durable turns pending entries into settled ones.
func (c *cache) durable(recs []KeyRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range recs {
		if e, ok := c.pending(r); ok {
			e.record, e.users = nil, 0
			c.keep(e)
		}
	}
}

// abandon ends the use of pending records; one without users was never stored and is dropped with its key.
func (c *cache) abandon(recs []KeyRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range recs {
		if e, ok := c.pending(r); ok {
			if e.users--; e.users == 0 {
				delete(c.entries, e.handle)
			}
		}
	}
}

// pending returns the entry that handed out this very record. c.mu is held.
func (c *cache) pending(r KeyRecord) (*entry, bool) {
	e, ok := c.entries[r.Handle]
	return e, ok && e.record != nil && bytes.Equal(e.record, r.Record)
}

// forget drops the key of a handle and those of the sets that it belongs to, also from loads under way.
func (c *cache) forget(h Handle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets++
	for _, e := range c.entries {
		if e.key != nil && (e.handle == h || slices.Contains(e.key.members, h)) {
			c.drop(e)
		}
	}
}

// close drops everything. Loads under way end, and keep nothing.
func (c *cache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, e := range c.entries {
		if e.key != nil {
			c.drop(e)
		}
	}
}

// keep makes an entry settled, within the bounds of size and time. c.mu is held.
func (c *cache) keep(e *entry) {
	e.expires = c.now().Add(c.ttl)
	e.at = c.lru.PushFront(e)
	if c.lru.Len() > c.size {
		c.drop(c.lru.Back().Value.(*entry))
	}
	if c.timer == nil && c.lru.Len() > 0 {
		c.timer = time.AfterFunc(c.ttl, c.sweep)
	}
}

// drop removes an entry that has a key. c.mu is held.
func (c *cache) drop(e *entry) {
	delete(c.entries, e.handle)
	if e.at != nil {
		c.lru.Remove(e.at)
		e.at = nil
	}
	if c.timer != nil && c.lru.Len() == 0 {
		c.timer.Stop()
		c.timer = nil
	}
}

// sweep drops what has expired without being asked for, and comes back when the next key expires.
func (c *cache) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	next := now.Add(c.ttl)
	for at := c.lru.Front(); at != nil; {
		e := at.Value.(*entry)
		at = at.Next()
		switch {
		case !now.Before(e.expires):
			c.drop(e)
		case e.expires.Before(next):
			next = e.expires
		}
	}
	if c.timer != nil {
		c.timer.Reset(next.Sub(now))
	}
}
