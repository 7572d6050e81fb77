package seal

import (
	"bytes"
	"os"
	"testing"
)

// body is an example resource of about the mean size.
func body(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/observation.json")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(b)
}

func BenchmarkToken(b *testing.B) {
	s := testSealer(b, testRoot(b), newRecords())
	b.ReportAllocs()
	for b.Loop() {
		s.Token("Observation", "code", "token", "http://loinc.org|29463-7")
	}
}

func BenchmarkTokenParallel(b *testing.B) {
	s := testSealer(b, testRoot(b), newRecords())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Token("Observation", "code", "token", "http://loinc.org|29463-7")
		}
	})
}

func BenchmarkSealVersion(b *testing.B) {
	recs := newRecords()
	k := ensureStored(b, testSealer(b, testRoot(b), recs), recs, "p1")
	plain, dst := body(b), make([]byte, 0, 8<<10)
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	var size int
	for b.Loop() {
		out, err := k.SealVersion(dst, "Observation", "0123456789", 1, plain)
		if err != nil {
			b.Fatal(err)
		}
		size = len(out)
	}
	b.ReportMetric(float64(size), "sealed-B")
}

func BenchmarkOpenVersion(b *testing.B) {
	recs := newRecords()
	k := ensureStored(b, testSealer(b, testRoot(b), recs), recs, "p1")
	plain, dst := body(b), make([]byte, 0, 8<<10)
	sealed, err := k.SealVersion(nil, "Observation", "0123456789", 1, plain)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.OpenVersion(dst, "Observation", "0123456789", 1, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealRecord(b *testing.B) {
	recs := newRecords()
	k := ensureStored(b, testSealer(b, testRoot(b), recs), recs, "p1")
	plain, aad, dst := make([]byte, 200), make([]byte, 32), make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Seal(dst, "row", aad, plain); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenRecord(b *testing.B) {
	recs := newRecords()
	k := ensureStored(b, testSealer(b, testRoot(b), recs), recs, "p1")
	aad, dst := make([]byte, 32), make([]byte, 0, 1<<10)
	sealed, err := k.Seal(nil, "row", aad, make([]byte, 200))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Open(dst, "row", aad, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeyCached(b *testing.B) {
	recs := newRecords()
	s := testSealer(b, testRoot(b), recs)
	h := ensureStored(b, s, recs, "p1").Handle()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Key(h); err != nil {
			b.Fatal(err)
		}
	}
}
