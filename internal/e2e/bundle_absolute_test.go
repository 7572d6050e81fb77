package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// Entries may name their URL absolutely, below this server's base; one of another server fails alone in a batch, and
// with all else in a transaction.
func TestAbsoluteEntryURLs(t *testing.T) {
	s := start(t)
	tok := s.staff()
	ours := `{"request":{"method":"PUT","url":"` + s.base() + `/Patient/abs"},"resource":{"resourceType":"Patient","id":"abs"}}`
	read := `{"request":{"method":"GET","url":"` + s.base() + `/Patient/abs"}}`
	theirs := `{"request":{"method":"PUT","url":"http://example.org/fhir/Patient/abs"},"resource":{"resourceType":"Patient","id":"abs"}}`
	wrap := func(kind string, list ...string) string {
		return `{"resourceType":"Bundle","type":"` + kind + `","entry":[` + strings.Join(list, ",") + `]}`
	}
	a := s.do(http.StatusOK, "POST", "", tok, wrap("transaction", ours, read))
	if got := entries(t, a); got[0]["response"].(map[string]any)["status"] != "201 Created" || got[1]["resource"] == nil {
		t.Errorf("transaction: %s", a.body)
	}
	a = s.do(http.StatusOK, "POST", "", tok, wrap("batch", theirs, ours, read))
	got := entries(t, a)
	if st := got[0]["response"].(map[string]any)["status"].(string); !strings.HasPrefix(st, "4") {
		t.Errorf("another server's URL: %s", st)
	}
	if got[1]["response"].(map[string]any)["status"] != "200 OK" || got[2]["resource"] == nil {
		t.Errorf("batch: %s", a.body)
	}
	if a := s.do(0, "POST", "", tok, wrap("transaction", ours, theirs)); a.status != http.StatusBadRequest {
		t.Errorf("transaction with another server's URL: %d %s", a.status, a.body)
	}
	// A semicolon in a query is data.
	s.do(http.StatusOK, "GET", "/Patient/abs?_format=application/fhir+json;fhirVersion=4.0", tok, "")
	// An operation refuses a body that it would not read.
	s.do(http.StatusBadRequest, "POST", "/Patient/abs/$everything", tok, `{"resourceType":"Patient"}`)
	s.do(http.StatusBadRequest, "PUT", "/Patient/..", tok, `{"resourceType":"Patient","id":".."}`)
}
