package pebble

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/chartseal/chartseal/internal/store"
)

// maxScratch keeps the buffers of one huge batch from living as long as the store.
const maxScratch = 4 << 20

// posting is one entry of the index while a stage collects them: the key as three big endian numbers, which compare
// faster than bytes do.
type posting struct {
	high, low uint64 // halves of the token
	doc       uint64
}

func newPosting(t *store.Token, doc store.DocID) posting {
	return posting{binary.BigEndian.Uint64(t[:8]), binary.BigEndian.Uint64(t[8:]), uint64(doc)}
}

func (p *posting) appendKey(b []byte) []byte {
	b = append(b, prefixPosting)
	b = binary.BigEndian.AppendUint64(b, p.high)
	b = binary.BigEndian.AppendUint64(b, p.low)
	return binary.BigEndian.AppendUint64(b, p.doc)
}

func comparePostings(a, b posting) int {
	switch {
	case a.high != b.high:
		return cmp.Compare(a.high, b.high)
	case a.low != b.low:
		return cmp.Compare(a.low, b.low)
	}
	return cmp.Compare(a.doc, b.doc)
}

// Stage implements store.Store: one synced Pebble batch. Stages run one at a time, so that a refusal is of something
// durable.
func (s *Store) Stage(ctx context.Context, st *store.Staging) error {
	if err := validate(st); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	b := s.db.NewBatchWithSize(batchBytes(st))
	defer b.Close() //nolint:errcheck // of a committed or dropped batch; it only gives memory back
	w := &stageWriter{db: s.db, b: b, values: s.values, postings: s.postings}
	if err := w.stage(st); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if cap(w.values) <= maxScratch && cap(w.postings)*postingSize <= maxScratch {
		s.values, s.postings = w.values, w.postings
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("stage: commit: %w", mapError(err))
	}
	return nil
}

// validate refuses what could not be read back.
func validate(st *store.Staging) error {
	if st.Pos.Writer == 0 || st.Pos.Seq == 0 {
		return fmt.Errorf("stage: %w: no writer or sequence number", store.ErrInvalid)
	}
	for i := range st.Versions {
		if v := &st.Versions[i]; v.Pos != st.Pos || v.Doc == 0 || v.Version.Version == 0 {
			return fmt.Errorf("stage: %w: version of another batch, or without number or document", store.ErrInvalid)
		}
	}
	for i := range st.Outcomes {
		if st.Outcomes[i].Pos != st.Pos {
			return fmt.Errorf("stage: %w: outcome of another batch", store.ErrInvalid)
		}
	}
	for i := range st.Side {
		if st.Side[i].Pos != st.Pos {
			return fmt.Errorf("stage: %w: side transaction of another batch", store.ErrInvalid)
		}
	}
	return nil
}

// batchBytes estimates the size of a stage's batch, so that it is allocated once.
func batchBytes(st *store.Staging) int {
	const perEntry = 8 // what Pebble adds to a key and a value, and a little more
	n := 1<<10 + len(st.Tx) + 32*len(st.Commitments)
	for i := range st.Versions {
		v := &st.Versions[i]
		n += len(v.Body) + len(v.Leaf) + len(v.Row) + 400 + len(v.Postings)*(postingSize+perEntry)
	}
	return n
}

// stageWriter puts one stage into a batch. Values are built one after the other in the same buffer.
type stageWriter struct {
	db       *pebble.DB
	b        *pebble.Batch
	values   []byte
	postings []posting
	err      error // the first of set; the rest is not worth doing, and is not done
}

func (w *stageWriter) stage(st *store.Staging) error {
	var k keyBuf
	switch taken, err := w.stored(k.pos(prefixBatch, st.Pos)); {
	case err != nil:
		return err
	case taken:
		return store.ErrSeqTaken
	}
	if err := w.keyRecords(st.Keys); err != nil {
		return err
	}
	if err := w.outcomes(st.Outcomes); err != nil {
		return err
	}
	if err := w.versions(st.Versions); err != nil {
		return err
	}
	w.set(k.pos(prefixBatch, st.Pos), appendBatch(w.values[:0], st))
	for i := range st.Side {
		side := &st.Side[i]
		w.set(k.side(side.Pos, side.Index), appendSide(w.values[:0], side))
	}
	w.index(st.Versions)
	return w.err
}

// keyRecords adds the records that are not stored yet.
func (w *stageWriter) keyRecords(recs []store.KeyRecord) error {
	var k keyBuf
	for i := range recs {
		key := k.token(prefixKey, recs[i].Handle)
		v, closer, err := w.db.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			w.set(key, appendRecord(w.values[:0], recs[i].Record))
			continue
		}
		if err != nil {
			return mapError(err)
		}
		old, err := decodeRecord(v)
		same := bytes.Equal(old, recs[i].Record)
		if err = errors.Join(err, closer.Close()); err != nil {
			return mapError(err)
		}
		if !same {
			return store.ErrKeyTaken
		}
	}
	return nil
}

// outcomes adds those whose token has none yet.
func (w *stageWriter) outcomes(outcomes []store.Outcome) error {
	var k keyBuf
	for i := range outcomes {
		key := k.token(prefixOutcome, outcomes[i].Token)
		taken, err := w.stored(key)
		if err != nil {
			return err
		}
		if !taken {
			w.set(key, appendOutcome(w.values[:0], &outcomes[i]))
		}
	}
	return nil
}

// versions adds versions, documents and heads. It goes through them by resource, so that each head is looked at once
// and keys come nearly sorted, which the write buffer likes.
func (w *stageWriter) versions(versions []store.StagedVersion) error {
	order := make([]*store.StagedVersion, len(versions))
	for i := range versions {
		order[i] = &versions[i]
	}
	slices.SortStableFunc(order, func(a, b *store.StagedVersion) int {
		return cmp.Or(bytes.Compare(a.Resource[:], b.Resource[:]), cmp.Compare(a.Version.Version, b.Version.Version))
	})
	var k keyBuf
	for i, v := range order {
		w.set(k.tokenNumber(prefixVersion, v.Resource, v.Version.Version), appendVersion(w.values[:0], &v.Version))
		w.set(k.doc(v.Doc), appendDoc(w.values[:0], v))
		if i+1 < len(order) && order[i+1].Resource == v.Resource {
			continue
		}
		if err := w.head(&v.Version); err != nil {
			return err
		}
	}
	return nil
}

// head makes a version the head of its resource, unless a higher one is stored.
func (w *stageWriter) head(v *store.Version) error {
	var k keyBuf
	key := k.token(prefixHead, v.Resource)
	old, closer, err := w.db.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
	case err != nil:
		return mapError(err)
	default:
		h, err := decodeHead(old)
		if err = errors.Join(err, closer.Close()); err != nil {
			return mapError(err)
		}
		if h.Version > v.Version {
			return nil
		}
	}
	w.set(key, appendHead(w.values[:0], &store.Head{
		Version: v.Version, Doc: v.Doc, Pos: v.Pos, Deleted: v.Deleted, Handle: v.Handle, Commitment: v.Commitment,
	}))
	return nil
}

// index adds the postings in the order of their keys: a sorted run enters the write buffer at half the cost.
func (w *stageWriter) index(versions []store.StagedVersion) {
	w.postings = w.postings[:0]
	for i := range versions {
		v := &versions[i]
		for j := range v.Postings {
			w.postings = append(w.postings, newPosting(&v.Postings[j], v.Doc))
		}
	}
	slices.SortFunc(w.postings, comparePostings)
	for i := range w.postings {
		p := &w.postings[i]
		if i > 0 && *p == w.postings[i-1] {
			continue
		}
		op := w.b.SetDeferred(postingSize, 0)
		p.appendKey(op.Key[:0])
		if err := op.Finish(); err != nil && w.err == nil {
			w.err = err
		}
	}
}

// stored reports whether there is a value under key.
func (w *stageWriter) stored(key []byte) (bool, error) {
	_, closer, err := w.db.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return false, nil
	case err != nil:
		return false, mapError(err)
	}
	return true, closer.Close()
}

// set adds one entry to the batch; value was built in w.values.
func (w *stageWriter) set(key, value []byte) {
	w.values = value
	if err := w.b.Set(key, value, nil); err != nil && w.err == nil {
		w.err = err
	}
}
