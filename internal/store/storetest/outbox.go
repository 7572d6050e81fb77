package storetest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/internal/store"
)

func writerOrdinal(t *testing.T, b *bench) {
	ids := [][16]byte{token("writer", 1), token("writer", 2), token("writer", 3)}
	for _, id := range ids {
		if _, err := b.WriterOrdinal(b.ctx(), id); err != nil {
			t.Fatal(err)
		}
	}
	b.reopened(func() {
		var got []uint32
		for _, id := range ids {
			n, err := b.WriterOrdinal(b.ctx(), id)
			got = append(got, must(t, n, err))
		}
		if diff := cmp.Diff([]uint32{1, 2, 3}, got); diff != "" {
			t.Errorf("ordinals (-want +got):\n%s", diff)
		}
	})
	n, err := b.WriterOrdinal(b.ctx(), token("writer", 4))
	if must(t, n, err) != 4 {
		t.Errorf("a new writer after reopening got ordinal %d, want 4", n)
	}
}

func writerOrdinalConcurrent(t *testing.T, b *bench) {
	const writers, askers = 4, 4
	got := make([][writers]uint32, askers)
	var wg sync.WaitGroup
	for a := range askers {
		wg.Go(func() {
			for w := range writers {
				n, err := b.WriterOrdinal(b.ctx(), token("writer", uint64((a+w)%writers))) //nolint:gosec // small
				if err != nil {
					t.Error(err)
				}
				got[a][(a+w)%writers] = n
			}
		})
	}
	wg.Wait()
	for a := range askers {
		if got[a] != got[0] {
			t.Errorf("one asker got %v, another %v", got[0], got[a])
		}
	}
	all := slices.Sorted(slices.Values(got[0][:]))
	if diff := cmp.Diff([]uint32{1, 2, 3, 4}, all); diff != "" {
		t.Errorf("ordinals (-want +got):\n%s", diff)
	}
}

func stageKeepsEverything(t *testing.T, b *bench) {
	staged := []*store.Staging{
		NewStaging(1, 1, 7),
		NewStaging(1, 2, 0),
		NewStaging(2, 1, 1),
		{Pos: store.Pos{Writer: 3, Seq: 9}}, // nothing but its place
	}
	for _, st := range staged {
		b.mustStage(st)
	}
	b.reopened(func() {
		for _, st := range staged {
			if err := CheckStored(b.ctx(), b, st); err != nil {
				t.Errorf("batch %v: %v", st.Pos, err)
			}
		}
	})
}

func absent(t *testing.T, b *bench) {
	b.mustStage(NewStaging(1, 5, 2))
	for _, st := range []*store.Staging{NewStaging(1, 4, 2), NewStaging(1, 6, 2), NewStaging(2, 5, 2)} {
		if err := CheckAbsent(b.ctx(), b, st); err != nil {
			t.Errorf("batch %v: %v", st.Pos, err)
		}
	}
	v := NewStaging(1, 5, 2).Versions[0]
	_, err := b.Version(b.ctx(), v.Resource, v.Version.Version+1)
	wantErr(t, "a version not staged", err, store.ErrAbsent)
}

func seqTaken(t *testing.T, b *bench) {
	first, second := NewStaging(1, 1, 3), NewStaging(1, 2, 3)
	b.mustStage(first)
	moveTo(second, first.Pos)
	b.reopened(func() {
		wantErr(t, "the sequence number again", b.Stage(b.ctx(), second), store.ErrSeqTaken)
		wantErr(t, "the same batch again", b.Stage(b.ctx(), first), store.ErrSeqTaken)
		if err := CheckStored(b.ctx(), b, first); err != nil {
			t.Error(err)
		}
		for i := range second.Versions {
			_, err := b.Doc(b.ctx(), second.Versions[i].Doc)
			wantErr(t, "a document of the refused batch", err, store.ErrAbsent)
			_, err = b.Key(b.ctx(), second.Keys[i].Handle)
			wantErr(t, "a key of the refused batch", err, store.ErrAbsent)
		}
	})
}

// moveTo puts a batch under another Pos.
func moveTo(st *store.Staging, pos store.Pos) {
	st.Pos = pos
	for i := range st.Versions {
		st.Versions[i].Pos = pos
	}
	for i := range st.Outcomes {
		st.Outcomes[i].Pos = pos
	}
	for i := range st.Side {
		st.Side[i].Pos = pos
	}
}

func keyTaken(t *testing.T, b *bench) {
	first := NewStaging(1, 1, 1)
	b.mustStage(first)
	again := NewStaging(1, 2, 1)
	again.Keys = append(again.Keys, first.Keys...)
	b.mustStage(again) // the same record is no conflict
	other := NewStaging(1, 3, 1)
	other.Keys = append(other.Keys, store.KeyRecord{Handle: first.Keys[0].Handle, Record: []byte("another")})
	b.reopened(func() {
		wantErr(t, "another record for a handle", b.Stage(b.ctx(), other), store.ErrKeyTaken)
		if err := CheckAbsent(b.ctx(), b, NewStaging(1, 3, 1)); err != nil {
			t.Error(err)
		}
		for _, st := range []*store.Staging{first, again} {
			if err := CheckStored(b.ctx(), b, st); err != nil {
				t.Error(err)
			}
		}
	})
}

func invalid(t *testing.T, b *bench) {
	for name, spoil := range map[string]func(*store.Staging){
		"no writer":                         func(st *store.Staging) { moveTo(st, store.Pos{Seq: 1}) },
		"no sequence number":                func(st *store.Staging) { moveTo(st, store.Pos{Writer: 1}) },
		"version without number":            func(st *store.Staging) { st.Versions[1].Version.Version = 0 },
		"version without document":          func(st *store.Staging) { st.Versions[1].Doc = 0 },
		"version of another batch":          func(st *store.Staging) { st.Versions[1].Pos.Seq++ },
		"outcome of another batch":          func(st *store.Staging) { st.Outcomes[0].Pos.Writer++ },
		"side transaction of another batch": func(st *store.Staging) { st.Side[0].Pos.Seq++ },
	} {
		st := NewStaging(1, 1, 3)
		spoil(st)
		wantErr(t, name, b.Stage(b.ctx(), st), store.ErrInvalid)
	}
	if err := CheckAbsent(b.ctx(), b, NewStaging(1, 1, 3)); err != nil {
		t.Error(err)
	}
}

func lastStaged(t *testing.T, b *bench) {
	for _, pos := range []store.Pos{{Writer: 1, Seq: 1}, {Writer: 1, Seq: 300}, {Writer: 1, Seq: 2}, {Writer: 3, Seq: 1 << 40}} {
		b.mustStage(&store.Staging{Pos: pos})
	}
	b.reopened(func() {
		for writer, want := range map[uint32]uint64{0: 0, 1: 300, 2: 0, 3: 1 << 40, 1<<32 - 1: 0} {
			got, err := b.LastStaged(b.ctx(), writer)
			if must(t, got, err) != want {
				t.Errorf("LastStaged(%d) = %d, want %d", writer, got, want)
			}
		}
	})
}

func published(t *testing.T, b *bench) {
	ask := func(writer uint32) uint64 {
		t.Helper()
		n, err := b.Published(b.ctx(), writer)
		return must(t, n, err)
	}
	if got := ask(1); got != 0 {
		t.Errorf("before the first hint: %d, want 0", got)
	}
	for _, seq := range []uint64{1, 500, 499} {
		if err := b.SetPublished(b.ctx(), 1, seq); err != nil {
			t.Fatal(err)
		}
		if got := ask(1); got != seq {
			t.Errorf("Published = %d, want %d", got, seq)
		}
	}
	if got := ask(2); got != 0 {
		t.Errorf("another writer: %d, want 0", got)
	}
	b.reopened(func() {
		if got := ask(1); got > 500 {
			t.Errorf("after reopening %d, which was never stored", got)
		}
	})
}

func sides(t *testing.T, b *bench) {
	positions := []store.Pos{{Writer: 2, Seq: 1}, {Writer: 1, Seq: 300}, {Writer: 1, Seq: 2}}
	var want []store.SideTx
	for _, pos := range positions {
		st := &store.Staging{Pos: pos}
		for i := range uint32(2) {
			side := store.SideTx{Pos: pos, Index: 1 - i, Resource: token("r", pos.Seq), Version: 3, Tx: []byte{byte(i)}}
			st.Side = append(st.Side, side)
			want = append(want, side)
		}
		b.mustStage(st)
	}
	slices.SortFunc(want, func(a, b store.SideTx) int {
		return slices.Compare(
			[]uint64{uint64(a.Pos.Writer), a.Pos.Seq, uint64(a.Index)},
			[]uint64{uint64(b.Pos.Writer), b.Pos.Seq, uint64(b.Index)})
	})
	check := func() {
		t.Helper()
		got, err := b.Sides(b.ctx())
		if diff := cmp.Diff(want, got, equateEmpty); err != nil || diff != "" {
			t.Errorf("Sides: %v (-want +got):\n%s", err, diff)
		}
	}
	b.reopened(check)
	for _, i := range []int{3, 0} {
		if err := b.RemoveSide(b.ctx(), want[i].Pos, want[i].Index); err != nil {
			t.Fatal(err)
		}
		want = slices.Delete(want, i, i+1)
		check()
	}
	if err := b.RemoveSide(b.ctx(), store.Pos{Writer: 9, Seq: 9}, 9); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
	b.reopened(check)
}

func canceledStage(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(b.ctx())
	cancel()
	st := NewStaging(1, 1, 2)
	if err := b.Stage(ctx, st); err == nil {
		t.Skip("the implementation does not look at the context")
	}
	// The outcome is unknown: the batch is asked for, and staged again if absent.
	if _, err := b.Batch(b.ctx(), st.Pos); err != nil {
		wantErr(t, "the batch", err, store.ErrAbsent)
		b.mustStage(st)
	}
	if err := CheckStored(b.ctx(), b, st); err != nil {
		t.Error(err)
	}
}

func concurrentStages(t *testing.T, b *bench) {
	const writers, stages = 4, 10
	var wg sync.WaitGroup
	for w := range uint32(writers) {
		wg.Go(func() {
			for seq := range uint64(stages) {
				st := NewStaging(w+1, seq+1, 3)
				if err := b.Stage(b.ctx(), st); err != nil {
					t.Errorf("Stage %v: %v", st.Pos, err)
				}
				if err := CheckStored(b.ctx(), b, st); err != nil {
					t.Errorf("batch %v: %v", st.Pos, err)
				}
			}
		})
	}
	wg.Wait()
	b.reopened(func() {
		for w := range uint32(writers) {
			for seq := range uint64(stages) {
				if err := CheckStored(b.ctx(), b, NewStaging(w+1, seq+1, 3)); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
