package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// inputs writes a small set of definitions and a package.
func inputs(t *testing.T) (from, folder string) {
	t.Helper()
	from, folder = t.TempDir(), t.TempDir()
	write(t, from, "Bundle-searchParams.json", `{"resourceType":"Bundle","entry":[
		{"resource":{"resourceType":"SearchParameter","url":"http://x.org/b","code":"b","type":"token","base":["Patient"],"expression":"Patient.b","xpath":"f:b"}},
		{"resource":{"resourceType":"SearchParameter","url":"http://x.org/a","code":"_a","type":"reference","base":["Resource"],"target":["Group"]}},
		{"resource":{"resourceType":"ValueSet","url":"http://x.org/v"}},
		{"resource":{"resourceType":"SearchParameter","url":"http://hl7.org/fhir/SearchParameter/DocumentReference-relationship","code":"r","type":"composite",
			"base":["DocumentReference"],"component":[{"definition":"1","expression":"code"},{"definition":"2","expression":"target"}]}}]}`)
	for _, name := range []string{"device", "encounter", "patient", "practitioner", "relatedPerson"} {
		write(t, from, "CompartmentDefinition-"+name+".json", `{"code":"`+name+`","resource":[{"code":"A","param":["x","{def}"]},{"code":"B"}]}`)
	}
	write(t, folder, "SearchParameter-new.json", `{"url":"http://y.org/n","code":"n","type":"date","base":["Patient"]}`)
	write(t, folder, "SearchParameter-again.json", `{"url":"http://y.org/b","code":"b","type":"date","base":["Patient"]}`)
	write(t, folder, "SearchParameter-everywhere.json", `{"url":"http://y.org/a","code":"_a","type":"date","base":["Patient"]}`)
	write(t, folder, "StructureDefinition-x.json", `{`)
	return from, folder
}

func TestRun(t *testing.T) {
	from, folder := inputs(t)
	var files [2][]byte
	for i := range files {
		to := filepath.Join(t.TempDir(), "out.gz")
		if err := run(from, []string{folder}, to); err != nil {
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
	var got definitions
	if err := json.NewDecoder(zr).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := definitions{
		Params: []param{
			{
				URL: "http://hl7.org/fhir/SearchParameter/DocumentReference-relationship", Code: "r", Type: "composite", Base: []string{"DocumentReference"},
				Component: []component{{"2", "code"}, {"1", "target"}},
			},
			{URL: "http://x.org/a", Code: "_a", Type: "reference", Base: []string{"Resource"}, Target: []string{"Group"}},
			{URL: "http://x.org/b", Code: "b", Type: "token", Base: []string{"Patient"}, Expression: "Patient.b"},
			{URL: "http://y.org/n", Code: "n", Type: "date", Base: []string{"Patient"}},
		},
		Compartments: map[string]map[string][]string{},
	}
	for _, name := range []string{"device", "encounter", "patient", "practitioner", "relatedPerson"} {
		want.Compartments[name] = map[string][]string{"A": {"x", "_id"}}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRunRefuses(t *testing.T) {
	to := filepath.Join(t.TempDir(), "out.gz")
	if err := run("", nil, to); err == nil {
		t.Error("no input folder")
	}
	if err := run(t.TempDir(), nil, to); err == nil {
		t.Error("empty input folder")
	}
	from, folder := inputs(t)
	write(t, folder, "SearchParameter-bad.json", `{`)
	if err := run(from, []string{folder}, to); err == nil {
		t.Error("a package with a broken file")
	}
	write(t, from, "CompartmentDefinition-device.json", `{`)
	if err := run(from, nil, to); err == nil {
		t.Error("a broken compartment")
	}
	write(t, from, "Bundle-searchParams.json", `{"entry":[{"resource":{"resourceType":"SearchParameter","url":"a"}},{"resource":{"resourceType":"SearchParameter","url":"a"}}]}`)
	if err := run(from, nil, to); err == nil {
		t.Error("a parameter that is defined twice")
	}
}
