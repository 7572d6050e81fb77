package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/chartseal/chartseal/internal/store"
)

// WriterOrdinal implements store.Store. Ordinals are given in the order of first use: the next one is the number of
// writers known, plus one.
func (s *Store) WriterOrdinal(_ context.Context, id [16]byte) (uint32, error) {
	var k keyBuf
	key := k.token(prefixWriter, id)
	s.writing.Lock()
	defer s.writing.Unlock()
	n, err := s.getNumber(key)
	if err == nil {
		return uint32(n), nil //nolint:gosec // written below
	}
	if !errors.Is(err, store.ErrAbsent) {
		return 0, fmt.Errorf("writer ordinal: %w", err)
	}
	next := uint32(1)
	err = s.scan([]byte{prefixWriter}, func(_, _ []byte) error {
		next++
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("writer ordinal: %w", err)
	}
	if err := s.db.Set(key, appendNumber(nil, uint64(next)), pebble.Sync); err != nil {
		return 0, fmt.Errorf("writer ordinal: %w", mapError(err))
	}
	return next, nil
}

// LastStaged implements store.Store.
func (s *Store) LastStaged(_ context.Context, writer uint32) (uint64, error) {
	var k keyBuf
	key, err := s.last(k.writer(prefixBatch, writer))
	if err != nil || key == nil {
		return 0, err
	}
	if len(key) != batchSize {
		return 0, fmt.Errorf("last staged: %w", store.ErrCorrupt)
	}
	return binary.BigEndian.Uint64(key[batchSize-8:]), nil
}

// MaxDoc implements store.Store.
func (s *Store) MaxDoc(context.Context) (store.DocID, error) {
	key, err := s.last([]byte{prefixDoc})
	if err != nil || key == nil {
		return 0, err
	}
	if len(key) != docSize {
		return 0, fmt.Errorf("highest document: %w", store.ErrCorrupt)
	}
	return store.DocID(binary.BigEndian.Uint64(key[1:])), nil
}

// Published implements store.Store.
func (s *Store) Published(_ context.Context, writer uint32) (uint64, error) {
	var k keyBuf
	n, err := s.getNumber(k.writer(prefixPublished, writer))
	if errors.Is(err, store.ErrAbsent) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("published: %w", err)
	}
	return n, nil
}

// SetPublished implements store.Store.
func (s *Store) SetPublished(_ context.Context, writer uint32, seq uint64) error {
	var k keyBuf
	if err := s.db.Set(k.writer(prefixPublished, writer), appendNumber(nil, seq), pebble.NoSync); err != nil {
		return fmt.Errorf("set published: %w", mapError(err))
	}
	return nil
}

// Sides implements store.Store.
func (s *Store) Sides(context.Context) ([]store.SideTx, error) {
	var out []store.SideTx
	err := s.scan([]byte{prefixSide}, func(key, value []byte) error {
		if len(key) != sideSize {
			return store.ErrCorrupt
		}
		side := store.SideTx{
			Pos: store.Pos{
				Writer: binary.BigEndian.Uint32(key[1:]),
				Seq:    binary.BigEndian.Uint64(key[5:]),
			},
			Index: binary.BigEndian.Uint32(key[13:]),
		}
		if err := decodeSide(value, &side); err != nil {
			return err
		}
		out = append(out, side)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("side transactions: %w", err)
	}
	return out, nil
}

// RemoveSide implements store.Store.
func (s *Store) RemoveSide(_ context.Context, pos store.Pos, index uint32) error {
	var k keyBuf
	if err := s.db.Delete(k.side(pos, index), pebble.Sync); err != nil {
		return fmt.Errorf("remove side transaction: %w", mapError(err))
	}
	return nil
}

// last returns a copy of the highest key with a prefix, nil if there is none.
func (s *Store) last(prefix []byte) (key []byte, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return nil, fmt.Errorf("last key: %w", mapError(err))
	}
	if it.Last() {
		key = append(key, it.Key()...)
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return nil, fmt.Errorf("last key: %w", mapError(err))
	}
	return key, nil
}

// scan calls f with each entry under a prefix, in order. The value is f's to keep, the key is not.
func (s *Store) scan(prefix []byte, f func(key, value []byte) error) (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return mapError(err)
	}
	defer func() { err = errors.Join(err, mapError(it.Close())) }()
	for it.First(); it.Valid(); it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return mapError(err)
		}
		if err := f(it.Key(), append([]byte(nil), v...)); err != nil {
			return err
		}
	}
	return mapError(it.Error())
}
