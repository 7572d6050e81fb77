package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// A data directory is closed to others; one that may be shared with other things is left alone.
func TestDataDirectoryIsPrivate(t *testing.T) {
	for _, tc := range []struct {
		name    string
		mode    os.FileMode // 0: absent
		file    string      // that is in it already
		refused bool
	}{
		{name: "absent"},
		{name: "private", mode: 0o700},
		{name: "private with files of others", mode: 0o700, file: "notes.txt"},
		{name: "empty and open", mode: 0o755},
		{name: "empty and open to the group", mode: 0o770},
		{name: "ours and open", mode: 0o755, file: identityFile},
		{name: "not ours and open", mode: 0o755, file: "notes.txt", refused: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if tc.mode != 0 {
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				if tc.file != "" {
					if err := os.WriteFile(filepath.Join(dir, tc.file), []byte("x\n"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Chmod(dir, tc.mode); err != nil {
					t.Fatal(err)
				}
			}
			identity, fresh, err := openDataDir(dir)
			if tc.refused {
				if err == nil || !strings.Contains(err.Error(), "chmod 700 "+dir) {
					t.Errorf("got %v, want a refusal that tells what to do", err)
				}
				if got := mode(t, dir); got != tc.mode {
					t.Errorf("mode %o, want it left at %o", got, tc.mode)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := mode(t, dir); got != 0o700 {
				t.Errorf("mode %o", got)
			}
			if fresh != (tc.file != identityFile) || identity == "" {
				t.Errorf("identity %q, fresh %v", identity, fresh)
			}
		})
	}
}

func TestDataDirectoryIsAFile(t *testing.T) {
	if _, _, err := openDataDir(writeFile(t, "data", "")); err == nil {
		t.Error("a file was accepted as data directory")
	}
}
