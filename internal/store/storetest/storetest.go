package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/chartseal/chartseal/internal/store"
)

// Opener opens an empty store for one test, closed when the test ends. reopen closes it and opens it again over the
// same data; an implementation that keeps nothing returns nil for it.
type Opener func(t *testing.T) (s store.Store, reopen func() store.Store)

// Run runs the suite: one subtest a promise of store.Store.
func Run(t *testing.T, open Opener) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"WriterOrdinal", writerOrdinal},
		{"WriterOrdinalConcurrent", writerOrdinalConcurrent},
		{"StageKeepsEverything", stageKeepsEverything},
		{"Absent", absent},
		{"SeqTaken", seqTaken},
		{"KeyTaken", keyTaken},
		{"Invalid", invalid},
		{"LastStaged", lastStaged},
		{"HeadIsHighest", headIsHighest},
		{"StagedAgainElsewhere", stagedAgainElsewhere},
		{"FirstOutcomeStays", firstOutcomeStays},
		{"Published", published},
		{"Sides", sides},
		{"MaxDoc", maxDoc},
		{"PostingOrder", postingOrder},
		{"PostingSeeks", postingSeeks},
		{"PostingNeighbours", postingNeighbours},
		{"PostingSnapshot", postingSnapshot},
		{"Ownership", ownership},
		{"CanceledStage", canceledStage},
		{"ConcurrentStages", concurrentStages},
		{"Model", model},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, reopen := open(t)
			c.run(t, &bench{t: t, Store: s, again: reopen})
		})
	}
}

// bench is the store under test.
type bench struct {
	store.Store
	t     *testing.T
	again func() store.Store
}

// reopened runs check, and once more over the store opened again.
func (b *bench) reopened(check func()) {
	b.t.Helper()
	check()
	if b.again != nil {
		b.Store = b.again()
		check()
	}
}

func (b *bench) ctx() context.Context { return b.t.Context() }

func (b *bench) mustStage(st *store.Staging) {
	b.t.Helper()
	if err := b.Stage(b.ctx(), st); err != nil {
		b.t.Fatalf("Stage %v: %v", st.Pos, err)
	}
}

// must returns v and ends the test on an error.
func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// wantErr fails the test unless err is want.
func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}
