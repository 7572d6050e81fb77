//go:build linux

package crashfs

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// script runs lines such as "write a/b text", "sync a", "rename a b" on a disk.
type script struct {
	t testing.TB
	d *disk
}

func (s script) at(p string) (dir *inode, base string) {
	dir = s.d.root
	for part := range strings.SplitSeq(path.Dir(p), "/") {
		if part != "." {
			dir = dir.entries[part]
		}
	}
	return dir, path.Base(p)
}

func (s script) inode(p string) *inode {
	if p == "." {
		return s.d.root
	}
	dir, base := s.at(p)
	return dir.entries[base]
}

func (s script) run(line string) {
	s.t.Helper()
	f := strings.Fields(line)
	dir, base := s.at(f[1])
	var errno syscall.Errno
	switch f[0] {
	case "mkdir":
		errno = s.d.add(dir, base, s.d.newInode(syscall.S_IFDIR, 0o755, 0, 0))
	case "write": // creates, or replaces the data in place
		n := dir.entries[base]
		if n == nil {
			n = s.d.newInode(syscall.S_IFREG, 0o644, 0, 0)
			errno = s.d.add(dir, base, n)
		}
		s.d.write(n, []byte(f[2]), 0)
	case "truncate":
		s.d.truncate(s.inode(f[1]), 0)
	case "link":
		to, toBase := s.at(f[2])
		errno = s.d.add(to, toBase, s.inode(f[1]))
	case "rename", "exchange":
		to, toBase := s.at(f[2])
		var flags uint32
		if f[0] == "exchange" {
			flags = renameExchange
		}
		errno = s.d.rename(dir, base, to, toBase, flags, true)
	case "remove":
		errno = s.d.unlink(dir, base)
	case "rmdir":
		errno = s.d.rmdir(dir, base)
	case "sync", "datasync":
		s.d.sync(s.inode(f[1]), 0, 1<<40, f[0] == "datasync")
	default:
		s.t.Fatalf("no such step: %s", line)
	}
	if errno != 0 {
		s.t.Fatalf("%s: %v", line, errno)
	}
}

// tree renders a disk as "path=data" and "dir/", in order.
func tree(d *disk) []string {
	var out []string
	var walk func(n *inode, p string)
	walk = func(n *inode, p string) {
		for base, child := range n.entries {
			at := path.Join(p, base)
			if child.isDir() {
				out = append(out, at+"/")
				walk(child, at)
			} else {
				out = append(out, at+"="+string(live(&child.content)))
			}
		}
	}
	walk(d.root, "")
	slices.Sort(out)
	return out
}

func TestWhatSurvives(t *testing.T) {
	tests := []struct {
		name         string
		steps        string
		strict, ext4 string // what is left, joined by spaces
	}{
		{"nothing synced", "write a 1", "", ""},
		{"file synced, not its name", "write a 1; sync a", "", "a=1"},
		{"name synced, not the file", "write a 1; sync .", "a=", "a="},
		{"both", "write a 1; sync a; sync .", "a=1", "a=1"},
		{"overwritten", "write a 1; sync a; sync .; write a 2", "a=1", "a=1"},
		{"overwritten, datasync", "write a 1; sync a; sync .; write a 2; datasync a", "a=2", "a=2"},
		{"removed", "write a 1; sync a; sync .; remove a", "a=1", "a=1"},
		{"removed, synced", "write a 1; sync a; sync .; remove a; sync .", "", ""},
		{"another sync commits a journal only", "write a 1; sync a; write b 2; sync b", "", "a=1 b=2"},
		{"an earlier sync does not", "write b 2; sync b; write a 1", "", "b=2"},
		{"a sync without a change commits nothing", "write b 2; sync b; sync .; write a 1; sync b", "b=2", "b=2"},
		{"data overwritten in place needs no commit", "write b 2; sync b; sync .; write a 1; write b 3; datasync b", "b=3", "b=3"},
		{"rename over, synced before", "write a 1; sync a; sync .; write t 2; sync t; rename t a", "a=1", "a=1 t=2"},
		{"rename over, directory synced", "write a 1; sync a; sync .; write t 2; sync t; rename t a; sync .", "a=2", "a=2"},
		{"rename over, not synced before", "write a 1; sync a; sync .; write t 2; rename t a; sync .", "a=", "a=2"},
		{"rename over, another file synced", "write a 1; sync a; sync .; write t 2; rename t a; write z 9; sync z", "a=1", "a=2 z=9"},
		{"rename to a new name carries no data", "write t 2; rename t a; sync .", "a=", "a="},
		{"rename across, target synced", "mkdir d; write a 1; sync a; sync .; rename a d/a; sync d", "a=1 d/ d/a=1", "d/ d/a=1"},
		{"rename across, source synced", "mkdir d; write a 1; sync a; sync .; rename a d/a; sync .", "d/", "d/ d/a=1"},
		{"directory not synced", "mkdir d; write d/a 1; sync d/a; sync d", "", "d/ d/a=1"},
		{"parent synced, directory not", "mkdir d; write d/a 1; sync d/a; sync .", "d/", "d/ d/a=1"},
		{"directory moved, target synced", "mkdir d; mkdir e; write e/a 1; sync e/a; sync e; sync .; rename e d/e; sync d", "d/ d/e/ d/e/a=1", "d/ d/e/ d/e/a=1"},
		{"directory moved twice, synced in the wrong order", "mkdir d; mkdir e; mkdir f; sync .; rename f d/f; rename d/f e/f; sync e; sync d; sync .", "d/ e/ e/f/", "d/ e/ e/f/"},
		{"hard link", "write a 1; sync a; link a b; sync .", "a=1 b=1", "a=1 b=1"},
		{"first name removed", "write a 1; sync a; link a b; remove a; sync .", "b=1", "b=1"},
		{"exchange", "write a 1; write b 2; sync a; sync b; sync .; exchange a b; sync .", "a=2 b=1", "a=2 b=1"},
		{"exchange, not synced", "write a 1; write b 2; sync a; sync b; sync .; exchange a b", "a=1 b=2", "a=1 b=2"},
		{"truncated by another's commit", "write a 1; sync a; sync .; truncate a; write a 2; write z 9; sync z", "a=1", "a= z=9"},
		{"created and removed", "write a 1; remove a; sync .", "", ""},
		{"name used again", "write a 1; sync a; sync .; remove a; write a 2", "a=1", "a=1"},
		{"directory removed and made again", "mkdir d; sync .; rmdir d; write d 1; sync d; sync .", "d=1", "d=1"},
	}
	for _, tt := range tests {
		for names, want := range map[Names]string{Strict: tt.strict, Ext4: tt.ext4} {
			t.Run(fmt.Sprintf("%s/%d", tt.name, names), func(t *testing.T) {
				s := script{t, newDisk(names)}
				for line := range strings.SplitSeq(tt.steps, "; ") {
					s.run(line)
				}
				s.d.lose(Loss{})
				if diff := cmp.Diff(want, strings.Join(tree(s.d.image()), " ")); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// randomStep makes one step that can be carried out, on a few names so that they meet.
func randomStep(t *rapid.T, s script) {
	var files, dirs []string
	for _, p := range tree(s.d) {
		if d, ok := strings.CutSuffix(p, "/"); ok {
			dirs = append(dirs, d)
		} else {
			files = append(files, p[:strings.Index(p, "=")])
		}
	}
	dirs = append(dirs, ".")
	fresh := path.Join(rapid.SampledFrom(dirs).Draw(t, "in"), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "new"))
	op := rapid.SampledFrom([]string{"write", "mkdir", "rename", "link", "remove", "truncate", "sync", "syncdir"}).Draw(t, "op")
	var file string
	if len(files) > 0 {
		file = rapid.SampledFrom(files).Draw(t, "file")
	}
	taken := s.inode(fresh)
	switch {
	case op == "syncdir":
		s.run("sync " + rapid.SampledFrom(dirs).Draw(t, "dir"))
	case op == "mkdir" && taken == nil:
		s.run("mkdir " + fresh)
	case op == "write" && (taken == nil || !taken.isDir()):
		s.run("write " + fresh + " " + rapid.StringMatching("[a-z]{1,9}").Draw(t, "data"))
	case file == "" || (taken != nil && (op == "link" || taken.isDir())):
	case op == "rename" || op == "link":
		s.run(op + " " + file + " " + fresh)
	case op == "remove" || op == "truncate" || op == "sync":
		s.run(op + " " + file)
	}
}

// Whatever happens: with all kept nothing is lost; once all is synced nothing is lost; a lossy image is a well-formed
// tree that a second cut without changes leaves as it is.
func TestImage(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		names := rapid.SampledFrom([]Names{Strict, Ext4}).Draw(r, "names")
		s := script{t, newDisk(names)}
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			randomStep(r, s)
		}
		before := tree(s.d)
		keep := rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(r, "keep")
		if rapid.Bool().Draw(r, "sync all") {
			for _, n := range s.d.reachable() {
				s.d.sync(n, 0, 1<<40, false)
			}
			keep = 0
			if u := s.d.unsynced(); len(u) > 0 {
				r.Fatalf("all synced, and yet at stake: %v", u)
			}
		} else if keep == 0 {
			return
		}
		s.d.lose(Loss{Keep: keep, Seed: rapid.Uint64().Draw(r, "seed")})
		image := s.d.image()
		got := tree(image)
		if diff := cmp.Diff(before, got); diff != "" && keep != 0.5 {
			r.Fatal(diff)
		}
		if u := image.unsynced(); len(u) > 0 {
			r.Fatalf("a fresh image has something at stake: %v", u)
		}
		if diff := cmp.Diff(got, tree(image.image())); diff != "" {
			r.Fatalf("a second cut changed the disk: %s", diff)
		}
	})
}

// The same operations, loss and seed give the same image.
func TestLossIsRepeatable(t *testing.T) {
	run := func() []string {
		s := script{t, newDisk(Strict)}
		for i := range 20 {
			s.run(fmt.Sprintf("write f%d %s", i, strings.Repeat("x", 30+i)))
			s.run(fmt.Sprintf("rename f%d g%d", i, i/2))
		}
		s.d.lose(Loss{Keep: 0.5, Seed: 7})
		return tree(s.d.image())
	}
	if diff := cmp.Diff(run(), run()); diff != "" {
		t.Error(diff)
	}
}
