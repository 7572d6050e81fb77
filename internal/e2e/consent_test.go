package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// permit is a Consent that lets an actor read for a purpose; status active or inactive.
func permit(id, patient, actor, purpose, status string) string {
	rule := fmt.Sprintf(`"provision":{"type":"permit","period":{"start":"2020-01-01"},
	  "actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":{"reference":%q}}],
	  "purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":%q}]}`, actor, purpose)
	return strings.Replace(consent(id, patient, "OPTIN", rule), `"active"`, `"`+status+`"`, 1)
}

// consent is an active Consent with a policy rule and a provision.
func consent(id, patient, policy, provision string) string {
	return fmt.Sprintf(`{"resourceType":"Consent","id":%q,"status":"active",
	 "scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
	 "category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],
	 "patient":{"reference":"Patient/%s"},"dateTime":"2024-01-01","organization":[{"reference":"Organization/home"}],
	 "policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":%q}]},%s}`, id, patient, policy, provision)
}

// Without a consent the custodian's staff treats and nobody else sees; a permit opens, a revocation closes at once.
func TestConsentOpensAndCloses(t *testing.T) {
	s := start(t)
	staff, payer := s.staff(), s.payer()
	patient := s.create(staff, "Patient", patientJSON)
	obs := s.create(staff, "Observation", observation(patient))
	s.do(http.StatusOK, "GET", "/Observation/"+obs, staff, "")
	s.do(http.StatusNotFound, "GET", "/Observation/"+obs, payer, "")
	own := s.token("--scope", "patient/*.rs", "--patient", patient, "--client", "phone")
	s.do(http.StatusOK, "GET", "/Observation/"+obs, own, "")
	strange := s.create(staff, "Patient", patientJSON)
	s.do(http.StatusNotFound, "GET", "/Patient/"+strange, own, "")

	seen := func() bool {
		return s.do(0, "GET", "/Observation/"+obs, payer, "").status == http.StatusOK &&
			count(t, s.do(http.StatusOK, "GET", "/Observation?patient="+patient, payer, "")) == 1
	}
	s.do(http.StatusCreated, "PUT", "/Consent/c1", staff, permit("c1", patient, "Organization/payer", "HPAYMT", "active"))
	eventually(t, "the permit takes effect", seen)
	s.do(http.StatusNotFound, "GET", "/Patient/"+strange, payer, "")
	wrongPurpose := s.token("--scope", "user/*.rs", "--user", "Organization/payer", "--client", "payer", "--purpose", "HRESCH")
	s.do(http.StatusNotFound, "GET", "/Observation/"+obs, wrongPurpose, "")

	s.do(http.StatusOK, "PUT", "/Consent/c1", staff, permit("c1", patient, "Organization/payer", "HPAYMT", "inactive"))
	if seen() {
		t.Fatal("the revocation did not count from the next request")
	}
	s.do(http.StatusOK, "PUT", "/Consent/c1", staff, permit("c1", patient, "Organization/payer", "HPAYMT", "active"))
	eventually(t, "the permit is back", seen)
	s.do(http.StatusNoContent, "DELETE", "/Consent/c1", staff, "")
	if seen() {
		t.Fatal("the deletion of the permit did not count from the next request")
	}
}

// Withdrawn and granted again at once, before the consortium has committed either: the old permission must not carry
// over, and once the data is back it stays.
func TestConsentDoesNotFlicker(t *testing.T) {
	s := start(t)
	staff, payer := s.staff(), s.payer()
	patient := s.create(staff, "Patient", patientJSON)
	get := func() int { return s.do(0, "GET", "/Patient/"+patient, payer, "").status }
	put := func(status string) {
		s.do(0, "PUT", "/Consent/f", staff, permit("f", patient, "Organization/payer", "HPAYMT", status))
	}
	for range 5 {
		put("active")
		eventually(t, "the permit takes effect", func() bool { return get() == http.StatusOK })
		put("inactive")
		put("active")
		back := false
		for range 200 {
			switch code := get(); {
			case code == http.StatusOK:
				back = true
			case back:
				t.Fatalf("the data was back, and is gone again (%d)", code)
			}
			time.Sleep(5 * time.Millisecond) // polling another process
		}
		if !back {
			t.Fatal("the permit is not back")
		}
	}
}

// The consortium's state survives a restart, and so does a restriction that it has not seen yet.
func TestConsentSurvivesRestart(t *testing.T) {
	s := start(t)
	staff, payer := s.staff(), s.payer()
	patient := s.create(staff, "Patient", patientJSON)
	obs := s.create(staff, "Observation", observation(patient))
	s.do(http.StatusCreated, "PUT", "/Consent/c2", staff, permit("c2", patient, "Organization/payer", "HPAYMT", "active"))
	eventually(t, "the permit takes effect", func() bool {
		return s.do(0, "GET", "/Observation/"+obs, payer, "").status == http.StatusOK
	})
	s.stop()
	s.run()
	s.do(http.StatusOK, "GET", "/Observation/"+obs, payer, "")
	s.do(http.StatusOK, "PUT", "/Consent/c2", staff, permit("c2", patient, "Organization/payer", "HPAYMT", "inactive"))
	s.kill()
	s.run()
	s.do(http.StatusNotFound, "GET", "/Observation/"+obs, payer, "")
}

// Nobody opens a record for himself.
func TestOnlyPatientAndStaffConsent(t *testing.T) {
	s := start(t)
	staff, payer := s.staff(), s.payer()
	patient := s.create(staff, "Patient", patientJSON)
	body := permit("c3", patient, "Organization/payer", "HPAYMT", "active")
	s.do(http.StatusForbidden, "POST", "/Consent", payer, body)
	s.do(http.StatusNotFound, "PUT", "/Consent/c3", payer, body)
	bundle := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + body + `,"request":{"method":"POST","url":"Consent"}}]}`
	s.do(http.StatusForbidden, "POST", "", payer, bundle)
	own := s.token("--scope", "patient/*.cruds", "--patient", patient, "--client", "phone")
	s.do(http.StatusCreated, "POST", "/Consent", own, body)
	other := s.create(staff, "Patient", patientJSON)
	s.do(http.StatusForbidden, "POST", "/Consent", own, strings.Replace(body, "Patient/"+patient, "Patient/"+other, 1))
}
