package patch_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/fhir/patch"
)

// TestLimits has the ways in which a small patch could cost much.
func TestLimits(t *testing.T) {
	nest := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	doubling := make([]string, 40)
	for i := range doubling {
		doubling[i] = `{"op":"copy","from":"","path":"/` + strconv.Itoa(i) + `"}`
	}
	many := "[" + strings.TrimSuffix(strings.Repeat("1,", 400_000), ",") + "]"
	for _, c := range []struct {
		name, doc, patch string
		op               int
		msg              string
	}{
		{"operations", `{"a":1}`, `[` + strings.TrimSuffix(strings.Repeat(`{"op":"test","path":"/a","value":1},`, 1001), ",") + `]`, -1, "more than 1000 operations"},
		{"size", `{}`, `[` + strings.Repeat(" ", 16<<20) + `]`, -1, "more than 16777216 bytes"},
		{"depth of the patch", `{}`, `[{"op":"add","path":"/a","value":` + nest(200) + `}]`, -1, "nested more than 128 deep"},
		{"depth of the document", nest(65), `[]`, -1, "nested more than 64 deep"},
		{"depth of the outcome", `{}`, `[{"op":"add","path":"/a","value":` + nest(64) + `}]`, -1, "the outcome is nested more than 64 deep"},
		{"pointer", `{}`, `[{"op":"remove","path":"` + strings.Repeat("/a", 65) + `"}]`, 0, "more than 64 segments"},
		{"values", `{}`, `[` + strings.TrimSuffix(strings.Repeat("1,", 1<<20), ",") + `]`, -1, "JSON values"},
		{"copies", `{"a":"` + strings.Repeat("x", 1000) + `"}`, `[` + strings.Join(doubling, ",") + `]`, 14, "copies more than"},
		{"copies of values", `{"a":` + many + `}`, `[{"op":"copy","from":"/a","path":"/b"},{"op":"copy","from":"/a","path":"/c"}]`, 1, "JSON values"},
		{"shifts", `{"a":` + many + `}`, `[{"op":"copy","from":"/a","path":"/b"},` + strings.TrimSuffix(strings.Repeat(`{"op":"copy","from":"/a/0","path":"/a/0"},`, 900), ",") + `]`, 838, "too much work"},
		{"outcome", `{"a":"` + strings.Repeat("x", 9<<20) + `"}`, `[{"op":"copy","from":"/a","path":"/b"}]`, -1, "the outcome has more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, err := patch.JSON([]byte(c.doc), []byte(c.patch))
			msg := wantError(t, err, c.op, patch.TooLarge)
			if !strings.Contains(msg, c.msg) {
				t.Errorf("message %q", msg)
			}
			if d := time.Since(start); d > time.Minute {
				t.Errorf("took %v", d)
			}
		})
	}
	if d := fhir.DefaultLimits; d.MaxBytes != 16<<20 || d.MaxDepth != 64 {
		t.Errorf("fhir.DefaultLimits are %+v: adapt the limits here", d)
	}
}

// TestFHIRPathLimits is about paths that look at every element for every element.
func TestFHIRPathLimits(t *testing.T) {
	doc := patient(`"name":[` + strings.TrimSuffix(strings.Repeat(`{"given":["a"]},`, 20_000), ",") + `]`)
	op := operation("delete", "Patient.name.where(%resource.name.where(given = 'b').exists())")
	start := time.Now()
	_, err := patch.FHIRPath(doc, parameters(op))
	wantError(t, err, 0, patch.TooLarge)
	if d := time.Since(start); d > time.Minute {
		t.Errorf("took %v", d)
	}
	ops := make([]string, 1001)
	for i := range ops {
		ops[i] = operation("delete", "Patient.photo")
	}
	_, err = patch.FHIRPath(patient(""), parameters(ops...))
	wantError(t, err, -1, patch.TooLarge)
	_, err = patch.FHIRPath(patient(""), parameters(operation("delete", strings.Repeat("a", 5000))))
	wantError(t, err, 0, patch.TooLarge)
}
