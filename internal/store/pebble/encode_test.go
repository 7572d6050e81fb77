package pebble

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/chartseal/chartseal/internal/store"
	"github.com/chartseal/chartseal/internal/store/storetest"
)

// codec decodes a value and encodes it again.
type codec struct {
	name  string
	again func([]byte) ([]byte, error)
}

func codecs() []codec {
	return []codec{
		{"head", func(b []byte) ([]byte, error) {
			h, err := decodeHead(b)
			return appendHead(nil, &h), err
		}},
		{"version", func(b []byte) ([]byte, error) {
			var v store.Version
			err := decodeVersion(b, &v)
			return appendVersion(nil, &v), err
		}},
		{"document", func(b []byte) ([]byte, error) {
			var d store.Doc
			err := decodeDoc(b, &d)
			var v store.StagedVersion
			v.Version = store.Version{
				Version: d.Version, Deleted: d.Deleted, Pos: d.Pos, Resource: d.Resource, Handle: d.Handle,
			}
			v.Row = d.Row
			return appendDoc(nil, &v), err
		}},
		{"batch", func(b []byte) ([]byte, error) {
			var x store.Batch
			err := decodeBatch(b, &x)
			return appendBatch(nil, &store.Staging{Root: x.Root, Tx: x.Tx, Commitments: x.Commitments}), err
		}},
		{"outcome", func(b []byte) ([]byte, error) {
			var o store.Outcome
			err := decodeOutcome(b, &o)
			return appendOutcome(nil, &o), err
		}},
		{"side transaction", func(b []byte) ([]byte, error) {
			var s store.SideTx
			err := decodeSide(b, &s)
			return appendSide(nil, &s), err
		}},
		{"key record", func(b []byte) ([]byte, error) {
			r, err := decodeRecord(b)
			return appendRecord(nil, r), err
		}},
		{"number", func(b []byte) ([]byte, error) {
			n, err := decodeNumber(b)
			return appendNumber(nil, n), err
		}},
	}
}

// FuzzDecode: a decoder never panics, and what it accepts has exactly one encoding.
func FuzzDecode(f *testing.F) {
	for _, b := range sampleValues() {
		f.Add(b)
		f.Add(b[:len(b)-1])
		f.Add(append(bytes.Clone(b), 0))
	}
	f.Add([]byte{valueFormat, 0, 0x80, 0x00}) // a number in two bytes that fits one
	f.Add([]byte{valueFormat, 0, 1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add(append(append([]byte{valueFormat}, make([]byte, 32)...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range codecs() {
			again, err := c.again(bytes.Clone(b))
			switch {
			case err != nil && !errors.Is(err, store.ErrCorrupt):
				t.Errorf("%s: error %v is not ErrCorrupt", c.name, err)
			case err == nil && !bytes.Equal(again, b):
				t.Errorf("%s: %x decodes and encodes again as %x", c.name, b, again)
			}
		}
	})
}

// sampleValues returns one value of each encoding.
func sampleValues() [][]byte {
	st := storetest.NewStaging(1, 1<<40, 5)
	v := &st.Versions[4]
	return [][]byte{
		appendHead(nil, &store.Head{Version: 300, Doc: 1 << 50, Pos: st.Pos, Deleted: true, Handle: v.Handle}),
		appendVersion(nil, &v.Version),
		appendDoc(nil, v),
		appendBatch(nil, st),
		appendOutcome(nil, &st.Outcomes[0]),
		appendSide(nil, &st.Side[0]),
		appendRecord(nil, st.Keys[0].Record),
		appendNumber(nil, 1<<63),
	}
}

func TestEncodingRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		array16 := func(name string) [16]byte {
			return [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
		}
		blob := rapid.SliceOfN(rapid.Byte(), 0, 300)
		pos := store.Pos{Writer: rapid.Uint32().Draw(t, "writer"), Seq: rapid.Uint64().Draw(t, "seq")}
		want := store.Version{
			Doc: store.DocID(rapid.Uint64().Draw(t, "doc")), Pos: pos, Index: rapid.Uint32().Draw(t, "index"),
			Handle: array16("handle"), Deleted: rapid.Bool().Draw(t, "deleted"),
			Commitment: [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "commitment")),
			Body:       blob.Draw(t, "body"), Leaf: blob.Draw(t, "leaf"),
		}
		var got store.Version
		if err := decodeVersion(appendVersion(nil, &want), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("version (-want +got):\n%s", diff)
		}
		side := store.SideTx{
			Resource: array16("resource"), Version: rapid.Uint64().Draw(t, "version"),
			Tx: blob.Draw(t, "tx"), Overlay: blob.Draw(t, "overlay"),
		}
		var gotSide store.SideTx
		if err := decodeSide(appendSide(nil, &side), &gotSide); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(side, gotSide, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("side transaction (-want +got):\n%s", diff)
		}
	})
}

// TestCorruptValues: a value that does not decode is ErrCorrupt wherever it is read.
func TestCorruptValues(t *testing.T) {
	s := openOn(t, vfs.NewMem(), "store")
	defer s.Close() //nolint:errcheck // nothing was written that matters
	ctx := t.Context()
	st := storetest.NewStaging(1, 1, 1)
	if err := s.Stage(ctx, st); err != nil {
		t.Fatal(err)
	}
	it, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var spoiled [][]byte
	for it.First(); it.Valid(); it.Next() {
		if key := bytes.Clone(it.Key()); key[0] != prefixPosting && key[0] != prefixFormat {
			spoiled = append(spoiled, key)
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	for _, key := range append(spoiled, []byte{prefixPublished, 0, 0, 0, 1}) {
		if err := s.db.Set(key, []byte{valueFormat + 1}, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Set(append([]byte{prefixPosting}, make([]byte, 20)...), nil, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	v := &st.Versions[0]
	reads := map[string]func() error{
		"batch":     func() error { _, err := s.Batch(ctx, st.Pos); return err },
		"head":      func() error { _, err := s.Head(ctx, v.Resource); return err },
		"version":   func() error { _, err := s.Version(ctx, v.Resource, 1); return err },
		"document":  func() error { _, err := s.Doc(ctx, v.Doc); return err },
		"key":       func() error { _, err := s.Key(ctx, v.Handle); return err },
		"outcome":   func() error { _, err := s.Outcome(ctx, st.Outcomes[0].Token); return err },
		"sides":     func() error { _, err := s.Sides(ctx); return err },
		"published": func() error { _, err := s.Published(ctx, 1); return err },
		"stage over a head": func() error {
			next := storetest.NewStaging(1, 2, 0)
			next.Versions = append(next.Versions, *v)
			next.Versions[0].Pos = next.Pos
			return s.Stage(ctx, next)
		},
		"postings": func() error {
			it, err := s.Postings(ctx, store.Token{})
			if err != nil {
				return err
			}
			for it.Next() {
				t.Error("a posting of the wrong size was returned")
			}
			return errors.Join(it.Err(), it.Close())
		},
	}
	for name, read := range reads {
		if err := read(); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
}
