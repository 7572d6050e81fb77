package pebble

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/chartseal/chartseal/internal/store"
)

// iter is what the two directions share: a Pebble iterator bounded to the postings of one token, and where it stands.
type iter struct {
	it    *pebble.Iterator
	key   keyBuf // of a seek; starts with the token
	begun bool
	ended bool
	doc   store.DocID
	err   error
}

// ascIter and descIter are the two directions.
type (
	ascIter  struct{ iter }
	descIter struct{ iter }
)

// Postings implements store.Store.
func (s *Store) Postings(ctx context.Context, token store.Token) (store.PostingIter, error) {
	i := &ascIter{}
	if err := i.open(ctx, s.db, token); err != nil {
		return nil, err
	}
	return i, nil
}

// PostingsDesc implements store.Store.
func (s *Store) PostingsDesc(ctx context.Context, token store.Token) (store.PostingDescIter, error) {
	i := &descIter{}
	if err := i.open(ctx, s.db, token); err != nil {
		return nil, err
	}
	return i, nil
}

func (i *iter) open(ctx context.Context, db *pebble.DB, token store.Token) error {
	low := i.key.token(prefixPosting, token)
	it, err := db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: low, UpperBound: after(low)})
	if err != nil {
		return fmt.Errorf("postings: %w", mapError(err))
	}
	i.it = it
	return nil
}

// Next implements store.PostingIter.
func (i *ascIter) Next() bool {
	if i.ended {
		return false
	}
	if i.begun {
		return i.at(i.it.Next())
	}
	return i.at(i.it.First())
}

// SeekGE implements store.PostingIter.
func (i *ascIter) SeekGE(doc store.DocID) bool { return i.at(i.it.SeekGE(i.seekKey(doc))) }

// Next implements store.PostingDescIter.
func (i *descIter) Next() bool {
	if i.ended {
		return false
	}
	if i.begun {
		return i.at(i.it.Prev())
	}
	return i.at(i.it.Last())
}

// SeekLE implements store.PostingDescIter.
func (i *descIter) SeekLE(doc store.DocID) bool {
	if doc == math.MaxUint64 {
		return i.at(i.it.Last())
	}
	return i.at(i.it.SeekLT(i.seekKey(doc + 1)))
}

// Doc implements store.PostingIter and store.PostingDescIter.
func (i *iter) Doc() store.DocID { return i.doc }

// Err implements store.PostingIter and store.PostingDescIter.
func (i *iter) Err() error { return i.err }

// Close implements store.PostingIter and store.PostingDescIter.
func (i *iter) Close() error {
	if err := i.it.Close(); err != nil {
		return fmt.Errorf("close postings: %w", mapError(err))
	}
	return nil
}

// seekKey completes the token at the start of the buffer to the key of a posting.
func (i *iter) seekKey(doc store.DocID) []byte {
	return binary.BigEndian.AppendUint64(i.key[:1+tokenSize], uint64(doc))
}

// at takes over where the Pebble iterator stands.
func (i *iter) at(valid bool) bool {
	i.begun, i.ended = true, !valid
	if !valid {
		if err := i.it.Error(); err != nil && i.err == nil {
			i.err = fmt.Errorf("postings: %w", mapError(err))
		}
		return false
	}
	key := i.it.Key()
	if len(key) != postingSize {
		i.ended, i.err = true, fmt.Errorf("posting: %w", store.ErrCorrupt)
		return false
	}
	i.doc = store.DocID(binary.BigEndian.Uint64(key[1+tokenSize:]))
	return true
}
