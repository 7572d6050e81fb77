package pebble

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/chartseal/chartseal/internal/store"
	"github.com/chartseal/chartseal/internal/store/storetest"
)

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(Config{}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("without a directory: %v, want ErrInvalid", err)
	}
	dir := t.TempDir()
	s := openOn(t, vfs.Default, dir)
	if second, err := Open(Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)}); err == nil {
		t.Errorf("opened a second time while open (closed: %v)", second.Close())
	}
	if err := s.db.Set([]byte{prefixFormat}, appendNumber(nil, dbFormat+1), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if later, err := Open(Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)}); err == nil {
		t.Errorf("opened a database of a later format (closed: %v)", later.Close())
	} else if !strings.Contains(err.Error(), "format 2") {
		t.Errorf("the error does not name the format: %v", err)
	}
}

// TestWriteBuffersLeaveCache: Pebble takes the memory of write buffers out of the block cache; some must be left.
func TestWriteBuffersLeaveCache(t *testing.T) {
	if slower > 1 {
		t.Skip("sizes are the same in every build")
	}
	s, _ := openBench(t)
	l := newLoad()
	for range 12 { // Pebble starts with small buffers and doubles them
		if err := s.Stage(t.Context(), l.stage(benchVersions)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, resource := range l.all {
		if _, err := s.Version(t.Context(), resource, 1); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.db.Metrics().BlockCache.Size; got < 1<<20 {
		t.Errorf("the block cache holds %d bytes after %d reads", got, len(l.all))
	}
}

// TestEndsProcess runs itself again, in a process of its own for each thing that a store must not go on after.
func TestEndsProcess(t *testing.T) {
	scenarios := map[string]func(*testing.T) error{
		// Nobody knows whether the batch is on disk: there is no answer for it.
		"log cannot be written": stageWithoutLog,
		// What was acknowledged is lost.
		"table is damaged": readDamagedTable,
	}
	const which = "CHARTSEAL_TEST_SCENARIO"
	if run := scenarios[os.Getenv(which)]; run != nil {
		t.Fatalf("call returned: %v", run(t))
	}
	for name := range scenarios {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEndsProcess$") //nolint:gosec // this test
		cmd.Env = append(os.Environ(), which+"="+name)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "the process ends") ||
			strings.Contains(string(out), "call returned") {
			t.Errorf("%s: got %v, want exit status 1 and a reason; output:\n%s", name, err, out)
		}
	}
}

func openLoud(t *testing.T, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open(Config{Dir: "store", FS: fs, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func stageWithoutLog(t *testing.T) error {
	failing := errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, ".log") && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errors.New("disk is gone")
		}
		return nil
	})}
	s := openLoud(t, errorfs.Wrap(vfs.NewMem(), &failing))
	failing.On()
	return s.Stage(t.Context(), storetest.NewStaging(1, 1, 1))
}

func readDamagedTable(t *testing.T) error {
	mem := vfs.NewMem()
	s := openLoud(t, mem)
	st := storetest.NewStaging(1, 1, 20)
	if err := errors.Join(s.Stage(t.Context(), st), s.db.Flush(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if n := flipInTables(t, mem, "store"); n == 0 {
		t.Fatal("no table was written")
	}
	_, err := openLoud(t, mem).Version(t.Context(), st.Versions[0].Resource, 1)
	return err
}

// flipInTables changes the first bytes, which hold the data blocks, of each table.
func flipInTables(t *testing.T, fs vfs.FS, dir string) (flipped int) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		f, err := fs.OpenReadWrite(fs.PathJoin(dir, name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		for i := range min(len(raw)/2, 64) {
			raw[i] ^= 1
		}
		_, err = f.WriteAt(raw, 0)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		flipped++
	}
	return flipped
}
