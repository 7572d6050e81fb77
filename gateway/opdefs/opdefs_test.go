package opdefs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/gateway/opdefs"
)

// TestAll says what is offered. A change here is a change of the interface.
func TestAll(t *testing.T) {
	const (
		base   = "http://hl7.org/fhir/OperationDefinition/"
		uscore = "http://hl7.org/fhir/us/core/OperationDefinition/"
		ours   = "https://github.com/chartseal/chartseal/OperationDefinition/"
	)
	want := []opdefs.Definition{
		{ID: "Encounter-everything", URL: base + "Encounter-everything", Code: "everything", Instance: true, Resources: []string{"Encounter"}},
		{ID: "Observation-lastn", URL: base + "Observation-lastn", Code: "lastn", Type: true, Resources: []string{"Observation"}},
		{ID: "Patient-everything", URL: base + "Patient-everything", Code: "everything", Type: true, Instance: true, Resources: []string{"Patient"}},
		{ID: "Resource-meta", URL: base + "Resource-meta", Code: "meta", System: true, Type: true, Instance: true, Resources: []string{"Resource"}},
		{ID: "Resource-meta-add", URL: base + "Resource-meta-add", Code: "meta-add", Instance: true, Resources: []string{"Resource"}},
		{ID: "Resource-meta-delete", URL: base + "Resource-meta-delete", Code: "meta-delete", Instance: true, Resources: []string{"Resource"}},
		{ID: "Resource-validate", URL: base + "Resource-validate", Code: "validate", Type: true, Instance: true, Resources: []string{"Resource"}},
		{ID: "docref", URL: uscore + "docref", Code: "docref", Type: true, Resources: []string{"DocumentReference"}},
		{ID: "receipt", URL: ours + "receipt", Code: "receipt", Instance: true, Resources: []string{"Resource"}},
		{ID: "verify-receipt", URL: ours + "verify-receipt", Code: "verify-receipt", System: true},
		{ID: "write-status", URL: ours + "write-status", Code: "write-status", System: true},
	}
	got := opdefs.All()
	for i := range got {
		got[i].JSON = nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestValid parses each as the server parses what clients send.
func TestValid(t *testing.T) {
	for _, d := range opdefs.All() {
		r, err := fhir.Parse(d.JSON, fhir.Limits{})
		if err != nil {
			t.Errorf("%s: %v", d.ID, err)
			continue
		}
		if r.Type != "OperationDefinition" || r.ID != d.ID || !bytes.Equal(r.JSON, d.JSON) {
			t.Errorf("%s is %s/%s, or not compact", d.ID, r.Type, r.ID)
		}
		if !bytes.Equal(opdefs.Get(d.ID), d.JSON) {
			t.Errorf("Get does not find %s", d.ID)
		}
	}
	for _, id := range []string{"", "Resource", "zzz"} {
		if got := opdefs.Get(id); got != nil {
			t.Errorf("Get(%q) gives %s", id, got)
		}
	}
}

// TestPublished compares with the published definitions, where R4_DEFINITIONS names their folder: nothing but the parts
// that the package comment names is missing, and nothing differs but line ends.
func TestPublished(t *testing.T) {
	from := os.Getenv("R4_DEFINITIONS")
	if from == "" {
		return // for those who have the published files; a test of every run checks what is committed
	}
	raw, err := os.ReadFile(filepath.Join(from, "Bundle-resources.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bundle struct {
		Entry []struct{ Resource map[string]any }
	}
	if err := json.Unmarshal(raw, &bundle); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range bundle.Entry {
		id, _ := e.Resource["id"].(string)
		mine := opdefs.Get(id)
		if e.Resource["resourceType"] != "OperationDefinition" || mine == nil {
			continue
		}
		n++
		var got map[string]any
		if err := json.Unmarshal(mine, &got); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"text", "extension", "meta", "contact", "comment"} {
			delete(e.Resource, name)
		}
		if diff := cmp.Diff(lines(e.Resource), lines(got)); diff != "" {
			t.Errorf("%s (-published +ours):\n%s", id, diff)
		}
	}
	if n != 7 {
		t.Errorf("compared %d definitions", n)
	}
}

// lines makes all line ends alike and cuts space at the ends of texts.
func lines(v any) any {
	switch v := v.(type) {
	case string:
		b := bytes.ReplaceAll(bytes.ReplaceAll([]byte(v), []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		return string(bytes.TrimSpace(b))
	case []any:
		for i := range v {
			v[i] = lines(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = lines(v[k])
		}
	}
	return v
}
