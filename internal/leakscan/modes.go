package leakscan

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Mode is a file or directory that its mode opens to every account of the machine.
type Mode struct {
	Path      string // relative to the directory that was asked about, "." for itself
	Mode      fs.FileMode
	Reachable bool // no directory on the way from there keeps others out
}

// String is one line for a person.
func (m Mode) String() string {
	if m.Reachable {
		return fmt.Sprintf("%v %s", m.Mode, m.Path)
	}
	return fmt.Sprintf("%v %s (shielded by a directory above)", m.Mode, m.Path)
}

// OpenToOthers lists what the modes below dir, and of dir, let others read or write. A directory that others may only
// pass through is not listed.
func OpenToOthers(dir string) ([]Mode, error) {
	var list []Mode
	shut := make(map[string]bool) // directories behind which others do not come
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		behind := path != dir && shut[filepath.Dir(path)]
		if entry.IsDir() {
			shut[path] = behind || info.Mode().Perm()&0o001 == 0
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o006 != 0 && info.Mode()&fs.ModeSymlink == 0 {
			list = append(list, Mode{Path: filepath.ToSlash(name), Mode: info.Mode(), Reachable: !behind})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("walk: %w", err)
	}
	return list, nil
}
