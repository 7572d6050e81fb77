//go:build linux

package crashfs

import (
	"path"
	"slices"
	"syscall"
	"time"
)

// attr is what chmod, chown and utimes change.
type attr struct {
	mode     uint32 // permission bits
	uid, gid uint32
	mtime    time.Time
}

// link is one name of an inode.
type link struct {
	dir  *inode
	base string
}

// inode is a file, directory, symbolic link, or the name of a socket or pipe.
type inode struct {
	ino       uint64
	typ       uint32 // syscall.S_IFREG, S_IFDIR, S_IFLNK, S_IFSOCK or S_IFIFO
	now, safe attr
	metaAt    uint64 // number of the last change of any kind
	dataAt    uint64 // number of the last change without which the data cannot be read: its birth, its size

	content content // of a file
	target  string  // of a symbolic link

	entries map[string]*inode // of a directory: as the system sees it
	kept    map[string]*inode // of a directory: as the disk holds it
	pending []record          // of a directory under Strict: name changes not yet safe, oldest first
	place   change            // of a directory: the change that put it where it is on the disk

	links map[link]struct{}
	last  string // the path it had when it last lost a name
}

func (n *inode) isDir() bool { return n.typ == syscall.S_IFDIR }

// paths returns every path of the inode relative to the mount, or the last one that it had.
func (n *inode) paths() []string {
	out := make([]string, 0, len(n.links))
	for l := range n.links {
		out = append(out, path.Join(l.dir.path(), l.base))
	}
	if len(out) == 0 {
		return []string{n.last}
	}
	slices.Sort(out)
	return out
}

func (n *inode) path() string { return n.paths()[0] }

// disk is the file system without its mount: what programs see, and what would be left after a power cut. It and its
// inodes are guarded by FS.mu.
type disk struct {
	names     Names
	root      *inode
	lastIno   uint64
	changes   uint64   // counts all changes
	journal   []record // under Ext4: changes not yet committed, oldest first
	committed uint64   // under Ext4: the number of the last change that the journal on the disk covers
}

func newDisk(names Names) *disk {
	d := &disk{names: names}
	d.root = d.newInode(syscall.S_IFDIR, 0o755, 0, 0)
	return d
}

// newInode makes an inode without a name. Its first attributes reach the disk together with its name.
func (d *disk) newInode(typ, mode, uid, gid uint32) *inode {
	d.lastIno++
	a := attr{mode: mode & 0o7777, uid: uid, gid: gid, mtime: time.Now()}
	n := &inode{ino: d.lastIno, typ: typ, now: a, safe: a, links: make(map[link]struct{})}
	if typ == syscall.S_IFDIR {
		n.entries, n.kept = make(map[string]*inode), make(map[string]*inode)
	}
	d.stamp(n, true)
	return n
}

// stamp numbers a change of an inode.
func (d *disk) stamp(n *inode, data bool) {
	d.changes++
	n.metaAt = d.changes
	if data {
		n.dataAt = d.changes
	}
}

// set changes one name of the running system.
func (d *disk) set(dir *inode, base string, to *inode) {
	if old := dir.entries[base]; old != nil {
		delete(old.links, link{dir, base})
		old.last = path.Join(dir.path(), base)
		d.stamp(old, false)
	}
	if to == nil {
		delete(dir.entries, base)
	} else {
		dir.entries[base] = to
		to.links[link{dir, base}] = struct{}{}
		d.stamp(to, false)
	}
	dir.now.mtime = time.Now()
	d.stamp(dir, true)
}

// change is the record of one name: base in dir was old and is now to.
func (d *disk) change(dir *inode, base string, old, to *inode) change {
	d.changes++
	return change{dir: dir, base: base, old: old, to: to, number: d.changes}
}

// add gives inode n a first or further name.
func (d *disk) add(dir *inode, base string, n *inode) syscall.Errno {
	if dir.entries[base] != nil {
		return syscall.EEXIST
	}
	if len(base) > 255 {
		return syscall.ENAMETOOLONG
	}
	d.set(dir, base, n)
	d.note(record{changes: []change{d.change(dir, base, nil, n)}})
	return 0
}

func (d *disk) unlink(dir *inode, base string) syscall.Errno {
	n := dir.entries[base]
	switch {
	case n == nil:
		return syscall.ENOENT
	case n.isDir():
		return syscall.EISDIR
	}
	d.set(dir, base, nil)
	d.note(record{changes: []change{d.change(dir, base, n, nil)}})
	return 0
}

func (d *disk) rmdir(dir *inode, base string) syscall.Errno {
	n := dir.entries[base]
	switch {
	case n == nil:
		return syscall.ENOENT
	case !n.isDir():
		return syscall.ENOTDIR
	case len(n.entries) > 0:
		return syscall.ENOTEMPTY
	}
	d.set(dir, base, nil)
	d.note(record{changes: []change{d.change(dir, base, n, nil)}})
	return 0
}

const (
	renameNoReplace = 1
	renameExchange  = 2
)

// rename moves a name; with carry, replacing a file makes the data of the new one part of the record. The kernel has
// checked already that no directory moves below itself.
func (d *disk) rename(from *inode, oldBase string, to *inode, newBase string, flags uint32, carry bool) syscall.Errno {
	n, over := from.entries[oldBase], to.entries[newBase]
	if n == nil || (flags == renameExchange && over == nil) {
		return syscall.ENOENT
	}
	switch {
	case flags == renameExchange:
		d.set(from, oldBase, nil)
		d.set(to, newBase, n)
		d.set(from, oldBase, over)
		d.note(record{changes: []change{d.change(from, oldBase, n, over), d.change(to, newBase, over, n)}})
		return 0
	case flags == renameNoReplace && over != nil:
		return syscall.EEXIST
	case flags&^renameNoReplace != 0:
		return syscall.EINVAL
	case over == n:
		return 0
	case over != nil && over.isDir() && !n.isDir():
		return syscall.EISDIR
	case over != nil && !over.isDir() && n.isDir():
		return syscall.ENOTDIR
	case over != nil && len(over.entries) > 0:
		return syscall.ENOTEMPTY
	}
	d.set(from, oldBase, nil)
	d.set(to, newBase, n)
	r := record{changes: []change{d.change(from, oldBase, n, nil), d.change(to, newBase, over, n)}}
	if over != nil && !n.isDir() && carry {
		r.flush = n
	}
	d.note(r)
	return 0
}

func (d *disk) write(n *inode, data []byte, off int64) {
	grows := off+int64(len(data)) > n.content.size
	n.content.writeAt(data, off)
	n.now.mtime = time.Now()
	d.stamp(n, grows)
}

func (d *disk) truncate(n *inode, size int64) {
	if size < n.content.size {
		d.note(record{cut: n, size: size})
	}
	resized := size != n.content.size
	n.content.truncate(size)
	n.now.mtime = time.Now()
	d.stamp(n, resized)
}

// zero makes a range read as zeros.
func (d *disk) zero(n *inode, off, length int64) {
	n.content.zero(off, length)
	n.now.mtime = time.Now()
	d.stamp(n, false)
}

// sync makes an inode safe: the pages that touch the range, size and attributes of a file, all names of a directory.
// With dataOnly (fdatasync) attributes that are not needed to read the data stay volatile.
func (d *disk) sync(n *inode, off, length int64, dataOnly bool) {
	last := n.dataAt
	if !dataOnly {
		last = n.metaAt
	}
	switch { // before the data: a truncation in the journal comes before what was written after it
	case d.names == Ext4 && last > d.committed:
		d.commit(len(d.journal))
		d.committed = d.changes
	case d.names == Strict && n.isDir():
		n.keep(len(n.pending))
	}
	n.content.syncRange(off, length)
	if !dataOnly {
		n.safe = n.now
	}
}
