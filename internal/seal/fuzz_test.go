package seal

import (
	"bytes"
	"errors"
	"testing"
)

// fuzzSealer is a sealer whose keys are known, and sealed bytes of each kind to start from.
func fuzzSealer(f *testing.F) (s *Sealer, k *Key) {
	f.Helper()
	recs := newRecords()
	s = testSealer(f, &Root{ring: testRing(2)}, recs)
	return s, ensureStored(f, s, recs, "p1")
}

func FuzzOpenVersion(f *testing.F) {
	s, k := fuzzSealer(f)
	for _, plain := range []string{"", "short", `{"resourceType":"Patient","id":"1","active":true,"birthDate":"1970-01-01"}`} {
		sealed, err := k.SealVersion(nil, "Patient", "1", 1, []byte(plain))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sealed)
		f.Add(sealed[:len(sealed)-1])
		f.Add(s.codec.pack(nil, []byte(plain)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// Nobody without the key can make what opens.
		if out, err := k.OpenVersion(nil, "Patient", "2", 1, b); !errors.Is(err, ErrCorrupt) || out != nil {
			t.Errorf("OpenVersion: %x, %v", out, err)
		}
		// What is inside comes from somebody with the key, and must still not do harm.
		out, err := s.codec.unpack(nil, b)
		if err != nil && !errors.Is(err, ErrCorrupt) || len(out) > MaxPlain {
			t.Errorf("unpack: %d bytes, %v", len(out), err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	_, k := fuzzSealer(f)
	sealed, err := k.Seal(nil, "row", []byte("aad"), []byte("plain"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:headerSize+gcmSize])
	f.Add(appendHeader(nil, firstEpoch))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := k.Open(nil, "row", []byte("AAD"), b)
		if !errors.Is(err, ErrCorrupt) || out != nil {
			t.Errorf("Open: %x, %v", out, err)
		}
	})
}

func FuzzKeyRecord(f *testing.F) {
	s, _ := fuzzSealer(f)
	key := secret{1, 2, 3}
	f.Add(encodeKeyRecord(keyRecord{epoch: 1, key: &key}))
	f.Add(encodeKeyRecord(keyRecord{epoch: 1, members: []member{{Handle{1}, 1}, {Handle{2}, 2}}}))
	f.Add(encodeKeyRecord(keyRecord{epoch: 1, members: []member{{Handle{2}, 1}, {Handle{1}, 2}}}))
	f.Add([]byte{kindSet, 0, 1})
	f.Add(s.wrap(Handle{1}, keyRecord{epoch: 1, key: &key}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeKeyRecord(b)
		switch {
		case err != nil && !errors.Is(err, ErrCorrupt):
			t.Errorf("error %v is not ErrCorrupt", err)
		case err == nil && !bytes.Equal(encodeKeyRecord(r), b):
			t.Errorf("%x decodes and encodes again as %x", b, encodeKeyRecord(r))
		}
		if _, err := s.unwrap(Handle{2}, b); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNoKey) {
			t.Errorf("unwrap: %v", err)
		}
	})
}

func FuzzRootFile(f *testing.F) {
	f.Add(encodeRoot(testRing(1)))
	f.Add(encodeRoot(testRing(3)))
	f.Add(encodeRoot(&keyring{}))
	f.Add([]byte("sum "))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := decodeRoot(b)
		switch {
		case err != nil && !errors.Is(err, ErrRootFile):
			t.Errorf("error %v is not ErrRootFile", err)
		case err == nil && !bytes.Equal(encodeRoot(k), b):
			t.Error("a file that decodes is encoded in another way")
		}
	})
}
