package e2e

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chartseal/chartseal/internal/leakscan"
)

// No other account of the machine gets at the data, whoever made the directory.
func TestDataIsShutToOthers(t *testing.T) {
	t.Run("directory made by the server", func(t *testing.T) {
		s := start(t)
		s.create(s.staff(), "Patient", patientJSON)
		s.stop()
		shut(t, s.dir)
	})
	t.Run("directory made before, readable by all", func(t *testing.T) { // a mounted volume, for example
		s := start(t)
		s.stop()
		if err := errors.Join(os.RemoveAll(s.dir), os.Mkdir(s.dir, 0o755)); err != nil {
			t.Fatal(err)
		}
		s.run()
		s.create(s.staff(), "Patient", patientJSON)
		s.stop()
		shut(t, s.dir)
	})
}

// shut fails for what others can reach, and tells what only a directory above keeps from them: a backup that is
// unpacked elsewhere has the modes of the files alone.
func shut(t *testing.T, dir string) {
	t.Helper()
	list, err := leakscan.OpenToOthers(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.Reachable {
			t.Error("others can read or write: ", m)
		} else {
			t.Log("mode: ", m)
		}
	}
}

// A key beside the data would open a stolen disk: the start is refused, and no key is left there.
func TestRootKeyStaysOutsideTheData(t *testing.T) {
	for name, place := range map[string]string{
		"in the data directory": "data/root.key", "below it": "data/keys/root.key", "by way of a parent": "data/../data/root.key", "by a link to the directory": "link/root.key",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Symlink("data", filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(place, "link") { // which is of no use while it leads nowhere
				if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			refused(t, filepath.Join(dir, "data"), dir+"/"+place)
			if left := keysIn(t, dir); len(left) > 0 {
				t.Errorf("the refused start left a root key: %v", left)
			}
		})
	}
	t.Run("a link to a key among the data", func(t *testing.T) {
		s := start(t)
		s.stop()
		if keys := keysIn(t, s.dir); len(keys) > 0 {
			t.Fatalf("root key among the data: %v", keys)
		}
		moved := filepath.Join(s.dir, "moved.key")
		if err := errors.Join(os.Rename(s.key, moved), os.Symlink(moved, s.key)); err != nil {
			t.Fatal(err)
		}
		refused(t, s.dir, s.key)
	})
}

// refused fails if the server starts.
func refused(t *testing.T, dir, key string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "serve", "--data-dir", dir, "--key-file", key, "--listen", freePort(t)).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Errorf("started with its key among the data: %v\n%s", err, out)
	}
}

// keysIn finds root key files by what they contain.
func keysIn(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), "chartseal-root") {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
