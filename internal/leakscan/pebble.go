package leakscan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// What the files of sorted tables end with.
const (
	magicPebble  = "\xf0\x9f\xaa\xb3\xf0\x9f\xaa\xb3"
	magicRocksDB = "\xf7\xcf\xf4\x85\xb7\x41\xe2\x88"
	magicLevelDB = "\x57\xfb\x80\x8b\x24\x75\x47\xdb"
)

// tableReader tells by the magic at its end how b is read if it is a sorted table, nil if it is none.
func tableReader(b []byte) func(*run, *place, []byte) error {
	switch end := string(b[max(0, len(b)-8):]); end {
	case magicPebble, magicRocksDB:
		return (*run).readTable
	case magicLevelDB:
		return (*run).readLevelTable
	}
	return nil
}

// table searches every key and value of a table: also those that a newer one hides, and tombstones.
func (r *run) table(p *place, b []byte) {
	if err := tableReader(b)(r, p, b); err != nil {
		r.unread(p, fmt.Errorf("table: %w", err))
		return
	}
	r.report.opened("table", 1)
}

func (r *run) readTable(p *place, b []byte) (err error) {
	defer caught(&err)
	t, err := sstable.NewMemReader(b, sstable.ReaderOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	for name, value := range t.UserProperties {
		r.blob(p.in("property "+name, -1), []byte(value))
	}
	it, err := t.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		return err
	}
	count := 0
	for kv := it.First(); kv != nil; kv = it.Next() {
		value, _, err := kv.Value(nil)
		if err != nil {
			return errors.Join(err, it.Close())
		}
		r.blob(p.in("key", count), kv.K.UserKey)
		r.blob(p.in("value", count), value)
		count++
	}
	r.report.opened("table entry", count)
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return err
	}
	return r.spans(p, t)
}

// database searches a Pebble database as its owner sees it: a check on the reading of its files one by one, and the
// only way to what is reached by reference. It is copied to memory first, since opening one tidies it up.
func (r *run) database(p *place, dir string) {
	if err := r.readDatabase(p, dir); err != nil {
		r.unread(p, fmt.Errorf("database: %w", err))
		return
	}
	r.report.opened("pebble database", 1)
}

// isPebble tells that a directory holds a Pebble database: LevelDB and RocksDB have no such marker.
func isPebble(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), "marker.manifest.") })
}

func (r *run) readDatabase(p *place, dir string) (err error) {
	defer caught(&err)
	mem := vfs.NewMem()
	if _, err := vfs.Clone(vfs.Default, mem, dir, "db"); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	db, err := pebble.Open("db", &pebble.Options{FS: mem, ReadOnly: true, Logger: silent{}})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	it, err := db.NewIter(&pebble.IterOptions{KeyTypes: pebble.IterKeyTypePointsAndRanges})
	if err != nil {
		return err
	}
	fields, count := make(joined), 0
	for ok := it.First(); ok; ok = it.Next() {
		r.blob(p.in("key", count), it.Key())
		if point, _ := it.HasPointAndRange(); point {
			value, err := it.ValueAndErr()
			if err != nil {
				return errors.Join(err, it.Close())
			}
			r.blob(p.in("value", count), value)
			fields.add("", value, 0)
		}
		count++
	}
	r.report.opened("pebble key", count)
	r.joined(p, fields)
	return errors.Join(it.Error(), it.Close())
}

// silent is a logger for databases that are only read.
type silent struct{}

// Infof implements Pebble's logger.
func (silent) Infof(string, ...any) {}

// Errorf implements Pebble's logger.
func (silent) Errorf(string, ...any) {}

// Fatalf implements Pebble's logger; it must not return.
func (silent) Fatalf(format string, args ...any) { panic(fmt.Errorf(format, args...)) }

// caught turns a panic of a reader, for which a damaged or unknown file is a reason, into an error.
func caught(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("reader gave up: %v", v)
	}
}
