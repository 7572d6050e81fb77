//go:build linux

package crashfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// listing renders a directory tree: names, kinds, data, numbers of links.
func listing(t testing.TB, root string) []string {
	t.Helper()
	var out []string
	must(t, filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s %s", strings.TrimPrefix(p, root), info.Mode())
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			line = fmt.Sprintf("%s -> %s", strings.TrimPrefix(p, root), target)
		case e.Type().IsRegular():
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			var st unix.Stat_t
			if err := unix.Stat(p, &st); err != nil {
				return err
			}
			line += fmt.Sprintf(" links %d %x", st.Nlink, data)
		}
		out = append(out, line)
		return nil
	}))
	return out
}

// randomCall makes one system call below root, the same for the same random numbers, and returns what it answers.
func randomCall(rng *rand.Rand, root string) string {
	pick := func() string {
		names := []string{"a", "b", "c", "d/a", "d/b", "d/e/a", "d", "d/e"}
		return filepath.Join(root, names[rng.IntN(len(names))])
	}
	p, q := pick(), pick()
	data := bytes.Repeat([]byte{byte(rng.Uint32())}, rng.IntN(9000)+1)
	off := rng.Int64N(9000)
	var err error
	op := []string{"write", "append", "pwrite", "truncate", "mkdir", "remove", "rename", "link", "symlink", "noreplace", "exchange", "chmod", "punch", "allocate"}[rng.IntN(14)]
	switch op {
	case "write":
		err = os.WriteFile(p, data, 0o640)
	case "append", "pwrite", "punch", "allocate":
		err = withFile(p, op, data, off)
	case "truncate":
		err = os.Truncate(p, off)
	case "mkdir":
		err = os.Mkdir(p, 0o750)
	case "remove":
		err = os.Remove(p)
	case "rename":
		err = os.Rename(p, q)
	case "noreplace":
		err = unix.Renameat2(unix.AT_FDCWD, p, unix.AT_FDCWD, q, unix.RENAME_NOREPLACE)
	case "exchange":
		err = unix.Renameat2(unix.AT_FDCWD, p, unix.AT_FDCWD, q, unix.RENAME_EXCHANGE)
	case "link":
		err = os.Link(p, q)
	case "symlink":
		err = os.Symlink("a", p)
	case "chmod":
		if info, e := os.Lstat(p); e == nil && info.Mode()&fs.ModeSymlink == 0 {
			err = os.Chmod(p, fs.FileMode(0o600+rng.IntN(0o100)))
		}
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return fmt.Sprintf("%s %s %s: %v", op, strings.TrimPrefix(p, root), strings.TrimPrefix(q, root), err)
}

func withFile(p, op string, data []byte, off int64) error {
	flags := os.O_RDWR
	if op == "append" {
		flags |= os.O_APPEND | os.O_CREATE
	}
	f, err := os.OpenFile(p, flags, 0o640)
	if err != nil {
		return err
	}
	defer f.Close()
	switch op {
	case "append":
		_, err = f.Write(data)
	case "pwrite":
		_, err = f.WriteAt(data, off)
	case "punch":
		err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, int64(len(data)))
	case "allocate":
		err = unix.Fallocate(int(f.Fd()), 0, off, int64(len(data)))
	}
	return err
}

// The mount answers as the file system of the machine does, call by call, and looks the same in the end; and after all
// is synced, a power cut changes nothing.
func TestSameAsARealFileSystem(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			disk := ForTest(t, Config{Names: Names(seed % 2)})
			mine, theirs := filepath.Join(disk.Dir(), "r"), filepath.Join(t.TempDir(), "r")
			must(t, os.Mkdir(mine, 0o750))
			must(t, os.Mkdir(theirs, 0o750))
			a, b := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 1))
			for step := range 400 {
				if got, want := randomCall(a, mine), randomCall(b, theirs); got != want {
					t.Fatalf("step %d: %s, a real file system says %s", step, got, want)
				}
			}
			want := listing(t, theirs)
			if diff := cmp.Diff(want, listing(t, mine)); diff != "" {
				t.Fatal(diff)
			}
			must(t, filepath.WalkDir(disk.Dir(), func(p string, e fs.DirEntry, err error) error {
				if err == nil && e.Type()&fs.ModeSymlink == 0 {
					syncPath(t, p)
				}
				return err
			}))
			if _, err := disk.Crash(Loss{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, listing(t, mine)); diff != "" {
				t.Fatalf("after all was synced: %s", diff)
			}
		})
	}
}
