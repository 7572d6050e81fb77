package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// What comes back after a write is the client's choice (R4 http.html#ops), and the answer says that it was heeded.
func TestPreferReturn(t *testing.T) {
	s := start(t)
	tok := s.staff()
	put := strings.Replace(patientJSON, `"Patient",`, `"Patient","id":"mine",`, 1)
	for _, tc := range []struct{ prefer, applied, holds string }{
		{"", "", "Testperson"},
		{"return=representation", "return=representation", "Testperson"},
		{"return=minimal", "return=minimal", ""},
		{`handling=strict, Return="minimal"`, "return=minimal", ""},
		{"return=minimal, return=representation", "return=minimal", ""},
		{"return=OperationOutcome", "return=OperationOutcome", "OperationOutcome"},
		{"return=nonsense", "", "Testperson"},
	} {
		for _, write := range [][3]string{{"POST", "/Patient", patientJSON}, {"PUT", "/Patient/mine", put}} {
			a := s.do(0, write[0], write[1], tok, write[2], "Prefer", tc.prefer)
			if a.status != 200 && a.status != 201 {
				t.Fatalf("%s: %d %s", write[1], a.status, a.body)
			}
			if got := a.header.Get("Preference-Applied"); got != tc.applied {
				t.Errorf("%s %q: applied %q", write[0], tc.prefer, got)
			}
			if tc.holds == "" && len(a.body) != 0 || !strings.Contains(string(a.body), tc.holds) {
				t.Errorf("%s %q: %s", write[0], tc.prefer, a.body)
			}
			for _, name := range []string{"ETag", "Last-Modified", "Location"} {
				if a.header.Get(name) == "" {
					t.Errorf("%s %q: no %s", write[0], tc.prefer, name)
				}
			}
			if strings.Contains(tc.holds, "Test") != (a.header.Get("Content-Location") == a.header.Get("Location")) {
				t.Errorf("%s %q: Content-Location %q", write[0], tc.prefer, a.header.Get("Content-Location"))
			}
		}
	}
	a := s.do(http.StatusOK, "DELETE", "/Patient/mine", tok, "", "Prefer", "return=OperationOutcome")
	if a.json(t)["resourceType"] != "OperationOutcome" {
		t.Errorf("delete: %s", a.body)
	}
	s.do(http.StatusNoContent, "DELETE", "/Patient/mine", tok, "", "Prefer", "return=representation")
}

func TestPreferHandling(t *testing.T) {
	s := start(t)
	tok := s.staff()
	s.do(400, "GET", "/Patient?nonsense=1", tok, "", "Prefer", "handling=strict")
	if a := s.do(200, "GET", "/Patient?nonsense=1", tok, "", "Prefer", "handling=lenient"); a.header.Get("Preference-Applied") != "handling=lenient" {
		t.Errorf("%v", a.header)
	}
}

// Who sends an id gets it back; the log knows the request by another.
func TestRequestIDIsEchoed(t *testing.T) {
	s := start(t)
	for sent, echoed := range map[string]bool{"abc-123": true, "a/b+c=d:{e}": true, "with space": false, strings.Repeat("x", 64): true, strings.Repeat("x", 65): false} {
		a := s.do(200, "GET", "/metadata", "", "", "X-Request-Id", sent)
		if got := a.header.Get("X-Request-Id"); (got == sent) != echoed || got == "" {
			t.Errorf("%q came back as %q", sent, got)
		}
		if strings.Contains(s.log.String(), sent) {
			t.Errorf("%q is in the log", sent)
		}
	}
}
