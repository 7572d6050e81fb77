package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

func TestReadSamples(t *testing.T) {
	narrative := `{"status":"generated","div":"` + strings.Repeat("x", maxNarrative) + `"}`
	files := fstest.MapFS{
		"b/second.json": {Data: []byte("{\"resourceType\": \"Patient\",\n \"text\": " + narrative + ",\n \"active\": true}")},
		"a/first.json":  {Data: []byte(`{"resourceType":"Patient","text":{"status":"empty"},"active":true}`)},
		"a/none.json":   {Data: []byte(`{"name":"package"}`)},
		"a/types.json":  {Data: []byte(`{"resourceType":"StructureDefinition"}`)},
		"a/broken.json": {Data: []byte(`{"resourceType":"Patient"`)},
		"a/note.txt":    {Data: []byte(`{"resourceType":"Patient"}`)},
		"c/long.json":   {Data: []byte(`{"resourceType":"List","id":"` + strings.Repeat("x", maxSample) + `"}`)},
	}
	got, err := readSamples(files)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]byte{
		[]byte(`{"resourceType":"Patient","text":{"status":"empty"},"active":true}`),
		[]byte(`{"resourceType":"Patient","active":true}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

// samples makes texts that share parts, each with some of its own.
func samples() (out [][]byte) {
	for i := range 200 {
		out = append(out, fmt.Appendf(nil,
			`{"resourceType":"Observation","id":"%d","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"%d"}]},"n":%d}`,
			i*7919, i%10, i*i))
	}
	return out
}

func TestCoverTakesWhatIsShared(t *testing.T) {
	got := cover(samples(), 1<<10)
	if len(got) == 0 || len(got) > 1<<10 {
		t.Errorf("%d bytes, want at most %d", len(got), 1<<10)
	}
	if !bytes.Contains(got, []byte(`"status":"final","code":{"coding":[{"system":"http://loinc.org"`)) {
		t.Errorf("what all samples share is missing:\n%s", got)
	}
	if n := bytes.Count(got, []byte(`http://loinc.org`)); n > 6 {
		t.Errorf("a shared part was taken %d times", n)
	}
	if out := cover([][]byte{[]byte("nothing in common"), []byte("0123456789")}, 1<<10); len(out) != 0 {
		t.Errorf("%q was taken from samples that share nothing", out)
	}
}

func TestBuildIsRepeatableAndHelps(t *testing.T) {
	first, err := build(samples(), 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	second, err := build(samples(), 1<<10)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("the same samples made another dictionary (%v)", err)
	}
	size := func(options ...zstd.EOption) int {
		enc, err := zstd.NewWriter(nil, options...)
		if err != nil {
			t.Fatal(err)
		}
		return len(enc.EncodeAll(samples()[17], nil))
	}
	if with, without := size(zstd.WithEncoderDict(first)), size(); with*2 > without {
		t.Errorf("%d bytes with the dictionary, %d without", with, without)
	}
}

func TestRun(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "dict")
	for i, s := range samples() {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".json")), s, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(out, []string{dir}); err != nil {
		t.Fatal(err)
	}
	dict, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zstd.NewReader(nil, zstd.WithDecoderDicts(dict)); err != nil {
		t.Error(err)
	}
	if run("", []string{dir}) == nil || run(out, nil) == nil || run(out, []string{filepath.Join(dir, "none")}) == nil {
		t.Error("missing arguments or a missing folder are no error")
	}
}
