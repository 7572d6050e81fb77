package fhir

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConceptSets checks that each entry of the table is an element of R4 and has
// been found.
func TestConceptSets(t *testing.T) {
	found := 0
	seen := map[*typ]bool{}
	var walk func(*typ)
	walk = func(x *typ) {
		if seen[x] {
			return
		}
		seen[x] = true
		for _, m := range x.members {
			if m.concept != nil {
				found++
				if m.typ.message.Name() != "CodeableConcept" {
					t.Errorf("%s is a %s", m.name, m.typ.message.Name())
				}
			}
			walk(m.typ)
		}
	}
	for _, r := range r4Schema().resources {
		walk(r)
	}
	if found != len(conceptSets) {
		t.Errorf("%d of %d bindings are in the tables", found, len(conceptSets))
	}
}

// TestScanConcepts covers the required bindings of CodeableConcept.
func TestScanConcepts(t *testing.T) {
	const refused = "no coding is of the required value set"
	const ok = `{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}`
	for in, want := range map[string]string{
		`{"coding":[` + ok + `]}`:              "",
		`{"coding":[{"code":"x"},` + ok + `]}`: "",
		`{"text":"a","coding":[` + ok + `]}`:   "",
		`{"coding":[{"\u0063ode":"\u0061ctive","system":"http:\/\/terminology.hl7.org\/CodeSystem\/condition-clinical"}]}`: "",
		`{"coding":[{"code":"active"}]}`: refused,
		`{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical"}]}`:                      refused,
		`{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"ACTIVE"}]}`:      refused,
		`{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"confirmed"}]}`: refused,
		`{"text":"active"}`: refused,
		`{"coding":[{"code":1,"system":"a:b"},` + ok + `]}`: "expected a string",
	} {
		in = `{"resourceType":"Condition","subject":{"display":"a"},"clinicalStatus":` + in + `}`
		got := issuesOf(t, in)
		if (got == "") != (want == "") || !strings.Contains(got, want) || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	// beside other issues
	const in = `{"resourceType":"Condition","clinicalStatus":{"text":"active"}}`
	const want = "1:1 error required Condition: missing required element subject\n" +
		"1:46 error code-invalid Condition.clinicalStatus: " + refused + "\n"
	if diff := cmp.Diff(want, issuesOf(t, in)); diff != "" {
		t.Error(diff)
	}
	// a unit of any kind, but a unit
	for unit, want := range map[string]bool{`"system":"http://unitsofmeasure.org","code":"%"`: true, `"code":"%"`: false} {
		in := `{"resourceType":"RiskEvidenceSynthesis","status":"draft","population":{"display":"a"},"outcome":{"display":"a"},` +
			`"riskEstimate":{"unitOfMeasure":{"coding":[{` + unit + `}]}}}`
		if got := issuesOf(t, in); (got == "") != want {
			t.Errorf("%s: %s", unit, got)
		}
	}
}
