package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func identified(id, value, family string) string {
	with := ""
	if id != "" {
		with = `"id":"` + id + `",`
	}
	return fmt.Sprintf(`{"resourceType":"Patient",%s"identifier":[{"system":"urn:mrn","value":%q}],"name":[{"family":%q}]}`, with, value, family)
}

// Conditional reads (R4 http.html#cread), alone and in a batch.
func TestConditionalRead(t *testing.T) {
	s := start(t)
	tok := s.staff()
	id := s.create(tok, "Patient", patientJSON)
	a := s.do(200, "GET", "/Patient/"+id, tok, "")
	modified := a.header.Get("Last-Modified")
	at, err := http.ParseTime(modified)
	if err != nil {
		t.Fatal(err)
	}
	before := at.Add(-time.Second).UTC().Format(http.TimeFormat)
	if got := a.header.Get("Content-Location"); got != s.base()+"/Patient/"+id+"/_history/1" {
		t.Errorf("Content-Location %q", got)
	}
	for _, tc := range []struct {
		status  int
		headers []string
	}{
		{304, []string{"If-None-Match", `W/"1"`}},
		{304, []string{"If-None-Match", `"1"`}},
		{304, []string{"If-None-Match", `W/"7", W/"1"`}},
		{304, []string{"If-None-Match", `*`}},
		{200, []string{"If-None-Match", `W/"2"`}},
		{304, []string{"If-Modified-Since", modified}},
		{200, []string{"If-Modified-Since", before}},
		{200, []string{"If-Modified-Since", "last week"}},
		{200, []string{"If-None-Match", `W/"2"`, "If-Modified-Since", modified}},
		{304, []string{"If-None-Match", `W/"1"`, "If-Modified-Since", before}},
	} {
		for _, path := range []string{"/Patient/" + id, "/Patient/" + id + "/_history/1"} {
			for _, method := range []string{"GET", "HEAD"} {
				if a := s.do(tc.status, method, path, tok, "", tc.headers...); a.header.Get("ETag") != `W/"1"` || (tc.status == 304 && len(a.body) > 0) {
					t.Errorf("%s %s %v: %v", method, path, tc.headers, a.header)
				}
			}
		}
	}
	batch := fmt.Sprintf(`{"resourceType":"Bundle","type":"batch","entry":[
		{"request":{"method":"GET","url":"Patient/%[1]s","ifNoneMatch":"W/\"1\""}},
		{"request":{"method":"GET","url":"Patient/%[1]s","ifNoneMatch":"W/\"2\""}},
		{"request":{"method":"GET","url":"Patient/%[1]s","ifModifiedSince":"%[2]s"}}]}`, id, at.Add(time.Second).Format(time.RFC3339))
	var got []string
	for _, e := range entries(t, s.do(200, "POST", "", tok, batch)) {
		got = append(got, status(e))
	}
	if strings.Join(got, " ") != "304 200 304" {
		t.Errorf("batch: %v", got)
	}
}

// The four cases of a conditional update (R4 section 3.1.0.5.3).
func TestConditionalUpdate(t *testing.T) {
	s := start(t)
	tok := s.staff()
	const where = "/Patient?identifier=urn:mrn|U1"
	created := s.do(201, "PUT", where, tok, identified("", "U1", "One"))
	id := created.json(t)["id"].(string)
	if a := s.do(200, "PUT", where, tok, identified("", "U1", "Two")); a.json(t)["id"] != id || a.header.Get("ETag") != `W/"2"` {
		t.Errorf("%v %s", a.header, a.body)
	}
	s.do(200, "PUT", where, tok, identified(id, "U1", "Three"))
	s.do(400, "PUT", where, tok, identified("other", "U1", "Four"))
	s.do(412, "PUT", where, tok, identified("", "U1", "Five"), "If-Match", `W/"1"`)
	s.create(tok, "Patient", identified("", "U1", "Twin"))
	s.do(412, "PUT", where, tok, identified("", "U1", "Six"))
	if a := s.do(201, "PUT", "/Patient?identifier=urn:mrn|U2", tok, identified("chosen", "U2", "New")); a.json(t)["id"] != "chosen" {
		t.Errorf("%s", a.body)
	}
	s.do(400, "PUT", "/Patient", tok, identified("", "U3", "No criterion"))
	s.do(400, "PUT", "/Patient?nonsense=1", tok, identified("", "U3", "Unknown criterion"))
}

func TestConditionalDelete(t *testing.T) {
	for _, several := range []bool{false, true} {
		t.Run(fmt.Sprint(several), func(t *testing.T) {
			flag := "single"
			if several {
				flag = "multiple"
			}
			s := start(t, "--conditional-delete", flag)
			tok := s.staff()
			const where = "/Patient?identifier=urn:mrn|D1"
			s.do(204, "DELETE", where, tok, "")
			one := s.create(tok, "Patient", identified("", "D1", "One"))
			s.do(204, "DELETE", where, tok, "")
			s.do(410, "GET", "/Patient/"+one, tok, "")
			two, three := s.create(tok, "Patient", identified("", "D1", "Two")), s.create(tok, "Patient", identified("", "D1", "Three"))
			deleted, left := 412, 200
			if several {
				deleted, left = 204, 410
			}
			s.do(deleted, "DELETE", where, tok, "")
			s.do(left, "GET", "/Patient/"+two, tok, "")
			s.do(left, "GET", "/Patient/"+three, tok, "")
			s.do(400, "DELETE", "/Patient", tok, "")
			if got := fmt.Sprint(s.do(200, "GET", "/metadata", "", "").json(t)); !strings.Contains(got, "conditionalDelete:"+flag) {
				t.Error("the capability statement says otherwise")
			}
		})
	}
}

func TestPatch(t *testing.T) {
	s := start(t)
	tok := s.staff()
	id := s.create(tok, "Patient", identified("", "P1", "Before"))
	const jsonPatch = `[{"op":"replace","path":"/name/0/family","value":"After"}]`
	const fhirPatch = `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.name[0].family"},{"name":"value","valueString":"Path"}]}]}`
	path := "/Patient/" + id
	for i, tc := range []struct{ contentType, body, family string }{
		{"application/json-patch+json", jsonPatch, "After"},
		{"application/fhir+json", fhirPatch, "Path"},
		{"application/json", jsonPatch, "After"},
		{"application/json-patch+json; charset=utf-8", strings.Replace(jsonPatch, "After", "Last", 1), "Last"},
	} {
		a := s.do(200, "PATCH", path, tok, tc.body, "Content-Type", tc.contentType, "If-Match", fmt.Sprintf(`W/"%d"`, i+1))
		if !strings.Contains(string(a.body), `"family":"`+tc.family+`"`) || a.header.Get("ETag") != fmt.Sprintf(`W/"%d"`, i+2) {
			t.Errorf("%s: %v %s", tc.contentType, a.header, a.body)
		}
	}
	s.do(412, "PATCH", path, tok, jsonPatch, "Content-Type", "application/json-patch+json", "If-Match", `W/"1"`)
	s.do(412, "PATCH", path, tok, `[{"op":"test","path":"/name/0/family","value":"Nobody"}]`, "Content-Type", "application/json-patch+json")
	s.do(422, "PATCH", path, tok, `[{"op":"remove","path":"/nothing"}]`, "Content-Type", "application/json-patch+json")
	s.do(400, "PATCH", path, tok, `{"op":"remove"}`, "Content-Type", "application/json-patch+json")
	for _, contentType := range []string{"application/merge-patch+json", "text/plain", "application/fhir+xml"} {
		if a := s.do(415, "PATCH", path, tok, jsonPatch, "Content-Type", contentType); !strings.Contains(a.header.Get("Accept-Patch"), "application/json-patch+json") {
			t.Errorf("%s: Accept-Patch %q", contentType, a.header.Get("Accept-Patch"))
		}
	}
	s.do(404, "PATCH", "/Patient/none", tok, jsonPatch, "Content-Type", "application/json-patch+json")
	s.do(200, "PATCH", "/Patient?identifier=urn:mrn|P1", tok, jsonPatch, "Content-Type", "application/json-patch+json")
	s.do(404, "PATCH", "/Patient?identifier=urn:mrn|NONE", tok, jsonPatch, "Content-Type", "application/json-patch+json")
	s.create(tok, "Patient", identified("", "P1", "Twin"))
	s.do(412, "PATCH", "/Patient?identifier=urn:mrn|P1", tok, jsonPatch, "Content-Type", "application/json-patch+json")
}

// A server that wants to know which version an update replaces still lets a client create (R4 http.html#concurrency).
func TestRequireIfMatch(t *testing.T) {
	s := start(t, "--require-if-match")
	tok := s.staff()
	const jsonPatch = `[{"op":"replace","path":"/name/0/family","value":"After"}]`
	s.do(201, "PUT", "/Patient/v", tok, identified("v", "V", "One"))
	if a := s.do(400, "PUT", "/Patient/v", tok, identified("v", "V", "Two")); !strings.Contains(string(a.body), "If-Match") {
		t.Errorf("%s", a.body)
	}
	s.do(400, "PATCH", "/Patient/v", tok, jsonPatch, "Content-Type", "application/json-patch+json")
	s.do(412, "PUT", "/Patient/v", tok, identified("v", "V", "Two"), "If-Match", `W/"9"`)
	s.do(412, "PUT", "/Patient/v", tok, identified("v", "V", "Two"), "If-None-Match", `*`)
	s.do(200, "PUT", "/Patient/v", tok, identified("v", "V", "Two"), "If-Match", `W/"1"`)
	s.do(200, "PATCH", "/Patient/v", tok, jsonPatch, "Content-Type", "application/json-patch+json", "If-Match", `W/"2"`)
	s.do(204, "DELETE", "/Patient/v", tok, "")
	s.do(201, "PUT", "/Patient/v", tok, identified("v", "V", "Back"))
	if got := string(s.do(200, "GET", "/metadata", "", "").body); !strings.Contains(got, `"versioning":"versioned-update"`) {
		t.Error("the capability statement says otherwise")
	}
}
