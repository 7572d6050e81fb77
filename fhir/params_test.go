package fhir

import (
	"bytes"
	"compress/gzip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// r4Params is the number of search parameters that R4 4.0.1 defines.
const r4Params = 1375

func TestParams(t *testing.T) {
	all := paramTables().all
	if len(all) < r4Params {
		t.Fatalf("%d parameters", len(all))
	}
	for i, p := range all {
		if int(p.Ordinal) != i+1 {
			t.Errorf("%s has ordinal %d at %d", p.URL, p.Ordinal, i)
		}
		if i > 0 && i < r4Params && all[i-1].URL >= p.URL {
			t.Errorf("%s is out of order", p.URL)
		}
		if (p.Type == ParamComposite) != (len(p.Components) > 1) {
			t.Errorf("%s is a %s with %d components", p.URL, p.Type, len(p.Components))
		}
	}
	// Index rows hold ordinals: these must never change.
	for url, want := range map[string]uint16{
		"http://hl7.org/fhir/SearchParameter/Account-identifier":                    1,
		"http://hl7.org/fhir/SearchParameter/individual-telecom":                    1370,
		"http://hl7.org/fhir/us/core/SearchParameter/us-core-careteam-role":         1376,
		"http://hl7.org/fhir/us/carin-bb/SearchParameter/explanationofbenefit-type": 1387,
	} {
		if p := paramTables().byURL[url]; p == nil || p.Ordinal != want {
			t.Errorf("%s is %+v, want ordinal %d", url, p, want)
		}
	}
}

func TestParamsOfType(t *testing.T) {
	var codes []string
	for _, p := range Params("Binary") {
		codes = append(codes, p.Code)
	}
	if diff := cmp.Diff([]string{"_content", "_id", "_lastUpdated", "_profile", "_query", "_security", "_source", "_tag"}, codes); diff != "" {
		t.Errorf("Binary (-want +got):\n%s", diff)
	}
	for _, typ := range storableTypes() {
		seen := map[string]bool{}
		for _, p := range Params(typ) {
			if seen[p.Code] {
				t.Errorf("%s has two parameters %s", typ, p.Code)
			}
			seen[p.Code] = true
			if LookupParam(typ, p.Code) != p {
				t.Errorf("%s.%s is not found by its code", typ, p.Code)
			}
		}
		if want := isDomainResource(typ); seen["_text"] != want {
			t.Errorf("%s: _text applies: %v", typ, !want)
		}
	}
	for _, typ := range []string{"", "Parameters", "Nonsense", "Resource"} {
		if Params(typ) != nil || LookupParam(typ, "_id") != nil {
			t.Errorf("%q has parameters", typ)
		}
	}
	p := LookupParam("Observation", "patient")
	if p == nil || p.Type != ParamReference || !slices.Equal(p.Target, []string{"Patient", "Group"}) {
		t.Errorf("Observation.patient is %+v", p)
	}
	c := LookupParam("DocumentReference", "relationship").Components
	if c[0].Param.Code != "relation" || c[0].Expression != "code" || c[1].Param.Code != "relatesto" || c[1].Expression != "target" {
		t.Errorf("relationship pairs %s with %s", c[0].Param.Code, c[0].Expression)
	}
}

func TestParamTypeNames(t *testing.T) {
	for want, typ := range map[string]ParamType{"number": ParamNumber, "uri": ParamURI, "special": ParamSpecial, "unknown": 0} {
		if typ.String() != want {
			t.Errorf("%d is %s, want %s", typ, typ, want)
		}
	}
	if ParamType(200).String() != "unknown" {
		t.Error("type 200 has a name")
	}
}

func TestLoadParamsRefuses(t *testing.T) {
	for name, json := range map[string]string{
		"type":      `{"params":[{"url":"a","code":"a","type":"nonsense"}]}`,
		"no type":   `{"params":[{"url":"a","code":"a"}]}`,
		"component": `{"params":[{"url":"a","code":"a","type":"composite","component":[{"definition":"b","expression":"c"}]}]}`,
		"syntax":    `{"params":`,
	} {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write([]byte(json)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := loadParams(packed.Bytes()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := loadParams([]byte("not gzip")); err == nil {
		t.Error("text that is not gzip is accepted")
	}
}

func TestCompartments(t *testing.T) {
	for _, typ := range []string{"Observation", "Patient", "Condition", "Group", "Schedule"} {
		if !InPatientCompartment(typ) {
			t.Errorf("%s is not in the Patient compartment", typ)
		}
	}
	for _, typ := range []string{"", "Nonsense", "Organization", "Device", "Task", "Binary", "Bundle", "ValueSet"} {
		if InPatientCompartment(typ) {
			t.Errorf("%s is in the Patient compartment", typ)
		}
	}
	for _, c := range []struct {
		compartment, typ string
		want             []string
	}{
		{"Patient", "Observation", []string{"subject", "performer"}},
		{"Patient", "Coverage", []string{"policy-holder", "subscriber", "beneficiary", "payor"}},
		{"Encounter", "Encounter", []string{"_id"}},
		{"Encounter", "Observation", []string{"encounter"}},
		{"Practitioner", "Practitioner", []string{"_id"}},
		{"RelatedPerson", "RelatedPerson", []string{"_id"}},
		{"Device", "Observation", []string{"subject", "device"}},
		{"Patient", "Organization", nil},
		{"Nonsense", "Observation", nil},
	} {
		if diff := cmp.Diff(c.want, CompartmentParams(c.compartment, c.typ)); diff != "" {
			t.Errorf("%s in %s (-want +got):\n%s", c.typ, c.compartment, diff)
		}
	}
	for compartment, members := range paramTables().compartments {
		for typ, codes := range members {
			for _, code := range codes {
				if p := LookupParam(typ, code); p == nil || p.Type != ParamReference && code != "_id" {
					t.Errorf("%s in %s by %s: %+v", typ, compartment, code, p)
				}
			}
		}
	}
}
