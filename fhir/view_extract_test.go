package fhir

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// elementsFile is the extract of the definitions: lines of path, min, flags, types, content reference and, where
// it differs, base path.
const elementsFile = "testdata/view/elements.txt.zst"

// elementDefs reads the extract, by path.
func elementDefs(tb testing.TB) map[string]*elementDef {
	tb.Helper()
	packed, err := os.ReadFile(elementsFile)
	if err != nil {
		tb.Fatal(err)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close()
	text, err := z.DecodeAll(packed, nil)
	if err != nil {
		tb.Fatal(err)
	}
	defs := map[string]*elementDef{}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		least, err := strconv.Atoi(f[1])
		if err != nil {
			tb.Fatal(err)
		}
		defs[f[0]] = &elementDef{
			path: f[0], min: least, summary: strings.Contains(f[2], "s"), modifier: strings.Contains(f[2], "o"),
			types: strings.Fields(f[3]), reference: f[4], basePath: cmp.Or(f[5], f[0]),
		}
	}
	return defs
}

// TestElementsExtract compares the extract with the published definitions, where R4_DEFINITIONS names their folder,
// and writes it with UPDATE=1.
func TestElementsExtract(t *testing.T) {
	from := os.Getenv("R4_DEFINITIONS")
	if from == "" {
		return // for those who have the published files; a test of every run checks what is committed
	}
	var lines []string
	for _, name := range []string{"Bundle-types.json", "Bundle-resources.json"} {
		raw, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, extractElements(t, raw)...)
	}
	text := []byte(strings.Join(lines, ""))
	if os.Getenv("UPDATE") != "" {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(elementsFile, w.EncodeAll(text, nil), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := os.ReadFile(elementsFile)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if have, err := z.DecodeAll(packed, nil); err != nil || !bytes.Equal(have, text) {
		t.Errorf("the extract differs from the definitions (%v)", err)
	}
}

func extractElements(t *testing.T, raw []byte) (lines []string) {
	t.Helper()
	var bundle struct {
		Entry []struct {
			Resource struct {
				ResourceType, Kind, Derivation string
				Snapshot                       struct {
					Element []struct {
						Path, ContentReference string
						Min                    int
						IsSummary, IsModifier  bool
						Type                   []struct{ Code string }
						Base                   struct{ Path string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &bundle); err != nil {
		t.Fatal(err)
	}
	for _, e := range bundle.Entry {
		s := e.Resource
		if s.ResourceType != "StructureDefinition" || s.Derivation == "constraint" || s.Kind != "resource" && s.Kind != "complex-type" {
			continue
		}
		for _, d := range s.Snapshot.Element {
			flags, types := "", []string{}
			if d.IsSummary {
				flags += "s"
			}
			if d.IsModifier {
				flags += "o"
			}
			for _, typ := range d.Type {
				types = append(types, typ.Code)
			}
			if d.Base.Path == d.Path {
				d.Base.Path = ""
			}
			lines = append(lines, fmt.Sprintf("%s\t%d\t%s\t%s\t%s\t%s\n", d.Path, d.Min, flags, strings.Join(types, " "),
				strings.TrimPrefix(d.ContentReference, "#"), d.Base.Path))
		}
	}
	return lines
}
