package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// What the clients of TestRealClients send, letter by letter, so that their habits are kept where there is no Node.
const (
	acceptFHIR    = "application/fhir+json"                // fhir-kit-client
	acceptJSON    = "application/json"                     // fhirclient
	acceptMedplum = "application/fhir+json, */*; q=0.1"    // @medplum/core
	patchJSON     = "application/json-patch+json"          // fhir-kit-client, @medplum/core
	patchUTF8     = patchJSON + "; charset=UTF-8"          // fhirclient
	sentFHIR      = "application/fhir+json; charset=utf-8" // answers
	sentJSON      = "application/json; charset=utf-8"
)

func TestHabitsOfClients(t *testing.T) {
	s := start(t)
	tok := s.staff()
	id := s.create(tok, "Patient", patientJSON)
	const patch = `[{"op":"replace","path":"/active","value":true}]`
	const batch = `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"/Patient/absent"}}]}`
	for _, tc := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		contentType              string
	}{
		{"fhir-kit-client reads", "GET", "/Patient/" + id, "", []string{"Accept", acceptFHIR}, 200, sentFHIR},
		{"fhir-kit-client patches", "PATCH", "/Patient/" + id, patch, []string{"Accept", acceptFHIR, "Content-Type", patchJSON}, 200, sentFHIR},
		{"fhir-kit-client sends a batch to a base with a slash", "POST", "/", batch, []string{"Accept", acceptFHIR}, 200, sentFHIR},
		{"fhir-kit-client searches by POST", "POST", "/Patient/_search", "active=true", []string{"Accept", acceptFHIR, "Content-Type", "application/x-www-form-urlencoded"}, 200, sentFHIR},
		{"fhir-kit-client is refused", "GET", "/Patient/absent", "", []string{"Accept", acceptFHIR}, 404, sentFHIR},
		{"fhirclient reads", "GET", "/Patient/" + id, "", []string{"Accept", acceptJSON}, 200, sentJSON},
		{"fhirclient creates", "POST", "/Patient", patientJSON, []string{"Accept", acceptJSON, "Content-Type", "application/json"}, 201, sentJSON},
		// What it prefers is no value of FHIR (R4 http.html#ops), so that the default holds.
		{"fhirclient patches", "PATCH", "/Patient/" + id, patch, []string{"Accept", acceptJSON, "Content-Type", patchUTF8, "Prefer", "return=presentation"}, 200, sentJSON},
		{"fhirclient is refused", "GET", "/Patient/absent", "", []string{"Accept", acceptJSON}, 404, sentJSON},
		{"medplum reads", "GET", "/Patient/" + id, "", []string{"Accept", acceptMedplum, "Cache-Control", "max-age=0", "X-Medplum", "extended"}, 200, sentFHIR},
		{"medplum creates once", "POST", "/Patient", patientJSON, []string{"Accept", acceptMedplum, "Content-Type", acceptFHIR, "If-None-Exist", "identifier=urn:none|1"}, 201, sentFHIR},
		{"medplum patches", "PATCH", "/Patient/" + id, patch, []string{"Accept", acceptMedplum, "Content-Type", patchJSON}, 200, sentFHIR},
		{"medplum batches its reads", "POST", "", batch, []string{"Accept", acceptMedplum, "Content-Type", acceptFHIR}, 200, sentFHIR},
		{"medplum is refused", "GET", "/Patient/absent", "", []string{"Accept", acceptMedplum}, 404, sentFHIR},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.do(tc.status, tc.method, tc.path, tok, tc.body, tc.header...)
			if got := a.header.Get("Content-Type"); got != tc.contentType {
				t.Errorf("Content-Type %q, want %q", got, tc.contentType)
			}
			if got := a.json(t)["resourceType"]; tc.status >= 400 && got != "OperationOutcome" {
				t.Errorf("refused with a %v", got)
			}
			if got := a.header.Get("Preference-Applied"); got != "" {
				t.Errorf("applied %q, which nobody asked for", got)
			}
		})
	}
	// fhirclient parses what is called JSON and reads an empty body as nothing; then it follows Location.
	made := s.do(http.StatusCreated, "POST", "/Patient", tok, patientJSON, "Accept", acceptJSON, "Content-Type", "application/json", "Prefer", "return=minimal")
	if loc := made.header.Get("Location"); len(made.body) != 0 || !strings.HasPrefix(loc, s.base()+"/Patient/") {
		t.Errorf("return=minimal: %d bytes, Location %q", len(made.body), loc)
	}
	// What Node's fetch can decompress.
	if got := s.do(http.StatusOK, "GET", "/metadata", "", "", "Accept-Encoding", "gzip, deflate").header.Get("Content-Encoding"); got != "gzip" {
		t.Errorf("/metadata came with Content-Encoding %q", got)
	}
}
