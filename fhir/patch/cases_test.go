package patch_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/fhir/patch"
)

// load reads a file of the test cases of HL7, converted to JSON: testdata/README.md.
func load[T any](t *testing.T, file string) []T {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []T
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestFHIRPathPatchCases runs the FHIRPath Patch cases of HL7, all of them.
func TestFHIRPathPatchCases(t *testing.T) {
	type testCase struct {
		Name, Mode, Error   string
		Input, Diff, Output json.RawMessage
	}
	cases := load[testCase](t, "fhirpath-patch-cases.json")
	if len(cases) != 33 {
		t.Fatalf("%d cases, want 33", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			got, err := patch.FHIRPath(c.Input, c.Diff)
			if c.Error != "" {
				wantError(t, err, 0, patch.Failed)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decode(t, c.Output), decode(t, got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			sameBytes(t, c.Input, got)
		})
	}
}

// TestJSONPatchCases runs the JSON Patch cases of HL7, which are for the most
// part those of RFC 6902, appendix A.
func TestJSONPatchCases(t *testing.T) {
	type testCase struct {
		Comment, Error       string
		Doc, Patch, Expected json.RawMessage
	}
	cases := load[testCase](t, "json-patch-cases.json")
	if len(cases) != 16 {
		t.Fatalf("%d cases, want 16", len(cases))
	}
	tests := []string{"A.9.  Testing a Value: Error", "A.15. Comparing Strings and Numbers"}
	for _, c := range cases {
		t.Run(c.Comment, func(t *testing.T) {
			got, err := patch.JSON(c.Doc, c.Patch)
			if c.Error != "" {
				kind := patch.Failed
				if slices.Contains(tests, c.Comment) {
					kind = patch.Test
				}
				wantError(t, err, 0, kind)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decode(t, c.Expected), decode(t, got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			sameBytes(t, c.Doc, got)
		})
	}
}

// sameBytes checks that members which mean the same after a patch are written
// the same, and stand in the same order.
func sameBytes(t *testing.T, before, after []byte) {
	t.Helper()
	names, raw := members(t, before)
	namesNow, rawNow := members(t, after)
	var kept, keptNow []string
	same := func(name string) bool {
		x, there := raw[name]
		y, thereNow := rawNow[name]
		return there && thereNow && cmp.Equal(decode(t, []byte(x)), decode(t, []byte(y)))
	}
	for _, name := range names {
		if same(name) {
			kept = append(kept, name)
			if x, y := string(compact(t, []byte(raw[name]))), rawNow[name]; x != y {
				t.Errorf("%s was %s, is %s", name, x, y)
			}
		}
	}
	for _, name := range namesNow {
		if same(name) {
			keptNow = append(keptNow, name)
		}
	}
	if !slices.Equal(kept, keptNow) {
		t.Errorf("order was %v, is %v", kept, keptNow)
	}
}
