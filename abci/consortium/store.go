package consortium

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Prefixes of the one key space in Pebble.
const (
	prefixTree        = 't' // nodes of the state tree
	prefixAnchorLog   = 'A' // nodes of the log of anchors
	prefixConsentLog  = 'C' // nodes of the log of consent changes
	prefixAnchor      = 'a' // number index: tx.AnchorEntry
	prefixConsent     = 'c' // number index: tx.ConsentEntry
	prefixEvidence    = 'e' // number index: tx.Anchor without its consistency proof
	prefixByHeight    = 'h' // chain id, number private height: number index
	prefixBySize      = 's' // chain id, number log size: number index of the first anchor with that size
	prefixByConsentID = 'v' // consent id, number version: number index
	prefixMeta        = 'm' // Meta
)

// store keeps all that the application writes. IAVL would write as it goes: without fsync, and children before
// their root once a batch passes 100 kB, so that a crash loses or wedges the tree. Here its batches, whatever
// their size, only fill a buffer, and commit writes the buffer with everything else of the block in one
// synchronous Pebble batch.
type store struct {
	db *pebble.DB

	mu      sync.RWMutex
	pending map[string][]byte // the tree's unwritten changes; nil value: deleted. Guarded by mu
}

func openStore(cfg Config) (*store, error) {
	cache := pebble.NewCache(cfg.CacheBytes)
	defer cache.Unref()
	db, err := pebble.Open(cfg.Dir, &pebble.Options{
		FS: cfg.FS, Cache: cache, MemTableSize: 4 << 20, FormatMajorVersion: pebble.FormatTableFormatV6,
		Logger: pebbleLogger{cfg.Logger},
	})
	if err != nil {
		return nil, fmt.Errorf("open consortium state: %w", err)
	}
	return &store{db: db, pending: map[string][]byte{}}, nil
}

// storageError is the panic by which Pebble's fatal errors leave its call stack.
type storageError struct{ error }

// pebbleLogger passes Pebble's messages on. Pebble cannot go on after Fatalf, so it must not return: in commit the
// panic becomes an error; in a background goroutine, or where Pebble holds locks, it stops the process. CometBFT
// replays the block after either.
type pebbleLogger struct{ *slog.Logger }

// Infof implements Pebble's logger.
func (l pebbleLogger) Infof(format string, args ...any) { l.Debug(fmt.Sprintf(format, args...)) }

// Errorf implements Pebble's logger.
func (l pebbleLogger) Errorf(format string, args ...any) { l.Error(fmt.Sprintf(format, args...)) }

// Fatalf implements Pebble's logger.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.Error(fmt.Sprintf(format, args...))
	panic(storageError{fmt.Errorf(format, args...)})
}

// get reads a committed value; nil if absent. The value belongs to the caller.
func (s *store) get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	out := append([]byte{}, v...)
	return out, closer.Close()
}

// Get makes the store a mlog.Getter.
func (s *store) Get(key []byte) ([]byte, error) { return s.get(key) }

// pair is one write outside the tree.
type pair struct{ key, value []byte }

// commit writes the tree's buffered changes and the pairs durably, all or none. After an error the outcome is
// unknown and the process must stop; CometBFT replays the block if it is missing.
func (s *store) commit(pairs []pair) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			panic(r)
		case error: // Pebble's way to say that the disk failed
			err = r
		default:
			panic(r)
		}
	}()
	b := s.db.NewBatch()
	keys := make([]string, 0, len(s.pending))
	for k := range s.pending {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if err := stageTree(b, k, s.pending[k]); err != nil {
			return err
		}
	}
	for _, p := range pairs {
		if err := b.Set(p.key, p.value, nil); err != nil {
			return fmt.Errorf("stage state: %w", err)
		}
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("commit state: %w", err)
	}
	s.pending = map[string][]byte{}
	return b.Close()
}

func stageTree(b *pebble.Batch, key string, value []byte) error {
	var err error
	if value == nil {
		err = b.Delete([]byte(key), nil)
	} else {
		err = b.Set([]byte(key), value, nil)
	}
	if err != nil {
		return fmt.Errorf("stage tree: %w", err)
	}
	return nil
}
