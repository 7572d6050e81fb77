package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// A token with scopes of several levels is bound by the narrowest.
func TestMixedScopesStayWithThePatient(t *testing.T) {
	s := start(t)
	staff := s.staff()
	a, b := s.create(staff, "Patient", patientJSON), s.create(staff, "Patient", patientJSON)
	obs := s.create(staff, "Observation", observation(b))
	mixed := s.token("--scope", "patient/Observation.rs user/Practitioner.r", "--patient", a, "--user", "Practitioner/doc")
	s.do(http.StatusNotFound, "GET", "/Observation/"+obs, mixed, "")
	if n := count(t, s.do(http.StatusOK, "GET", "/Observation", mixed, "")); n != 0 {
		t.Errorf("%d observations of another patient", n)
	}
}

// A consent that spells this server's references as absolute URLs is enforced like any other.
func TestAbsoluteReferencesInConsents(t *testing.T) {
	s := start(t)
	staff, payer := s.staff(), s.payer()
	patient := s.create(staff, "Patient", patientJSON)
	obs := s.create(staff, "Observation", observation(patient))
	s.do(http.StatusCreated, "PUT", "/Consent/open", staff, permit("open", patient, "Organization/payer", "HPAYMT", "active"))
	eventually(t, "the permit takes effect", func() bool { return s.do(0, "GET", "/Observation/"+obs, payer, "").status == http.StatusOK })
	deny := `"provision":{"type":"deny","actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":{"reference":"` + s.base() + `/Organization/payer"}}]}`
	body := strings.Replace(consent("shut", patient, "OPTOUT", deny), `"Patient/`, `"`+s.base()+`/Patient/`, 1)
	s.do(http.StatusCreated, "PUT", "/Consent/shut", staff, body)
	s.do(http.StatusNotFound, "GET", "/Observation/"+obs, payer, "")
	nobody := strings.Replace(consent("nobody", patient, "OPTIN", `"provision":{"type":"deny"}`), `{"reference":"Patient/`+patient+`"}`, `{"display":"somebody"}`, 1)
	s.do(http.StatusUnprocessableEntity, "PUT", "/Consent/nobody", staff, nobody)
}

// What points at several records is not shown to who may see only one of them.
func TestProvenanceOfTwoPatients(t *testing.T) {
	s := start(t)
	staff, payer := s.staff(), s.payer()
	a, b := s.create(staff, "Patient", patientJSON), s.create(staff, "Patient", patientJSON)
	obs := s.create(staff, "Observation", observation(b))
	s.do(http.StatusCreated, "PUT", "/Consent/a", staff, permit("a", a, "Organization/payer", "HPAYMT", "active"))
	eventually(t, "the permit takes effect", func() bool { return s.do(0, "GET", "/Patient/"+a, payer, "").status == http.StatusOK })
	prov := s.create(staff, "Provenance", `{"resourceType":"Provenance","recorded":"2024-01-01T00:00:00Z","target":[{"reference":"Patient/`+a+`"},{"reference":"Observation/`+obs+`"}],"agent":[{"who":{"reference":"Organization/home"}}]}`)
	s.do(http.StatusNotFound, "GET", "/Provenance/"+prov, payer, "")
	s.do(http.StatusOK, "GET", "/Provenance/"+prov, staff, "")
}

// An idempotency key belongs to one caller and one request.
func TestIdempotencyKeyIsBound(t *testing.T) {
	s := start(t)
	one := s.token("--scope", "user/*.cruds", "--user", "Practitioner/1", "--client", "app")
	two := s.token("--scope", "user/*.cruds", "--user", "Practitioner/2", "--client", "app")
	key := []string{"Idempotency-Key", "1"}
	first := s.do(http.StatusCreated, "POST", "/Patient", one, patientJSON, key...)
	other := s.do(http.StatusCreated, "POST", "/Patient", two, patientJSON, key...)
	if first.header.Get("Location") == other.header.Get("Location") || other.header.Get("Idempotency-Replayed") != "" {
		t.Error("one user's outcome was given to another")
	}
	s.do(http.StatusUnprocessableEntity, "POST", "/Patient", one, strings.Replace(patientJSON, "Erika", "Other", 1), key...)
	s.do(http.StatusUnprocessableEntity, "POST", "", one, smallBundle, key...)
}

// A GET entry that fails does not make a committed transaction look failed.
func TestReadEntryFailsAlone(t *testing.T) {
	s := start(t)
	tok := s.staff()
	body := `{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Basic","id":"kept","code":{"text":"x"}},"request":{"method":"PUT","url":"Basic/kept"}},
		{"request":{"method":"GET","url":"Patient/absent"}},{"request":{"method":"GET","url":"Basic/kept"}}]}`
	list := entries(t, s.do(http.StatusOK, "POST", "", tok, body, "Chartseal-Ack", "durable"))
	if status(list[0]) != "201" || status(list[1]) != "404" || status(list[2]) != "200" {
		t.Errorf("%s %s %s", status(list[0]), status(list[1]), status(list[2]))
	}
	s.do(http.StatusBadRequest, "POST", "", tok, strings.Replace(body, "PUT\",\"url\":\"Basic/kept", "PUT\",\"url\":\"Basic/", 1))
}

// A conditional reference may lead to an entry that has one itself.
func TestChainOfConditionalReferences(t *testing.T) {
	s := start(t)
	tok := s.staff()
	s.create(tok, "Organization", `{"resourceType":"Organization","identifier":[{"system":"urn:o","value":"1"}],"name":"x"}`)
	s.do(http.StatusOK, "POST", "", tok, `{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"location":[{"location":{"reference":"Location?identifier=urn:l|1"}}]},"request":{"method":"POST","url":"Encounter"}},
		{"resource":{"resourceType":"Location","identifier":[{"system":"urn:l","value":"1"}],"managingOrganization":{"reference":"Organization?identifier=urn:o|1"}},"request":{"method":"POST","url":"Location"}}]}`)
	s.do(http.StatusBadRequest, "POST", "/Location", tok, `{"resourceType":"Location","managingOrganization":{"reference":"Organization?identifier=urn:o|1"}}`)
}

// A durable answer points at a status only if something is on its way.
func TestDurableWithNothingToDo(t *testing.T) {
	s := start(t)
	tok := s.staff()
	early := []string{"Chartseal-Ack", "durable", "Idempotency-Key", "d1"}
	a := s.do(http.StatusAccepted, "POST", "/Patient", tok, patientJSON, early...)
	where := strings.TrimPrefix(a.header.Get("Content-Location"), s.base())
	eventually(t, "the durable write is visible", func() bool { return s.do(0, "GET", where, tok, "").status == http.StatusOK })
	s.do(http.StatusCreated, "POST", "/Patient", tok, patientJSON, early...)
}

// Who is not of the staff records nothing outside the records that it may see: not the directory, not other patients.
func TestOutsidersRecordOnlyWhatTheySee(t *testing.T) {
	s := start(t)
	staff := s.staff()
	a, b := s.create(staff, "Patient", patientJSON), s.create(staff, "Patient", patientJSON)
	s.do(http.StatusCreated, "PUT", "/Organization/home", staff, `{"resourceType":"Organization","id":"home","name":"Home"}`)
	phone := s.token("--scope", "patient/*.cruds", "--patient", a, "--client", "phone")
	for _, tok := range []string{phone, s.payer()} {
		s.do(http.StatusForbidden, "PUT", "/Organization/home", tok, `{"resourceType":"Organization","id":"home","name":"Mine"}`)
		s.do(http.StatusForbidden, "DELETE", "/Organization/home", tok, "")
		s.do(http.StatusForbidden, "POST", "/Task", tok, `{"resourceType":"Task","status":"requested","intent":"order","for":{"reference":"Patient/`+b+`"}}`)
	}
	own := s.create(phone, "Observation", observation(a))
	moved := strings.Replace(observation(b), `"Observation",`, `"Observation","id":"`+own+`",`, 1)
	s.do(http.StatusForbidden, "PUT", "/Observation/"+own, phone, moved)
}
