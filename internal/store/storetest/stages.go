package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chartseal/chartseal/internal/store"
)

// equateEmpty compares what was staged with what came back: nil and empty are the same.
var equateEmpty = cmpopts.EquateEmpty()

// digest makes the n-th value of a kind: tests need many, all different, the same ones every time.
func digest(kind string, n uint64) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte(kind), n))
}

// token makes the n-th token of a kind.
func token(kind string, n uint64) store.Token {
	d := digest(kind, n)
	return store.Token(d[:16])
}

// blob makes n bytes that do not compress.
func blob(kind string, seed uint64, n int) []byte {
	var out []byte
	for i := uint64(0); len(out) < n; i++ {
		d := digest(kind, seed<<20|i)
		out = append(out, d[:]...)
	}
	return out[:n]
}

// NewStaging makes a batch of a writer with everything that a batch can hold: versions documents, numbered on from
// those of the writer's earlier batches. The same arguments make the same batch; batches of different writers or
// sequence numbers share no resource, token or document.
func NewStaging(writer uint32, seq uint64, versions int) *store.Staging {
	n := uint64(writer)<<32 | seq<<12 // of the first document
	st := &store.Staging{
		Pos:  store.Pos{Writer: writer, Seq: seq},
		Root: digest("root", n),
		Tx:   blob("tx", n, 150),
	}
	for i := range versions {
		id := n + uint64(i)
		v := store.StagedVersion{Row: blob("row", id, 60)}
		v.Version = store.Version{
			Resource: token("resource", id), Version: 1, Doc: store.DocID(id), Pos: st.Pos, Index: uint32(i), //nolint:gosec // small
			Handle: token("handle", id), Deleted: i%5 == 4, Commitment: digest("commitment", id),
			Body: blob("body", id, 100+i), Leaf: blob("leaf", id, 80),
		}
		for p := range uint64(6) {
			v.Postings = append(v.Postings, token("posting", id<<4|p))
		}
		st.Versions = append(st.Versions, v)
		st.Commitments = append(st.Commitments, v.Commitment)
		st.Keys = append(st.Keys, store.KeyRecord{Handle: v.Handle, Record: blob("key", id, 61)})
	}
	st.Outcomes = []store.Outcome{{Token: token("outcome", n), Pos: st.Pos, Sealed: blob("outcome", n, 90)}}
	st.Side = []store.SideTx{{
		Pos: st.Pos, Index: 3, Resource: token("resource", n), Version: 1,
		Tx: blob("side", n, 120), Overlay: blob("overlay", n, 40),
	}}
	return st
}

// CheckStored returns an error unless every part of a batch made by NewStaging is stored as it was staged.
func CheckStored(ctx context.Context, s store.Store, st *store.Staging) error {
	b, err := s.Batch(ctx, st.Pos)
	if err != nil {
		return err
	}
	want := &store.Batch{Pos: st.Pos, Root: st.Root, Tx: st.Tx, Commitments: st.Commitments}
	if err := same("batch", want, b, nil); err != nil {
		return err
	}
	for i := range st.Versions {
		if err := checkVersion(ctx, s, &st.Versions[i]); err != nil {
			return err
		}
	}
	for _, k := range st.Keys {
		record, err := s.Key(ctx, k.Handle)
		if err := same("key record", k.Record, record, err); err != nil {
			return err
		}
	}
	for i := range st.Outcomes {
		o, err := s.Outcome(ctx, st.Outcomes[i].Token)
		if err := same("outcome", &st.Outcomes[i], o, err); err != nil {
			return err
		}
	}
	return checkSides(ctx, s, st, true)
}

func checkVersion(ctx context.Context, s store.Store, v *store.StagedVersion) error {
	got, err := s.Version(ctx, v.Resource, v.Version.Version)
	if err := same("version", &v.Version, got, err); err != nil {
		return err
	}
	h, err := s.Head(ctx, v.Resource)
	if err := same("head", headOf(v), h, err); err != nil {
		return err
	}
	d, err := s.Doc(ctx, v.Doc)
	if err := same("document", docOf(v), d, err); err != nil {
		return err
	}
	for _, t := range v.Postings {
		docs, err := ascending(ctx, s, t)
		if err := same("postings", []store.DocID{v.Doc}, docs, err); err != nil {
			return err
		}
	}
	return nil
}

// same returns an error unless a read succeeded with what was staged.
func same(what string, want, got any, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if reflect.DeepEqual(want, got) { // a hundred times faster than cmp
		return nil
	}
	if diff := cmp.Diff(want, got, equateEmpty); diff != "" {
		return fmt.Errorf("%s (-want +got):\n%s", what, diff)
	}
	return nil
}

// CheckAbsent returns an error unless no part of a batch made by NewStaging is stored.
func CheckAbsent(ctx context.Context, s store.Store, st *store.Staging) error {
	var problems []error
	check := func(what string, err error) {
		if !errors.Is(err, store.ErrAbsent) {
			if err == nil {
				err = errors.New("it is there")
			}
			problems = append(problems, fmt.Errorf("%s of an absent batch: %w", what, err))
		}
	}
	_, err := s.Batch(ctx, st.Pos)
	check("batch", err)
	for i := range st.Versions {
		v := &st.Versions[i]
		_, err := s.Version(ctx, v.Resource, v.Version.Version)
		check("version", err)
		_, err = s.Head(ctx, v.Resource)
		check("head", err)
		_, err = s.Doc(ctx, v.Doc)
		check("document", err)
		for _, t := range v.Postings {
			docs, err := ascending(ctx, s, t)
			problems = append(problems, same("postings of an absent batch", []store.DocID{}, docs, err))
		}
	}
	for _, k := range st.Keys {
		_, err := s.Key(ctx, k.Handle)
		check("key record", err)
	}
	for i := range st.Outcomes {
		_, err := s.Outcome(ctx, st.Outcomes[i].Token)
		check("outcome", err)
	}
	return errors.Join(append(problems, checkSides(ctx, s, st, false))...)
}

func checkSides(ctx context.Context, s store.Store, st *store.Staging, stored bool) error {
	sides, err := s.Sides(ctx)
	if err != nil {
		return err
	}
	var got []store.SideTx
	for _, side := range sides {
		if side.Pos == st.Pos {
			got = append(got, side)
		}
	}
	want := st.Side
	if !stored {
		want = nil
	}
	return same("side transactions", want, got, nil)
}

func headOf(v *store.StagedVersion) store.Head {
	return store.Head{
		Version: v.Version.Version, Doc: v.Doc, Pos: v.Pos, Deleted: v.Deleted, Handle: v.Handle, Commitment: v.Commitment,
	}
}

func docOf(v *store.StagedVersion) *store.Doc {
	return &store.Doc{
		Doc: v.Doc, Resource: v.Resource, Version: v.Version.Version, Pos: v.Pos, Handle: v.Handle, Deleted: v.Deleted, Row: v.Row,
	}
}

// ascending reads a whole posting list.
func ascending(ctx context.Context, s store.Store, t store.Token) (docs []store.DocID, err error) {
	it, err := s.Postings(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Err(), it.Close()) }()
	for it.Next() {
		docs = append(docs, it.Doc())
	}
	return docs, nil
}

// descending reads a whole posting list, newest first.
func descending(ctx context.Context, s store.Store, t store.Token) (docs []store.DocID, err error) {
	it, err := s.PostingsDesc(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Err(), it.Close()) }()
	for it.Next() {
		docs = append(docs, it.Doc())
	}
	return docs, nil
}
