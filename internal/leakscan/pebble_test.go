package leakscan

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// openPebble makes a database that keeps what it is given where it was put, in the form that the product uses.
func openPebble(t *testing.T, dir string, compression func() pebble.DBCompressionSettings) *pebble.DB {
	t.Helper()
	o := &pebble.Options{MemTableSize: 32 << 20, FormatMajorVersion: pebble.FormatTableFormatV6, DisableAutomaticCompactions: true, Logger: silent{}}
	if compression != nil {
		o.ApplyCompressionSettings(compression)
	}
	db, err := pebble.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func must(t *testing.T, err ...error) {
	t.Helper()
	if e := errors.Join(err...); e != nil {
		t.Fatal(e)
	}
}

func scanTree(t *testing.T, dir string) *Report {
	t.Helper()
	r, err := controlScanner(t).Tree(dir)
	must(t, err)
	return r
}

// fill begins every key alike, so that the table stores the beginning once.
func fill(t *testing.T, db *pebble.DB, list []plant) {
	t.Helper()
	for _, p := range list {
		must(t, db.Set(append([]byte("some common start of keys "), p.bytes...), []byte("x"), pebble.NoSync))
	}
	must(t, db.Set([]byte("soup"), soup(list), pebble.NoSync))
}

// Tables with every compression that Pebble has, and the database as a whole.
func TestInsidePebble(t *testing.T) {
	list := plants()
	for name, compression := range map[string]func() pebble.DBCompressionSettings{
		"none": func() pebble.DBCompressionSettings { return pebble.DBCompressionNone }, "fastest": func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest },
		"good": func() pebble.DBCompressionSettings { return pebble.DBCompressionGood }, "default": nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db := openPebble(t, filepath.Join(dir, "db"), compression)
			fill(t, db, list)
			must(t, db.Flush(), db.Close())
			r := scanTree(t, dir)
			wantAll(t, r, list, ".sst > key")
			wantAll(t, r, list, ".sst > value")
			wantAll(t, r, list, "db > key")
			wantAll(t, r, list, "db > value")
			if r.Opened["pebble database"] != 1 || r.Opened["pebble key"] < len(list)/2 {
				t.Errorf("opened: %v", r.Opened)
			}
		})
	}
}

// What was overwritten or deleted is still in the files, though the database does not show it.
func TestInsidePebbleHistory(t *testing.T) {
	list := plants()
	dir := t.TempDir()
	db := openPebble(t, filepath.Join(dir, "db"), nil)
	fill(t, db, list)
	must(t, db.Flush())
	must(t, db.DeleteRange([]byte("some"), []byte("some d"), pebble.NoSync), db.Set([]byte("soup"), []byte("eaten"), pebble.NoSync), db.Flush(), db.Close())
	r := scanTree(t, dir)
	wantAll(t, r, list, ".sst > key")
	wantAll(t, r, list, ".sst > value")
	for _, f := range r.Findings {
		if strings.Contains(f.Where, "db > ") {
			t.Fatalf("a deleted value is shown: %v", f)
		}
	}
}

func TestInsidePebbleSpans(t *testing.T) {
	list := plants()
	dir := t.TempDir()
	db := openPebble(t, filepath.Join(dir, "db"), nil)
	for i, p := range list {
		from := append([]byte{1, byte(i >> 8), byte(i)}, p.bytes...)
		must(t, db.DeleteRange(from, append(slices.Clone(from), 0), pebble.NoSync))
		from[0] = 2
		must(t, db.RangeKeySet(from, append(slices.Clone(from), 0), nil, p.bytes, pebble.NoSync))
	}
	must(t, db.Flush(), db.Close())
	r := scanTree(t, dir)
	wantAll(t, r, list, ".sst > range")
	wantAll(t, r, list, ".sst > range value")
}

// The write-ahead log of a process that was killed: nothing was flushed, and records are cut where a block ends.
func TestInsidePebbleLog(t *testing.T) {
	list := plantsOf("address", controls["address"]) // a block of the log for each
	live, dir := filepath.Join(t.TempDir(), "live"), t.TempDir()
	db := openPebble(t, live, nil)
	must(t, db.Set([]byte("a"), []byte("first"), pebble.Sync))
	for _, p := range list {
		must(t, db.Set([]byte("filler, then a plant on the cut"), cutByBlock(t, live, p.bytes), pebble.Sync))
	}
	_, err := vfs.Clone(vfs.Default, vfs.Default, live, filepath.Join(dir, "db"))
	must(t, err, db.Close())
	r := scanTree(t, dir)
	wantAll(t, r, list, ".log > record")
	uncut := 0
	for _, f := range r.Findings {
		if strings.HasSuffix(f.Where, ".log") {
			uncut++
		}
	}
	if uncut > len(list)/2 { // of a hash the half in front of the cut is enough
		t.Errorf("%d of %d plants were found without joining chunks: the test shows little", uncut, len(list))
	}
}

// cutByBlock puts p into a value so that it lies across the next end of a block of the log at dir.
func cutByBlock(t *testing.T, dir string, p []byte) []byte {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	must(t, err)
	info, err := os.Stat(logs[len(logs)-1])
	must(t, err)
	const overhead = 64 // chunk and batch headers, key
	room := blockSize - int(info.Size())%blockSize - overhead - len(p)/2
	if room < 0 {
		room += blockSize
	}
	return slices.Concat(hay(1, max(room, 2)), p, hay(2, 40))
}
