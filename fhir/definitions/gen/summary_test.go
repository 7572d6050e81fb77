package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// snapshot writes the snapshot of a definition; an element is path, flags (s, m, o), base path and content reference.
func snapshot(t *testing.T, id, kind, derivation string, elements ...[4]string) string {
	t.Helper()
	s := structure{ResourceType: "StructureDefinition", ID: id, Kind: kind, Derivation: derivation}
	s.Snapshot.Element = []element{{Path: id}}
	for _, e := range elements {
		d := element{Path: e[0], IsSummary: strings.Contains(e[1], "s"), IsModifier: strings.Contains(e[1], "o"), ContentReference: e[3]}
		d.Min = strings.Count(e[1], "m")
		if d.Base.Path = e[2]; e[2] == "" {
			d.Base.Path = e[0]
		}
		s.Snapshot.Element = append(s.Snapshot.Element, d)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return `{"resource":` + string(raw) + `}`
}

func bundleOf(entries ...string) string { return `{"entry":[` + strings.Join(entries, ",") + `]}` }

func TestWriteSummary(t *testing.T) {
	from := t.TempDir()
	write(t, from, "Bundle-types.json", bundleOf(
		snapshot(t, "Element", "complex-type", "", [4]string{"Element.id"}),
		snapshot(t, "Extension", "complex-type", "specialization", [4]string{"Extension.url", "m"}, [4]string{"Extension.value[x]"}),
		snapshot(t, "BackboneElement", "complex-type", "specialization",
			[4]string{"BackboneElement.id", "", "Element.id"}, [4]string{"BackboneElement.modifierExtension", "so"}),
		snapshot(t, "Attachment", "complex-type", "specialization",
			[4]string{"Attachment.id", "", "Element.id"}, [4]string{"Attachment.url", "s"}, [4]string{"Attachment.data"}, [4]string{"Attachment.more"}),
		snapshot(t, "Age", "complex-type", "constraint", [4]string{"Age.value"}),
	))
	write(t, from, "Bundle-resources.json", bundleOf(
		`{"resource":{"resourceType":"CapabilityStatement","kind":"instance"}}`,
		snapshot(t, "Resource", "resource", "", [4]string{"Resource.id", "s"}, [4]string{"Resource.language"}),
		snapshot(t, "DomainResource", "resource", "specialization", [4]string{"DomainResource.id", "s", "Resource.id"}, [4]string{"DomainResource.modifierExtension", "o"}),
		snapshot(t, "Thing", "resource", "specialization",
			[4]string{"Thing.id", "s", "Resource.id"}, [4]string{"Thing.status", "smo"}, [4]string{"Thing.value[x]", "s"},
			[4]string{"Thing.part", "m"}, [4]string{"Thing.part.id", "", "Element.id"}, [4]string{"Thing.part.name", "s"}, [4]string{"Thing.part.note"},
			[4]string{"Thing.part.part", "s", "", "#Thing.part"},
			[4]string{"Thing.other"}, [4]string{"Thing.other.name", "s"}, [4]string{"Thing.empty", "s"}, [4]string{"Thing.empty.name"}),
	))
	var files [2][]byte
	for i := range files {
		to := filepath.Join(t.TempDir(), "out.gz")
		if err := writeSummary(from, to); err != nil {
			t.Fatal(err)
		}
		var err error
		if files[i], err = os.ReadFile(to); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("two runs give different bytes")
	}
	zr, err := gzip.NewReader(bytes.NewReader(files[0]))
	if err != nil {
		t.Fatal(err)
	}
	var got summaryTables
	if err := json.NewDecoder(zr).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := summaryTables{
		Elements: map[string]string{
			"Resource": "id:s", "DomainResource": "modifierExtension:o", "BackboneElement": "modifierExtension:so",
			"Thing": "status:smo value[x]:s part:m empty:s", "Thing.part": "name:s part:s@Thing.part",
		},
		Dropped: map[string]string{"Attachment": "data more"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWriteSummaryRefuses(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "out.gz")
	for _, c := range []struct{ types, resources, want string }{
		{"", "", "no such file"},
		{"{", bundleOf(), "unexpected end"},
		{bundleOf(), bundleOf(), "are missing"},
		{
			bundleOf(snapshot(t, "Timing", "complex-type", "specialization", [4]string{"Timing.repeat", "s"}, [4]string{"Timing.repeat.x"})),
			bundleOf(), "Timing: Timing.repeat.x is no summary element",
		},
	} {
		if c.types != "" {
			write(t, from, "Bundle-types.json", c.types)
			write(t, from, "Bundle-resources.json", c.resources)
		}
		if err := writeSummary(from, to); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want %s", err, c.want)
		}
	}
}
