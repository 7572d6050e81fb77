package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// HEAD answers as GET does, without a body, wherever GET is.
func TestHeadIsGet(t *testing.T) {
	s := start(t)
	tok := s.staff()
	id := s.create(tok, "Patient", patientJSON)
	for _, path := range []string{"/metadata", "/Patient/" + id, "/Patient/" + id + "/_history/1", "/Patient/" + id + "/_history", "/Patient", "/Patient/none", "/Patient/" + id + "/$receipt"} {
		get, head := s.do(0, "GET", path, tok, "", "Accept-Encoding", "identity"), s.do(0, "HEAD", path, tok, "")
		if head.status != get.status || len(head.body) != 0 {
			t.Errorf("%s: %d with %d bytes, GET %d", path, head.status, len(head.body), get.status)
		}
		for _, name := range []string{"Content-Type", "Content-Length", "ETag", "Last-Modified", "Content-Location"} {
			if head.header.Get(name) != get.header.Get(name) {
				t.Errorf("%s: %s is %q, GET %q", path, name, head.header.Get(name), get.header.Get(name))
			}
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	s := start(t)
	tok := s.staff()
	for _, tc := range []struct {
		method, path string
		status       int
		says, allow  string
	}{
		{"POST", "/Patient/1", 405, "Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"},
		{"GET", "/Patient/_search", 405, "Allow", "OPTIONS, POST"},
		{"PATCH", "/Binary/1", 405, "Allow", "DELETE, GET, HEAD, OPTIONS, PUT"},
		{"DELETE", "/metadata", 405, "Allow", "GET, HEAD, OPTIONS"},
		{"GET", "/patients", 404, "Patient", ""},
		{"GET", "/Observaton/1", 404, "Observation", ""},
		{"POST", "/Pateint", 404, "Patient", ""},
		{"GET", "/Parameters/1", 404, "type", ""},
		{"GET", "/Patient/$nothing", 404, "metadata", ""},
		{"POST", "/Patient/1/$nothing", 404, "metadata", ""},
		{"POST", "/$nothing", 404, "metadata", ""},
		{"GET", "/Patient/1/2/3", 404, "metadata", ""},
	} {
		a := s.do(tc.status, tc.method, tc.path, tok, "")
		if !strings.Contains(string(a.body), tc.says) || a.header.Get("Allow") != tc.allow || a.json(t)["resourceType"] != "OperationOutcome" {
			t.Errorf("%s %s: Allow %q, %s", tc.method, tc.path, a.header.Get("Allow"), a.body)
		}
	}
}

// A browser asks first; every other client sees nothing of it.
func TestCrossOrigin(t *testing.T) {
	const app, other = "https://app.example.org", "https://other.example.org"
	s := start(t, "--cors-origin", app)
	tok := s.staff()
	id := s.create(tok, "Patient", patientJSON)
	pre := s.do(http.StatusNoContent, "OPTIONS", "/Patient/"+id, "", "", "Origin", app, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "authorization,if-match")
	if pre.header.Get("Access-Control-Allow-Origin") != app || !strings.Contains(pre.header.Get("Access-Control-Allow-Headers"), "If-Match") || !strings.Contains(pre.header.Get("Allow"), "PUT") {
		t.Errorf("preflight: %v", pre.header)
	}
	if a := s.do(200, "GET", "/Patient/"+id, tok, "", "Origin", app); a.header.Get("Access-Control-Allow-Origin") != app || !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "ETag") {
		t.Errorf("read: %v", a.header)
	}
	if a := s.do(200, "GET", "/Patient/"+id, tok, "", "Origin", other); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin: %v", a.header)
	}
	a := s.do(200, "GET", "/Patient/"+id, tok, "")
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control") {
			t.Errorf("without an origin: %s", name)
		}
	}
	if a := s.do(http.StatusNoContent, "OPTIONS", "", "", ""); a.header.Get("Allow") == "" {
		t.Errorf("OPTIONS of the base: %v", a.header)
	}
}
