package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/chartseal/chartseal/internal/store"
)

// Store is a store.Store over one Pebble database.
type Store struct {
	db *pebble.DB
	// writing serialises what looks before it writes: Stage and WriterOrdinal.
	writing  sync.Mutex
	postings []posting // scratch space of Stage, guarded by writing
	values   []byte    // likewise
}

var _ store.Store = (*Store)(nil)

// dbFormat is the format of keys and values; a database of another one is refused.
const dbFormat = 1

// Open opens the store in cfg.Dir, or makes a new one there. Another process that has it open is an error.
func Open(cfg Config) (*Store, error) {
	if cfg.Dir == "" {
		return nil, fmt.Errorf("open store: %w: no directory", store.ErrInvalid)
	}
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	cfg.FS = orderedFS{cfg.FS}
	if cfg.CacheBytes == 0 {
		cfg.CacheBytes = DefaultCacheBytes
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return open(cfg)
}

func open(cfg Config) (*Store, error) {
	db, err := pebble.Open(cfg.Dir, cfg.options())
	if err != nil {
		return nil, fmt.Errorf("open store: %w", mapError(err))
	}
	s := &Store{db: db}
	if err := s.checkFormat(); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), db.Close())
	}
	return s, nil
}

func (s *Store) checkFormat() error {
	key := []byte{prefixFormat}
	n, err := s.getNumber(key)
	switch {
	case errors.Is(err, store.ErrAbsent):
		if err := s.db.Set(key, appendNumber(nil, dbFormat), pebble.Sync); err != nil {
			return fmt.Errorf("write format: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("read format: %w", err)
	case n != dbFormat:
		return fmt.Errorf("database has format %d, this program reads %d", n, dbFormat)
	}
	return nil
}

// Close implements store.Store.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// get returns a copy of a value.
func (s *Store) get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if err != nil {
		return nil, mapError(err)
	}
	out := bytes.Clone(v)
	if err := closer.Close(); err != nil {
		return nil, mapError(err)
	}
	return out, nil
}

func (s *Store) getNumber(key []byte) (uint64, error) {
	v, closer, err := s.db.Get(key)
	if err != nil {
		return 0, mapError(err)
	}
	n, err := decodeNumber(v)
	return n, errors.Join(err, mapError(closer.Close()))
}

// mapError says in terms of package store what Pebble met.
func mapError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pebble.ErrNotFound):
		return store.ErrAbsent
	case errors.Is(err, pebble.ErrCorruption):
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	return err
}

// Head implements store.Store.
func (s *Store) Head(_ context.Context, resource store.Token) (store.Head, error) {
	var k keyBuf
	v, closer, err := s.db.Get(k.token(prefixHead, resource))
	if err != nil {
		return store.Head{}, fmt.Errorf("head: %w", mapError(err))
	}
	h, err := decodeHead(v)
	if err = errors.Join(err, closer.Close()); err != nil {
		return store.Head{}, fmt.Errorf("head: %w", mapError(err))
	}
	return h, nil
}

// Version implements store.Store.
func (s *Store) Version(_ context.Context, resource store.Token, version uint64) (*store.Version, error) {
	var k keyBuf
	b, err := s.get(k.tokenNumber(prefixVersion, resource, version))
	if err != nil {
		return nil, fmt.Errorf("version: %w", err)
	}
	v := &store.Version{Resource: resource, Version: version}
	if err := decodeVersion(b, v); err != nil {
		return nil, err
	}
	return v, nil
}

// Doc implements store.Store.
func (s *Store) Doc(_ context.Context, doc store.DocID) (*store.Doc, error) {
	var k keyBuf
	b, err := s.get(k.doc(doc))
	if err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	d := &store.Doc{Doc: doc}
	if err := decodeDoc(b, d); err != nil {
		return nil, err
	}
	return d, nil
}

// Key implements store.Store.
func (s *Store) Key(_ context.Context, h store.Handle) ([]byte, error) {
	var k keyBuf
	b, err := s.get(k.token(prefixKey, h))
	if err != nil {
		return nil, fmt.Errorf("key record: %w", err)
	}
	return decodeRecord(b)
}

// Outcome implements store.Store.
func (s *Store) Outcome(_ context.Context, token store.Token) (*store.Outcome, error) {
	var k keyBuf
	b, err := s.get(k.token(prefixOutcome, token))
	if err != nil {
		return nil, fmt.Errorf("outcome: %w", err)
	}
	o := &store.Outcome{Token: token}
	if err := decodeOutcome(b, o); err != nil {
		return nil, err
	}
	return o, nil
}

// Batch implements store.Store.
func (s *Store) Batch(_ context.Context, pos store.Pos) (*store.Batch, error) {
	var k keyBuf
	b, err := s.get(k.pos(prefixBatch, pos))
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	out := &store.Batch{Pos: pos}
	if err := decodeBatch(b, out); err != nil {
		return nil, err
	}
	return out, nil
}
