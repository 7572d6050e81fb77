package e2e

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// A Binary is its content, and a resource for who asks for one (R4 binary.html).
func TestBinary(t *testing.T) {
	s := start(t)
	tok := s.staff()
	content := "%PDF-1.4\x00\xff\r\n" + strings.Repeat("x", 3000)
	a := s.do(201, "POST", "/Binary", tok, content, "Content-Type", "application/pdf", "X-Security-Context", "Organization/o1")
	if len(a.body) != 0 {
		t.Errorf("the file comes back: %d bytes", len(a.body))
	}
	path := strings.TrimSuffix(strings.TrimPrefix(a.header.Get("Location"), s.base()), "/_history/1")
	for _, accept := range []string{"", "*/*", "application/pdf", "application/pdf, application/fhir+json;q=0", "text/html, */*;q=0.1"} {
		var headers []string
		if accept != "" {
			headers = []string{"Accept", accept}
		}
		for _, p := range []string{path, path + "/_history/1"} {
			a := s.do(200, "GET", p, tok, "", headers...)
			h := a.header
			if string(a.body) != content || h.Get("Content-Type") != "application/pdf" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Disposition") != "attachment" ||
				h.Get("X-Security-Context") != "Organization/o1" || h.Get("ETag") != `W/"1"` || h.Get("Content-Encoding") != "" {
				t.Errorf("%s %q: %v", p, accept, h)
			}
		}
	}
	for _, req := range [][]string{{path, "Accept", "application/fhir+json"}, {path, "Accept", "application/json"}, {path + "?_format=json"}} {
		r := s.do(200, "GET", req[0], tok, "", req[1:]...).json(t)
		if r["resourceType"] != "Binary" || r["contentType"] != "application/pdf" || r["data"] != base64.StdEncoding.EncodeToString([]byte(content)) || r["securityContext"] == nil {
			t.Errorf("%v: %v", req, r)
		}
	}
	s.do(406, "GET", path, tok, "", "Accept", "image/png")
	part := s.do(206, "GET", path, tok, "", "Range", "bytes=1-3")
	if string(part.body) != "PDF" || part.header.Get("Content-Range") != "bytes 1-3/3012" {
		t.Errorf("range: %q %v", part.body, part.header)
	}
	if a := s.do(416, "GET", path, tok, "", "Range", "bytes=9999-"); a.json(t)["resourceType"] != "OperationOutcome" || a.header.Get("Content-Range") != "bytes */3012" {
		t.Errorf("416: %v %s", a.header, a.body)
	}
	s.do(304, "GET", path, tok, "", "If-None-Match", `W/"1"`)
	if h := s.do(200, "HEAD", path, tok, ""); h.header.Get("Content-Length") != "3012" || len(h.body) != 0 {
		t.Errorf("HEAD: %v", h.header)
	}
	s.do(200, "PUT", path, tok, "second", "Content-Type", "text/plain; charset=utf-8", "If-Match", `W/"1"`)
	if a := s.do(200, "GET", path, tok, ""); string(a.body) != "second" || a.header.Get("Content-Type") != "text/plain; charset=utf-8" || a.header.Get("X-Security-Context") != "" {
		t.Errorf("after the update: %q %v", a.body, a.header)
	}
	s.do(405, "PATCH", path, tok, "[]", "Content-Type", "application/json-patch+json")
	s.do(204, "DELETE", path, tok, "")
	s.do(410, "GET", path, tok, "")
}

// FHIR JSON is stored as it is if it is a Binary, and is content like any other if it is not.
func TestBinaryFromJSON(t *testing.T) {
	s := start(t)
	tok := s.staff()
	resource := `{"resourceType":"Binary","contentType":"text/plain","data":"aGVsbG8="}`
	for _, contentType := range []string{"application/fhir+json", "application/json"} {
		a := s.do(201, "POST", "/Binary", tok, resource, "Content-Type", contentType)
		id := a.json(t)["id"].(string)
		if got := s.do(200, "GET", "/Binary/"+id, tok, ""); string(got.body) != "hello" || got.header.Get("Content-Type") != "text/plain" {
			t.Errorf("%s: %q %v", contentType, got.body, got.header)
		}
	}
	a := s.do(201, "POST", "/Binary", tok, patientJSON, "Content-Type", "application/fhir+json", "Prefer", "return=representation")
	id := a.json(t)["id"].(string)
	if got := s.do(200, "GET", "/Binary/"+id, tok, "", "Accept", "*/*"); string(got.body) != patientJSON || got.header.Get("Content-Type") != "application/fhir+json" {
		t.Errorf("a Patient as content: %q %v", got.body, got.header)
	}
	s.do(400, "POST", "/Binary", tok, `{"resourceType":"Binary",`, "Content-Type", "application/fhir+json")
	s.do(415, "POST", "/Binary", tok, "x", "Content-Type", "nonsense/;")
	batch := s.do(200, "POST", "", tok, batchOf(`{"request":{"method":"GET","url":"Binary/`+id+`"}}`, `{"resource":`+resource+`,"request":{"method":"POST","url":"Binary"}}`))
	if list := entries(t, batch); list[0]["resource"] == nil || status(list[1]) != "201" {
		t.Errorf("batch: %s", batch.body)
	}
	if a := s.do(200, "GET", "/Binary", tok, ""); count(t, a) != 4 || !bytes.Contains(a.body, []byte(`"resourceType":"Binary"`)) {
		t.Errorf("search: %s", a.body)
	}
}

func TestBinaryTooLarge(t *testing.T) {
	s := start(t, "--max-body-bytes", "10000")
	tok := s.staff()
	s.do(201, "POST", "/Binary", tok, strings.Repeat("x", 7000), "Content-Type", "application/octet-stream")
	s.do(413, "POST", "/Binary", tok, strings.Repeat("x", 8000), "Content-Type", "application/octet-stream")
	s.do(413, "POST", "/Binary", tok, strings.Repeat("x", 10001), "Content-Type", "application/octet-stream")
}
