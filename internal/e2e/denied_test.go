package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/gateway"
)

// Every route with an id answers alike, byte for byte, for a resource that the caller may not see and for one that
// never existed: status, headers but Date and request id, body after substituting the id.
func TestDeniedIsAbsent(t *testing.T) {
	s := start(t)
	staff, payer := s.staff(), s.payer()
	patient := s.create(staff, "Patient", patientJSON)
	denied := s.create(staff, "Observation", observation(patient))
	s.do(http.StatusOK, "PUT", "/Observation/"+denied, staff, strings.Replace(observation(patient), `"Observation",`, `"Observation","id":"`+denied+`",`, 1))
	deleted := s.create(staff, "Observation", observation(patient))
	s.do(http.StatusNoContent, "DELETE", "/Observation/"+deleted, staff, "")
	absent := "00000000-0000-4000-8000-000000000000"

	// Permitted by a consent but for what is labelled or coded: the answer hangs on the resource, deleted or not.
	open := s.create(staff, "Patient", patientJSON)
	deny := `"provision":{"type":"permit","provision":[
		{"type":"deny","securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]},
		{"type":"deny","code":[{"coding":[{"system":"http://loinc.org","code":"75622-1"}]}]}]}`
	s.do(http.StatusCreated, "PUT", "/Consent/labels", staff, consent("labels", open, "OPTIN", deny))
	label := `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]},"status"`
	labelled := s.create(staff, "Observation", strings.Replace(observation(open), `"status"`, label, 1))
	coded := s.create(staff, "Observation", strings.Replace(observation(open), "8867-4", "75622-1", 1))
	gone := s.create(staff, "Observation", strings.Replace(observation(open), `"status"`, label, 1))
	s.do(http.StatusNoContent, "DELETE", "/Observation/"+gone, staff, "")
	plain := s.create(staff, "Observation", observation(open))
	eventually(t, "the consent takes effect", func() bool { return s.do(0, "GET", "/Observation/"+plain, payer, "").status == http.StatusOK })

	// A clinician whose token is bound to another patient.
	bound := s.token("--scope", "patient/*.cruds user/Practitioner.r", "--patient", open, "--user", "Practitioner/doc", "--client", "ehr-app")

	for _, route := range gateway.Routes() {
		method, path, _ := strings.Cut(route, " ")
		if !strings.Contains(path, ":id") {
			continue
		}
		methods := []string{method}
		if method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		for _, m := range methods {
			for name, id := range map[string]string{
				"denied": denied, "deleted": deleted, "labelled": labelled, "coded": coded, "labelled and deleted": gone, "bound": denied, "bound and deleted": deleted,
			} {
				tok := payer
				if strings.HasPrefix(name, "bound") {
					tok = bound
				}
				t.Run(m+" "+path+" "+name, func(t *testing.T) {
					if d := cmp.Diff(ask(s, m, path, absent, tok), ask(s, m, path, id, tok)); d != "" {
						t.Errorf("absent and %s differ:\n%s", name, d)
					}
				})
			}
		}
	}
}

// ask makes the request of a route and normalises what may differ.
func ask(s *server, method, path, id, token string) map[string]any {
	p := strings.NewReplacer(":type", "Observation", ":id", id, ":vid", "1").Replace(path)
	body := ""
	if method == http.MethodPut {
		body = `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"text":"x"}}`
	}
	a := s.do(0, method, p, token, body)
	h := a.header.Clone()
	h.Del("Date")
	h.Del("X-Request-Id")
	h.Del("Chartseal-Request-Id")
	var names []string
	for n, v := range h {
		names = append(names, n+": "+strings.Join(v, ","))
	}
	slices.Sort(names)
	return map[string]any{"status": a.status, "headers": names, "body": strings.ReplaceAll(string(a.body), id, "ID")}
}

// Nothing about a denied resource shows in searches and conditions: no match, no count, no criterion met.
func TestDeniedIsNotFound(t *testing.T) {
	s := start(t)
	staff, payer := s.staff(), s.payer()
	patient := s.create(staff, "Patient", strings.Replace(patientJSON, `"active"`, `"identifier":[{"system":"urn:mrn","value":"D1"}],"active"`, 1))
	obs := s.create(staff, "Observation", observation(patient))
	for _, q := range []string{"/Observation?patient=" + patient, "/Observation?_id=" + obs, "/Patient?identifier=urn:mrn|D1", "/Patient?_count=0"} {
		a := s.do(http.StatusOK, "GET", q, payer, "").json(t)
		if a["entry"] != nil || a["total"] == nil || a["total"].(interface{ String() string }).String() != "0" {
			t.Errorf("%s: %v", q, a)
		}
	}
	// A conditional create by one who may not record there is refused, whether or not its condition is met.
	for _, mrn := range []string{"D1", "NONE"} {
		s.do(http.StatusForbidden, "POST", "/Patient", payer, patientJSON, "If-None-Exist", "identifier=urn:mrn|"+mrn)
	}
	// Batch entries answer as single requests do.
	batch := func(id string) string {
		return `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Observation/` + id + `"}},{"request":{"method":"DELETE","url":"Observation/` + id + `"}}]}`
	}
	one := s.do(http.StatusOK, "POST", "", payer, batch(obs))
	two := s.do(http.StatusOK, "POST", "", payer, batch("never-existed"))
	if d := cmp.Diff(strings.ReplaceAll(string(two.body), "never-existed", "ID"), strings.ReplaceAll(string(one.body), obs, "ID")); d != "" {
		t.Error(d)
	}
	s.do(http.StatusOK, "GET", "/Observation/"+obs, staff, "")
}
