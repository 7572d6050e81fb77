package fhir

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExtractExamples states by hand what the published examples must give.
func TestExtractExamples(t *testing.T) {
	const (
		loinc = "http://loinc.org|"
		sct   = "http://snomed.info/sct|"
	)
	for _, c := range []struct {
		file, code string
		want       []string
	}{
		// token
		{"Patient-example", "identifier", []string{"urn:oid:1.2.36.146.595.217.0.1|12345 type=http://terminology.hl7.org/CodeSystem/v2-0203|MR"}},
		{"Patient-example", "gender", []string{"http://hl7.org/fhir/administrative-gender|male"}},
		{"Patient-example", "active", []string{"true"}},
		{"Patient-example", "phone", []string{"(03) 5555 6473", "(03) 3410 5613", "(03) 5555 8834"}},
		{"Patient-example", "email", nil},
		{"Person-example", "email", []string{"Jim@example.org"}},
		{"ServiceRequest-physiotherapy", "identifier", []string{`http://goodhealth.org/placer-ids|20170201-0001 type=http://terminology.hl7.org/CodeSystem/v2-0203|PLAC text="Placer"`}},
		{"Encounter-example", "class", []string{`http://terminology.hl7.org/CodeSystem/v3-ActCode|IMP text="inpatient encounter"`}},
		{"Condition-example", "code", []string{sct + `39065001 text="Burn of ear"`, ` text="Burnt Ear"`}},
		{"Library-example", "content-type", []string{"urn:ietf:bcp:13|text/cql"}},
		{"AuditEvent-example-login", "outcome", []string{"http://hl7.org/fhir/audit-event-outcome|0"}},
		{"Group-101", "exclude", []string{"false", "false"}},
		{"ConceptMap-101", "source-code", []string{"home", "work", "temp", "old"}},
		// a condition instead of a path
		{"Patient-example", "deceased", []string{"false"}},
		{"Patient-infant-twin-1", "deceased", []string{"false"}},
		// string
		{"Patient-example", "name", []string{"Chalmers", "Peter", "James", "Jim", "Windsor", "Peter", "James"}},
		{"Patient-example", "family", []string{"Chalmers", "Windsor"}},
		{"Location-1", "address", []string{"Galapagosweg 91, Building A", "Den Burg", "9105 PZ", "NLD"}},
		{"Observation-bloodgroup", "value-string", []string{"A"}},
		// date
		{"Patient-example", "birthdate", []string{"1974-12-25T00:00:00Z .. 1974-12-26T00:00:00Z"}},
		{"Observation-abdo-tender", "date", []string{"2018-04-02T09:30:10Z .. open"}},
		{"ChargeItem-example", "occurrence", []string{"2017-01-25T07:00:00Z .. 2017-01-25T11:35:01Z"}},
		{"ServiceRequest-benchpress", "occurrence", nil}, // a schedule without dates
		{"Observation-date-lastmp", "value-date", []string{"2016-12-30T00:00:00Z .. 2016-12-31T00:00:00Z"}},
		// reference
		{"Observation-blood-pressure", "subject", []string{"Patient/example"}},
		{"Observation-blood-pressure", "patient", []string{"Patient/example"}},
		{"Observation-blood-pressure", "based-on", []string{`identifier="https://acme.org/identifiers|1234"`}},
		{"Observation-ekg", "device", []string{`text="12 lead EKG Device Metric"`}},
		{"Provenance-example", "target", []string{`Procedure/example version="1"`}},
		{"Provenance-example", "patient", nil}, // the target is a Procedure
		{"Appointment-example", "patient", []string{`Patient/example text="Peter James Chalmers"`}},
		{"Appointment-example", "location", []string{`Location/1 text="South Wing, second floor"`}},
		{"DocumentReference-example", "author", []string{"Practitioner/xcda1", "#a2"}},
		{"Coverage-9876B1", "policy-holder", []string{"http://benefitsinc.com/FHIR/Organization/CBI35"}},
		{"MedicationRequest-medrx0302", "medication", []string{"#med0320"}},
		{"Bundle-father", "composition", []string{"Composition/180f219f-97a8-486d-99d9-ed631fe4fc57"}},
		{"Bundle-father", "message", nil},
		// number, quantity
		{"RiskAssessment-genetic", "probability", []string{
			"0.000168 [0.0001675, 0.0001685)", "0.000368 [0.0003675, 0.0003685)", "0.000594 [0.0005935, 0.0005945)", "0.000838 [0.0008375, 0.0008385)",
			"0.001089 [0.0010885, 0.0010895)", "0.001327 [0.0013265, 0.0013275)", "0.001530 [0.0015295, 0.0015305)", "0.001663 [0.0016625, 0.0016635)",
		}},
		{"MolecularSequence-coord-1-base", "window-start", []string{"1 [1, 1)"}},
		{"Observation-656", "value-quantity", []string{`820 [819.5, 820.5) urn:iso:std:iso:11073:10101|265201 unit="cL/s"`}},
		{"ChargeItem-example", "price-override", []string{"40 [39.5, 40.5) urn:iso:std:iso:4217|EUR"}},
		{"PlanDefinition-zika-virus-intervention", "context-quantity", []string{`[12, +Inf) unit="a"`}},
		{"Observation-ekg", "value-quantity", nil},
		// 2048 + 1884 * 1.612 and 2048 + 2166 * 1.612, for each of three leads
		{"Observation-ekg", "component-value-quantity", []string{"[5085.008, 5539.592000000001)", "[5085.008, 5539.592000000001)", "[5085.008, 5539.592000000001)"}},
		// uri
		{"ConceptMap-101", "url", []string{"http://hl7.org/fhir/ConceptMap/101"}},
		{"Observation-blood-pressure", "_profile", []string{"http://hl7.org/fhir/StructureDefinition/vitalsigns"}},
		// composite
		{"Observation-blood-pressure", "code-value-quantity", nil}, // the panel itself has no value
		{"Observation-blood-pressure", "component-code-value-quantity", []string{
			"0: " + loinc + `8480-6 text="Systolic blood pressure"; 0: ` + sct + `271649006 text="Systolic blood pressure"; ` +
				`0: http://acme.org/devices/clinical-codes|bp-s text="Systolic Blood pressure"; 1: 107 [106.5, 107.5) http://unitsofmeasure.org|mm[Hg] unit="mmHg"`,
			"0: " + loinc + `8462-4 text="Diastolic blood pressure"; 1: 60 [59.5, 60.5) http://unitsofmeasure.org|mm[Hg] unit="mmHg"`,
		}},
		{"Observation-bloodgroup", "code-value-concept", []string{
			"0: " + loinc + `883-9 text="ABO group [Type] in Blood"; 0:  text="Blood Group"; 1: ` + sct + `112144000 text="Blood group A (finding)"; 1:  text="A"`,
		}},
		{"Observation-date-lastmp", "code-value-date", []string{
			"0: " + loinc + `8665-2 text="Date last menstrual period"; 0:  text="Date last menstrual period"; 1: 2016-12-30T00:00:00Z .. 2016-12-31T00:00:00Z`,
		}},
		{"DocumentReference-example", "relationship", []string{"0: http://hl7.org/fhir/document-relationship-type|appends; 1: DocumentReference/example"}},
		{"MolecularSequence-example", "referenceseqid-variant-coordinate", []string{
			"0: http://www.ncbi.nlm.nih.gov/nuccore|NC_000009.11; 1: 22125503 [2.2125503e+07, 2.2125503e+07); 2: 22125504 [2.2125504e+07, 2.2125504e+07)",
		}},
		{"PlanDefinition-zika-virus-intervention", "context-type-value", []string{
			"0: http://terminology.hl7.org/CodeSystem/usage-context-type|user; 1: " + sct + `309343006 text="Physician"`,
		}},
		{"Group-101", "characteristic-value", []string{`0:  text="gender"; 1:  text="mixed"`, `0:  text="owner"; 1:  text="John Smith"`}},
		// of packages
		{"ExplanationOfBenefit-EB3500", "insurer", []string{"Organization/3"}},
	} {
		r := examples(t)[c.file+".json"]
		if r == nil {
			t.Errorf("no example %s", c.file)
			continue
		}
		if diff := cmp.Diff(c.want, valuesOf(t, r, c.code)); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", c.code, c.file, diff)
		}
	}
}

// TestExtractForms covers what the examples lack.
func TestExtractForms(t *testing.T) {
	const patient = `{"resourceType":"Patient",`
	const observation = `{"resourceType":"Observation","status":"final","code":{"text":"x"},`
	for _, c := range []struct {
		name, json, code string
		want             []string
	}{
		{"deceased by date", patient + `"deceasedDateTime":"2020-05"}`, "deceased", []string{"true"}},
		{"deceased by boolean", patient + `"deceasedBoolean":true}`, "deceased", []string{"true"}},
		{"death date", patient + `"deceasedDateTime":"2020-05"}`, "death-date", []string{"2020-05-01T00:00:00Z .. 2020-06-01T00:00:00Z"}},
		{"boolean without a value", patient + `"_active":{"extension":[{"url":"http://x.org/e","valueString":"?"}]}}`, "active", nil},
		{"code without a value", patient + `"_gender":{"extension":[{"url":"http://x.org/e","valueString":"?"}]}}`, "gender", nil},
		{"date without a value", patient + `"_birthDate":{"extension":[{"url":"http://x.org/e","valueString":"?"}]}}`, "birthdate", nil},
		{"dateTime without a value", observation + `"_effectiveDateTime":{"extension":[{"url":"http://x.org/e","valueString":"?"}]}}`, "date", nil},
		{"instant without a value", observation + `"_effectiveInstant":{"extension":[{"url":"http://x.org/e","valueString":"?"}]}}`, "date", nil},
		{
			"period of dates without values", observation + `"effectivePeriod":{"_start":{"extension":[{"url":"http://x.org/e","valueString":"?"}]},"end":"2020"}}`,
			"date",
			[]string{"open .. 2021-01-01T00:00:00Z"},
		},
		{"number without a value", observation + `"valueQuantity":{"_value":{"extension":[{"url":"http://x.org/e","valueString":"?"}]},"unit":"mg"}}`, "value-quantity", nil},
		{
			"integer without a value", `{"resourceType":"MolecularSequence","coordinateSystem":0,"referenceSeq":{"_windowStart":{"extension":[{"url":"http://x.org/e","valueString":"?"}]},"windowEnd":0}}`,
			"window-start", nil,
		},
		{"integer zero", `{"resourceType":"MolecularSequence","coordinateSystem":0,"referenceSeq":{"windowEnd":0}}`, "window-end", []string{"0 [0, 0)"}},
		{"identifier without a system", patient + `"identifier":[{"value":"7"}]}`, "identifier", []string{"7"}},
		{"identifier without a value", patient + `"identifier":[{"system":"http://x.org/i"}]}`, "identifier", []string{"http://x.org/i|"}},
		{
			"race by extension", patient + `"extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[
			{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3"}},{"url":"text","valueString":"White"}]}]}`,
			"race",
			[]string{"2106-3"},
		},
		{
			"meta", patient + `"meta":{"source":"http://x.org/s","profile":["http://x.org/p|2"],"tag":[{"system":"http://x.org/t","code":"a"}]}}`,
			"_profile",
			[]string{"http://x.org/p|2"},
		},
		{"tag", patient + `"meta":{"tag":[{"system":"http://x.org/t","code":"a","display":"A"}]}}`, "_tag", []string{`http://x.org/t|a text="A"`}},
		{
			"below a bound", observation + `"valueQuantity":{"value":5.0,"comparator":"<","code":"mg","system":"http://unitsofmeasure.org"}}`,
			"value-quantity",
			[]string{"5.0 [-Inf, 5) http://unitsofmeasure.org|mg"},
		},
		{"above a bound", observation + `"valueQuantity":{"value":5.0,"comparator":">=","unit":"mg"}}`, "value-quantity", []string{`5.0 [5, +Inf) unit="mg"`}},
		{
			"samples beyond the limits", observation + `"valueSampledData":{"origin":{"value":1,"unit":"V"},"period":1,"factor":2,"lowerLimit":-3,"dimensions":1,"data":"E L 4 U"}}`,
			"value-quantity",
			[]string{`[-5, +Inf) unit="V"`},
		},
		{"quantity without a value", observation + `"valueQuantity":{"unit":"mg"}}`, "value-quantity", nil},
		{
			"logical subject", observation + `"subject":{"type":"Patient","identifier":{"system":"http://x.org/i","value":"7"},"display":"J"}}`,
			"subject",
			[]string{`identifier="http://x.org/i|7" text="J"`},
		},
		{"logical references do not resolve", observation + `"subject":{"type":"Patient","identifier":{"value":"7"}}}`, "patient", nil},
		{"foreign patient", observation + `"subject":{"reference":"https://x.org/fhir/Patient/7"}}`, "patient", []string{"https://x.org/fhir/Patient/7"}},
		{
			"urn with a type", observation + `"subject":{"reference":"urn:uuid:7d1a2c04-7d4f-4a77-b8ee-3d7f7d5b1a55","type":"Patient"}}`,
			"patient",
			[]string{"urn:uuid:7d1a2c04-7d4f-4a77-b8ee-3d7f7d5b1a55"},
		},
		{"urn without a type", observation + `"subject":{"reference":"urn:uuid:7d1a2c04-7d4f-4a77-b8ee-3d7f7d5b1a55"}}`, "patient", nil},
		{"contained patient", observation + `"contained":[{"resourceType":"Patient","id":"p"}],"subject":{"reference":"#p"}}`, "patient", []string{"#p"}},
		{"contained device", observation + `"contained":[{"resourceType":"Device","id":"p"}],"subject":{"reference":"#p"}}`, "patient", nil},
		{
			"canonical with version", `{"resourceType":"QuestionnaireResponse","status":"completed","questionnaire":"http://x.org/q|1.2#item"}`,
			"questionnaire",
			[]string{`http://x.org/q version="1.2"`},
		},
		{
			"condition onset in years", `{"resourceType":"Condition","subject":{"reference":"Patient/1"},"onsetAge":{"value":52,"unit":"years","system":"http://unitsofmeasure.org","code":"a"}}`,
			"onset-age",
			[]string{`52 [51.5, 52.5) http://unitsofmeasure.org|a unit="years"`},
		},
		{
			"asserted date", `{"resourceType":"Condition","subject":{"reference":"Patient/1"},"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/condition-assertedDate","valueDateTime":"2020"}]}`,
			"asserted-date",
			[]string{"2020-01-01T00:00:00Z .. 2021-01-01T00:00:00Z"},
		},
		{
			"timing", `{"resourceType":"ServiceRequest","status":"active","intent":"order","subject":{"reference":"Patient/1"},"occurrenceTiming":{
			"event":["2020-03-04","2020-01-02T10:00:00.5+02:00"],"repeat":{"boundsPeriod":{"start":"2020-02","end":"2020-02-10"}}}}`,
			"occurrence",
			[]string{"2020-01-02T08:00:00.5Z .. 2020-03-05T00:00:00Z"},
		},
		{
			"timing with an open end", `{"resourceType":"ServiceRequest","status":"active","intent":"order","subject":{"reference":"Patient/1"},"occurrenceTiming":{
			"event":["2020-03-04"],"repeat":{"boundsPeriod":{"start":"2020-02"}}}}`,
			"occurrence",
			[]string{"2020-02-01T00:00:00Z .. open"},
		},
		{"composite without its second part", observation + `"valueString":"x"}`, "code-value-quantity", nil},
		{
			"service dates", `{"resourceType":"ExplanationOfBenefit","status":"active","type":{"text":"t"},"use":"claim","patient":{"reference":"Patient/1"},"created":"2020-01-01",
			"insurer":{"reference":"Organization/1"},"provider":{"reference":"Organization/2"},"outcome":"complete","insurance":[{"focal":true,"coverage":{"reference":"Coverage/1"}}],
			"billablePeriod":{"start":"2020-01-05"},"item":[{"sequence":1,"productOrService":{"text":"s"},"servicedDate":"2020-01-07"}]}`,
			"service-start-date",
			[]string{"2020-01-05T00:00:00Z .. 2020-01-06T00:00:00Z", "2020-01-07T00:00:00Z .. 2020-01-08T00:00:00Z"},
		},
	} {
		if diff := cmp.Diff(c.want, valuesOf(t, parseJSON(t, c.json), c.code)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
