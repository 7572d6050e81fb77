package fhir

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCodings(t *testing.T) {
	r, err := Parse([]byte(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1"},{"code":"no system"}]},
		"valueQuantity":{"value":1e3,"unit":"a \"b\"","system":"http://unitsofmeasure.org","code":"mm[Hg]"},
		"component":[{"code":{"coding":[{"code":"1","system":"http:\/\/loinc.org"},{"code":"é\u00e9","system":"urn:x"}]},"valueBoolean":true}],
		"contained":[{"resourceType":"Media","id":"m","status":"completed","content":{"contentType":"image/png","title":"{]"}}],"derivedFrom":[{"reference":"#m"}]}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	codings, types := Codings(r.JSON)
	want := []Coding{{"http://loinc.org", "1"}, {"http://unitsofmeasure.org", "mm[Hg]"}, {"urn:x", "éé"}}
	if d := cmp.Diff(want, codings); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"image/png"}, types); d != "" {
		t.Error(d)
	}
}

// FuzzCodings: what Parse accepts is walked to its end.
func FuzzCodings(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Patient","identifier":[{"system":"a","value":"\\\""}],"_active":{"id":"x"}}`))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		if r, err := Parse(raw, Limits{MaxBytes: 1 << 16}); err == nil {
			Codings(r.JSON)
		}
	})
}
