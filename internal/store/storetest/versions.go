package storetest

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/internal/store"
)

// oneVersion is a batch with a single version of a resource.
func oneVersion(pos store.Pos, resource store.Token, version uint64, doc store.DocID) *store.Staging {
	v := store.StagedVersion{Row: []byte("row")}
	v.Version = store.Version{
		Resource: resource, Version: version, Doc: doc, Pos: pos, Handle: token("handle", version),
		Commitment: digest("commitment", uint64(doc)), Body: []byte("body"), Leaf: []byte("leaf"),
	}
	return &store.Staging{Pos: pos, Versions: []store.StagedVersion{v}}
}

func headIsHighest(t *testing.T, b *bench) {
	r := token("resource", 1)
	together := oneVersion(store.Pos{Writer: 1, Seq: 1}, r, 1, 1)
	for i, version := range []uint64{3, 2} { // in one batch, not in order
		st := oneVersion(together.Pos, r, version, store.DocID(i+2)) //nolint:gosec // small
		together.Versions = append(together.Versions, st.Versions...)
	}
	b.mustStage(together)
	steps := []struct {
		st   *store.Staging
		head int // index in all
	}{
		{oneVersion(store.Pos{Writer: 1, Seq: 2}, r, 4, 4), 3},
		{oneVersion(store.Pos{Writer: 2, Seq: 1}, r, 6, 5), 4},
		{oneVersion(store.Pos{Writer: 1, Seq: 3}, r, 5, 6), 4}, // late
	}
	all := together.Versions
	check := func(want store.StagedVersion) {
		t.Helper()
		h, err := b.Head(b.ctx(), r)
		if diff := cmp.Diff(headOf(&want), h); err != nil || diff != "" {
			t.Errorf("head: %v (-want +got):\n%s", err, diff)
		}
	}
	check(all[1])
	for _, step := range steps {
		b.mustStage(step.st)
		all = append(all, step.st.Versions...)
		check(all[step.head])
	}
	b.reopened(func() {
		check(all[4])
		for i := range all {
			v, err := b.Version(b.ctx(), r, all[i].Version.Version)
			if diff := cmp.Diff(&all[i].Version, v, equateEmpty); err != nil || diff != "" {
				t.Errorf("version: %v (-want +got):\n%s", err, diff)
			}
		}
	})
}

func stagedAgainElsewhere(t *testing.T, b *bench) {
	r := token("resource", 1)
	lost := oneVersion(store.Pos{Writer: 1, Seq: 8}, r, 2, 1)
	taken := oneVersion(store.Pos{Writer: 2, Seq: 3}, r, 2, 2)
	b.mustStage(lost)
	b.mustStage(taken)
	b.reopened(func() {
		h, err := b.Head(b.ctx(), r)
		if diff := cmp.Diff(headOf(&taken.Versions[0]), h); err != nil || diff != "" {
			t.Errorf("head: %v (-want +got):\n%s", err, diff)
		}
		v, err := b.Version(b.ctx(), r, 2)
		if diff := cmp.Diff(&taken.Versions[0].Version, v, equateEmpty); err != nil || diff != "" {
			t.Errorf("version: %v (-want +got):\n%s", err, diff)
		}
		for _, st := range []*store.Staging{lost, taken} {
			d, err := b.Doc(b.ctx(), st.Versions[0].Doc)
			if diff := cmp.Diff(docOf(&st.Versions[0]), d); err != nil || diff != "" {
				t.Errorf("document: %v (-want +got):\n%s", err, diff)
			}
		}
	})
}

func firstOutcomeStays(t *testing.T, b *bench) {
	key := token("idempotency", 1)
	for seq := range uint64(3) {
		pos := store.Pos{Writer: 1, Seq: seq + 1}
		b.mustStage(&store.Staging{Pos: pos, Outcomes: []store.Outcome{{Token: key, Pos: pos, Sealed: []byte{byte(seq)}}}})
	}
	b.reopened(func() {
		o, err := b.Outcome(b.ctx(), key)
		want := &store.Outcome{Token: key, Pos: store.Pos{Writer: 1, Seq: 1}, Sealed: []byte{0}}
		if diff := cmp.Diff(want, o); err != nil || diff != "" {
			t.Errorf("outcome: %v (-want +got):\n%s", err, diff)
		}
	})
}

func maxDoc(t *testing.T, b *bench) {
	check := func(want store.DocID) {
		t.Helper()
		b.reopened(func() {
			got, err := b.MaxDoc(b.ctx())
			if must(t, got, err) != want {
				t.Errorf("MaxDoc = %d, want %d", got, want)
			}
		})
	}
	check(0)
	for i, step := range []struct{ doc, want store.DocID }{{1, 1}, {70_000, 70_000}, {300, 70_000}, {1<<64 - 1, 1<<64 - 1}} {
		b.mustStage(oneVersion(store.Pos{Writer: 1, Seq: uint64(i + 1)}, token("resource", uint64(i)), 1, step.doc)) //nolint:gosec // small
		check(step.want)
	}
}

// ownership spoils what was given to the store and what it gave back: neither may reach what is stored.
func ownership(t *testing.T, b *bench) {
	st := NewStaging(1, 1, 2)
	b.mustStage(st)
	spoil(st.Tx, st.Versions[0].Body, st.Versions[0].Leaf, st.Versions[0].Row, st.Keys[0].Record,
		st.Outcomes[0].Sealed, st.Side[0].Tx, st.Side[0].Overlay)
	st.Commitments[0][0]++
	st.Versions[0].Postings[0][0]++
	want := NewStaging(1, 1, 2)
	for range 2 {
		if err := CheckStored(b.ctx(), b, want); err != nil {
			t.Fatal(err)
		}
		v, err := b.Version(b.ctx(), want.Versions[0].Resource, 1)
		v = must(t, v, err)
		if grown := append(v.Leaf, 'x'); len(v.Body) > 0 && !bytes.Equal(v.Body, want.Versions[0].Body) {
			t.Errorf("growing the leaf to %d bytes reached the body", len(grown))
		}
		spoil(v.Body, v.Leaf)
		d, err := b.Doc(b.ctx(), want.Versions[0].Doc)
		spoil(must(t, d, err).Row)
		batch, err := b.Batch(b.ctx(), want.Pos)
		spoil(must(t, batch, err).Tx)
		key, err := b.Key(b.ctx(), want.Keys[0].Handle)
		spoil(must(t, key, err))
		o, err := b.Outcome(b.ctx(), want.Outcomes[0].Token)
		spoil(must(t, o, err).Sealed)
		queue, err := b.Sides(b.ctx())
		spoil(must(t, queue, err)[0].Tx, queue[0].Overlay)
	}
}

func spoil(all ...[]byte) {
	for _, b := range slices.Concat(all) {
		for i := range b {
			b[i] ^= 0xff
		}
	}
}
