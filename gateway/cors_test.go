package gateway

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func corsServer(t *testing.T, origins ...string) *Server {
	t.Helper()
	return New(Config{Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Base: "http://localhost/fhir", Now: time.Now, Origins: origins})
}

func TestCORS(t *testing.T) {
	const app = "https://app.example.org"
	for _, tc := range []struct {
		name    string
		origins []string
		origin  string
		want    string // Access-Control-Allow-Origin
	}{
		{"any", nil, app, "*"},
		{"listed", []string{"https://other.example.org", app}, app, app},
		{"not listed", []string{"https://other.example.org"}, app, ""},
		{"no origin", nil, "", ""},
		{"null", []string{app}, "null", ""},
	} {
		s := corsServer(t, tc.origins...)
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			r := httptest.NewRequest(method, "/fhir/metadata", nil)
			if tc.origin != "" {
				r.Header.Set("Origin", tc.origin)
				r.Header.Set("Access-Control-Request-Method", "PATCH")
			}
			w := ask(s, r)
			h := w.Header()
			if got := h.Get("Access-Control-Allow-Origin"); got != tc.want {
				t.Errorf("%s, %s: allowed %q, want %q", tc.name, method, got, tc.want)
			}
			if got := h.Get("Access-Control-Allow-Credentials") == "true"; got != (tc.want == app) {
				t.Errorf("%s: credentials allowed: %v; they are for listed origins alone", tc.name, got)
			}
			varies := slices.Contains(h.Values("Vary"), "Origin")
			if varies != (tc.origin != "") {
				t.Errorf("%s, %s: Vary %v", tc.name, method, h.Values("Vary"))
			}
			switch {
			case method == http.MethodOptions && w.Code != http.StatusNoContent:
				t.Errorf("%s: preflight %d", tc.name, w.Code)
			case tc.want == "":
			case method == http.MethodOptions:
				for _, want := range []string{"Authorization", "If-Match", "If-None-Exist", "Prefer", "Idempotency-Key", "X-Provenance"} {
					if !strings.Contains(h.Get("Access-Control-Allow-Headers"), want) {
						t.Errorf("%s: a script may not send %s", tc.name, want)
					}
				}
				if !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PATCH") {
					t.Errorf("%s: methods %s", tc.name, h.Get("Access-Control-Allow-Methods"))
				}
			default:
				for _, want := range []string{"ETag", "Location", "Content-Location", "Last-Modified", "X-Request-Id", "X-Progress"} {
					if !strings.Contains(h.Get("Access-Control-Expose-Headers"), want) {
						t.Errorf("%s: a script cannot see %s", tc.name, want)
					}
				}
			}
		}
	}
}

// An error must be readable by the script that caused it.
func TestCORSOnErrors(t *testing.T) {
	s := corsServer(t)
	for _, path := range []string{"/fhir/Patient/1", "/fhir/patients", "/fhir/Patient/1/2/3"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Origin", "https://app.example.org")
		if w := ask(s, r); w.Code < 400 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}
