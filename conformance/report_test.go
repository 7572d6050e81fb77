package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReportForms(t *testing.T) {
	r := Report{Base: "http://x/fhir", Server: "S 1", Checks: []Check{
		{Area: "read", Name: "headers", Spec: "http.html#read", Outcome: Passed},
		{Area: "update", Name: "If-Match", Spec: "http.html#concurrency", Outcome: Failed, Details: []string{"status 200, want 412"}},
		{Area: "delete", Name: "x", Spec: "y", Outcome: Skipped, Details: []string{"not advertised: Patient.delete"}},
	}}
	dir := filepath.Join(t.TempDir(), "new")
	if err := r.Save(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := `passed   read    headers   http.html#read
failed   update  If-Match  http.html#concurrency
                   - status 200, want 412
skipped  delete  x  y
http://x/fhir (S 1): 1 passed, 1 failed, 1 skipped
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Error(diff)
	}
}

func TestResourceTypes(t *testing.T) {
	list := resourceTypes()
	if len(list) != 145 || !slices.IsSorted(list) || !slices.Contains(list, "Binary") || slices.Contains(list, "Parameters") {
		t.Errorf("%d types", len(list))
	}
}
