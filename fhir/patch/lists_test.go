package patch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chartseal/chartseal/fhir/patch"
)

// given is the model of a list of primitives: values with their ids, either of
// which may be missing.
type given struct{ value, id string }

func (g given) part() string {
	switch {
	case g.id == "":
		return fmt.Sprintf(`"name":"value","valueString":%q`, g.value)
	case g.value == "":
		return fmt.Sprintf(`"name":"value","_valueString":{"id":%q}`, g.id)
	}
	return fmt.Sprintf(`"name":"value","valueString":%q,"_valueString":{"id":%q}`, g.value, g.id)
}

// givens reads the list back from the two arrays.
func givens(t testing.TB, doc []byte) []given {
	var p struct {
		Name []struct {
			Given    []*string
			Siblings []*struct{ ID string } `json:"_given"`
		}
	}
	if err := json.Unmarshal(doc, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Name) == 0 {
		return nil
	}
	n := p.Name[0]
	out := make([]given, max(len(n.Given), len(n.Siblings)))
	for i := range out {
		if i < len(n.Given) && n.Given[i] != nil {
			out[i].value = *n.Given[i]
		}
		if i < len(n.Siblings) && n.Siblings[i] != nil {
			out[i].id = n.Siblings[i].ID
		}
	}
	return out
}

// TestPrimitiveLists does random operations on a list of primitives with ids, and
// on a slice.
func TestPrimitiveLists(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := 0
		draw := func() given {
			n++
			k := rapid.IntRange(0, 2).Draw(rt, "kind")
			return []given{{fmt.Sprint("v", n), ""}, {"", fmt.Sprint("i", n)}, {fmt.Sprint("v", n), fmt.Sprint("i", n)}}[k]
		}
		doc := patient(`"name":[{"family":"\u0066\/"}],"multipleBirthInteger":1`)
		want := []given{}
		var ops []string
		for range rapid.IntRange(1, 12).Draw(rt, "operations") {
			k := rapid.IntRange(0, 4).Draw(rt, "op")
			switch {
			case k == 0 || len(want) == 0 && k > 1:
				want = append(want, draw())
				ops = append(ops, operation("add", "Patient.name", name("given"), want[len(want)-1].part()))
			case k == 1:
				i, g := rapid.IntRange(0, len(want)).Draw(rt, "at"), draw()
				want = slices.Insert(want, i, g)
				ops = append(ops, operation("insert", "Patient.name.given", integer("index", i), g.part()))
			case k == 2:
				i := rapid.IntRange(0, len(want)-1).Draw(rt, "at")
				want = slices.Delete(want, i, i+1)
				ops = append(ops, operation("delete", fmt.Sprintf("Patient.name.given[%d]", i)))
			case k == 3:
				i, g := rapid.IntRange(0, len(want)-1).Draw(rt, "at"), draw()
				want[i] = g
				ops = append(ops, operation("replace", fmt.Sprintf("Patient.name.given[%d]", i), g.part()))
			default:
				from, to := rapid.IntRange(0, len(want)-1).Draw(rt, "from"), rapid.IntRange(0, len(want)-1).Draw(rt, "to")
				g := want[from]
				want = slices.Insert(slices.Delete(want, from, from+1), to, g)
				ops = append(ops, operation("move", "Patient.name.given", integer("source", from), integer("destination", to)))
			}
		}
		got, err := patch.FHIRPath(doc, parameters(ops...))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, append([]given{}, givens(t, got)...), cmp.AllowUnexported(given{})); diff != "" {
			rt.Fatalf("%s\n%s\n-want +got\n%s", strings.Join(ops, "\n"), got, diff)
		}
		rest := []byte(`{"resourceType":"Patient","name":[{"family":"\u0066\/"`)
		if !bytes.HasPrefix(got, rest) || !bytes.HasSuffix(got, []byte(`}],"multipleBirthInteger":1}`)) {
			rt.Fatalf("other bytes have changed: %s", got)
		}
		if strings.Contains(string(got), `:[]`) || len(want) == 0 && strings.Contains(string(got), "given") {
			rt.Fatalf("an empty list is left: %s", got)
		}
	})
}
