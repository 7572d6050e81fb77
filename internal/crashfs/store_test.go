//go:build linux

package crashfs

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
)

// A store as the crash tests see it: put returns when the write is synced.
type store struct {
	put   func(key, value []byte) error
	get   func(key []byte) ([]byte, error) // nil, nil if absent
	close func() error
}

var stores = map[string]func(dir string) (*store, error){"pebble": openPebble, "goleveldb": openLevelDB}

// openPebble uses small buffers, so that a few hundred writes rotate logs, flush tables and rewrite the manifest.
func openPebble(dir string) (*store, error) {
	db, err := pebble.Open(dir, &pebble.Options{MemTableSize: 32 << 10, MaxManifestFileSize: 2 << 10, Logger: quiet{}})
	if err != nil {
		return nil, err
	}
	get := func(key []byte) ([]byte, error) {
		value, closer, err := db.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		return bytes.Clone(value), closer.Close()
	}
	return &store{func(k, v []byte) error { return db.Set(k, v, pebble.Sync) }, get, db.Close}, nil
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func openLevelDB(dir string) (*store, error) {
	db, err := leveldb.OpenFile(dir, &opt.Options{WriteBuffer: 32 << 10})
	if err != nil {
		return nil, err
	}
	get := func(key []byte) ([]byte, error) {
		value, err := db.Get(key, nil)
		if errors.Is(err, leveldb.ErrNotFound) {
			return nil, nil
		}
		return value, err
	}
	put := func(k, v []byte) error { return db.Put(k, v, &opt.WriteOptions{Sync: true}) }
	return &store{put, get, db.Close}, nil
}

func key(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }

func value(i int) []byte {
	sum := sha256.Sum256(key(i))
	return bytes.Repeat(sum[:], 1+i%40)
}

// In a child process, the test binary writes to a store until it is killed, and prints the number of each write that
// was acknowledged.
const childEnv = "CRASHFS_TEST_STORE"

func TestMain(m *testing.M) {
	if kind := os.Getenv(childEnv); kind != "" {
		fmt.Fprintln(os.Stderr, write(stores[kind], os.Args[1], os.Args[2]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func write(open func(string) (*store, error), dir, first string) error {
	s, err := open(dir)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	for ; ; n++ {
		if err := s.put(key(n), value(n)); err != nil {
			return fmt.Errorf("put: %w", err)
		}
		fmt.Println(n)
	}
}

// runUntilCut writes to a store in a child process from number first on, until a fault takes the power away, and
// returns the number of the first write that was not acknowledged.
func runUntilCut(t *testing.T, disk *FS, kind string, first int, loss Loss) int {
	t.Helper()
	child := exec.Command(os.Args[0], filepath.Join(disk.Dir(), "db"), strconv.Itoa(first))
	child.Env = append(os.Environ(), childEnv+"="+kind)
	var stderr bytes.Buffer
	child.Stderr = &stderr
	stdout, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	next, ended := first, make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stdout); lines.Scan(); next++ {
			if lines.Text() != strconv.Itoa(next) {
				t.Errorf("the child says %q, want %d", lines.Text(), next)
			}
		}
	}()
	select {
	case <-disk.Down():
	case <-ended:
		_ = child.Wait()
		t.Fatalf("the child ended before the power did: %s", stderr.String())
	}
	must(t, child.Process.Kill())
	_, err = disk.Restart(loss)
	must(t, err)
	<-ended
	_ = child.Wait() // killed
	return next
}

// lost reopens the store and counts the writes below acked that are not there as written.
func lost(t *testing.T, disk *FS, kind string, acked int) (int, error) {
	t.Helper()
	s, err := stores[kind](filepath.Join(disk.Dir(), "db"))
	if err != nil {
		return acked, err
	}
	missing := 0
	for i := range acked {
		got, err := s.get(key(i))
		if err != nil {
			return acked, errors.Join(err, s.close())
		}
		if !bytes.Equal(got, value(i)) {
			missing++
		}
	}
	return missing, s.close()
}

// The power goes at every so many-th sync of files or directories, before or after the sync itself, with all unsynced
// data lost or some kept; again and again on the same disk. Whatever was acknowledged is there.
func TestStoresKeepWhatTheySynced(t *testing.T) {
	tests := []struct {
		kind  string
		names Names
	}{{"pebble", Strict}, {"pebble", Ext4}, {"goleveldb", Ext4}}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s/%d", tt.kind, tt.names), func(t *testing.T) {
			disk := ForTest(t, Config{Names: tt.names})
			acked := 0
			for round := range 24 {
				fault := disk.Inject(Fault{Ops: OpSync | OpSyncDir, Skip: round * 7, Cut: true, Stored: round%2 == 1})
				acked = runUntilCut(t, disk, tt.kind, acked, Loss{Keep: float64(round%3) / 3, Seed: uint64(round)})
				fault.Remove()
				missing, err := lost(t, disk, tt.kind, acked)
				if err != nil || missing > 0 {
					t.Fatalf("round %d: %d of %d acknowledged writes lost, %v", round, missing, acked, err)
				}
			}
			if acked < 500 {
				t.Errorf("only %d writes in all: the rounds ended too early to test anything", acked)
			}
		})
	}
}

// With the syncs of its log ignored, a store loses acknowledged writes: so the test above would notice a missing sync.
func TestLostWritesAreNoticed(t *testing.T) {
	for kind, names := range map[string]Names{"pebble": Strict, "goleveldb": Ext4} {
		t.Run(kind, func(t *testing.T) {
			disk := ForTest(t, Config{Names: names})
			disk.IgnoreSync("*.log")
			disk.Inject(Fault{Ops: OpWrite, Path: "*.log", Skip: 300, Cut: true})
			acked := runUntilCut(t, disk, kind, 0, Loss{})
			if disk.IgnoredSyncs() == 0 {
				t.Fatal("no sync was ignored")
			}
			missing, err := lost(t, disk, kind, acked)
			if acked == 0 || (err == nil && missing == 0) {
				t.Errorf("nothing lost of %d acknowledged writes whose syncs were ignored", acked)
			}
			t.Logf("%d of %d lost, %v", missing, acked, err)
		})
	}
}
