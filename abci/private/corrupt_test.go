package private

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Changing any one record that the chain decided changes the hash, or is refused on opening; changing a derived
// record (a node of the log, a place of a batch, the state of an older height) is found by the check of everything.
func TestChangingAnyRecordShows(t *testing.T) {
	fs := vfs.NewMem()
	n := openNode(t, fs)
	hashes := map[int64]string{}
	for _, txs := range randomBlocks(t, 7, 25) {
		hash, _ := n.block(txs...)
		hashes[n.height] = string(hash)
	}
	records := dump(t, n.App)
	want := n.View().AppHash()
	for key, value := range records {
		for _, change := range []string{"flip", "delete"} {
			changed := mapKV{}
			for k, v := range records {
				changed[k] = v
			}
			if change == "flip" {
				changed[key] = string(flip([]byte(value), len(value)-1))
			} else {
				delete(changed, key)
			}
			hash, err := recompute(changed)
			noticed := err != nil || !bytes.Equal(hash, want)
			switch key[0] {
			case prefixGenesis, prefixWriter, prefixBatch, prefixNode:
				if !noticed {
					t.Errorf("%s of record %s is not noticed", change, hex.EncodeToString([]byte(key)))
				}
			case prefixMeta: // TestOpenRefusesChangedState
			case prefixSeq, prefixHeight: // checkRecords and the headers hold these
			default:
				t.Errorf("record of an unknown kind: %q", key)
			}
		}
	}
	for height, hash := range hashes {
		s, _, err := n.View().StateAt(height)
		if err != nil || string(s.Hash()) != hash {
			t.Errorf("state at height %d does not give its hash: %v", height, err)
		}
	}
}

// New refuses a store in which a record of the current state was changed.
func TestOpenRefusesChangedState(t *testing.T) {
	build := func() (vfs.FS, map[string]string) {
		fs := vfs.NewMem()
		n := openNode(t, fs)
		n.admit(1)
		n.block(batchTx(t, 1, 1, 1))
		records := dump(t, n.App)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		return fs, records
	}
	_, records := build()
	for key, value := range records {
		if key[0] == prefixBatch || key[0] == prefixSeq || key[0] == prefixHeight {
			continue // read, and checked, when they are asked for
		}
		for name, change := range map[string]func(*pebble.DB) error{
			"flip":   func(db *pebble.DB) error { return db.Set([]byte(key), flip([]byte(value), len(value)-1), pebble.Sync) },
			"long":   func(db *pebble.DB) error { return db.Set([]byte(key), []byte(value+"x"), pebble.Sync) },
			"delete": func(db *pebble.DB) error { return db.Delete([]byte(key), pebble.Sync) },
		} {
			fs, _ := build()
			db, err := openDB("state", fs, 1<<20, discard())
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(change(db), db.Close()); err != nil {
				t.Fatal(err)
			}
			app, err := New(Config{Dir: "state", FS: fs})
			if key[0] == prefixMeta && name == "delete" {
				// Without its meta record the store is that of an unborn chain: InitChain follows, and CometBFT
				// replays and compares the hashes.
				if err == nil {
					err = app.Close()
				}
				if err != nil {
					t.Error(err)
				}
				continue
			}
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s of record %q: got %v, want ErrCorrupt", name, key, err)
			}
		}
	}
}

func TestCorruptDerivedRecords(t *testing.T) {
	for _, key := range [][]byte{keyBatch(0), keySeq(bytes.Repeat([]byte{1}, 16), 1), keyHeight(2)} {
		n := newNode(t)
		n.admit(1)
		n.block(batchTx(t, 1, 1, 1))
		if err := n.db.Set(key, []byte("broken"), pebble.Sync); err != nil {
			t.Fatal(err)
		}
		_, err := n.View().BatchEntry(writerID(1), 1)
		if key[0] == prefixHeight {
			_, _, err = n.View().StateAt(2)
		}
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("record %q: got %v, want ErrCorrupt", key, err)
		}
	}
}
