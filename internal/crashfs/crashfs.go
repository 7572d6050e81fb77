//go:build linux

package crashfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// ErrUnsupported says that this machine or user cannot mount a FUSE file system: no /dev/fuse, or no right to it.
var ErrUnsupported = errors.New("crashfs: cannot mount a FUSE file system here")

// Config sets up a file system. The zero value is an empty one under [Strict].
type Config struct {
	Names   Names
	From    string      // a directory to copy in at first; all of it is safe. "" starts empty
	Ignore  []string    // patterns of syncs to ignore, see [FS.IgnoreSync]
	Observe func(Event) // told each operation, under the lock of the file system: it must be quick and not call back
}

// FS is a mounted file system. Its methods may be called concurrently.
type FS struct {
	dir     string
	observe func(Event)

	mu      sync.Mutex // guards all below, the disk and its inodes
	disk    *disk
	mount   *mount
	faults  []*Injected
	ignore  []string
	ignored int
	done    map[Op]int
}

// Mount mounts a new file system on dir, which is made if absent. The error is ErrUnsupported (wrapped) where that is
// not possible at all.
func Mount(dir string, cfg Config) (*FS, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("crashfs: %w", err)
	}
	for _, p := range cfg.Ignore {
		if err := checkPattern(p); err != nil {
			return nil, fmt.Errorf("crashfs: %w", err)
		}
	}
	f := &FS{
		dir: abs, observe: cfg.Observe, disk: newDisk(cfg.Names),
		ignore: slices.Clone(cfg.Ignore), done: make(map[Op]int),
	}
	if cfg.From != "" {
		if err := f.disk.load(cfg.From); err != nil {
			return nil, fmt.Errorf("crashfs: copy in: %w", err)
		}
	}
	if err := os.MkdirAll(abs, 0o750); err != nil {
		return nil, fmt.Errorf("crashfs: %w", err)
	}
	if f.mount, err = attach(f, f.disk); err != nil {
		return nil, err
	}
	return f, nil
}

// Dir is the absolute path of the mount.
func (f *FS) Dir() string { return f.dir }

// Down is closed when the power has gone, by [FS.Cut] or by a [Fault] with Cut. After [FS.Restart] there is a new one.
func (f *FS) Down() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mount.down
}

// Cut takes the power away: from now on nothing reaches the disk, and every operation on the mount hangs until
// [FS.Restart], as the operations of a machine without power do. Kill the processes that use the mount in between, so
// that none of them lives to see an error. It does nothing if the power has gone already.
func (f *FS) Cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mount.cut()
}

// Restart brings the power back (taking it away first, if that has not happened): the mount now shows what the disk
// holds after the loss. Operations that hang, and files still open, fail with ENOTCONN. It returns what was at stake:
// all that was not safe when the power went.
func (f *FS) Restart(loss Loss) ([]Unsynced, error) {
	f.mu.Lock()
	old := f.mount
	old.cut()
	stake := f.disk.unsynced()
	f.disk.lose(loss)
	f.disk = f.disk.image()
	fresh := f.disk
	f.mu.Unlock()

	if err := old.detach(f.dir); err != nil {
		return stake, err
	}
	m, err := attach(f, fresh)
	if err != nil {
		return stake, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mount = m
	return stake, nil
}

// Crash is Cut and Restart in one, for when no process is left that uses the mount, or none that matters.
func (f *FS) Crash(loss Loss) ([]Unsynced, error) { return f.Restart(loss) }

// Close unmounts. What the file system held is gone; see [FS.Export].
func (f *FS) Close() error {
	f.mu.Lock()
	m := f.mount
	m.cut()
	f.mu.Unlock()
	return m.detach(f.dir)
}

// Count returns how many operations of the set were carried out so far, failed ones included.
func (f *FS) Count(ops Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for op, done := range f.done {
		if op&ops != 0 {
			n += done
		}
	}
	return n
}

// TB is the part of testing.TB that ForTest uses.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// ForTest mounts a file system in a temporary directory of the test and unmounts it when the test ends. Where mounting
// is not possible, the test is skipped and says why.
func ForTest(tb TB, cfg Config) *FS {
	tb.Helper()
	f, err := Mount(filepath.Join(tb.TempDir(), "mnt"), cfg)
	if errors.Is(err, ErrUnsupported) {
		tb.Skipf("%v", err)
	}
	if err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(func() {
		if err := f.Close(); err != nil {
			tb.Errorf("%v", err)
		}
	})
	return f
}
