package index

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/seal"
)

// BenchmarkBuild is the indexing step of a write: search values, row and blind tokens of a laboratory result.
func BenchmarkBuild(b *testing.B) {
	r, err := fhir.Parse([]byte(`{"resourceType":"Observation","id":"o1","status":"final",
"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"laboratory"}]}],
"code":{"coding":[{"system":"http://loinc.org","code":"2339-0","display":"Glucose"}],"text":"Glucose"},
"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},"effectiveDateTime":"2017-03-02T04:05:06-05:00",
"issued":"2017-03-02T04:05:06.123-05:00","valueQuantity":{"value":87.75,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}}`), fhir.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	root, err := seal.CreateRoot(filepath.Join(b.TempDir(), "root.key"))
	if err != nil {
		b.Fatal(err)
	}
	sealer, err := seal.New(seal.Config{Root: root, Tenant: "bench", Lookup: func(seal.Handle) ([]byte, bool, error) { return nil, false, nil }})
	if err != nil {
		b.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		row, tokens := Build(sealer, r, "http://test/fhir", "o1", at)
		if _, err := row.MarshalBinary(); err != nil || len(tokens) == 0 {
			b.Fatal("no tokens", err)
		}
	}
}
