package seal

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// records is a store of key records, as the gateway's store is one to the Sealer.
type records struct {
	mu sync.Mutex
	m  map[Handle][]byte
}

func newRecords() *records { return &records{m: make(map[Handle][]byte)} }

func (r *records) lookup(h Handle) ([]byte, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.m[h]
	return b, ok, nil
}

// stage stores records and fails the test if one would take the place of another.
func (r *records) stage(t testing.TB, recs []KeyRecord) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range recs {
		if old, ok := r.m[rec.Handle]; ok && !bytes.Equal(old, rec.Record) {
			t.Error("a second record for one handle")
		}
		r.m[rec.Handle] = rec.Record
	}
}

func (r *records) remove(h Handle) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, h)
}

func (r *records) copy() map[Handle][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.m)
}

func testRoot(t testing.TB) *Root {
	t.Helper()
	root, err := CreateRoot(filepath.Join(t.TempDir(), "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func testSealer(t testing.TB, root *Root, recs *records, change ...func(*Config)) *Sealer {
	t.Helper()
	cfg := Config{Root: root, Tenant: "clinic", Lookup: recs.lookup}
	for _, f := range change {
		f(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// ensureStored returns the key for these patients with its records stored.
func ensureStored(t testing.TB, s *Sealer, r *records, ids ...string) *Key {
	t.Helper()
	k, recs, err := s.Ensure(ids)
	if err != nil {
		t.Fatal(err)
	}
	r.stage(t, recs)
	s.Durable(recs)
	return k
}

func TestNewRefusesIncompleteConfig(t *testing.T) {
	root, lookup := testRoot(t), newRecords().lookup
	for name, cfg := range map[string]Config{
		"no root":         {Tenant: "t", Lookup: lookup},
		"no tenant":       {Root: root, Lookup: lookup},
		"no lookup":       {Root: root, Tenant: "t"},
		"negative size":   {Root: root, Tenant: "t", Lookup: lookup, CacheSize: -1},
		"negative expiry": {Root: root, Tenant: "t", Lookup: lookup, CacheTTL: -time.Second},
	} {
		if _, err := New(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: got %v, want ErrConfig", name, err)
		}
	}
}
