package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// With --references enforce, literal references lead somewhere, and what is referred to stays.
func TestEnforcedReferences(t *testing.T) {
	s := start(t, "--references", "enforce")
	tok := s.staff()
	s.do(http.StatusUnprocessableEntity, "POST", "/Observation", tok, observation("none"))
	patient := s.create(tok, "Patient", patientJSON)
	obs := s.create(tok, "Observation", observation(patient))
	s.do(http.StatusConflict, "DELETE", "/Patient/"+patient, tok, "")
	s.do(http.StatusNoContent, "DELETE", "/Observation/"+obs, tok, "")
	s.do(http.StatusNoContent, "DELETE", "/Patient/"+patient, tok, "")
	if got := string(s.do(http.StatusOK, "GET", "/metadata", "", "").body); !strings.Contains(got, `"enforced"`) {
		t.Error("the capability statement does not say so")
	}
}
