//go:build linux

package crashfs

import (
	"path"
	"slices"
	"strings"
)

// Unsynced is something that a power cut would take now.
type Unsynced struct {
	Path  string // below the mount
	Bytes int64  // of unsynced data, in whole pages; 1 if only the size differs
	Name  bool   // the name itself is not on the disk, or not removed from it, or stands for another file there
}

// Unsynced lists what a power cut would take now, in order of paths.
func (f *FS) Unsynced() []Unsynced {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.disk.unsynced()
}

func (d *disk) unsynced() []Unsynced {
	found := make(map[string]Unsynced)
	for _, n := range d.reachable() {
		if bytes := n.content.unsynced(); bytes > 0 {
			p := n.path()
			found[p] = Unsynced{Path: p, Bytes: bytes}
		}
	}
	for _, n := range d.reachable() {
		for base := range n.entries {
			n.compare(base, found)
		}
		for base := range n.kept {
			n.compare(base, found)
		}
	}
	out := make([]Unsynced, 0, len(found))
	for _, u := range found {
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b Unsynced) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func (n *inode) compare(base string, found map[string]Unsynced) {
	if n.entries[base] == n.kept[base] {
		return
	}
	p := path.Join(n.path(), base)
	u := found[p]
	u.Path, u.Name = p, true
	found[p] = u
}
