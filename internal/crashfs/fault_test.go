//go:build linux

package crashfs

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"*.log", "000012.log", true},
		{"*.log", "data/store/000012.log", true},
		{"*.log", "data/store.log/f", false},
		{"data/*.log", "data/store/1.log", false},
		{"data/**", "data/store/1.log", true},
		{"data/**", "data", true},
		{"data/**/wal", "data/wal", true},
		{"data/**/wal", "data/a/b/wal", true},
		{"data/**/wal", "other/wal", false},
		{"**/cs.wal/*", "ledger/private/data/cs.wal/wal.001", true},
		{"**/cs.wal/*", "ledger/private/data/cs.wal", false},
		{"**/", "a", false},
		{"priv_validator_state.json", "x/y/priv_validator_state.json", true},
	}
	for _, tt := range tests {
		if got := match(tt.pattern, tt.name); got != tt.want {
			t.Errorf("match(%q, %q) = %v", tt.pattern, tt.name, got)
		}
	}
}

func TestOpString(t *testing.T) {
	if got := (OpWrite | OpSyncDir | OpTruncate).String(); got != "write|syncdir|truncate" {
		t.Error(got)
	}
}

// Each operation can be made to fail, before or after it took effect.
func TestFaults(t *testing.T) {
	tests := []struct {
		op    Op
		do    func(dir string) error
		check func(dir string) bool // did it take effect?
	}{
		{OpCreate, func(d string) error { return os.WriteFile(d+"/new", nil, 0o600) }, func(d string) bool { return exists(d + "/new") }},
		{OpCreate, func(d string) error { return os.Mkdir(d+"/new", 0o750) }, func(d string) bool { return exists(d + "/new") }},
		{OpWrite, func(d string) error { return overwrite(d + "/f") }, func(d string) bool { return holds(d+"/f", "new") }},
		{OpTruncate, func(d string) error { return os.Truncate(d+"/f", 1) }, func(d string) bool { return holds(d+"/f", "o") }},
		{OpRename, func(d string) error { return os.Rename(d+"/f", d+"/g") }, func(d string) bool { return exists(d + "/g") }},
		{OpLink, func(d string) error { return os.Link(d+"/f", d+"/g") }, func(d string) bool { return exists(d + "/g") }},
		{OpRemove, func(d string) error { return os.Remove(d + "/f") }, func(d string) bool { return !exists(d + "/f") }},
	}
	for _, tt := range tests {
		for _, stored := range []bool{false, true} {
			disk := ForTest(t, Config{})
			must(t, os.WriteFile(filepath.Join(disk.Dir(), "f"), []byte("old"), 0o600))
			fault := disk.Inject(Fault{Ops: tt.op, Err: syscall.ENOSPC, Stored: stored})
			if err := tt.do(disk.Dir()); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%v, stored %v: %v, want ENOSPC", tt.op, stored, err)
			}
			if fault.Hits() != 1 {
				t.Errorf("%v: %d hits", tt.op, fault.Hits())
			}
			must(t, disk.Close())
			must(t, disk.remount())
			if got := tt.check(disk.Dir()); got != stored {
				t.Errorf("%v, stored %v: took effect: %v", tt.op, stored, got)
			}
		}
	}
}

// remount shows the present state through a new connection, so that no cache of the kernel answers.
func (f *FS) remount() error {
	m, err := attach(f, f.disk)
	if err == nil {
		f.mount = m
	}
	return err
}

func exists(p string) bool {
	_, err := os.Lstat(p)
	return err == nil
}

func holds(p, want string) bool {
	got, err := os.ReadFile(p)
	return err == nil && string(got) == want
}

func overwrite(p string) error {
	f, err := os.OpenFile(p, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("new")
	return errors.Join(err, f.Close())
}

func TestSyncFaults(t *testing.T) {
	for _, tt := range []struct {
		stored bool
		want   string // after the failed sync, a retried one that answers well, and a power cut
	}{{false, "old"}, {true, "new"}} {
		disk := ForTest(t, Config{})
		p := filepath.Join(disk.Dir(), "f")
		must(t, os.WriteFile(p, []byte("old"), 0o600))
		syncPath(t, p)
		syncPath(t, disk.Dir())
		disk.Inject(Fault{Ops: OpSync, Path: "f", Stored: tt.stored})
		f, err := os.OpenFile(p, os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteString("new")
		must(t, err)
		if err := f.Sync(); !errors.Is(err, syscall.EIO) {
			t.Errorf("sync: %v, want EIO", err)
		}
		must(t, f.Sync())
		must(t, f.Close())
		if _, err := disk.Crash(Loss{}); err != nil {
			t.Fatal(err)
		}
		if !holds(p, tt.want) {
			t.Errorf("stored %v: the disk does not hold %q", tt.stored, tt.want)
		}
	}
}

func TestFaultCounts(t *testing.T) {
	disk := ForTest(t, Config{})
	fault := disk.Inject(Fault{Ops: OpCreate, Path: "*.db", Skip: 1, Times: 2})
	var failed []string
	for _, name := range []string{"a.db", "x", "b.db", "c.db", "d.db"} {
		if err := os.WriteFile(filepath.Join(disk.Dir(), name), nil, 0o600); err != nil {
			failed = append(failed, name)
		}
	}
	if len(failed) != 2 || failed[0] != "b.db" || failed[1] != "c.db" {
		t.Errorf("failed: %v, want the second and the third that match", failed)
	}
	if fault.Hits() != 2 || fault.Seen() != 4 {
		t.Errorf("hits %d, seen %d; want 2 and 4", fault.Hits(), fault.Seen())
	}
	full := disk.Inject(Fault{Ops: OpWrite, Times: -1, Err: syscall.ENOSPC})
	for range 3 {
		if err := overwrite(filepath.Join(disk.Dir(), "x")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("write on a full disk: %v", err)
		}
	}
	full.Remove()
	must(t, overwrite(filepath.Join(disk.Dir(), "x")))
}

func TestIgnoreSync(t *testing.T) {
	var ignored []string
	disk := ForTest(t, Config{Names: Ext4, Ignore: []string{"*.wal"}, Observe: func(e Event) {
		if e.Ignored {
			ignored = append(ignored, e.Path)
		}
	}})
	for _, name := range []string{"a.wal", "a.db"} {
		p := filepath.Join(disk.Dir(), name)
		must(t, os.WriteFile(p, []byte(name), 0o600))
		syncPath(t, p)
	}
	if n := disk.IgnoredSyncs(); n != 1 || len(ignored) != 1 || ignored[0] != "a.wal" {
		t.Errorf("ignored %d: %v", n, ignored)
	}
	if _, err := disk.Crash(Loss{}); err != nil {
		t.Fatal(err)
	}
	if !holds(filepath.Join(disk.Dir(), "a.wal"), "") || !holds(filepath.Join(disk.Dir(), "a.db"), "a.db") {
		t.Error("want the file with ignored syncs empty and the other whole")
	}
	disk.IgnoreSync()
	p := filepath.Join(disk.Dir(), "a.wal")
	must(t, overwrite(p))
	syncPath(t, p)
	if _, err := disk.Crash(Loss{}); err != nil {
		t.Fatal(err)
	}
	if !holds(p, "new") {
		t.Error("syncs are still ignored")
	}
}

// A cut at a sync: the call never returns to the program, nothing later happens, and Stored decides whether the sync
// itself counted.
func TestCutAtSync(t *testing.T) {
	for _, stored := range []bool{false, true} {
		disk := ForTest(t, Config{Names: Ext4})
		p := filepath.Join(disk.Dir(), "f")
		must(t, os.WriteFile(p, []byte("new"), 0o600))
		disk.Inject(Fault{Ops: OpSync, Path: "f", Cut: true, Stored: stored})
		before := disk.Count(OpAny)
		result := make(chan error, 1)
		go func() {
			f, err := os.OpenFile(p, os.O_WRONLY, 0)
			if err == nil {
				err = errors.Join(f.Sync(), f.Close())
			}
			result <- err
		}()
		<-disk.Down()
		select {
		case err := <-result:
			t.Fatalf("the sync returned %v without power", err)
		default:
		}
		stake, err := disk.Restart(Loss{})
		must(t, err)
		if err := <-result; err == nil {
			t.Error("the sync was told to be good")
		}
		if disk.Count(OpAny) != before+1 {
			t.Error("something happened after the power went")
		}
		if got := holds(p, "new"); got != stored {
			t.Errorf("stored %v: on the disk: %v", stored, got)
		}
		if (len(stake) == 0) != stored {
			t.Errorf("stored %v: at stake %v", stored, stake)
		}
	}
}
