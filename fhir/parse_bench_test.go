package fhir

import (
	"testing"
	"time"
)

// perResource runs f over the Synthea resources, one per iteration, and also
// gives the time for a kilobyte of their text.
func perResource(b *testing.B, f func(json []byte) error) {
	b.Helper()
	all := resources(b)
	size := 0
	for _, r := range all {
		size += len(r)
	}
	mean := float64(size) / float64(len(all))
	b.SetBytes(int64(mean))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := f(all[i%len(all)]); err != nil {
			b.Fatal(err)
		}
	}
	micros := float64(b.Elapsed().Nanoseconds()) / 1000 / float64(b.N)
	b.ReportMetric(micros, "µs/resource")
	b.ReportMetric(micros/mean*1000, "µs/kB")
}

func BenchmarkScan(b *testing.B) {
	perResource(b, func(json []byte) error {
		s, err := newScanner(json, Limits{})
		if err != nil {
			return err
		}
		defer s.release()
		s.compact = true
		s.document()
		s.compacted()
		return s.invalid()
	})
}

func BenchmarkParse(b *testing.B) {
	perResource(b, func(json []byte) error {
		_, err := Parse(json, Limits{})
		return err
	})
}

// BenchmarkJSONFormat is what Parse is measured against.
func BenchmarkJSONFormat(b *testing.B) {
	unmarshal := oracle(b)
	perResource(b, func(json []byte) error {
		_, err := unmarshal(json)
		return err
	})
}

func BenchmarkSplice(b *testing.B) {
	at := time.Unix(1_700_000_000, 0)
	perResource(b, func(json []byte) error {
		_, err := Splice(json, "c757873d-ec9a-4326-a141-556f43239520", "12", at)
		return err
	})
}

func BenchmarkCanonical(b *testing.B) {
	perResource(b, func(json []byte) error {
		_, err := Canonical(json)
		return err
	})
}

func BenchmarkRewriteReferences(b *testing.B) {
	perResource(b, func(json []byte) error {
		_, err := RewriteReferences(json, func(string) (string, bool, error) { return "Patient/1", true, nil })
		return err
	})
}

// BenchmarkParseBundle takes a whole transaction as sent, white space included.
func BenchmarkParseBundle(b *testing.B) {
	files := corpus(b, "synthea.tar.zst")
	raw := files[len(files)-1].data
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseBundle(raw, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
