//go:build linux

package crashfs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// load copies a directory in. All of it is safe.
func (d *disk) load(from string) error {
	dirs := map[string]*inode{".": d.root}
	err := filepath.WalkDir(from, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		n, err := d.read(p, info)
		if n == nil || err != nil {
			return err
		}
		if rel == "." {
			d.root.now, d.root.safe = n.now, n.now
			return nil
		}
		if n.isDir() {
			dirs[rel] = n
		}
		if errno := d.add(dirs[filepath.Dir(rel)], filepath.Base(rel), n); errno != 0 {
			return errno
		}
		d.sync(n, 0, n.content.size, false)
		d.sync(dirs[filepath.Dir(rel)], 0, 0, false)
		return nil
	})
	return err
}

// read makes an inode from a file, directory or symbolic link, and nil from anything else. Hard links become files of
// their own.
func (d *disk) read(p string, info fs.FileInfo) (*inode, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("%s: no owner known", p)
	}
	n := d.newInode(st.Mode&syscall.S_IFMT, st.Mode, st.Uid, st.Gid)
	switch n.typ {
	case syscall.S_IFDIR:
	case syscall.S_IFREG:
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		d.write(n, data, 0)
	case syscall.S_IFLNK:
		target, err := os.Readlink(p)
		if err != nil {
			return nil, err
		}
		n.target = target
	default:
		return nil, nil // a socket or pipe of a program that runs no more
	}
	n.now.mtime = info.ModTime()
	return n, nil
}

// Export writes what the disk holds (what a power cut would leave, with the zero [Loss]) into a new directory.
func (f *FS) Export(dir string) error {
	f.mu.Lock()
	image := f.disk.image()
	f.mu.Unlock()
	if err := image.root.export(dir); err != nil {
		return fmt.Errorf("crashfs: export: %w", err)
	}
	return nil
}

func (n *inode) export(to string) error {
	switch n.typ {
	case syscall.S_IFLNK:
		return os.Symlink(n.target, to)
	case syscall.S_IFREG:
		data := make([]byte, n.content.size)
		n.content.readAt(data, 0)
		return os.WriteFile(to, data, fs.FileMode(n.now.mode&0o777))
	case syscall.S_IFSOCK, syscall.S_IFIFO:
		return nil
	}
	if err := os.Mkdir(to, 0o750); err != nil {
		return err
	}
	for _, base := range n.bases() {
		if err := n.entries[base].export(filepath.Join(to, base)); err != nil {
			return err
		}
	}
	return os.Chmod(to, fs.FileMode(n.now.mode&0o777))
}

func (n *inode) bases() []string {
	out := make([]string, 0, len(n.entries))
	for base := range n.entries {
		out = append(out, base)
	}
	slices.SortFunc(out, strings.Compare)
	return out
}
