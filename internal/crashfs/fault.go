//go:build linux

package crashfs

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"syscall"
)

// Op is a set of operations that change the file system or make a change safe.
type Op uint16

// The operations. Reading, opening, closing and setting attributes are none.
const (
	OpWrite    Op = 1 << iota // data written to a file
	OpSync                    // fsync, fdatasync or msync of a file, and each write through O_SYNC or O_DSYNC
	OpSyncDir                 // fsync of a directory
	OpCreate                  // a new file, directory or symbolic link
	OpLink                    // a further name of a file
	OpRename                  // a name moved
	OpRemove                  // a name removed (unlink, rmdir)
	OpTruncate                // the size set, space allocated or punched

	// OpAny is every operation.
	OpAny Op = 1<<iota - 1
)

var opNames = [...]string{"write", "sync", "syncdir", "create", "link", "rename", "remove", "truncate"}

// String lists the names of the operations in the set, joined by "|".
func (o Op) String() string {
	var names []string
	for i, name := range opNames {
		if o&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

// Fault is one failure to inject.
//
// A sync that fails without Stored does what Linux does: the data counts as clean although the disk has not got it, so
// that another sync of the same file succeeds and stores nothing. A program must take a failed sync as final.
type Fault struct {
	Ops  Op
	Path string // pattern of the paths below the mount (see [FS.IgnoreSync]); of a rename, old or new; "" is all
	Skip int    // so many matching operations pass first

	Times  int           // how many are hit then; 0 is one, negative all
	Err    syscall.Errno // what the program gets; 0 is EIO
	Stored bool          // the operation takes effect before it fails: failed but stored; a sync is durable
	Cut    bool          // the power goes at this operation, before its effect or (Stored) after; it never returns
}

// Event is an operation that was carried out, ignored or failed, as told to [Config.Observe].
type Event struct {
	Op      Op
	Path    string // below the mount; of a rename, the new one
	Bytes   int    // written
	Ignored bool   // a sync that was ignored
	Err     syscall.Errno
}

// Injected is a fault at work.
type Injected struct {
	fs    *FS
	fault Fault
	seen  int // guarded by fs.mu
	hits  int // guarded by fs.mu
}

// Hits returns how many operations the fault has hit.
func (i *Injected) Hits() int {
	i.fs.mu.Lock()
	defer i.fs.mu.Unlock()
	return i.hits
}

// Seen returns how many operations have matched, those that passed included.
func (i *Injected) Seen() int {
	i.fs.mu.Lock()
	defer i.fs.mu.Unlock()
	return i.seen
}

// Remove ends the fault.
func (i *Injected) Remove() {
	i.fs.mu.Lock()
	defer i.fs.mu.Unlock()
	i.fs.faults = slices.DeleteFunc(i.fs.faults, func(o *Injected) bool { return o == i })
}

// strike counts an operation against the fault and tells whether it is hit.
func (i *Injected) strike(op Op, paths []string) bool {
	if i.fault.Ops&op == 0 || (i.fault.Path != "" && !matchAny(i.fault.Path, paths)) {
		return false
	}
	i.seen++
	if i.seen <= i.fault.Skip || (i.fault.Times >= 0 && i.hits >= max(i.fault.Times, 1)) {
		return false
	}
	i.hits++
	return true
}

// Inject adds a fault. It stays over power cuts, until removed or used up. It panics on a malformed pattern.
func (f *FS) Inject(fault Fault) *Injected {
	if err := checkPattern(fault.Path); err != nil {
		panic(err)
	}
	if fault.Err == 0 {
		fault.Err = syscall.EIO
	}
	i := &Injected{fs: f, fault: fault}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, i)
	return i
}

// IgnoreSync replaces the patterns of files and directories whose syncs succeed and do nothing. A pattern without a
// slash matches the last element of a path, as in "*.log"; one with a slash matches the whole path below the mount,
// where "**" stands for any number of elements, as in "data/**/cs.wal/*". Elements are matched as by [path.Match]. A
// file is matched by its names at the time of the sync: one that is written under a temporary name and then renamed
// needs a pattern for that name, and one for its last name if replacing it shall carry no data either (see [Ext4]). It
// panics on a malformed pattern.
func (f *FS) IgnoreSync(patterns ...string) {
	for _, p := range patterns {
		if err := checkPattern(p); err != nil {
			panic(err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ignore = slices.Clone(patterns)
}

// IgnoredSyncs returns how many syncs were ignored. A test that ignores syncs to see itself fail should look at it: a
// pattern that matches nothing proves nothing.
func (f *FS) IgnoredSyncs() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ignored
}

// ignoresAny tells whether one of the paths matches a pattern of syncs to ignore.
func (f *FS) ignoresAny(paths func() []string) bool {
	if len(f.ignore) == 0 {
		return false
	}
	p := paths()
	return slices.ContainsFunc(f.ignore, func(pattern string) bool { return matchAny(pattern, p) })
}

func checkPattern(pattern string) error {
	for part := range strings.SplitSeq(pattern, "/") {
		if _, err := path.Match(part, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", pattern, err)
		}
	}
	return nil
}

func matchAny(pattern string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return match(pattern, p) })
}

func match(pattern, name string) bool {
	if !strings.Contains(pattern, "/") {
		ok, err := path.Match(pattern, path.Base(name))
		return ok && err == nil
	}
	return matchParts(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func matchParts(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**":
		for i := range len(name) + 1 {
			if matchParts(pattern[1:], name[i:]) {
				return true
			}
		}
		return false
	case len(name) == 0:
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return ok && err == nil && matchParts(pattern[1:], name[1:])
}
