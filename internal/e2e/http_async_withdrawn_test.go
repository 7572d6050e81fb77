package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// An answer that waits to be fetched is decided about again: who lost the patient's permission meanwhile gets what an
// expired one gets.
func TestAsyncAfterWithdrawal(t *testing.T) {
	s := start(t)
	staff, payer := s.staff(), s.payer()
	patient := s.create(staff, "Patient", patientJSON)
	obs := s.create(staff, "Observation", observation(patient))
	s.do(http.StatusCreated, "PUT", "/Consent/w", staff, permit("w", patient, "Organization/payer", "HPAYMT", "active"))
	eventually(t, "the permit takes effect", func() bool {
		return s.do(0, "GET", "/Observation/"+obs, payer, "").status == http.StatusOK
	})
	var kept []string
	for _, path := range []string{"/Observation/" + obs, "/Observation?patient=" + patient, "/Observation/" + obs + "/_history", "/Patient/" + patient + "/$everything"} {
		accepted := s.do(http.StatusAccepted, "GET", path, payer, "", "Prefer", "respond-async")
		if got := fetched(t, s, payer, accepted); !strings.Contains(string(got.body), "8867-4") {
			t.Fatalf("%s: %d %s", path, got.status, got.body)
		}
		kept = append(kept, strings.TrimPrefix(accepted.header.Get("Content-Location"), s.base()))
	}
	s.do(http.StatusOK, "PUT", "/Consent/w", staff, permit("w", patient, "Organization/payer", "HPAYMT", "inactive"))
	for _, path := range kept {
		if got := s.do(http.StatusNotFound, "GET", path, payer, ""); strings.Contains(string(got.body), "8867-4") {
			t.Errorf("%s: %s", path, got.body)
		}
	}
}
