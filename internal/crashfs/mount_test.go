//go:build linux

package crashfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func syncPath(t testing.TB, p string) {
	t.Helper()
	f, err := os.Open(p)
	must(t, err)
	must(t, f.Sync())
	must(t, f.Close())
}

func TestLocks(t *testing.T) {
	disk := ForTest(t, Config{})
	open := func() *os.File {
		f, err := os.OpenFile(filepath.Join(disk.Dir(), "LOCK"), os.O_RDWR|os.O_CREATE, 0o600)
		must(t, err)
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	first, second := open(), open()
	must(t, unix.Flock(int(first.Fd()), unix.LOCK_EX|unix.LOCK_NB))
	if err := unix.Flock(int(second.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("second flock: %v, want EWOULDBLOCK", err)
	}
	must(t, unix.FcntlFlock(first.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}))
	if err := unix.FcntlFlock(second.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("second record lock: %v, want EAGAIN", err)
	}
	if _, err := disk.Crash(Loss{Keep: 1}); err != nil {
		t.Fatal(err)
	}
	must(t, unix.Flock(int(open().Fd()), unix.LOCK_EX|unix.LOCK_NB))
}

// A server's socket lies beside its data.
func TestSocket(t *testing.T) {
	disk := ForTest(t, Config{})
	p := filepath.Join(disk.Dir(), "admin.sock")
	l, err := net.Listen("unix", p)
	must(t, err)
	must(t, os.Chmod(p, 0o600))
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte("hello"))
			_ = c.Close()
		}
	}()
	c, err := net.Dial("unix", p)
	must(t, err)
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
	must(t, c.Close())
	must(t, l.Close())
	if exists(p) {
		t.Error("the name outlives the listener")
	}
}

func TestMapped(t *testing.T) {
	disk := ForTest(t, Config{Names: Ext4})
	p := filepath.Join(disk.Dir(), "m")
	must(t, os.WriteFile(p, bytes.Repeat([]byte("a"), 3*pageSize), 0o600))
	syncPath(t, p)
	f, err := os.OpenFile(p, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	// Populated at once: a page fault that this process has to answer itself would stop a thread that the Go runtime
	// believes to be running.
	m, err := unix.Mmap(int(f.Fd()), 0, 3*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	must(t, err)
	if m[pageSize] != 'a' {
		t.Fatalf("mapped %q", m[pageSize])
	}
	m[pageSize] = 'b'
	must(t, unix.Msync(m, unix.MS_SYNC))
	m[0] = 'c'
	must(t, unix.Munmap(m))
	if _, err := disk.Crash(Loss{}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(p)
	must(t, err)
	if got[0] != 'a' || got[pageSize] != 'b' {
		t.Errorf("after the cut: %q %q, want the synced b and not the unsynced c", got[0], got[pageSize])
	}
}

func TestOpenFileWithoutName(t *testing.T) {
	disk := ForTest(t, Config{})
	p := filepath.Join(disk.Dir(), "f")
	f, err := os.Create(p)
	must(t, err)
	must(t, os.Remove(p))
	_, err = f.WriteString("still here")
	must(t, err)
	must(t, f.Sync())
	got := make([]byte, 10)
	if _, err := f.ReadAt(got, 0); err != nil || string(got) != "still here" {
		t.Errorf("read %q, %v", got, err)
	}
	must(t, f.Close())
}

// A write through O_DSYNC makes its own range safe, not the rest of the file.
func TestSynchronousWrites(t *testing.T) {
	disk := ForTest(t, Config{Names: Ext4})
	p := filepath.Join(disk.Dir(), "f")
	must(t, os.WriteFile(p, bytes.Repeat([]byte("a"), 4*pageSize), 0o600))
	syncPath(t, p)
	lazy, err := os.OpenFile(p, os.O_WRONLY, 0)
	must(t, err)
	_, err = lazy.WriteAt([]byte("b"), 0)
	must(t, err)
	must(t, lazy.Close())
	eager, err := os.OpenFile(p, os.O_WRONLY|unix.O_DSYNC, 0)
	must(t, err)
	_, err = eager.WriteAt([]byte("c"), 2*pageSize)
	must(t, err)
	must(t, eager.Close())
	if _, err := disk.Crash(Loss{}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(p)
	must(t, err)
	if got[0] != 'a' || got[2*pageSize] != 'c' {
		t.Errorf("after the cut: %q %q, want the unsynced byte back and the synced one kept", got[0], got[2*pageSize])
	}
}

// The way that many programs replace a small file (written through O_SYNC, then renamed, the directory not synced)
// survives on ext4 once anything is synced afterwards. POSIX alone does not promise it.
func TestReplacedWithoutDirectorySync(t *testing.T) {
	for names, want := range map[Names]string{Strict: "1", Ext4: "2"} {
		disk := ForTest(t, Config{Names: names})
		state := filepath.Join(disk.Dir(), "state.json")
		for _, text := range []string{"1", "2"} {
			f, err := os.OpenFile(state+".tmp", os.O_WRONLY|os.O_CREATE|os.O_SYNC|os.O_EXCL, 0o600)
			must(t, err)
			_, err = f.WriteString(text)
			must(t, err)
			must(t, f.Close())
			must(t, os.Rename(state+".tmp", state))
			if text == "1" {
				syncPath(t, disk.Dir())
			}
		}
		wal := filepath.Join(disk.Dir(), "wal")
		must(t, os.WriteFile(wal, []byte("vote"), 0o600))
		syncPath(t, wal)
		if _, err := disk.Crash(Loss{}); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(state); err != nil || string(got) != want {
			t.Errorf("names %d: %q, %v; want %q", names, got, err, want)
		}
	}
}

// If the syncs of both its names are ignored, a replaced file is lost: a test of signer state can be seen to fail.
func TestReplacedWithIgnoredSyncs(t *testing.T) {
	for _, tt := range []struct {
		ignore []string
		want   string
	}{{nil, "2"}, {[]string{"*.tmp"}, "2"}, {[]string{"*.tmp", "state.json"}, ""}} {
		disk := ForTest(t, Config{Names: Ext4})
		state := filepath.Join(disk.Dir(), "state.json")
		must(t, os.WriteFile(state, []byte("1"), 0o600))
		syncPath(t, state)
		disk.IgnoreSync(tt.ignore...)
		must(t, os.WriteFile(state+".tmp", []byte("2"), 0o600))
		syncPath(t, state+".tmp")
		must(t, os.Rename(state+".tmp", state))
		syncPath(t, disk.Dir())
		if _, err := disk.Crash(Loss{}); err != nil {
			t.Fatal(err)
		}
		if !holds(state, tt.want) {
			t.Errorf("ignored %v: the disk does not hold %q", tt.ignore, tt.want)
		}
	}
}

func TestCopyInAndOut(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	must(t, os.MkdirAll(filepath.Join(from, "d/e"), 0o750))
	must(t, os.WriteFile(filepath.Join(from, "d/f"), bytes.Repeat([]byte("xyz"), 5000), 0o640))
	must(t, os.WriteFile(filepath.Join(from, "g"), nil, 0o600))
	must(t, os.Symlink("d/f", filepath.Join(from, "l")))
	disk := ForTest(t, Config{From: from})
	if u := disk.Unsynced(); len(u) > 0 {
		t.Errorf("copied in, and yet at stake: %v", u)
	}
	must(t, os.WriteFile(filepath.Join(disk.Dir(), "g"), []byte("unsynced"), 0o600))
	if diff := cmp.Diff([]Unsynced{{Path: "g", Bytes: pageSize}}, disk.Unsynced()); diff != "" {
		t.Error(diff)
	}
	must(t, disk.Export(to))
	if diff := cmp.Diff(listing(t, from), listing(t, to)); diff != "" {
		t.Error(diff)
	}
}

func TestMountRefuses(t *testing.T) {
	if _, err := Mount(t.TempDir(), Config{Ignore: []string{"a/[/b"}}); err == nil {
		t.Error("a malformed pattern was accepted")
	}
	if _, err := Mount(t.TempDir(), Config{From: filepath.Join(t.TempDir(), "absent")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("copy from an absent directory: %v", err)
	}
}

// Closing ends all goroutines and leaves an empty directory.
func TestClose(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	dir := t.TempDir()
	disk, err := Mount(dir, Config{})
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o600))
	must(t, disk.Close())
	must(t, disk.Close())
	if left := listing(t, dir); len(left) != 1 {
		t.Errorf("left in the directory: %v", left)
	}
	goleak.VerifyNone(t, ignore)
}
