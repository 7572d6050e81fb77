package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/chartseal/chartseal/internal/seal/dict"
)

func TestVersionRoundTrip(t *testing.T) {
	recs := newRecords()
	s := testSealer(t, testRoot(t), recs)
	keys := []*Key{
		ensureStored(t, s, recs), ensureStored(t, s, recs, "p1"), ensureStored(t, s, recs, "p1", "p2"),
	}
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(keys).Draw(t, "key")
		typ, id := rapid.String().Draw(t, "type"), rapid.String().Draw(t, "id")
		version := rapid.Uint64().Draw(t, "version")
		plain := rapid.SliceOfN(rapid.Byte(), 0, 500).Draw(t, "plain")
		dst := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "dst")
		sealed, err := k.SealVersion(slices.Clone(dst), typ, id, version, plain)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(sealed, dst) {
			t.Fatal("what was in dst is gone")
		}
		opened, err := k.OpenVersion(slices.Clone(dst), typ, id, version, sealed[len(dst):])
		if err != nil || !bytes.Equal(opened, append(dst, plain...)) {
			t.Fatalf("opened %x (%v), want %x after %x", opened, err, plain, dst)
		}
	})
}

func TestRecordRoundTrip(t *testing.T) {
	recs := newRecords()
	k := ensureStored(t, testSealer(t, testRoot(t), recs), recs, "p1")
	rapid.Check(t, func(t *rapid.T) {
		purpose := rapid.SampledFrom([]string{"row", "leaf", ""}).Draw(t, "purpose")
		bytesOf := rapid.SliceOfN(rapid.Byte(), 0, 100)
		aad, plain, dst := bytesOf.Draw(t, "aad"), bytesOf.Draw(t, "plain"), bytesOf.Draw(t, "dst")
		sealed, err := k.Seal(slices.Clone(dst), purpose, aad, plain)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := k.Open(slices.Clone(dst), purpose, aad, sealed[len(dst):])
		if err != nil || !bytes.Equal(opened, append(dst, plain...)) {
			t.Fatalf("opened %x (%v), want %x after %x", opened, err, plain, dst)
		}
	})
}

func TestSealingTwiceDiffers(t *testing.T) {
	k := testSealer(t, testRoot(t), newRecords()).tenantKey
	seal := map[string]func() ([]byte, error){
		"version": func() ([]byte, error) { return k.SealVersion(nil, "Patient", "1", 1, []byte("same")) },
		"record":  func() ([]byte, error) { return k.Seal(nil, "row", nil, []byte("same")) },
	}
	for name, f := range seal {
		a, err := f()
		b, err2 := f()
		if err = errors.Join(err, err2); err != nil || bytes.Equal(a, b) {
			t.Errorf("%s: twice the same sealed bytes (%v)", name, err)
		}
	}
}

// TestBitFlips: no sealed string opens with any of its bits changed, cut off at any length, or with more behind it.
func TestBitFlips(t *testing.T) {
	recs := newRecords()
	s := testSealer(t, testRoot(t), recs)
	k := ensureStored(t, s, recs, "p1")
	set := ensureStored(t, s, recs, "p1", "p2")
	version, err := k.SealVersion(nil, "Patient", "1", 1, []byte("plain text plain text plain text"))
	if err != nil {
		t.Fatal(err)
	}
	record, err := k.Seal(nil, "row", []byte("aad"), []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	stored := recs.copy()
	for name, c := range map[string]struct {
		sealed []byte
		open   func([]byte) error
	}{
		"version":     {version, func(b []byte) error { _, err := k.OpenVersion(nil, "Patient", "1", 1, b); return err }},
		"record":      {record, func(b []byte) error { _, err := k.Open(nil, "row", []byte("aad"), b); return err }},
		"patient key": {stored[k.Handle()], func(b []byte) error { _, err := s.openRecord(k.Handle(), b); return err }},
		"set key":     {stored[set.Handle()], func(b []byte) error { _, err := s.openRecord(set.Handle(), b); return err }},
	} {
		if err := c.open(c.sealed); err != nil {
			t.Fatalf("%s does not open: %v", name, err)
		}
		for bit := range len(c.sealed) * 8 {
			flipped := bytes.Clone(c.sealed)
			flipped[bit/8] ^= 1 << (bit % 8)
			if err := c.open(flipped); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNoKey) {
				t.Errorf("%s with bit %d flipped: %v", name, bit, err)
			}
		}
		for n := range c.sealed {
			if err := c.open(c.sealed[:n]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		if err := c.open(append(bytes.Clone(c.sealed), 0)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s with a byte more: %v", name, err)
		}
	}
}

// TestWrongPlace: sealed bytes open at the place that they were sealed for, and nowhere else.
func TestWrongPlace(t *testing.T) {
	root, recs := testRoot(t), newRecords()
	s := testSealer(t, root, recs)
	k, other := ensureStored(t, s, recs, "p1"), ensureStored(t, s, recs, "p2")
	plain := []byte("plain")
	version, err := k.SealVersion(nil, "Patient", "ab", 7, plain)
	if err != nil {
		t.Fatal(err)
	}
	record, err := k.Seal(nil, "row", []byte("ab"), plain)
	if err != nil {
		t.Fatal(err)
	}
	// The same bytes under another handle or tenant: only the binding differs, not the key.
	twin := func(h Handle, tenant string) *Key {
		same := *k.gens[0].secret
		x := s.newKey(h, nil, []*generation{newGeneration(k.gens[0].epoch, &same)})
		x.tenant = tenant
		return x
	}
	h := k.Handle()
	for name, open := range map[string]func() ([]byte, error){
		"type":          func() ([]byte, error) { return k.OpenVersion(nil, "Person", "ab", 7, version) },
		"id":            func() ([]byte, error) { return k.OpenVersion(nil, "Patient", "ac", 7, version) },
		"version":       func() ([]byte, error) { return k.OpenVersion(nil, "Patient", "ab", 8, version) },
		"boundary":      func() ([]byte, error) { return k.OpenVersion(nil, "Patienta", "b", 7, version) },
		"key":           func() ([]byte, error) { return other.OpenVersion(nil, "Patient", "ab", 7, version) },
		"handle":        func() ([]byte, error) { return twin(Handle{1}, "clinic").OpenVersion(nil, "Patient", "ab", 7, version) },
		"tenant":        func() ([]byte, error) { return twin(h, "clinic2").OpenVersion(nil, "Patient", "ab", 7, version) },
		"record as one": func() ([]byte, error) { return k.OpenVersion(nil, "Patient", "ab", 7, record) },

		"purpose":       func() ([]byte, error) { return k.Open(nil, "leaf", []byte("ab"), record) },
		"aad":           func() ([]byte, error) { return k.Open(nil, "row", []byte("ac"), record) },
		"aad boundary":  func() ([]byte, error) { return k.Open(nil, "rowa", []byte("b"), record) },
		"record key":    func() ([]byte, error) { return other.Open(nil, "row", []byte("ab"), record) },
		"record handle": func() ([]byte, error) { return twin(Handle{1}, "clinic").Open(nil, "row", []byte("ab"), record) },
		"record tenant": func() ([]byte, error) { return twin(h, "clinic2").Open(nil, "row", []byte("ab"), record) },
		"version as record": func() ([]byte, error) {
			return k.Open(nil, "row", []byte("ab"), version)
		},
	} {
		if out, err := open(); !errors.Is(err, ErrCorrupt) || out != nil {
			t.Errorf("wrong %s: got %x, %v, want ErrCorrupt", name, out, err)
		}
	}
	if _, err := twin(h, "clinic").OpenVersion(nil, "Patient", "ab", 7, version); err != nil {
		t.Errorf("the twin with the right binding does not open it: %v", err)
	}
	// A key record is bound to its handle and its tenant.
	stored := recs.copy()
	if _, err := s.openRecord(other.Handle(), stored[h]); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a key record under another handle: %v, want ErrCorrupt", err)
	}
	abroad := testSealer(t, root, recs, func(c *Config) { c.Tenant = "clinic2" })
	if _, err := abroad.openRecord(h, stored[h]); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a key record of another tenant: %v, want ErrCorrupt", err)
	}
}

func TestExpandIsHKDF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := secret(rapid.SliceOfN(rapid.Byte(), keySize, keySize).Draw(t, "key"))
		info := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "info")
		want, err := hkdf.Expand(sha256.New, key[:], string(info), keySize)
		if err != nil {
			t.Fatal(err)
		}
		mac := newKeyedMAC(&key)
		for range 2 { // the second time with a used state
			st := mac.get()
			st.buf = append(st.buf, info...)
			if got := st.expand(); !bytes.Equal(got, want) {
				t.Fatalf("got %x, want %x", got, want)
			}
			mac.put(st)
		}
	})
}

func TestPackedSizes(t *testing.T) {
	k := testSealer(t, testRoot(t), newRecords()).tenantKey
	noise := make([]byte, 10_000)
	rand.Read(noise) //nolint:errcheck // never fails
	for name, c := range map[string]struct {
		plain []byte
		most  int
	}{
		"a resource":         {body(t), len(body(t)) * 2 / 5},
		"noise":              {noise, len(noise) + headerSize + saltSize + gcmSize + 1},
		"nothing":            {nil, headerSize + saltSize + gcmSize + 1},
		"a long repetition":  {bytes.Repeat(body(t), 2000), 10_000},
		"more than a window": {bytes.Repeat(noise, 300), 3_000_000},
	} {
		sealed, err := k.SealVersion(nil, "Observation", "1", 1, c.plain)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) > c.most {
			t.Errorf("%s: %d bytes sealed, want %d at most", name, len(sealed), c.most)
		}
		opened, err := k.OpenVersion(nil, "Observation", "1", 1, sealed)
		if err != nil || !bytes.Equal(opened, c.plain) {
			t.Errorf("%s does not come back (%v)", name, err)
		}
	}
}

func TestPlaintextBound(t *testing.T) {
	s := testSealer(t, testRoot(t), newRecords())
	if _, err := s.tenantKey.SealVersion(nil, "Binary", "1", 1, make([]byte, MaxPlain+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("sealing one byte too many: %v, want ErrTooLarge", err)
	}
	// A frame that claims or holds more than the bound is refused before the memory is taken.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderDict(dict.V1()))
	if err != nil {
		t.Fatal(err)
	}
	bomb := enc.EncodeAll(make([]byte, MaxPlain+1), []byte{codecZstd1})
	if len(bomb) > 10_000 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	for name, packed := range map[string][]byte{
		"too large": bomb, "empty": {}, "unknown codec": {9, 1, 2}, "not a frame": {codecZstd1, 1, 2, 3},
	} {
		out, err := s.codec.unpack(nil, packed)
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %d bytes, %v, want ErrCorrupt", name, len(out), err)
		}
		if cap(out) > 1<<20 {
			t.Errorf("%s: %d bytes were taken", name, cap(out))
		}
	}
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	recs := newRecords()
	s := testSealer(t, testRoot(t), recs)
	k := ensureStored(t, s, recs, "p1")
	h := k.Handle()
	aad, dst := make([]byte, 32), make([]byte, 0, 1<<10)
	sealed, err := k.Seal(nil, "row", aad, make([]byte, 200))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(){
		"token":  func() { s.Token("Observation", "code", "token", "http://loinc.org|29463-7") },
		"handle": func() { s.PatientHandle("p1") },
		"key":    func() { _, _ = s.Key(h) },
		"seal":   func() { _, _ = k.Seal(dst, "row", aad, aad) },
		"open":   func() { _, _ = k.Open(dst, "row", aad, sealed) },
	} {
		if n := testing.AllocsPerRun(200, f); n >= 1 && !raceEnabled {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
