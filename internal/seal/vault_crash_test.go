package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// memDisk is a disk in memory that a power cut can hit.
type memDisk struct {
	fs *vfs.MemFS
	// before is called before each change.
	before func(op string) error
}

func (d *memDisk) read(path string) ([]byte, error) {
	f, err := d.fs.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

func (d *memDisk) write(path string, data []byte) error {
	if err := d.before("create"); err != nil {
		return err
	}
	f, err := d.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // in memory
	for _, half := range [][]byte{data[:len(data)/2], data[len(data)/2:]} {
		if err := d.before("write"); err != nil {
			return err
		}
		if _, err := f.Write(half); err != nil {
			return err
		}
	}
	if err := d.before("sync"); err != nil {
		return err
	}
	return f.Sync()
}

func (d *memDisk) rename(from, to string) error {
	if err := d.before("rename"); err != nil {
		return err
	}
	return d.fs.Rename(from, to)
}

func (d *memDisk) remove(path string) error {
	if err := d.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *memDisk) list(dir string) ([]string, error) { return d.fs.List(dir) }

func (d *memDisk) makeDir(dir string) error { return d.fs.MkdirAll(dir, 0o700) }

func (d *memDisk) syncDir(dir string) error {
	if err := d.before("sync directory"); err != nil {
		return err
	}
	f, err := d.fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

var _ disk = (*memDisk)(nil)

// lazyDisk forgets to sync: what the crash test must notice.
type lazyDisk struct{ *memDisk }

func (d lazyDisk) syncDir(string) error { return d.before("sync directory") }

// vaultCrashes puts secrets one after the other and cuts the power several times at every step. It returns what was
// wrong after a cut: a name must hold the newest secret whose Put returned, or a later one that was under way, whole.
func vaultCrashes(t *testing.T, spoil func(*memDisk) disk) (wrong []string) {
	t.Helper()
	const dir, puts, cutsPerStep = "vault", 6, 8
	type cut struct {
		fs    *vfs.MemFS
		done  int // puts that had returned
		where string
	}
	var cuts []cut
	rng := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // repeatable
	mem := vfs.NewCrashableMem()
	done := 0
	d := &memDisk{fs: mem, before: func(op string) error {
		for range cutsPerStep {
			cuts = append(cuts, cut{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(5) * 25, RNG: rng}), done, op})
		}
		return nil
	}}
	if err := d.makeDir(dir); err != nil {
		t.Fatal(err)
	}
	root, err := mem.OpenDir("/")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(root.Sync(), root.Close()); err != nil {
		t.Fatal(err)
	}
	v, err := openVault(testRing(1), dir, spoil(d))
	if err != nil {
		t.Fatal(err)
	}
	value := func(n int) string { return strings.Repeat(fmt.Sprint(n), 100) }
	for n := range puts {
		if err := v.Put("k", []byte(value(n+1))); err != nil {
			t.Fatal(err)
		}
		done = n + 1
	}
	for _, c := range cuts {
		after, err := openVault(testRing(1), dir, &memDisk{fs: c.fs})
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("before %s: %v", c.where, err))
			continue
		}
		got, err := after.Get("k")
		absent := errors.Is(err, ErrAbsent) && c.done == 0
		whole := err == nil && (string(got) == value(c.done) || string(got) == value(c.done+1))
		if !absent && !whole {
			wrong = append(wrong, fmt.Sprintf("before %s, after %d puts: %q, %v", c.where, c.done, got, err))
		}
		if left, err := c.fs.List(dir); err != nil || len(left) > 1 {
			wrong = append(wrong, fmt.Sprintf("before %s: %v is left (%v)", c.where, left, err))
		}
	}
	return wrong
}

func TestVaultSurvivesPowerCuts(t *testing.T) {
	if wrong := vaultCrashes(t, func(d *memDisk) disk { return d }); len(wrong) > 0 {
		t.Errorf("%d cuts went wrong:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	if wrong := vaultCrashes(t, func(d *memDisk) disk { return lazyDisk{d} }); len(wrong) == 0 {
		t.Error("a directory that is not synced was not noticed")
	}
}

// TestVaultDiskFails: a put that fails at any step leaves the old or the new secret, and the next one works.
func TestVaultDiskFails(t *testing.T) {
	broken := errors.New("no space left")
	for step := range 5 { // create, write, write, sync, rename; then the directory
		failAt, n := -1, 0
		d := &memDisk{fs: vfs.NewMem(), before: func(string) error {
			n++
			if n-1 == failAt {
				return broken
			}
			return nil
		}}
		if err := d.makeDir("vault"); err != nil {
			t.Fatal(err)
		}
		v, err := openVault(testRing(1), "vault", d)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Put("k", []byte("old")); err != nil {
			t.Fatal(err)
		}
		failAt, n = step, 0
		if err := v.Put("k", []byte("new")); !errors.Is(err, broken) {
			t.Errorf("step %d: %v, want the disk's error", step, err)
		}
		if got, err := v.Get("k"); err != nil || string(got) != "old" {
			t.Errorf("step %d: the name holds %q (%v)", step, got, err)
		}
		if err := v.Put("k", []byte("newer")); err != nil {
			t.Errorf("step %d, again: %v", step, err)
		}
		if got, err := v.Get("k"); err != nil || string(got) != "newer" {
			t.Errorf("step %d, again: the name holds %q (%v)", step, got, err)
		}
	}
}
