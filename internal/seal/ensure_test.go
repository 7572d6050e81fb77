package seal

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sealWith seals a text under a key and returns a function that opens it with another.
func sealWith(t *testing.T, k *Key) func(*Key) error {
	t.Helper()
	sealed, err := k.Seal(nil, "test", nil, []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	return func(k *Key) error {
		out, err := k.Open(nil, "test", nil, sealed)
		if err == nil && !bytes.Equal(out, []byte("plain")) {
			return errors.New("another text came out")
		}
		return err
	}
}

func TestEnsureStoresEachKeyOnce(t *testing.T) {
	recs := newRecords()
	s := testSealer(t, testRoot(t), recs)
	for _, step := range []struct {
		ids  []string
		want []Handle // handles of the records, in any order
	}{
		{nil, nil},
		{[]string{"a"}, []Handle{s.PatientHandle("a")}},
		{[]string{"a", "a"}, nil},
		{[]string{"b", "a"}, []Handle{s.PatientHandle("b"), s.HandleFor([]string{"a", "b"})}},
		{[]string{"a", "b", "a"}, nil},
		{[]string{"c", "d"}, []Handle{s.PatientHandle("c"), s.PatientHandle("d"), s.HandleFor([]string{"c", "d"})}},
	} {
		k, got, err := s.Ensure(step.ids)
		if err != nil {
			t.Fatal(err)
		}
		handles := make(map[Handle]bool)
		for _, r := range got {
			handles[r.Handle] = true
		}
		want := make(map[Handle]bool)
		for _, h := range step.want {
			want[h] = true
		}
		if diff := cmp.Diff(want, handles); diff != "" || len(got) != len(step.want) {
			t.Errorf("records of %v (-want +got):\n%s", step.ids, diff)
		}
		if k.Handle() != s.HandleFor(step.ids) {
			t.Errorf("the key of %v has another handle than HandleFor says", step.ids)
		}
		recs.stage(t, got)
		s.Durable(got)
	}
}

// TestKeysSurviveRestart: a Sealer over the same root and records opens what an earlier one sealed.
func TestKeysSurviveRestart(t *testing.T) {
	root, recs := testRoot(t), newRecords()
	first := testSealer(t, root, recs)
	for _, ids := range [][]string{nil, {"a"}, {"a", "b"}, {"c", "a", "b"}} {
		opens := sealWith(t, ensureStored(t, first, recs, ids...))
		second := testSealer(t, root, recs)
		k, err := second.Key(second.HandleFor(ids))
		if err != nil {
			t.Fatal(err)
		}
		if err := opens(k); err != nil {
			t.Errorf("%v after a restart: %v", ids, err)
		}
		again, pending, err := second.Ensure(ids)
		if err != nil || len(pending) != 0 {
			t.Errorf("Ensure of stored keys returned %d records (%v)", len(pending), err)
		}
		if err := opens(again); err != nil {
			t.Errorf("%v ensured after a restart: %v", ids, err)
		}
	}
}

// TestSetKeyFallsWithAnyMember: without one of its members a set key cannot be had, by anybody.
func TestSetKeyFallsWithAnyMember(t *testing.T) {
	members := []string{"a", "b", "c"}
	for _, gone := range members {
		root, recs := testRoot(t), newRecords()
		s := testSealer(t, root, recs)
		set := ensureStored(t, s, recs, members...)
		pair := ensureStored(t, s, recs, "a", "b")
		recs.remove(s.PatientHandle(gone))
		if _, err := s.Key(set.Handle()); err != nil {
			t.Fatalf("before Forget the key is cached: %v", err)
		}
		s.Forget(s.PatientHandle(gone))
		for name, x := range map[string]*Sealer{"the same": s, "a new": testSealer(t, root, recs)} {
			if _, err := x.Key(set.Handle()); !errors.Is(err, ErrNoKey) {
				t.Errorf("%s sealer, without %s: %v, want ErrNoKey", name, gone, err)
			}
			if _, err := x.Key(x.PatientHandle(gone)); !errors.Is(err, ErrNoKey) {
				t.Errorf("%s sealer, %s's own key: %v, want ErrNoKey", name, gone, err)
			}
			if _, err := x.Key(pair.Handle()); (gone == "c") != (err == nil) {
				t.Errorf("%s sealer, without %s, the key of a and b: %v", name, gone, err)
			}
		}
		// A new key of the same patient does not bring the old set back.
		renewed := ensureStored(t, s, recs, gone)
		if got, err := s.Key(set.Handle()); err == nil {
			if err := sealWith(t, set)(got); !errors.Is(err, ErrCorrupt) {
				t.Errorf("with a new key of %s the set opens old data: %v", gone, err)
			}
		}
		if err := sealWith(t, set)(renewed); !errors.Is(err, ErrCorrupt) {
			t.Errorf("a member's key opens the set's data: %v", err)
		}
	}
}

// TestSetRecordCannotBeForged: the members in a record must be those that the handle stands for.
func TestSetRecordCannotBeForged(t *testing.T) {
	recs := newRecords()
	s := testSealer(t, testRoot(t), recs)
	set := ensureStored(t, s, recs, "a", "b")
	ensureStored(t, s, recs, "c")
	ab, abc := s.handles([]string{"a", "b"}), s.handles([]string{"a", "b", "c"})
	record := func(handles ...Handle) keyRecord {
		r := keyRecord{epoch: firstEpoch}
		for _, h := range handles {
			r.members = append(r.members, member{h, firstEpoch})
		}
		return r
	}
	for name, r := range map[string]keyRecord{
		"other members": record(abc...),
		"order":         record(ab[1], ab[0]),
		"one member":    record(ab[0]),
		"twice":         record(ab[0], ab[0]),
		"a set":         record(append([]Handle{set.Handle()}, ab...)...),
	} {
		_, err := s.openRecord(set.Handle(), s.wrap(set.Handle(), r))
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
}

// TestConcurrentEnsure: whoever asks first, everybody gets the same key for a new patient, and the same record.
func TestConcurrentEnsure(t *testing.T) {
	for round := range 30 {
		recs := newRecords()
		s := testSealer(t, testRoot(t), recs, func(c *Config) { c.CacheSize = 1 }) // drops what it may, all the time
		ids := [][]string{{"a"}, {"b"}, {"a", "b"}, {"b", "c"}}
		opens := make([]func(*Key) error, 8*len(ids))
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range opens {
			wg.Go(func() {
				<-start
				k, pending, err := s.Ensure(ids[i%len(ids)])
				if err != nil {
					t.Error(err)
					return
				}
				opens[i] = sealWith(t, k)
				recs.stage(t, pending) // fails on a second record for a handle
				s.Durable(pending)
			})
		}
		close(start)
		wg.Wait()
		for i, open := range opens {
			k, err := s.Key(s.HandleFor(ids[i%len(ids)]))
			if err != nil {
				t.Fatal(err)
			}
			if err := open(k); err != nil {
				t.Errorf("round %d, caller %d: %v", round, i, err)
			}
		}
	}
}

// TestPendingKeysStay: a key whose record may be about to be stored is never made a second time.
func TestPendingKeysStay(t *testing.T) {
	recs := newRecords()
	s := testSealer(t, testRoot(t), recs, func(c *Config) { c.CacheSize = 1 })
	k, first, err := s.Ensure([]string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		ensureStored(t, s, recs, fmt.Sprint("other", i))
	}
	again, second, err := s.Ensure([]string{"b", "a"})
	if err != nil || again != k {
		t.Errorf("another key for the same set (%v)", err)
	}
	byHandle := func(recs []KeyRecord) map[Handle][]byte {
		m := make(map[Handle][]byte)
		for _, r := range recs {
			m[r.Handle] = r.Record
		}
		return m
	}
	if diff := cmp.Diff(byHandle(first), byHandle(second)); diff != "" || len(first) != 3 {
		t.Errorf("%d records; the second caller got others (-first +second):\n%s", len(first), diff)
	}
	// One caller gives up, the other stores: the key is that of the one who stored.
	s.Abandon(first)
	recs.stage(t, second)
	s.Durable(second)
	got, none, err := s.Ensure([]string{"a", "b"})
	if err != nil || len(none) != 0 {
		t.Errorf("after Durable there are %d records (%v)", len(none), err)
	}
	if err := sealWith(t, k)(got); err != nil {
		t.Error(err)
	}
}

// TestAbandonedKeysGo: a key that nobody stores leaves nothing behind.
func TestAbandonedKeysGo(t *testing.T) {
	s := testSealer(t, testRoot(t), newRecords())
	for range 3 {
		_, recs, err := s.Ensure([]string{"a", "b"})
		if err != nil {
			t.Fatal(err)
		}
		s.Abandon(recs)
		s.Abandon(recs) // once too often is harmless
	}
	if n := len(s.keys.entries); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	if _, err := s.Key(s.PatientHandle("a")); !errors.Is(err, ErrNoKey) {
		t.Errorf("an abandoned key: %v, want ErrNoKey", err)
	}
}

// TestLookupFails: a store that cannot answer is not one without keys.
func TestLookupFails(t *testing.T) {
	broken := errors.New("store is away")
	recs := newRecords()
	fail := true
	s := testSealer(t, testRoot(t), recs, func(c *Config) {
		c.Lookup = func(h Handle) ([]byte, bool, error) {
			if fail {
				return nil, false, broken
			}
			return recs.lookup(h)
		}
	})
	if _, err := s.Key(Handle{1}); !errors.Is(err, broken) {
		t.Errorf("Key: %v, want the error of the store", err)
	}
	for _, ids := range [][]string{{"a"}, {"a", "b"}} {
		if _, _, err := s.Ensure(ids); !errors.Is(err, broken) {
			t.Errorf("Ensure: %v, want the error of the store", err)
		}
	}
	fail = false
	if n := len(s.keys.entries); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	ensureStored(t, s, recs, "a", "b")
}

// TestLookupPanics: whoever waits for the same key is not left waiting.
func TestLookupPanics(t *testing.T) {
	once := true
	recs := newRecords()
	s := testSealer(t, testRoot(t), recs, func(c *Config) {
		c.Lookup = func(h Handle) ([]byte, bool, error) {
			if once {
				once = false
				panic("bug")
			}
			return recs.lookup(h)
		}
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _, _ = s.Ensure([]string{"a"})
	}()
	ensureStored(t, s, recs, "a")
}
