package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/internal/load/fhirfake"
)

func TestGoodServer(t *testing.T) {
	server, base, stop := fhirfake.New(func(s *fhirfake.Server) { s.Token = "secret" })
	defer stop()
	report, err := Run(context.Background(), Config{Base: base + "/", Token: "secret"})
	for _, c := range report.Checks {
		if c.Outcome == Failed {
			t.Errorf("%s/%s: %s", c.Area, c.Name, strings.Join(c.Details, "; "))
		}
	}
	if err != nil || report.Server != "fhirfake" {
		t.Error(err, report.Server)
	}
	for _, typ := range fhirfake.Types() {
		if n := server.Count(typ); n != 0 {
			t.Errorf("%d %s left behind", n, typ)
		}
	}
}

// flaw makes a server wrong: before changes what it is asked, after what it answers. Either may be nil.
type flaw struct {
	name   string
	before func(r *http.Request, body string) string
	after  func(r *http.Request, w *httptest.ResponseRecorder)
	areas  []string // to run; the flaw must show in at least one check of each
}

// flawed starts a fake with a flaw.
func flawed(t *testing.T, f flaw) string {
	t.Helper()
	inner := fhirfake.Handler(func(s *fhirfake.Server) { s.Token = "secret" })
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		body := string(raw)
		if f.before != nil {
			body = f.before(r, body)
		}
		r.Body = io.NopCloser(strings.NewReader(body))
		rec := httptest.NewRecorder()
		inner.ServeHTTP(rec, r)
		if f.after != nil {
			f.after(r, rec)
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		if rec.Code != http.StatusNotModified && rec.Code != http.StatusNoContent {
			_, _ = w.Write(rec.Body.Bytes())
		}
	}))
	t.Cleanup(web.Close)
	return web.URL + "/fhir"
}

// says replaces text in answers.
func says(from, to string) func(*http.Request, *httptest.ResponseRecorder) {
	return func(_ *http.Request, w *httptest.ResponseRecorder) {
		w.Body = bytes.NewBufferString(strings.ReplaceAll(w.Body.String(), from, to))
	}
}

// answers replaces a status for a method ("" means any).
func answers(method string, from, to int) func(*http.Request, *httptest.ResponseRecorder) {
	return func(r *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == from && (method == "" || r.Method == method) {
			w.Code = to
		}
	}
}

// without removes a header from answers.
func without(name string) func(*http.Request, *httptest.ResponseRecorder) {
	return func(_ *http.Request, w *httptest.ResponseRecorder) { w.Header().Del(name) }
}

// unheard removes headers from requests.
func unheard(names ...string) func(*http.Request, string) string {
	return func(r *http.Request, body string) string {
		for _, n := range names {
			r.Header.Del(n)
		}
		return body
	}
}

// unasked removes query parameters from requests.
func unasked(names ...string) func(*http.Request, string) string {
	return func(r *http.Request, body string) string {
		q := r.URL.Query()
		for _, n := range names {
			q.Del(n)
		}
		r.URL.RawQuery = q.Encode()
		return body
	}
}

// asks replaces text in request bodies.
func asks(from, to string) func(*http.Request, string) string {
	return func(_ *http.Request, body string) string { return strings.ReplaceAll(body, from, to) }
}

func flaws() []flaw {
	return []flaw{
		{name: "no ETag", after: without("ETag"), areas: []string{"create", "read", "vread", "update"}},
		{name: "no Location", after: without("Location"), areas: []string{"create"}},
		{name: "create answers 200", after: answers("POST", 201, 200), areas: []string{"create"}},
		{name: "update answers 200", after: answers("PUT", 201, 200), areas: []string{"update"}},
		{name: "Prefer is not heard", before: unheard("Prefer"), areas: []string{"create", "search"}},
		{name: "conditions are not heard", before: unheard("If-Match", "If-None-Match", "If-Modified-Since", "If-None-Exist"), areas: []string{"create", "read", "update"}},
		{name: "several matches are one", after: answers("", 412, 200), areas: []string{"create", "update", "transaction"}},
		{name: "a digit is lost", after: says("1.50", "1.5"), areas: []string{"create"}},
		{name: "an id of another type is created", after: answers("POST", 400, 201), areas: []string{"create", "errors", "transaction"}},
		{name: "absent is empty", after: answers("GET", 404, 200), areas: []string{"read", "vread", "history", "capabilities", "transaction"}},
		{name: "deleted is absent", after: answers("GET", 410, 404), areas: []string{"delete"}},
		{name: "deletion fails", after: answers("DELETE", 204, 500), areas: []string{"delete", "history", "capabilities"}},
		{name: "subsets are not marked", after: says("SUBSETTED", "WHOLE"), areas: []string{"read"}},
		{name: "any format", before: unheard("Accept"), areas: []string{"read"}},
		{name: "only one media type", after: func(r *http.Request, w *httptest.ResponseRecorder) {
			if r.Header.Get("Accept") == "text/json" {
				w.Code = 406
			}
		}, areas: []string{"read"}},
		{name: "versions are one", before: func(r *http.Request, body string) string {
			r.URL.Path, _, _ = strings.Cut(r.URL.Path, "/_history/")
			return body
		}, areas: []string{"vread", "delete"}},
		{name: "a wrong id in the body is corrected", after: answers("PUT", 400, 200), areas: []string{"update", "capabilities"}},
		{name: "an update is not shown", after: says(`"active":false`, `"active":true`), areas: []string{"update", "history"}},
		{name: "tags are dropped", after: says(`"kept"`, `"lost"`), areas: []string{"update"}},
		{name: "nothing comes back from deletion", after: answers("PUT", 201, 410), areas: []string{"delete"}},
		{name: "deletions look like updates", after: says(`"method":"DELETE"`, `"method":"PUT"`), areas: []string{"history"}},
		{name: "histories are search results", after: says(`"type":"history"`, `"type":"searchset"`), areas: []string{"history"}},
		{name: "_since is not heard", before: unasked("_since"), areas: []string{"history"}},
		{name: "no further pages", after: says(`"relation":"next"`, `"relation":"self"`), areas: []string{"history", "search"}},
		{name: "no search mode", after: says(`"mode":"match"`, `"mode":"include"`), areas: []string{"search"}},
		{name: "identifiers are not searched", before: unasked("identifier"), areas: []string{"search", "delete", "create"}},
		{name: "totals are off", after: says(`"total":`, `"total":1`), areas: []string{"search", "history"}},
		{name: "transactions are batches", before: asks(`"type":"transaction"`, `"type":"batch"`), areas: []string{"transaction"}},
		{name: "transactions overwrite", before: func(_ *http.Request, body string) string {
			return strings.NewReplacer(`"ifMatch"`, `"if"`, `"ifNoneExist"`, `"if"`).Replace(body)
		}, areas: []string{"transaction"}},
		{name: "a transaction's GET comes first", after: says(`"resource":{"`, `"resource":{"x":1},"was":{"`), areas: []string{"transaction"}},
		{name: "batch statuses are fine", after: says(`"404 Not Found"`, `"200 OK"`), areas: []string{"batch"}},
		{name: "everything is accepted", after: func(_ *http.Request, w *httptest.ResponseRecorder) {
			if w.Code == 400 || w.Code == 415 || w.Code == 422 {
				w.Code = 201
			}
		}, areas: []string{"errors", "create"}},
		{name: "errors are silent", after: func(_ *http.Request, w *httptest.ResponseRecorder) {
			if w.Code >= 400 {
				w.Body = &bytes.Buffer{}
			}
		}, areas: []string{"errors", "read", "capabilities"}},
		{name: "no place in issues", after: says(`"expression"`, `"position"`), areas: []string{"errors"}},
		{name: "no Allow", after: without("Allow"), areas: []string{"errors", "capabilities"}},
		{name: "X-Request-Id is dropped", after: without("X-Request-Id"), areas: []string{"errors"}},
		{name: "anyone may read", before: func(r *http.Request, body string) string {
			r.Header.Set("Authorization", "Bearer secret")
			return body
		}, areas: []string{"errors"}},
		{name: "another FHIR version", after: says(`"4.0.1"`, `"5.0.0"`), areas: []string{"capabilities"}},
		{name: "patch is advertised only", after: says(`{"code":"vread"}`, `{"code":"vread"},{"code":"patch"}`), areas: []string{"capabilities"}},
		{name: "create is not advertised", after: says(`{"code":"create"}`, `{"code":"read"}`), areas: []string{"capabilities"}},
		{name: "a parameter is advertised only", after: says(`"name":"_id"`, `"name":"birthdate"`), areas: []string{"capabilities"}},
		{name: "system history is not advertised", after: says(`{"code":"history-system"}`, `{"code":"batch"}`), areas: []string{"capabilities"}},
	}
}

// TestFlawedServers runs the suite against servers that are wrong in one way each. Every check of the suite must have failed for one of
// them: a check that cannot fail checks nothing.
func TestFlawedServers(t *testing.T) {
	never := map[string]bool{} // by check: no flaw has made it fail yet
	for _, f := range flaws() {
		t.Run(f.name, func(t *testing.T) {
			report, err := Run(context.Background(), Config{Base: flawed(t, f), Token: "secret", Areas: f.areas})
			if !errors.Is(err, ErrFailed) {
				t.Fatal(err)
			}
			areas := map[string]bool{}
			for _, c := range report.Checks {
				key := c.Area + ": " + c.Name
				if c.Outcome == Failed {
					areas[c.Area] = true
				}
				waiting, seen := never[key]
				never[key] = c.Outcome != Failed && (waiting || !seen)
			}
			for _, area := range f.areas {
				if !areas[area] {
					t.Errorf("nothing failed in %s", area)
				}
			}
		})
	}
	for name, is := range never {
		if is {
			t.Errorf("%s: never failed", name)
		}
	}
}

func TestUnadvertisedIsSkipped(t *testing.T) {
	base := flawed(t, flaw{after: func(r *http.Request, w *httptest.ResponseRecorder) {
		if strings.HasSuffix(r.URL.Path, "/metadata") {
			says(`{"code":"delete"}`, `{"code":"read"}`)(r, w)
		}
	}})
	report, err := Run(context.Background(), Config{Base: base, Token: "secret", Areas: []string{"delete"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if diff := cmp.Diff(Check{Area: "delete", Name: c.Name, Spec: c.Spec, Outcome: Skipped, Details: []string{"not advertised: Patient.delete"}}, c); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRunErrors(t *testing.T) {
	_, base, stop := fhirfake.New(nil)
	defer stop()
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		cfg  Config
		want error
	}{
		{"no URL", context.Background(), Config{Base: "here"}, ErrUsage},
		{"unknown area", context.Background(), Config{Base: base, Areas: []string{"everything"}}, ErrUsage},
		{"no server", context.Background(), Config{Base: "http://127.0.0.1:1/fhir"}, ErrFailed},
		{"no FHIR", context.Background(), Config{Base: base + "/Patient"}, ErrFailed},
		{"canceled", canceled, Config{Base: base}, context.Canceled},
	}
	for _, tt := range tests {
		if _, err := Run(tt.ctx, tt.cfg); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
