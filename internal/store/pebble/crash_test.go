package pebble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/chartseal/chartseal/internal/store/storetest"
)

// A power cut keeps what was synced and any part of what was not. The tests below cut the power at random file
// operations, while batches are staged and the store is closed and opened again now and then, and look at what is left.

const (
	crashStages   = 24
	crashVersions = 8  // of a stage; together they fill several write buffers
	crashReopen   = 10 // stages between closing and opening
)

// crash is a file system as a power cut left it.
type crash struct {
	fs    vfs.FS
	acked uint64 // batches acknowledged before it, 1 to acked
}

// TestCrash: every Stage that returned nil before the cut is wholly there, every other one wholly or not at all.
func TestCrash(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			crashes := runCrashes(t, seed, func(fs vfs.FS) vfs.FS { return fs })
			for i, c := range crashes {
				if err := checkCrash(t.Context(), c); err != nil {
					t.Errorf("crash %d of %d, after batch %d: %v", i, len(crashes), c.acked, err)
				}
			}
		})
	}
}

// TestCrashNoticesMissingSync proves that TestCrash would notice: over a disk that does not sync the log it must fail.
func TestCrashNoticesMissingSync(t *testing.T) {
	if slower > 1 {
		t.Skip("too few crashes to prove anything")
	}
	noticed := 0
	crashes := runCrashes(t, 1, func(fs vfs.FS) vfs.FS { return lyingFS{fs} })
	for _, c := range crashes {
		if checkCrash(t.Context(), c) != nil {
			noticed++
		}
	}
	if noticed == 0 {
		t.Errorf("none of %d crashes over a log that is not synced was noticed", len(crashes))
	}
	t.Logf("noticed %d of %d", noticed, len(crashes))
}

// runCrashes stages batches over a file system that is cut at random operations. disk may spoil the file system.
func runCrashes(t *testing.T, seed uint64, disk func(vfs.FS) vfs.FS) []crash {
	t.Helper()
	mem := vfs.NewCrashableMem()
	var acked atomic.Uint64
	cutter := &cutter{mem: mem, acked: &acked, rng: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // repeatable
	fs := errorfs.Wrap(disk(mem), errorfs.InjectorFunc(cutter.before))
	s := openOn(t, fs, "store")
	for seq := range uint64(crashStages) {
		if seq%crashReopen == crashReopen-1 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openOn(t, fs, "store")
		}
		if err := s.Stage(t.Context(), storetest.NewStaging(1, seq+1, crashVersions)); err != nil {
			t.Fatal(err)
		}
		acked.Store(seq + 1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(cutter.crashes) < maxCrashes/2 {
		t.Fatalf("only %d crashes", len(cutter.crashes))
	}
	return cutter.crashes
}

// cutter cuts the power before some file operations, until it has enough.
type cutter struct {
	mem     *vfs.MemFS
	acked   *atomic.Uint64
	mu      sync.Mutex // guards what follows: Pebble writes from several goroutines
	rng     *rand.Rand
	crashes []crash
}

const maxCrashes = 36 / slower

func (c *cutter) before(op errorfs.Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || len(c.crashes) == maxCrashes {
		return nil
	}
	if !strings.Contains(op.Path, markerPrefix) && c.rng.IntN(6) != 0 { // moves of a marker are rare and delicate
		return nil
	}
	acked := c.acked.Load() // before the cut: what it counts must survive
	c.crashes = append(c.crashes, crash{acked: acked, fs: c.mem.CrashClone(vfs.CrashCloneCfg{
		UnsyncedDataPercent: c.rng.IntN(5) * 25, RNG: c.rng,
	})})
	return nil
}

// checkCrash opens what a crash left and goes on with it.
func checkCrash(ctx context.Context, c crash) (err error) {
	s, err := Open(Config{Dir: "store", FS: c.fs, Logger: slog.New(slog.DiscardHandler), CacheBytes: 1 << 20})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	last, err := s.LastStaged(ctx, 1)
	if err != nil {
		return err
	}
	if last < c.acked || last > c.acked+1 {
		return fmt.Errorf("batches up to %d are there, %d were acknowledged", last, c.acked)
	}
	for seq := range last {
		if err := storetest.CheckStored(ctx, s, storetest.NewStaging(1, seq+1, crashVersions)); err != nil {
			return fmt.Errorf("batch %d: %w", seq+1, err)
		}
	}
	next := storetest.NewStaging(1, last+1, crashVersions)
	if err := storetest.CheckAbsent(ctx, s, next); err != nil {
		return fmt.Errorf("batch %d: %w", last+1, err)
	}
	if err := s.Stage(ctx, next); err != nil {
		return err
	}
	if err := storetest.CheckStored(ctx, s, next); err != nil {
		return fmt.Errorf("batch %d, staged after the crash: %w", last+1, err)
	}
	return nil
}

// TestCrashAtMarker: a power cut while Pebble moves a marker leaves a store that opens, with everything in it, on a file
// system that does not keep directory changes in order. The second half proves that this needs orderedFS.
func TestCrashAtMarker(t *testing.T) {
	for _, c := range crashAtMarker(t, func(fs vfs.FS) vfs.FS { return orderedFS{fs} }) {
		if err := checkCrash(t.Context(), c); err != nil {
			t.Errorf("after batch %d: %v", c.acked, err)
		}
	}
	if slower > 1 {
		return // too few crashes to prove anything
	}
	lost := 0
	for _, c := range crashAtMarker(t, func(fs vfs.FS) vfs.FS { return fs }) {
		if checkCrash(t.Context(), c) != nil {
			lost++
		}
	}
	if lost == 0 {
		t.Error("without orderedFS no crash lost anything: is it still needed?")
	}
}

// crashAtMarker opens and closes a store a few times and cuts the power whenever a marker or the directory is changed.
func crashAtMarker(t *testing.T, order func(vfs.FS) vfs.FS) (crashes []crash) {
	t.Helper()
	const perPoint = max(4/slower, 1)
	mem := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(7, 0)) //nolint:gosec // repeatable
	var acked uint64
	var mu sync.Mutex
	cut := errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		syncsDir := op.Kind == errorfs.OpFileSync && op.Path == "store"
		if acked == 0 || !syncsDir && !strings.Contains(op.Path, markerPrefix) {
			return nil
		}
		for range perPoint {
			crashes = append(crashes, crash{acked: acked, fs: mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})})
		}
		return nil
	})
	cfg := Config{Dir: "store", FS: order(errorfs.Wrap(mem, cut)), Logger: slog.New(slog.DiscardHandler), CacheBytes: 1 << 20}
	for seq := range uint64(3) {
		s, err := open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Stage(t.Context(), storetest.NewStaging(1, seq+1, crashVersions)); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		acked = seq + 1
		mu.Unlock()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return crashes
}

// TestCrashOfWriterOrdinal: an ordinal that was given is never given to another writer.
func TestCrashOfWriterOrdinal(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := openOn(t, mem, "store")
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for id := range byte(5) {
		n, err := s.WriterOrdinal(t.Context(), [16]byte{id})
		if err != nil {
			t.Fatal(err)
		}
		after := openOn(t, mem.CrashClone(vfs.CrashCloneCfg{}), "store")
		other, err := after.WriterOrdinal(t.Context(), [16]byte{100})
		if err != nil || other != n+1 {
			t.Errorf("after ordinal %d and a crash the next is %d (%v)", n, other, err)
		}
		if err := after.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestCrashOfRemoveSide: a side transaction that was taken off the queue does not come back.
func TestCrashOfRemoveSide(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := openOn(t, mem, "store")
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	st := storetest.NewStaging(1, 1, 1)
	if err := s.Stage(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveSide(t.Context(), st.Pos, st.Side[0].Index); err != nil {
		t.Fatal(err)
	}
	after := openOn(t, mem.CrashClone(vfs.CrashCloneCfg{}), "store")
	if sides, err := after.Sides(t.Context()); err != nil || len(sides) != 0 {
		t.Errorf("after a crash the queue holds %d (%v)", len(sides), err)
	}
	if err := after.Close(); err != nil {
		t.Error(err)
	}
}

// lyingFS is a disk whose syncs of the write-ahead log do nothing.
type lyingFS struct{ vfs.FS }

func (fs lyingFS) wrap(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil || !strings.HasSuffix(name, ".log") {
		return f, err
	}
	return lyingFile{f}, nil
}

func (fs lyingFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	return fs.wrap(name, f, err)
}

func (fs lyingFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(old, name, c)
	return fs.wrap(name, f, err)
}

type lyingFile struct{ vfs.File }

func (lyingFile) Sync() error                { return nil }
func (lyingFile) SyncData() error            { return nil }
func (lyingFile) SyncTo(int64) (bool, error) { return false, nil }
