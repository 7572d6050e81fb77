package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAllowed(t *testing.T) {
	for path, want := range map[string]string{
		"":                                 "OPTIONS POST",
		"/":                                "OPTIONS POST",
		"/metadata":                        "GET HEAD OPTIONS",
		"/Patient":                         "DELETE GET HEAD OPTIONS PATCH POST PUT",
		"/Patient/1":                       "DELETE GET HEAD OPTIONS PATCH PUT",
		"/Patient/metadata":                "DELETE GET HEAD OPTIONS PATCH PUT",
		"/Binary/1":                        "DELETE GET HEAD OPTIONS PUT",
		"/Binary":                          "DELETE GET HEAD OPTIONS POST PUT",
		"/Patient/1/_history":              "GET HEAD OPTIONS",
		"/Patient/1/_history/2":            "GET HEAD OPTIONS",
		"/Patient/_search":                 "OPTIONS POST",
		"/$verify-receipt":                 "OPTIONS POST",
		"/Patient/1/$receipt":              "GET HEAD OPTIONS",
		"/$async-status/x":                 "DELETE GET HEAD OPTIONS",
		"/Patient/$nothing":                "",
		"/Patient/1/$nothing":              "",
		"/Patient/_nothing":                "",
		"/Patient/1/2":                     "",
		"//Patient":                        "",
		"/Patient/1/_history/2/3":          "",
		"/.well-known/smart-configuration": "GET HEAD OPTIONS",
	} {
		if got := strings.Join(allowed(path), " "); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// What the router refuses says why, and where to look.
func TestUnroutable(t *testing.T) {
	s := authenticated(t)
	for _, tc := range []struct {
		method, path string
		status       int
		code, says   string
		allow        string
	}{
		{"POST", "/fhir/Patient/1", 405, "not-supported", "Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"},
		{"DELETE", "/fhir/metadata", 405, "not-supported", "Allow", "GET, HEAD, OPTIONS"},
		{"PUT", "/fhir/Patient/_search", 405, "not-supported", "Allow", "OPTIONS, POST"},
		{"PUT", "/fhir", 405, "not-supported", "Allow", "OPTIONS, POST"},
		{"POST", "/fhir/patients/1", 404, "not-supported", "Patient", ""},
		{"POST", "/fhir/Patient/$nothing", 404, "not-supported", "metadata", ""},
		{"POST", "/fhir/$nothing", 404, "not-supported", "metadata", ""},
		{"GET", "/fhir/Patient/1/2/3/4", 404, "not-found", "metadata", ""},
		{"OPTIONS", "/fhir/Observaton", 404, "not-supported", "Observation", ""},
		{"OPTIONS", "/fhir/Patient/$nothing", 404, "not-supported", "metadata", ""},
		{"GET", "/elsewhere", 404, "not-found", "", ""},
		{"GET", "/fhirpatient", 404, "not-found", "", ""},
	} {
		w := ask(s, httptest.NewRequest(tc.method, tc.path, nil))
		body := w.Body.String()
		if w.Code != tc.status || !strings.Contains(body, `"code":"`+tc.code+`"`) || !strings.Contains(body, tc.says) || w.Header().Get("Allow") != tc.allow {
			t.Errorf("%s %s: %d, Allow %q, %s", tc.method, tc.path, w.Code, w.Header().Get("Allow"), body)
		}
		if ct := w.Header().Get("Content-Type"); ct != mimeFHIR {
			t.Errorf("%s %s: Content-Type %q", tc.method, tc.path, ct)
		}
	}
}

func TestOptions(t *testing.T) {
	s, _ := watched(t)
	for path, allow := range map[string]string{
		"/fhir": "OPTIONS, POST", "/fhir/Patient/1": "DELETE, GET, HEAD, OPTIONS, PATCH, PUT", "/fhir/Patient/%24receipt": "", "/fhir/Patient/1/%24receipt": "GET, HEAD, OPTIONS",
	} {
		w := ask(s, httptest.NewRequest(http.MethodOptions, path, nil))
		want := http.StatusNoContent
		if allow == "" {
			want = http.StatusNotFound
		}
		if w.Code != want || w.Header().Get("Allow") != allow || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}

func TestNearestType(t *testing.T) {
	for name, want := range map[string]string{
		"patients": "Patient", "patient": "Patient", "Pateint": "Patient", "PATIENT": "Patient", "observations": "Observation", "Obervation": "Observation",
		"families": "", "MedicationReqest": "MedicationRequest", "medicationrequests": "MedicationRequest", "bodysites": "", "x": "", "": "", "Zzzzzz": "",
		"list": "List", "task": "Task", "tasks": "Task", "fhir": "", strings.Repeat("a", 1000): "", "Paramters": "", "Bundel": "Bundle",
	} {
		if got := nearestType(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"abcd", "acbd", 1}, {"a", "abcdef", 4}} {
		if got := editDistance(tc.a, tc.b, 4); got != tc.want {
			t.Errorf("%s %s: %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
