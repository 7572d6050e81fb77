package private

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrCorrupt is wrapped when the stored state contradicts itself. The process must stop.
var ErrCorrupt = errors.New("private chain state is corrupt")

// ErrClosed is returned by readers after Close.
var ErrClosed = errors.New("private chain is closed")

// Key prefixes; see the package comment.
const (
	prefixGenesis = 'g'
	prefixMeta    = 'm'
	prefixWriter  = 'w'
	prefixBatch   = 'b'
	prefixSeq     = 'i'
	prefixNode    = 'n'
	prefixHeight  = 'h'
)

func keyWriter(id []byte) []byte   { return append([]byte{prefixWriter}, id...) }
func keyBatch(index uint64) []byte { return binary.BigEndian.AppendUint64([]byte{prefixBatch}, index) }

func keyHeight(height uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixHeight}, height)
}

func keySeq(writer []byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte{prefixSeq}, writer...), n)
}

func openDB(dir string, fs vfs.FS, cacheBytes int64, logger *slog.Logger) (*pebble.DB, error) {
	cache := pebble.NewCache(cacheBytes)
	defer cache.Unref()
	db, err := pebble.Open(dir, &pebble.Options{
		FS: fs, Cache: cache, MemTableSize: 4 << 20, FormatMajorVersion: pebble.FormatTableFormatV6,
		Logger: pebbleLogger{logger},
	})
	if err != nil {
		return nil, fmt.Errorf("open private chain state: %w", err)
	}
	return db, nil
}

// storageError is the panic by which Pebble's fatal errors leave its call stack.
type storageError struct{ error }

// pebbleLogger passes Pebble's messages on. Pebble cannot go on after Fatalf, so it must not return: in Commit the
// panic becomes an error, in a background goroutine it stops the process, and both are replayed after a restart.
type pebbleLogger struct{ *slog.Logger }

func (l pebbleLogger) Infof(format string, args ...any) { l.Debug(fmt.Sprintf(format, args...)) }

func (l pebbleLogger) Errorf(format string, args ...any) { l.Error(fmt.Sprintf(format, args...)) }

func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.Error(fmt.Sprintf(format, args...))
	panic(storageError{fmt.Errorf(format, args...)})
}

// pebbleReader is what a database and an uncommitted batch have in common.
type pebbleReader interface {
	Get(key []byte) ([]byte, io.Closer, error)
	NewIter(o *pebble.IterOptions) (*pebble.Iterator, error)
}

// reader reads records; an absent one is nil without an error.
type reader struct{ pebbleReader }

// Get implements mlog.Getter.
func (r reader) Get(key []byte) ([]byte, error) {
	v, closer, err := r.pebbleReader.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read private chain state: %w", err)
	}
	out := append([]byte{}, v...)
	return out, closer.Close()
}

// scan visits all records of a prefix in key order.
func (r reader) scan(prefix byte, visit func(key, value []byte) error) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		return fmt.Errorf("scan private chain state: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if err := visit(it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return it.Error()
}

// last returns the newest record of a prefix whose number is at most n; a nil value if there is none.
func (r reader) last(prefix byte, n uint64) (number uint64, value []byte, err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		return 0, nil, fmt.Errorf("seek private chain state: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	// The next key after that of n, in the order of the bytes.
	after := append(binary.BigEndian.AppendUint64([]byte{prefix}, n), 0)
	if !it.SeekLT(after) {
		return 0, nil, it.Error()
	}
	if len(it.Key()) != 9 {
		return 0, nil, fmt.Errorf("%w: key of %d bytes", ErrCorrupt, len(it.Key()))
	}
	return binary.BigEndian.Uint64(it.Key()[1:]), append([]byte{}, it.Value()...), nil
}

// writeBatch implements mlog.Setter over an uncommitted batch.
type writeBatch struct{ *pebble.Batch }

func (b writeBatch) Set(key, value []byte) error { return b.Batch.Set(key, value, nil) }

// gate lets readers in until it is shut, so that no read reaches a closed database.
type gate struct {
	mu   sync.RWMutex
	shut bool // guarded by mu
}

func (g *gate) enter() error {
	g.mu.RLock()
	if g.shut {
		g.mu.RUnlock()
		return ErrClosed
	}
	return nil
}

func (g *gate) leave() { g.mu.RUnlock() }

// close waits for the readers inside; false if it was shut before.
func (g *gate) close() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.shut
	g.shut = true
	return !was
}
