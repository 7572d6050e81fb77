package ledger

import (
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/config"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func newBlockDB(t testing.TB, fs vfs.FS) *blockDB {
	t.Helper()
	b, err := openBlockDB("blocks", fs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A store behaves like CometBFT's own in-memory database, and its neighbours do not show in it.
func TestStoreBehavesLikeCometsOwn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBlockDB(t, vfs.NewMem())
		defer b.close() //nolint:errcheck // in memory
		store, err := b.provide(&config.DBContext{ID: "state"})
		if err != nil {
			rt.Fatal(err)
		}
		for _, id := range []string{"blockstore", "evidence"} {
			neighbour, err := b.provide(&config.DBContext{ID: id})
			if err != nil {
				rt.Fatal(err)
			}
			for _, k := range []string{"a", "b", "\xff"} {
				if err := neighbour.SetSync([]byte(k), []byte(id)); err != nil {
					rt.Fatal(err)
				}
			}
		}
		want := dbm.NewMemDB()
		key := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xff}), 0, 3)
		value := rapid.Custom(func(t *rapid.T) []byte {
			if rapid.Bool().Draw(t, "nil") {
				return nil
			}
			return rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "value")
		})
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			k, v := key.Draw(rt, "key"), value.Draw(rt, "value")
			both := func(f func(dbm.DB) error) {
				if a, b := f(want), f(store); (a == nil) != (b == nil) {
					rt.Fatalf("key %q: errors %v and %v", k, a, b)
				}
			}
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				both(func(d dbm.DB) error { return d.Set(k, v) })
			case 1:
				both(func(d dbm.DB) error { return d.SetSync(k, v) })
			case 2:
				both(func(d dbm.DB) error { return d.Delete(k) })
			case 3:
				both(func(d dbm.DB) error { return d.DeleteSync(k) })
			case 4:
				k2 := key.Draw(rt, "second key")
				write := rapid.Bool().Draw(rt, "write")
				both(func(d dbm.DB) error { return batch(d, k, v, k2, write) })
			case 5:
				compareReads(rt, want, store, k, key.Draw(rt, "end"))
			}
		}
		compareReads(rt, want, store, nil, nil)
	})
}

func batch(d dbm.DB, set, value, deleted []byte, write bool) error {
	b := d.NewBatch()
	defer b.Close() //nolint:errcheck // idempotent
	_ = b.Set(set, value)
	_ = b.Delete(deleted)
	if !write {
		return nil
	}
	if err := b.WriteSync(); err != nil {
		return err
	}
	return b.Write() // a second time: refused
}

func compareReads(rt *rapid.T, want, got dbm.DB, k, end []byte) {
	for _, reverse := range []bool{false, true} {
		a, b := dump(rt, want, k, end, reverse), dump(rt, got, k, end, reverse)
		if diff := cmp.Diff(a, b); diff != "" {
			rt.Fatalf("from %q to %q, reverse %v: %s", k, end, reverse, diff)
		}
	}
	if len(k) == 0 {
		return
	}
	a, _ := want.Get(k)
	b, err := got.Get(k)
	has, errHas := got.Has(k)
	if string(a) != string(b) || (a == nil) != (b == nil) || has != (a != nil) || err != nil || errHas != nil {
		rt.Fatalf("%q: %q and %q, %v, %v, %v", k, a, b, has, err, errHas)
	}
}

// dump lists a range, or the fact that it was refused.
func dump(rt *rapid.T, d dbm.DB, start, end []byte, reverse bool) (out []string) {
	open := d.Iterator
	if reverse {
		open = d.ReverseIterator
	}
	it, err := open(start, end)
	if err != nil {
		return []string{"refused"}
	}
	defer it.Close() //nolint:errcheck // a test's iterator
	for ; it.Valid(); it.Next() {
		out = append(out, string(it.Key())+"="+string(it.Value()))
	}
	if it.Error() != nil {
		rt.Fatal(it.Error())
	}
	return out
}

func TestStoreThatNobodyKnows(t *testing.T) {
	b := newBlockDB(t, vfs.NewMem())
	defer b.close() //nolint:errcheck // in memory
	if _, err := b.provide(&config.DBContext{ID: "tx_index"}); err == nil {
		t.Error("an unknown store was opened")
	}
}

// What was written with Sync survives a power cut, and all that was written before it in any of the stores.
func TestSyncedWritesSurvive(t *testing.T) {
	mem := vfs.NewCrashableMem()
	b := newBlockDB(t, mem)
	state, _ := b.store("state")
	blocks, _ := b.store("blockstore")
	for _, err := range []error{
		state.Set([]byte("1"), []byte("a")), blocks.SetSync([]byte("2"), []byte("b")), state.Set([]byte("3"), []byte("c")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	crashed := newBlockDB(t, mem.CrashClone(vfs.CrashCloneCfg{}))
	defer crashed.close() //nolint:errcheck // in memory
	defer b.close()       //nolint:errcheck // in memory
	state, _ = crashed.store("state")
	blocks, _ = crashed.store("blockstore")
	first, _ := state.Get([]byte("1"))
	second, _ := blocks.Get([]byte("2"))
	if string(first) != "a" || string(second) != "b" {
		t.Errorf("%q and %q", first, second)
	}
}
