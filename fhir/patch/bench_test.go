package patch_test

import (
	"testing"

	"github.com/chartseal/chartseal/fhir/patch"
)

// observation has the size of a mean resource, 1.3 kB.
const observation = `{"resourceType":"Observation","id":"6f5d0bd2-1c3e-4a6e-9d2a-3a4b5c6d7e8f","meta":{"versionId":"3","lastUpdated":"2024-03-05T10:11:12.345Z","profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-blood-pressure"]},"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood Pressure"}],"text":"Blood Pressure"},"subject":{"reference":"Patient/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"},"encounter":{"reference":"Encounter/1a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"},"effectiveDateTime":"2019-08-01T10:05:33-04:00","issued":"2019-08-01T10:05:33.118-04:00","component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4","display":"Diastolic Blood Pressure"}],"text":"Diastolic Blood Pressure"},"valueQuantity":{"value":81.50,"unit":"mm[Hg]","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"Systolic Blood Pressure"}],"text":"Systolic Blood Pressure"},"valueQuantity":{"value":121.0,"unit":"mm[Hg]","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}`

func BenchmarkJSON(b *testing.B) {
	doc, text := []byte(observation), []byte(`[{"op":"replace","path":"/component/1/valueQuantity/value","value":122.0}]`)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := patch.JSON(doc, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFHIRPath(b *testing.B) {
	doc := []byte(observation)
	text := parameters(operation("replace", "Observation.component.where(code.coding.code = '8480-6').value.value", value("Decimal", "122.0")))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := patch.FHIRPath(doc, text); err != nil {
			b.Fatal(err)
		}
	}
}
