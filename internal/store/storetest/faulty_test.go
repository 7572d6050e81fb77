package storetest_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/chartseal/chartseal/internal/store"
	"github.com/chartseal/chartseal/internal/store/pebble"
	"github.com/chartseal/chartseal/internal/store/storetest"
)

func newFaulty(t *testing.T) *storetest.Faulty {
	t.Helper()
	s, err := pebble.Open(pebble.Config{Dir: "store", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler), CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	f := storetest.NewFaulty(s)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// TestFaultyPassesSuite: a wrapper without faults is a store like any other.
func TestFaultyPassesSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (store.Store, func() store.Store) { return newFaulty(t), nil })
}

func TestFaultyStage(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault storetest.Fault
		check func(context.Context, store.Store, *store.Staging) error
	}{
		{"failed", storetest.Failed, storetest.CheckAbsent},
		{"failed but stored", storetest.FailedButStored, storetest.CheckStored},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFaulty(t)
			f.Inject(storetest.OpStage, 2, c.fault)
			for seq := range uint64(3) {
				err := f.Stage(t.Context(), storetest.NewStaging(1, seq+1, 2))
				if hit := seq == 1; hit != errors.Is(err, storetest.ErrInjected) {
					t.Errorf("stage %d: %v", seq+1, err)
				}
			}
			if err := c.check(t.Context(), f, storetest.NewStaging(1, 2, 2)); err != nil {
				t.Error(err)
			}
			if f.Pending() != 0 || f.Calls(storetest.OpStage) != 3 {
				t.Errorf("%d faults pending after %d stages", f.Pending(), f.Calls(storetest.OpStage))
			}
		})
	}
}

// TestFaultyIterators: an iterator that broke off stays at its end and says so, whichever way it moves.
func TestFaultyIterators(t *testing.T) {
	f := newFaulty(t)
	st := storetest.NewStaging(1, 1, 1)
	if err := f.Stage(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	v := &st.Versions[0]
	up, err := f.Postings(t.Context(), v.Postings[0])
	if err != nil {
		t.Fatal(err)
	}
	down, err := f.PostingsDesc(t.Context(), v.Postings[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, it := range map[string]struct {
		next, seek func() bool
		err, close func() error
	}{
		"up":   {up.Next, func() bool { return up.SeekGE(v.Doc) }, up.Err, up.Close},
		"down": {down.Next, func() bool { return down.SeekLE(v.Doc) }, down.Err, down.Close},
	} {
		if !it.seek() || it.err() != nil {
			t.Errorf("%s: without a fault: %v", name, it.err())
		}
		f.Inject(storetest.OpNext, 1, storetest.Failed)
		broken := !it.seek()
		if !broken || it.seek() || it.next() || !errors.Is(it.err(), storetest.ErrInjected) {
			t.Errorf("%s: goes on after the fault: %v", name, it.err())
		}
		if err := it.close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFaultyEveryOp injects a fault into each method, before and after its work, and calls it twice: the first call
// must fail, the second must not.
func TestFaultyEveryOp(t *testing.T) {
	ctx := t.Context()
	st := storetest.NewStaging(1, 1, 1)
	v := &st.Versions[0]
	for op, call := range map[storetest.Op]func(*storetest.Faulty) error{
		storetest.OpWriterOrdinal: func(f *storetest.Faulty) error { _, err := f.WriterOrdinal(ctx, [16]byte{1}); return err },
		storetest.OpBatch:         func(f *storetest.Faulty) error { _, err := f.Batch(ctx, st.Pos); return err },
		storetest.OpLastStaged:    func(f *storetest.Faulty) error { _, err := f.LastStaged(ctx, 1); return err },
		storetest.OpPublished:     func(f *storetest.Faulty) error { _, err := f.Published(ctx, 1); return err },
		storetest.OpSetPublished:  func(f *storetest.Faulty) error { return f.SetPublished(ctx, 1, 1) },
		storetest.OpHead:          func(f *storetest.Faulty) error { _, err := f.Head(ctx, v.Resource); return err },
		storetest.OpVersion:       func(f *storetest.Faulty) error { _, err := f.Version(ctx, v.Resource, 1); return err },
		storetest.OpDoc:           func(f *storetest.Faulty) error { _, err := f.Doc(ctx, v.Doc); return err },
		storetest.OpMaxDoc:        func(f *storetest.Faulty) error { _, err := f.MaxDoc(ctx); return err },
		storetest.OpKey:           func(f *storetest.Faulty) error { _, err := f.Key(ctx, v.Handle); return err },
		storetest.OpOutcome:       func(f *storetest.Faulty) error { _, err := f.Outcome(ctx, st.Outcomes[0].Token); return err },
		storetest.OpSides:         func(f *storetest.Faulty) error { _, err := f.Sides(ctx); return err },
		storetest.OpRemoveSide:    func(f *storetest.Faulty) error { return f.RemoveSide(ctx, st.Pos, 3) },
		storetest.OpPostings: func(f *storetest.Faulty) error {
			it, err := f.Postings(ctx, v.Postings[0])
			if err == nil {
				err = it.Close()
			}
			return err
		},
		storetest.OpPostingsDesc: func(f *storetest.Faulty) error {
			it, err := f.PostingsDesc(ctx, v.Postings[0])
			if err == nil {
				err = it.Close()
			}
			return err
		},
		storetest.OpNext: func(f *storetest.Faulty) error {
			it, err := f.Postings(ctx, v.Postings[0])
			if err != nil {
				return err
			}
			for it.Next() {
			}
			return errors.Join(it.Err(), it.Close())
		},
	} {
		for _, fault := range []storetest.Fault{storetest.Failed, storetest.FailedButStored} {
			f := newFaulty(t)
			if err := f.Stage(ctx, st); err != nil {
				t.Fatal(err)
			}
			f.Inject(op, 1, fault)
			if err := call(f); !errors.Is(err, storetest.ErrInjected) {
				t.Errorf("%s, first call: %v, want the injected fault", op, err)
			}
			if err := call(f); err != nil {
				t.Errorf("%s, second call: %v", op, err)
			}
		}
	}
}
