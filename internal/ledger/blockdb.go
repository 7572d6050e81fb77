package ledger

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/config"
)

// blockDB is one Pebble database for all of a node's stores: blocks, consensus state and evidence. Pebble is what the
// applications and the sealed store use as well: checksummed, atomic batches, one kind of recovery to understand, and
// a file system that tests can crash. CometBFT's default, goleveldb, would be three more databases of another kind.
type blockDB struct {
	db *pebble.DB
}

func openBlockDB(dir string, fs vfs.FS, log *slog.Logger) (*blockDB, error) {
	cache := pebble.NewCache(2 << 20)
	defer cache.Unref()
	db, err := pebble.Open(dir, &pebble.Options{
		FS: fs, Cache: cache, MemTableSize: 4 << 20, FormatMajorVersion: pebble.FormatTableFormatV6, Logger: pebbleLogger{log},
	})
	if err != nil {
		return nil, fmt.Errorf("open blocks: %w", err)
	}
	return &blockDB{db: db}, nil
}

// pebbleLogger passes Pebble's messages on. After Fatalf Pebble cannot go on: the panic stops consensus, or the
// process.
type pebbleLogger struct{ *slog.Logger }

// Infof implements Pebble's logger.
func (l pebbleLogger) Infof(format string, args ...any) { l.Debug(fmt.Sprintf(format, args...)) }

// Errorf implements Pebble's logger.
func (l pebbleLogger) Errorf(format string, args ...any) { l.Error(fmt.Sprintf(format, args...)) }

// Fatalf implements Pebble's logger.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.Error(fmt.Sprintf(format, args...))
	panic(fmt.Errorf(format, args...))
}

// provide gives CometBFT its stores.
func (b *blockDB) provide(ctx *config.DBContext) (dbm.DB, error) { return b.store(ctx.ID) }

func (b *blockDB) store(id string) (dbm.DB, error) {
	prefixes := map[string]byte{"blockstore": 'b', "state": 's', "evidence": 'e'}
	p, ok := prefixes[id]
	if !ok {
		return nil, fmt.Errorf("store %q is not known", id)
	}
	return &prefixDB{db: b.db, prefix: p}, nil
}

func (b *blockDB) close() error { return b.db.Close() }

var (
	errEmptyKey = errors.New("empty key")
	errNilValue = errors.New("nil value")
	errDone     = errors.New("batch was written or closed")
)

// prefixDB is one store. CometBFT closes it; the database stays open until the node has stopped.
type prefixDB struct {
	db     *pebble.DB
	prefix byte
}

func (p *prefixDB) key(k []byte) []byte { return append([]byte{p.prefix}, k...) }

// Get implements dbm.DB.
func (p *prefixDB) Get(key []byte) ([]byte, error) {
	if len(key) == 0 {
		return nil, errEmptyKey
	}
	return getCopy(p.db, p.key(key))
}

func getCopy(r interface {
	Get(key []byte) ([]byte, io.Closer, error)
}, key []byte,
) ([]byte, error) {
	v, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read blocks: %w", err)
	}
	out := append([]byte{}, v...)
	return out, closer.Close()
}

// Has implements dbm.DB.
func (p *prefixDB) Has(key []byte) (bool, error) {
	v, err := p.Get(key)
	return v != nil, err
}

// Set implements dbm.DB.
func (p *prefixDB) Set(key, value []byte) error { return p.set(key, value, pebble.NoSync) }

// SetSync implements dbm.DB.
func (p *prefixDB) SetSync(key, value []byte) error { return p.set(key, value, pebble.Sync) }

func (p *prefixDB) set(key, value []byte, o *pebble.WriteOptions) error {
	if err := checkPair(key, value); err != nil {
		return err
	}
	return p.db.Set(p.key(key), value, o)
}

func checkPair(key, value []byte) error {
	if len(key) == 0 {
		return errEmptyKey
	}
	if value == nil {
		return errNilValue
	}
	return nil
}

// Delete implements dbm.DB.
func (p *prefixDB) Delete(key []byte) error { return p.delete(key, pebble.NoSync) }

// DeleteSync implements dbm.DB.
func (p *prefixDB) DeleteSync(key []byte) error { return p.delete(key, pebble.Sync) }

func (p *prefixDB) delete(key []byte, o *pebble.WriteOptions) error {
	if len(key) == 0 {
		return errEmptyKey
	}
	return p.db.Delete(p.key(key), o)
}

// Iterator implements dbm.DB.
func (p *prefixDB) Iterator(start, end []byte) (dbm.Iterator, error) {
	return p.iterate(start, end, false)
}

// ReverseIterator implements dbm.DB.
func (p *prefixDB) ReverseIterator(start, end []byte) (dbm.Iterator, error) {
	return p.iterate(start, end, true)
}

func (p *prefixDB) iterate(start, end []byte, reverse bool) (dbm.Iterator, error) {
	if start != nil && len(start) == 0 || end != nil && len(end) == 0 {
		return nil, errEmptyKey
	}
	upper := []byte{p.prefix + 1}
	if end != nil {
		upper = p.key(end)
	}
	it, err := p.db.NewIter(&pebble.IterOptions{LowerBound: p.key(start), UpperBound: upper})
	if err != nil {
		return nil, fmt.Errorf("iterate over blocks: %w", err)
	}
	out := &prefixIterator{it: it, start: start, end: end, reverse: reverse}
	if reverse {
		it.Last()
	} else {
		it.First()
	}
	return out, nil
}

// Close implements dbm.DB.
func (*prefixDB) Close() error { return nil }

// NewBatch implements dbm.DB.
func (p *prefixDB) NewBatch() dbm.Batch { return &prefixBatch{db: p, batch: p.db.NewBatch()} }

// Print implements dbm.DB.
func (*prefixDB) Print() error { return nil }

// Stats implements dbm.DB.
func (*prefixDB) Stats() map[string]string { return nil }

// Compact implements dbm.DB; Pebble compacts by itself.
func (*prefixDB) Compact(_, _ []byte) error { return nil }

// prefixBatch is an atomic batch on one store.
type prefixBatch struct {
	db    *prefixDB
	batch *pebble.Batch // nil once written or closed
}

// Set implements dbm.Batch.
func (b *prefixBatch) Set(key, value []byte) error {
	if err := checkPair(key, value); err != nil {
		return err
	}
	if b.batch == nil {
		return errDone
	}
	return b.batch.Set(b.db.key(key), value, nil)
}

// Delete implements dbm.Batch.
func (b *prefixBatch) Delete(key []byte) error {
	if len(key) == 0 {
		return errEmptyKey
	}
	if b.batch == nil {
		return errDone
	}
	return b.batch.Delete(b.db.key(key), nil)
}

// Write implements dbm.Batch.
func (b *prefixBatch) Write() error { return b.commit(pebble.NoSync) }

// WriteSync implements dbm.Batch.
func (b *prefixBatch) WriteSync() error { return b.commit(pebble.Sync) }

func (b *prefixBatch) commit(o *pebble.WriteOptions) error {
	if b.batch == nil {
		return errDone
	}
	if err := b.batch.Commit(o); err != nil {
		return fmt.Errorf("write blocks: %w", err)
	}
	return b.Close()
}

// Close implements dbm.Batch.
func (b *prefixBatch) Close() error {
	if b.batch == nil {
		return nil
	}
	batch := b.batch
	b.batch = nil
	return batch.Close()
}

// prefixIterator implements dbm.Iterator.
type prefixIterator struct {
	it         *pebble.Iterator
	start, end []byte
	reverse    bool
}

// Domain implements dbm.Iterator.
func (i *prefixIterator) Domain() (start, end []byte) { return i.start, i.end }

// Valid implements dbm.Iterator.
func (i *prefixIterator) Valid() bool { return i.it.Valid() }

// Next implements dbm.Iterator.
func (i *prefixIterator) Next() {
	i.mustBeValid()
	if i.reverse {
		i.it.Prev()
	} else {
		i.it.Next()
	}
}

// Key implements dbm.Iterator.
func (i *prefixIterator) Key() []byte {
	i.mustBeValid()
	return append([]byte{}, i.it.Key()[1:]...)
}

// Value implements dbm.Iterator.
func (i *prefixIterator) Value() []byte {
	i.mustBeValid()
	return append([]byte{}, i.it.Value()...)
}

// mustBeValid keeps the interface's contract: reading past the end is a mistake of the caller.
func (i *prefixIterator) mustBeValid() {
	if !i.it.Valid() {
		panic("iterator is not valid")
	}
}

// Error implements dbm.Iterator.
func (i *prefixIterator) Error() error { return i.it.Error() }

// Close implements dbm.Iterator.
func (i *prefixIterator) Close() error { return i.it.Close() }
