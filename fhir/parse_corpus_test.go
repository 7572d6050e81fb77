package fhir

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// corpusFile is one file of a packed corpus.
type corpusFile struct {
	name string
	data []byte
}

// corpus unpacks the JSON files of a testdata/parse archive, in its order.
func corpus(tb testing.TB, archive string) []corpusFile {
	tb.Helper()
	packed, err := os.ReadFile(filepath.Join("testdata", "parse", archive))
	if err != nil {
		tb.Fatal(err)
	}
	z, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close()
	var files []corpusFile
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			tb.Fatal(err)
		}
		data, err := io.ReadAll(t)
		if err != nil {
			tb.Fatal(err)
		}
		if strings.HasSuffix(h.Name, ".json") {
			files = append(files, corpusFile{h.Name, data})
		}
	}
}

// resources gives every resource of the Synthea bundles, compacted.
func resources(tb testing.TB) [][]byte {
	tb.Helper()
	var all [][]byte
	for _, f := range corpus(tb, "synthea.tar.zst") {
		b, err := ParseBundle(f.data, Limits{})
		if err != nil {
			tb.Fatalf("%s: %v", f.name, err)
		}
		for i := range b.Entries {
			all = append(all, compact(tb, b.Entries[i].Resource))
		}
	}
	return all
}

// compact removes white space with the scanner alone. It lets dom-3 pass, which
// views may break: they leave out what refers to a contained resource.
func compact(tb testing.TB, raw []byte) []byte {
	tb.Helper()
	s, err := newScanner(raw, Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	s.compact = true
	s.document()
	s.issues = slices.DeleteFunc(s.issues, func(l located) bool { return strings.HasPrefix(l.issue.Diagnostics, "dom-3") })
	if err := s.invalid(); err != nil {
		tb.Fatal(err)
	}
	return s.compacted()
}
