package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Paths that are none of ours end as an OperationOutcome, and reach no handler of another place.
func TestHostilePaths(t *testing.T) {
	s := authenticated(t)
	long := strings.Repeat("a", 65)
	for _, tc := range []struct {
		target string
		status int
	}{
		{"/fhir/../metrics", 404},
		{"/fhir/Patient/../../metrics", 404},
		{"/fhir/%2e%2e/metrics", 404},
		{"/fhir/Patient/%2e%2e%2fmetrics", 404},
		{"/fhir/Patient/a%2fb", 404},
		{"/fhir//Patient/1", 404},
		{"//fhir/Patient/1", 404},
		{"/fhir/Patient//1", 404},
		{"/fhir/Patient;x=1/1", 404},
		{"/fhir/Patient/1;x", 404},
		{"/fhir/Patient/" + long, 404},
		{"/fhir/Patient/%00", 400},
		{"/fhir/Patient?name=%00", 400},
		{"/fhir/Patient/1/_history/%31%32a", 404},
		{"/fhir/Patient/1/_history/0", 404},
		{"/fhir/Patient/1/_history/01", 404},
		{"/fhir/Patient/1/_history/99999999999999999999", 404},
		{"/fhir/Patient/\u00e9", 404},
		{"/fhir/Patient/%ff", 404},
		{"/fhir/Patient?name=" + strings.Repeat("x", maxURL), 414},
		{"/fhir/" + strings.Repeat("x", maxURL+1), 414},
		{"/FHIR/Patient/1", 404},
		{"/fhir/...", 404},

		{"/fhir/.well-known/../metadata", 404},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		u, err := r.URL.Parse("http://localhost" + tc.target)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(tc.target, "..") { // Parse cleans them away; a server does not
			u.Path, u.RawPath = tc.target, ""
			if strings.Contains(tc.target, "%") {
				u.Path = strings.NewReplacer("%2e", ".", "%2f", "/").Replace(tc.target)
				u.RawPath = tc.target
			}
		}
		r.URL = u
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%.60s reached a handler: %v", tc.target, p)
				}
			}()
			w := ask(s, r)
			if w.Code != tc.status || !strings.HasPrefix(w.Body.String(), `{"resourceType":"OperationOutcome"`) {
				t.Errorf("%.60s: %d %.200s", tc.target, w.Code, w.Body)
			}
		}()
	}
}

// A client cannot turn one method into another.
func TestMethodOverrideIsIgnored(t *testing.T) {
	s := authenticated(t)
	for _, h := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		r := httptest.NewRequest(http.MethodPost, "/fhir/metadata?_method=GET", nil)
		r.Header.Set(h, http.MethodGet)
		if w := ask(s, r); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", h, w.Code)
		}
	}
}

func TestTwoAuthorizations(t *testing.T) {
	s, _ := watched(t)
	r := httptest.NewRequest(http.MethodGet, "/fhir/Patient/1", nil)
	r.Header["Authorization"] = []string{"Bearer a", "Bearer b"}
	if w := ask(s, r); w.Code != http.StatusBadRequest {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
