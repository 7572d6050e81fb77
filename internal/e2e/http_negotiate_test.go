package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const fhirJSON = "application/fhir+json; charset=utf-8"

// What a client accepts and sends, by header, by _format and in the form of a search (R4 http.html#mime-type).
func TestContentNegotiation(t *testing.T) {
	s := start(t)
	tok := s.staff()
	id := s.create(tok, "Patient", patientJSON)
	for _, tc := range []struct {
		path, accept string
		status       int
		contentType  string
	}{
		{"/Patient/" + id, "", 200, fhirJSON},
		{"/Patient/" + id, "application/fhir+json", 200, fhirJSON},
		{"/Patient/" + id, "application/json", 200, "application/json; charset=utf-8"},
		{"/Patient/" + id, "application/fhir+json; fhirVersion=4.0", 200, "application/fhir+json; fhirVersion=4.0; charset=utf-8"},
		{"/Patient/" + id, "text/html,application/xhtml+xml,*/*;q=0.8", 200, fhirJSON},
		{"/Patient/" + id, "application/fhir+xml", 406, fhirJSON},
		{"/Patient/" + id, "application/fhir+json; fhirVersion=3.0", 406, fhirJSON},
		{"/Patient/" + id + "?_format=json", "application/fhir+xml", 200, fhirJSON},
		{"/Patient/" + id + "?_format=application/fhir+json", "", 200, fhirJSON},
		{"/Patient/" + id + "?_format=application/fhir%2Bjson", "text/html", 200, fhirJSON},
		{"/Patient/" + id + "?_format=xml", "application/fhir+json", 406, fhirJSON},
		{"/Patient?_format=ttl", "", 406, fhirJSON},
		{"/Patient/none?_format=xml", "", 406, fhirJSON},
		{"/metadata?_format=application/json", "", 200, "application/json; charset=utf-8"},
		{"/metadata", "application/fhir+xml", 406, fhirJSON},
	} {
		var headers []string
		if tc.accept != "" {
			headers = []string{"Accept", tc.accept}
		}
		a := s.do(tc.status, "GET", tc.path, tok, "", headers...)
		if got := a.header.Get("Content-Type"); got != tc.contentType {
			t.Errorf("%s %s: %s", tc.path, tc.accept, got)
		}
		if tc.status == 406 && a.json(t)["resourceType"] != "OperationOutcome" {
			t.Errorf("%s: 406 without an OperationOutcome", tc.path)
		}
	}
	form := []string{"Content-Type", formType}
	s.do(406, "POST", "/Patient/_search", tok, "_format=xml", form...)
	s.do(200, "POST", "/Patient/_search", tok, "_format=json", append(form, "Accept", "application/fhir+xml")...)
	s.do(406, "POST", "/Patient/_search", tok, "family=x", append(form, "Accept", "application/fhir+xml")...)
	for contentType, status := range map[string]int{
		"application/json": 201, "text/json": 201, "application/fhir+json; charset=UTF-8": 201, "application/fhir+json; fhirVersion=4.0": 201,
		"application/fhir+json; fhirVersion=3.0": 415, "application/json; charset=utf-16": 415, "application/fhir+xml": 415, "application/x-www-form-urlencoded": 415,
	} {
		s.do(status, "POST", "/Patient", tok, patientJSON, "Content-Type", contentType)
	}
	s.do(201, "POST", "/Patient", tok, "\xef\xbb\xbf"+patientJSON)
}

// Every digit stays when an answer is indented.
func TestPrettyAnswers(t *testing.T) {
	s := start(t)
	tok := s.staff()
	id := s.create(tok, "Patient", patientJSON)
	plain, pretty := s.do(200, "GET", "/Patient/"+id, tok, ""), s.do(200, "GET", "/Patient/"+id+"?_pretty=true", tok, "")
	if !bytes.Contains(pretty.body, []byte("\n  \"")) || !bytes.Contains(pretty.body, []byte(`"valueDecimal": 70.50`)) {
		t.Errorf("not indented: %s", pretty.body)
	}
	if got := pretty.header.Get("Content-Length"); got != fmt.Sprint(len(pretty.body)) {
		t.Errorf("Content-Length %s, %d bytes", got, len(pretty.body))
	}
	if pretty.header.Get("ETag") != plain.header.Get("ETag") {
		t.Error("the ETag depends on white space")
	}
	if b := s.do(200, "GET", "/Patient?_id="+id+"&_pretty=true", tok, ""); !bytes.Contains(b.body, []byte("\n  \"")) || count(t, b) != 1 {
		t.Errorf("search: %s", b.body)
	}
}

// Parts of resources by _summary and _elements, on every answer that shows resources (R4 search.html#summary).
func TestParts(t *testing.T) {
	s := start(t)
	tok := s.staff()
	p := s.create(tok, "Patient", patientJSON)
	for _, path := range []string{"/Patient/" + p, "/Patient/" + p + "/_history/1", "/Patient?_id=" + p, "/Patient/" + p + "/_history", "/Patient/_history", "/_history"} {
		join := "?"
		if strings.Contains(path, "?") {
			join = "&"
		}
		whole := s.do(200, "GET", path, tok, "")
		part := s.do(200, "GET", path+join+"_elements=birthDate", tok, "")
		if !strings.Contains(string(part.body), `"birthDate":"1970-03-30"`) || strings.Contains(string(part.body), "Testperson") || !strings.Contains(string(part.body), "SUBSETTED") {
			t.Errorf("%s: %s", path, part.body)
		}
		if !strings.Contains(string(whole.body), "Testperson") || strings.Contains(string(whole.body), "SUBSETTED") {
			t.Errorf("%s: %s", path, whole.body)
		}
		if whole.header.Get("ETag") != part.header.Get("ETag") {
			t.Errorf("%s: the ETag of a part is another", path)
		}
		s.do(400, "GET", path+join+"_summary=some", tok, "")
	}
	s.do(304, "GET", "/Patient/"+p+"?_summary=true", tok, "", "If-None-Match", `W/"1"`)
	a := s.do(200, "GET", "/Patient?_summary=count", tok, "")
	if j := a.json(t); j["entry"] != nil || fmt.Sprint(j["total"]) != "1" || !strings.Contains(link(t, s, a, "self"), "_summary=count") {
		t.Errorf("%s", a.body)
	}
	for range 3 {
		s.create(tok, "Patient", patientJSON)
	}
	first := s.do(200, "GET", "/Patient?_count=2&_elements=birthDate", tok, "")
	if next := s.do(200, "GET", link(t, s, first, "next"), tok, ""); strings.Contains(string(next.body), "Testperson") || count(t, next) != 2 {
		t.Errorf("the second page: %s", next.body)
	}
	post := s.do(200, "POST", "/Patient/_search", tok, "_elements=birthDate&_count=1", "Content-Type", formType)
	if strings.Contains(string(post.body), "Testperson") || count(t, post) != 1 {
		t.Errorf("POST _search: %s", post.body)
	}
	// A part is no body of an update.
	part := s.do(200, "GET", "/Patient/"+p+"?_elements=birthDate", tok, "")
	if a := s.do(0, "PUT", "/Patient/"+p, tok, string(part.body)); a.status < 400 {
		t.Errorf("a part replaced the whole: %d", a.status)
	}
}

// Answers are compressed for who accepts it, requests may be; a body that unpacks to more than the limit is refused.
func TestCompression(t *testing.T) {
	s := start(t, "--max-body-bytes", "100000")
	tok := s.staff()
	patient := s.create(tok, "Patient", patientJSON)
	for range 5 {
		s.create(tok, "Observation", observation(patient))
	}
	plain := s.do(200, "GET", "/Observation", tok, "", "Accept-Encoding", "identity")
	packed := s.do(200, "GET", "/Observation", tok, "", "Accept-Encoding", "gzip") // set by hand, so the client leaves it packed
	if packed.header.Get("Content-Encoding") != "gzip" || plain.header.Get("Content-Encoding") != "" || len(packed.body)*2 > len(plain.body) {
		t.Errorf("%d bytes %v, %d bytes %v", len(plain.body), plain.header, len(packed.body), packed.header)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain.body) {
		t.Errorf("%v: differs from the plain answer", err)
	}
	if h := s.do(200, "HEAD", "/Observation", tok, "", "Accept-Encoding", "gzip"); h.header.Get("Content-Length") != fmt.Sprint(len(packed.body)) {
		t.Errorf("HEAD: %v", h.header)
	}
	if a := s.do(304, "GET", "/Observation/"+fmt.Sprint(entries(t, plain)[0]["resource"].(map[string]any)["id"]), tok, "", "Accept-Encoding", "gzip", "If-None-Match", "*"); a.header.Get("Content-Encoding") != "" {
		t.Errorf("304: %v", a.header)
	}
	pack := func(b []byte) string {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, _ = w.Write(b)
		_ = w.Close()
		return out.String()
	}
	s.do(201, "POST", "/Patient", tok, pack([]byte(patientJSON)), "Content-Encoding", "gzip")
	s.do(200, "POST", "/Patient/_search", tok, pack([]byte("family=testperson")), "Content-Encoding", "gzip", "Content-Type", formType)
	s.do(413, "POST", "/Patient", tok, pack(bytes.Repeat([]byte(" "), 50<<20)), "Content-Encoding", "gzip")
	s.do(413, "POST", "/Patient", tok, strings.Repeat(" ", 100001))
	s.do(415, "POST", "/Patient", tok, patientJSON, "Content-Encoding", "br")
	s.do(http.StatusBadRequest, "POST", "/Patient", tok, patientJSON, "Content-Encoding", "gzip")
}
