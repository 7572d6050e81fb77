package consortium

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	iavldb "github.com/cosmos/iavl/db"
)

// treeDB is the store as IAVL sees it: its own keys, reads through the buffer.
type treeDB struct{ s *store }

func treeKey(key []byte) []byte { return append([]byte{prefixTree}, key...) }

// Get implements the tree's database.
func (d treeDB) Get(key []byte) ([]byte, error) {
	k := treeKey(key)
	d.s.mu.RLock()
	v, ok := d.s.pending[string(k)]
	d.s.mu.RUnlock()
	if ok {
		return v, nil
	}
	return d.s.get(k)
}

// Has implements the tree's database.
func (d treeDB) Has(key []byte) (bool, error) {
	v, err := d.Get(key)
	return v != nil, err
}

// errBuffered guards a property that the buffer rests on: IAVL iterates only while it loads, before any change.
var errBuffered = errors.New("iteration over a tree with buffered changes")

// Iterator implements the tree's database.
func (d treeDB) Iterator(start, end []byte) (iavldb.Iterator, error) {
	return d.iterate(start, end, false)
}

// ReverseIterator implements the tree's database.
func (d treeDB) ReverseIterator(start, end []byte) (iavldb.Iterator, error) {
	return d.iterate(start, end, true)
}

func (d treeDB) iterate(start, end []byte, reverse bool) (iavldb.Iterator, error) {
	d.s.mu.RLock()
	dirty := len(d.s.pending) > 0
	d.s.mu.RUnlock()
	if dirty {
		return nil, errBuffered
	}
	upper := []byte{prefixTree + 1}
	if end != nil {
		upper = treeKey(end)
	}
	it, err := d.s.db.NewIter(&pebble.IterOptions{LowerBound: treeKey(start), UpperBound: upper})
	if err != nil {
		return nil, fmt.Errorf("iterate over tree: %w", err)
	}
	t := &treeIterator{it: it, start: start, end: end, reverse: reverse}
	if reverse {
		it.Last()
	} else {
		it.First()
	}
	return t, nil
}

// Close implements the tree's database; Pebble belongs to the application's owner.
func (treeDB) Close() error { return nil }

// NewBatch implements the tree's database.
func (d treeDB) NewBatch() iavldb.Batch { return &treeBatch{s: d.s} }

// NewBatchWithSize implements the tree's database; the size at which IAVL would like to flush is ignored.
func (d treeDB) NewBatchWithSize(int) iavldb.Batch { return d.NewBatch() }

// treeBatch collects changes until Write puts them into the buffer.
type treeBatch struct {
	s   *store
	ops []pair
}

// Set implements a batch of the tree's database.
func (b *treeBatch) Set(key, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	b.ops = append(b.ops, pair{treeKey(key), value})
	return nil
}

// Delete implements a batch of the tree's database.
func (b *treeBatch) Delete(key []byte) error {
	b.ops = append(b.ops, pair{key: treeKey(key)})
	return nil
}

// Write moves the changes into the buffer; the disk is not touched before store.commit.
func (b *treeBatch) Write() error {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	for _, op := range b.ops {
		b.s.pending[string(op.key)] = op.value
	}
	b.ops = nil
	return nil
}

// WriteSync is Write: what is durable is decided by store.commit alone.
func (b *treeBatch) WriteSync() error { return b.Write() }

// Close implements a batch of the tree's database.
func (b *treeBatch) Close() error { b.ops = nil; return nil }

// GetByteSize tells IAVL's flusher that there is never anything to flush.
func (b *treeBatch) GetByteSize() (int, error) { return 0, nil }

// treeIterator adapts a Pebble iterator.
type treeIterator struct {
	it         *pebble.Iterator
	start, end []byte
	reverse    bool
}

// Domain implements an iterator of the tree's database.
func (t *treeIterator) Domain() (start, end []byte) { return t.start, t.end }

// Valid implements an iterator of the tree's database.
func (t *treeIterator) Valid() bool { return t.it.Valid() }

// Next implements an iterator of the tree's database.
func (t *treeIterator) Next() {
	if t.reverse {
		t.it.Prev()
	} else {
		t.it.Next()
	}
}

// Key implements an iterator of the tree's database.
func (t *treeIterator) Key() []byte { return append([]byte{}, t.it.Key()[1:]...) }

// Value implements an iterator of the tree's database.
func (t *treeIterator) Value() []byte { return append([]byte{}, t.it.Value()...) }

// Error implements an iterator of the tree's database.
func (t *treeIterator) Error() error { return t.it.Error() }

// Close implements an iterator of the tree's database.
func (t *treeIterator) Close() error { return t.it.Close() }
