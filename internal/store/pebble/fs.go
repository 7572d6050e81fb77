package pebble

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// orderedFS puts the directory changes by which Pebble moves its markers in order.
//
// A marker is an empty file whose name tells the current manifest. Pebble moves it by making the new one, removing the
// old one and syncing the directory once; the manifest itself was made before, without a sync of the directory. Where
// a file system keeps directory changes in order that is enough. Where it does not, a power cut may leave a marker
// without its manifest (the database does not open), or no marker at all (the database opens, empty). So the directory
// is synced before a marker is made, and again before one is removed. Both happen when the store is opened, and rarely
// later.
type orderedFS struct{ vfs.FS }

const markerPrefix = "marker."

func (fs orderedFS) syncBeforeMarker(name string) error {
	if !strings.HasPrefix(fs.PathBase(name), markerPrefix) {
		return nil
	}
	dir, err := fs.OpenDir(fs.PathDir(name))
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

// Create implements vfs.FS.
func (fs orderedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.syncBeforeMarker(name); err != nil {
		return nil, err
	}
	return fs.FS.Create(name, category)
}

// Remove implements vfs.FS.
func (fs orderedFS) Remove(name string) error {
	if err := fs.syncBeforeMarker(name); err != nil {
		return err
	}
	return fs.FS.Remove(name)
}

// Unwrap implements vfs.FS.
func (fs orderedFS) Unwrap() vfs.FS { return fs.FS }
