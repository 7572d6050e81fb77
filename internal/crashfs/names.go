//go:build linux

package crashfs

import (
	"math/rand/v2"
	"slices"
)

// Names says when a change of a directory (a name created, linked, renamed or removed) is safe from a power cut.
type Names uint8

const (
	// Strict is what POSIX promises and no more: a change is safe when its directory was fsynced. A rename between
	// two directories is two changes, and a synced file without a synced name is gone.
	Strict Names = iota
	// Ext4 is what ext4 with its default options does (and xfs much alike): all changes go into one journal in
	// order, any sync of anything that changed commits the whole journal so far, a truncation is a journal entry as
	// well, and a rename over an existing file carries the data of the file with it (auto_da_alloc).
	Ext4
)

// change is one name of one directory.
type change struct {
	dir     *inode
	base    string
	old, to *inode // nil: no such name
	number  uint64
}

func (c change) apply() {
	if c.to == nil {
		if c.dir.kept[c.base] == c.old {
			delete(c.dir.kept, c.base)
		}
		return
	}
	if c.to.isDir() && !c.to.moveTo(c) {
		return
	}
	c.dir.kept[c.base] = c.to
}

// moveTo sees to it that a directory has one place on the disk, whichever of its parents is synced first.
func (n *inode) moveTo(c change) bool {
	at := n.place
	if at.number > c.number {
		return false
	}
	if at.dir != nil && at.dir.kept[at.base] == n {
		delete(at.dir.kept, at.base)
	}
	n.place = c
	return true
}

// record is what reaches the disk together or not at all.
type record struct {
	changes []change
	flush   *inode // its data is stored with the record
	cut     *inode // truncated to size
	size    int64
}

func (r *record) apply() {
	for _, c := range r.changes {
		c.apply()
	}
	if r.flush != nil {
		r.flush.content.sync()
	}
	if r.cut != nil && r.size < r.cut.content.safeSize {
		r.cut.content.setSafeSize(r.size)
	}
}

// note remembers a change that the running system has made and the disk has not.
func (d *disk) note(r record) {
	if d.names == Ext4 {
		d.journal = append(d.journal, r)
		return
	}
	switch c := r.changes; {
	case len(c) == 0: // a truncation: safe when the file is synced
	case len(c) == 2 && c[0].dir != c[1].dir:
		c[0].dir.pending = append(c[0].dir.pending, record{changes: c[:1]})
		c[1].dir.pending = append(c[1].dir.pending, record{changes: c[1:]})
	default:
		c[0].dir.pending = append(c[0].dir.pending, record{changes: c})
	}
}

// commit stores the first n records of the journal.
func (d *disk) commit(n int) {
	for i := range d.journal[:n] {
		d.journal[i].apply()
	}
	d.journal = slices.Delete(d.journal, 0, n)
}

// keep stores the first n changes of a directory.
func (n *inode) keep(count int) {
	for i := range n.pending[:count] {
		n.pending[i].apply()
	}
	n.pending = slices.Delete(n.pending, 0, count)
}

// Loss says how much of the unsynced state a power cut takes. The zero value takes all of it: the worst that a disk may
// do to a program that syncs correctly. Other values find programs that rely on unsynced data being lost, or whole.
type Loss struct {
	// Keep is the chance that an unsynced sector (512 bytes) was stored all the same, from 0 to 1. If it is neither,
	// a random number of the oldest unsynced name changes is stored too: of all (Ext4), or of each directory (Strict).
	Keep float64
	Seed uint64 // the same operations, loss and seed give the same image
}

// lose decides what of the unsynced state reaches the disk.
func (d *disk) lose(l Loss) {
	if l.Keep <= 0 {
		return
	}
	rng := rand.New(rand.NewPCG(l.Seed, 0x63686172747365)) //nolint:gosec // repeatable faults, not secrets
	chance := func() bool { return rng.Float64() < l.Keep }
	between := func(lo, hi int64) int64 {
		if hi-lo < sectorSize {
			return lo
		}
		return min(hi, (lo+rng.Int64N(hi-lo+1))/sectorSize*sectorSize+sectorSize)
	}
	prefix := func(n int) int {
		if l.Keep >= 1 {
			return n
		}
		return rng.IntN(n + 1)
	}
	all := d.reachable()
	d.commit(prefix(len(d.journal))) // before the data: a truncation comes before what was written after it
	for _, n := range all {
		n.keep(prefix(len(n.pending)))
		n.content.keepSome(chance, between)
		if chance() {
			n.safe = n.now
		}
	}
}

// reachable lists all inodes that have a name, now or on the disk, each once, in order of their numbers.
func (d *disk) reachable() []*inode {
	seen := map[*inode]bool{d.root: true}
	for todo := []*inode{d.root}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, entries := range []map[string]*inode{n.entries, n.kept} {
			for _, child := range entries {
				if !seen[child] {
					seen[child] = true
					todo = append(todo, child)
				}
			}
		}
	}
	out := make([]*inode, 0, len(seen))
	for n := range seen {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b *inode) int { return int(a.ino) - int(b.ino) })
	return out
}

// image builds the disk as it is found after a power cut. It shares pages with d, which must not be used any more.
func (d *disk) image() *disk {
	fresh := &disk{names: d.names, lastIno: d.lastIno}
	made := make(map[*inode]*inode)
	var build func(n *inode) *inode
	build = func(n *inode) *inode {
		if m := made[n]; m != nil {
			return m
		}
		m := &inode{ino: n.ino, typ: n.typ, now: n.safe, safe: n.safe, target: n.target, links: make(map[link]struct{})}
		made[n] = m
		m.content = n.content.restored()
		if n.isDir() {
			m.entries, m.kept = make(map[string]*inode), make(map[string]*inode)
			for base, child := range n.kept {
				c := build(child)
				m.entries[base], m.kept[base] = c, c
				c.links[link{m, base}] = struct{}{}
				c.place = change{dir: m, base: base}
			}
		}
		return m
	}
	fresh.root = build(d.root)
	return fresh
}
