package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const patientJSON = `{"resourceType":"Patient","active":true,"name":[{"family":"Testperson","given":["Erika"]}],"birthDate":"1970-03-30","multipleBirthInteger":2,"extension":[{"url":"http://example.org/weight","valueDecimal":70.50}]}`

func observation(patient string) string {
	return fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"2024-02-29T08:00:00+01:00","valueQuantity":{"value":72.0,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}}`, patient)
}

// The life of a resource: create, read, version, update, conflict, delete, history.
func TestLifeOfAResource(t *testing.T) {
	s := start(t)
	tok := s.staff()
	a := s.do(http.StatusCreated, "POST", "/Patient", tok, patientJSON)
	id := a.json(t)["id"].(string)
	if got, want := a.header.Get("Location"), s.base()+"/Patient/"+id+"/_history/1"; got != want {
		t.Errorf("Location %q, want %q", got, want)
	}
	if got := a.header.Get("ETag"); got != `W/"1"` {
		t.Errorf("ETag %q", got)
	}
	if !strings.Contains(string(a.body), `"valueDecimal":70.50`) {
		t.Errorf("the decimal lost a digit: %s", a.body)
	}
	read := s.do(http.StatusOK, "GET", "/Patient/"+id, tok, "")
	if string(read.body) != string(a.body) {
		t.Errorf("read differs from created:\n%s\n%s", read.body, a.body)
	}
	s.do(http.StatusNotModified, "GET", "/Patient/"+id, tok, "", "If-None-Match", `W/"1"`)
	head := s.do(http.StatusOK, "HEAD", "/Patient/"+id, tok, "")
	if len(head.body) != 0 || head.header.Get("Content-Length") != fmt.Sprint(len(read.body)) {
		t.Errorf("HEAD: %d bytes, Content-Length %s", len(head.body), head.header.Get("Content-Length"))
	}
	with := strings.Replace(patientJSON, `"Patient",`, `"Patient","id":"`+id+`",`, 1)
	s.do(http.StatusPreconditionFailed, "PUT", "/Patient/"+id, tok, with, "If-Match", `W/"7"`)
	s.do(http.StatusOK, "PUT", "/Patient/"+id, tok, strings.Replace(with, "Erika", "Rike", 1), "If-Match", `W/"1"`)
	s.do(http.StatusBadRequest, "PUT", "/Patient/"+id, tok, patientJSON)
	if got := s.do(http.StatusOK, "GET", "/Patient/"+id+"/_history/1", tok, ""); !strings.Contains(string(got.body), "Erika") {
		t.Errorf("version 1 is not the first: %s", got.body)
	}
	s.do(http.StatusNotFound, "GET", "/Patient/"+id+"/_history/3", tok, "")
	s.do(http.StatusNoContent, "DELETE", "/Patient/"+id, tok, "")
	s.do(http.StatusNoContent, "DELETE", "/Patient/"+id, tok, "")
	s.do(http.StatusGone, "GET", "/Patient/"+id, tok, "")
	h := s.do(http.StatusOK, "GET", "/Patient/"+id+"/_history", tok, "").json(t)
	if entries := h["entry"].([]any); len(entries) != 3 {
		t.Errorf("history has %d entries, want 3: update, create, delete", len(entries))
	}
	s.do(http.StatusCreated, "PUT", "/Patient/"+id, tok, with)
	if got := s.do(http.StatusOK, "GET", "/Patient/"+id, tok, "").header.Get("ETag"); got != `W/"4"` {
		t.Errorf("brought back as %s, want version 4", got)
	}
}

func TestUpdateCreates(t *testing.T) {
	s := start(t)
	tok := s.staff()
	body := strings.Replace(patientJSON, `"Patient",`, `"Patient","id":"mine-1",`, 1)
	s.do(http.StatusCreated, "PUT", "/Patient/mine-1", tok, body)
	s.do(http.StatusOK, "PUT", "/Patient/mine-1", tok, body)
	s.do(http.StatusPreconditionFailed, "PUT", "/Patient/other-1", tok, strings.Replace(body, "mine-1", "other-1", 1), "If-Match", `W/"1"`)
}

// What clients get wrong, and what they are told.
func TestRefusals(t *testing.T) {
	s := start(t)
	tok := s.staff()
	reader := s.token("--scope", "user/Patient.r", "--user", "Practitioner/1")
	for _, tc := range []struct {
		name, method, path, token, body string
		status                          int
		code                            string
	}{
		{"no token", "GET", "/Patient/1", "", "", 401, "login"},
		{"bad token", "GET", "/Patient/1", "x.y.z", "", 401, "login"},
		{"scope", "POST", "/Patient", reader, patientJSON, 403, "forbidden"},
		{"search scope", "GET", "/Patient?name=x", reader, "", 403, "forbidden"},
		{"unknown type", "GET", "/Pateint/1", tok, "", 404, "not-supported"},
		{"unknown id", "GET", "/Patient/none", tok, "", 404, "not-found"},
		{"impossible id", "GET", "/Patient/a_b", tok, "", 404, "not-found"},
		{"method", "POST", "/Patient/1", tok, patientJSON, 405, "not-supported"},
		{"not JSON", "POST", "/Patient", tok, "{", 400, ""},
		{"duplicate key", "POST", "/Patient", tok, `{"resourceType":"Patient","active":true,"active":false}`, 400, ""},
		{"unknown element", "POST", "/Patient", tok, `{"resourceType":"Patient","colour":"red"}`, 400, ""},
		{"wrong type", "POST", "/Patient", tok, `{"resourceType":"Observation","status":"final","code":{"text":"x"}}`, 400, ""},
		{"deep", "POST", "/Patient", tok, `{"resourceType":"Patient","extension":` + strings.Repeat(`[{"url":"u","extension":`, 60) + `[]` + strings.Repeat("}]", 60) + "}", 400, ""},
		{"modifier", "GET", "/Patient?name:near=x", tok, "", 400, "invalid"},
		{"bundle type", "POST", "", tok, `{"resourceType":"Bundle","type":"collection"}`, 400, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.do(tc.status, tc.method, tc.path, tc.token, tc.body)
			o := a.json(t)
			if o["resourceType"] != "OperationOutcome" {
				t.Fatalf("not an OperationOutcome: %s", a.body)
			}
			issue := o["issue"].([]any)[0].(map[string]any)
			if tc.code != "" && issue["code"] != tc.code {
				t.Errorf("code %v, want %s", issue["code"], tc.code)
			}
			if d, _ := issue["diagnostics"].(string); d == "" {
				t.Error("no diagnostics")
			}
		})
	}
	a := s.do(415, "POST", "/Patient", tok, patientJSON, "Content-Type", "application/xml")
	if a.json(t)["resourceType"] != "OperationOutcome" {
		t.Error("415 without an OperationOutcome")
	}
	if allow := s.do(405, "POST", "/Patient/1", tok, "").header.Get("Allow"); !strings.Contains(allow, "PUT") {
		t.Errorf("Allow: %q", allow)
	}
}

func entries(t *testing.T, a *answer) []map[string]any {
	t.Helper()
	var out []map[string]any
	list, _ := a.json(t)["entry"].([]any)
	for _, e := range list {
		out = append(out, e.(map[string]any))
	}
	return out
}

// count is the number of matches on a page.
func count(t *testing.T, a *answer) (n int) {
	t.Helper()
	for _, e := range entries(t, a) {
		if search, ok := e["search"].(map[string]any); ok && search["mode"] == "match" {
			n++
		}
	}
	return n
}

func TestSearch(t *testing.T) {
	s := start(t)
	tok := s.staff()
	p1 := s.create(tok, "Patient", `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"A1"}],"name":[{"family":"Müller","given":["Anna"]}],"birthDate":"1980-05","gender":"female"}`)
	p2 := s.create(tok, "Patient", `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"A2"}],"name":[{"family":"Muller-Smith"}],"birthDate":"1990-01-15","gender":"male"}`)
	for range 5 {
		s.create(tok, "Observation", observation(p1))
	}
	s.create(tok, "Observation", observation(p2))
	for _, tc := range []struct {
		query string
		want  int
	}{
		{"/Patient", 2},
		{"/Patient?family=muller", 2},
		{"/Patient?family=MÜLLER", 2},
		{"/Patient?family:exact=Müller", 1},
		{"/Patient?family=muller-smith", 1},
		{"/Patient?family=muller-smithe", 0},
		{"/Patient?name=anna", 1},
		{"/Patient?name=a", 1},
		{"/Patient?family:contains=smith", 1},
		{"/Patient?identifier=urn:mrn|A1", 1},
		{"/Patient?identifier=A1,A2", 2},
		{"/Patient?identifier=urn:mrn|", 2},
		{"/Patient?identifier=|A1", 0},
		{"/Patient?gender=male", 1},
		{"/Patient?gender=male&family=muller", 1},
		{"/Patient?birthdate=1980", 1},
		{"/Patient?birthdate=ge1980-06", 1},
		{"/Patient?birthdate=lt1990", 1},
		{"/Patient?birthdate=1980-05-01", 0},
		{"/Patient?birthdate=ge1980&birthdate=le1980", 1},
		{"/Patient?_id=" + p1, 1},
		{"/Patient?_id=" + p1 + "," + p2, 2},
		{"/Patient?_lastUpdated=gt2020", 2},
		{"/Patient?_lastUpdated=lt2020", 0},
		{"/Observation?patient=" + p1, 5},
		{"/Observation?subject=Patient/" + p1, 5},
		{"/Observation?subject:Patient=" + p1, 5},
		{"/Observation?subject=" + s.base() + "/Patient/" + p2, 1},
		{"/Observation?patient=" + p1 + "&code=http://loinc.org|8867-4", 5},
		{"/Observation?patient=" + p1 + "&code=8867-5", 0},
		{"/Observation?code=8867-4&date=2024-02-29", 6},
		{"/Observation?date=eq2024-02-29T07:00:00Z", 6},
		{"/Observation?date=gt2024-02-29", 0},
		{"/Observation?_count=0", 0},
	} {
		if got := count(t, s.do(http.StatusOK, "GET", tc.query, tok, "")); got != tc.want {
			t.Errorf("%s: %d matches, want %d", tc.query, got, tc.want)
		}
	}
	if got := s.do(http.StatusOK, "GET", "/Observation?_count=0", tok, "").json(t)["total"]; fmt.Sprint(got) != "6" {
		t.Errorf("total %v, want 6", got)
	}
	post := s.do(http.StatusOK, "POST", "/Observation/_search", tok, "patient="+p1, "Content-Type", "application/x-www-form-urlencoded")
	if got := count(t, post); got != 5 {
		t.Errorf("POST _search: %d matches, want 5", got)
	}
}

// link finds a link of a Bundle, relative to the base.
func link(t *testing.T, s *server, a *answer, relation string) string {
	t.Helper()
	links, _ := a.json(t)["link"].([]any)
	for _, l := range links {
		m := l.(map[string]any)
		if m["relation"] == relation {
			return strings.TrimPrefix(m["url"].(string), s.base())
		}
	}
	return ""
}

// Pages are as of the first one, but never show what was deleted since.
func TestPagingIsStable(t *testing.T) {
	s := start(t)
	tok := s.staff()
	var ids []string
	for i := range 9 {
		ids = append(ids, s.create(tok, "Patient", fmt.Sprintf(`{"resourceType":"Patient","name":[{"family":"Page%d"}]}`, i)))
	}
	a := s.do(http.StatusOK, "GET", "/Patient?family=page&_count=4", tok, "")
	seen := map[string]int{}
	note := func(a *answer) {
		for _, e := range entries(t, a) {
			seen[e["resource"].(map[string]any)["id"].(string)]++
		}
	}
	note(a)
	s.do(http.StatusNoContent, "DELETE", "/Patient/"+ids[7], tok, "")
	s.do(http.StatusOK, "PUT", "/Patient/"+ids[0], tok, `{"resourceType":"Patient","id":"`+ids[0]+`","name":[{"family":"Page again"}]}`)
	s.do(http.StatusOK, "PUT", "/Patient/"+ids[6], tok, `{"resourceType":"Patient","id":"`+ids[6]+`","name":[{"family":"Other"}]}`)
	s.create(tok, "Patient", `{"resourceType":"Patient","name":[{"family":"Page new"}]}`)
	other := s.token("--scope", "user/*.rs", "--user", "Practitioner/other", "--client", "other")
	for next := link(t, s, a, "next"); next != ""; next = link(t, s, a, "next") {
		if strings.Contains(next, "family") || strings.Contains(next, "page") {
			t.Errorf("the page link shows the query: %s", next)
		}
		s.do(http.StatusBadRequest, "GET", next, other, "")
		a = s.do(http.StatusOK, "GET", next, tok, "")
		note(a)
	}
	for i, id := range ids {
		want := 1
		if i == 7 {
			want = 0
		}
		if seen[id] != want {
			t.Errorf("patient %d was seen %d times, want %d", i, seen[id], want)
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d patients in all, want 8: none of later", len(seen))
	}
}
