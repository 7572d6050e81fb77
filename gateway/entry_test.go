package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/fhir"
)

func TestEntryRequest(t *testing.T) {
	s := authenticated(t)
	const jsonPatch = "W3sib3AiOiJyZW1vdmUiLCJwYXRoIjoiL2FjdGl2ZSJ9XQ==" // [{"op":"remove","path":"/active"}]
	for _, tc := range []struct {
		name   string
		entry  fhir.BundleEntry
		target string
		header map[string]string
		body   string
	}{
		{
			"read",
			fhir.BundleEntry{Method: "GET", URL: "Patient/1", IfNoneMatch: `W/"1"`, IfModifiedSince: "2024-02-29T08:00:00.5+01:00"},
			"Patient/1",
			map[string]string{"If-None-Match": `W/"1"`, "If-Modified-Since": "Thu, 29 Feb 2024 07:00:00 GMT"},
			"",
		},
		{"absolute", fhir.BundleEntry{Method: "GET", URL: "http://localhost/fhir/Patient/1?_pretty=true"}, "Patient/1?_pretty=true", nil, ""},
		{"of another server", fhir.BundleEntry{Method: "GET", URL: "http://localhost/fhirx/Patient/1"}, "http://localhost/fhirx/Patient/1", nil, ""},
		{"system search", fhir.BundleEntry{Method: "GET", URL: "?_id=1"}, "?_id=1", nil, ""},
		{
			"create",
			fhir.BundleEntry{Method: "POST", URL: "Patient", IfNoneExist: "Patient?identifier=x", Resource: []byte("{}")},
			"Patient",
			map[string]string{"If-None-Exist": "identifier=x", "Content-Type": "application/fhir+json"},
			"{}",
		},
		{
			"create, bare query",
			fhir.BundleEntry{Method: "POST", URL: "Patient", IfNoneExist: "?identifier=x", Resource: []byte("{}")},
			"Patient",
			map[string]string{"If-None-Exist": "identifier=x", "Content-Type": "application/fhir+json"},
			"{}",
		},
		{
			"JSON Patch",
			fhir.BundleEntry{Method: "PATCH", URL: "Patient/1", IfMatch: `W/"1"`, Resource: []byte(`{"resourceType":"Binary","contentType":"application/json-patch+json","data":"` + jsonPatch + `"}`)},
			"Patient/1",
			map[string]string{"Content-Type": "application/json-patch+json", "If-Match": `W/"1"`},
			`[{"op":"remove","path":"/active"}]`,
		},
		{
			"FHIRPath Patch",
			fhir.BundleEntry{Method: "PATCH", URL: "Patient/1", Resource: []byte(`{"resourceType":"Parameters"}`)},
			"Patient/1",
			map[string]string{"Content-Type": "application/fhir+json"},
			`{"resourceType":"Parameters"}`,
		},
	} {
		in, err := s.entryRequest(&tc.entry)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		got := map[string]string{}
		for k, v := range in.header {
			if k != "Accept" {
				got[k] = strings.Join(v, "|")
			}
		}
		if tc.header == nil {
			tc.header = map[string]string{}
		}
		if d := cmp.Diff(tc.header, got); d != "" || in.target != tc.target || string(in.body) != tc.body {
			t.Errorf("%s: %s %q: %s", tc.name, in.target, in.body, d)
		}
	}
	for _, body := range []string{`{"resourceType":"Patient"}`, `{"resourceType":"Binary","data":"%"}`, `[]`} {
		if _, err := s.entryRequest(&fhir.BundleEntry{Method: "PATCH", URL: "Patient/1", Resource: []byte(body)}); err == nil {
			t.Errorf("%s is taken as a patch", body)
		}
	}
}

// An entry's refusal points into the Bundle.
func TestLocated(t *testing.T) {
	e := &fhir.BundleEntry{Method: "POST", Resource: []byte("{}"), Path: "Bundle.entry[3]", Line: 10, Column: 5}
	issues := []fhir.Issue{
		{Code: "a", Expression: []string{"Patient.name[0].family"}, Line: 1, Column: 7},
		{Code: "b"},
		{Code: "c", Expression: []string{"Patient"}, Line: 2, Column: 7},
	}
	want := []fhir.Issue{
		{Code: "a", Expression: []string{"Bundle.entry[3].resource.name[0].family"}, Line: 10, Column: 11},
		{Code: "b", Expression: []string{"Bundle.entry[3]"}},
		{Code: "c", Expression: []string{"Bundle.entry[3].resource"}, Line: 11, Column: 7},
	}
	if d := cmp.Diff(want, located(e, issues)); d != "" {
		t.Error(d)
	}
	e.Method = http.MethodPatch
	if d := cmp.Diff([]fhir.Issue{{Code: "a", Expression: []string{"Bundle.entry[3]"}}}, located(e, issues[:1])); d != "" {
		t.Errorf("of a patch: %s", d)
	}
}

func TestTargetOf(t *testing.T) {
	for _, tc := range []struct {
		a, b inner
		same bool
	}{
		{inner{method: "PUT", target: "Patient/1"}, inner{method: "PATCH", target: "Patient/1"}, true},
		{inner{method: "PUT", target: "Patient/1"}, inner{method: "PUT", target: "Patient/2"}, false},
		{inner{method: "DELETE", target: "Patient?a=b"}, inner{method: "DELETE", target: "Patient?a=b"}, true},
		{inner{method: "POST", target: "Patient", header: http.Header{"If-None-Exist": {"a=b"}}}, inner{method: "POST", target: "Patient", header: http.Header{"If-None-Exist": {"a=c"}}}, false},
	} {
		if got := targetOf(&tc.a) == targetOf(&tc.b); got != tc.same {
			t.Errorf("%+v and %+v: %t", tc.a, tc.b, got)
		}
	}
	if targetOf(&inner{method: "POST", target: "Patient"}) != "" {
		t.Error("creates form a line")
	}
}
