package fhir

import (
	"testing"
	"time"
)

// perResource runs f over the Synthea resources, one per iteration.
func perResource(b *testing.B, f func(json []byte) error) {
	b.Helper()
	all := resources(b)
	size := 0
	for _, r := range all {
		size += len(r)
	}
	b.SetBytes(int64(size / len(all)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := f(all[i%len(all)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	perResource(b, func(json []byte) error {
		s, err := newScanner(json, Limits{})
		if err != nil {
			return err
		}
		s.compact = true
		s.out = make([]byte, 0, len(json))
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
