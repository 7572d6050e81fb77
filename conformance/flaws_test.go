package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chartseal/chartseal/internal/load/fhirfake"
)

// flaw makes the fake server wrong: before changes what it is asked, after what it answers. Either may be nil.
type flaw struct {
	name   string
	before func(r *http.Request)
	after  func(r *http.Request, w *httptest.ResponseRecorder)
	area   string // where it must show
}

// flawed starts a server with a flaw.
func flawed(t *testing.T, f *flaw) string {
	t.Helper()
	inner := fhirfake.Handler(func(s *fhirfake.Server) { s.Token = "secret" })
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.before != nil {
			f.before(r)
		}
		defer func() {
			if recover() != nil { // the fake is not made for everything that the suite sends
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
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
func unheard(names ...string) func(*http.Request) {
	return func(r *http.Request) {
		for _, n := range names {
			r.Header.Del(n)
		}
	}
}

// asks replaces text in request bodies.
func asks(from, to string) func(*http.Request) {
	return func(r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			raw = nil // the server will say so
		}
		r.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(raw), from, to)))
	}
}

func flaws() []flaw {
	return []flaw{
		{name: "no ETag", after: without("ETag"), area: "create"},
		{name: "no Location", after: without("Location"), area: "create"},
		{name: "no Last-Modified", after: without("Last-Modified"), area: "vread"},
		{name: "create answers 200", after: answers("POST", 201, 200), area: "create"},
		{name: "update as create answers 200", after: answers("PUT", 201, 200), area: "update"},
		{name: "Prefer is not heard", before: unheard("Prefer"), area: "prefer"},
		{name: "If-Match is not heard", before: unheard("If-Match"), area: "update"},
		{name: "If-None-Exist is not heard", before: unheard("If-None-Exist"), area: "conditional-create"},
		{name: "several matches are one", after: answers("", 412, 200), area: "conditional-update"},
		{name: "a digit is lost", after: says("1.00", "1.0"), area: "content"},
		{name: "a digit never arrives", before: asks("1.00", "1.0"), area: "content"},
		{name: "absent is empty", after: answers("GET", 404, 200), area: "read"},
		{name: "deleted is absent", after: answers("GET", 410, 404), area: "read"},
		{name: "deletion fails", after: answers("DELETE", 204, 500), area: "delete"},
		{name: "any type of Bundle", before: asks(`"type":"collection"`, `"type":"document"`), area: "bundle-post"},
		{name: "a history without requests", after: says(`"request"`, `"asked"`), area: "history"},
		{name: "a transaction of another kind", after: says("transaction-response", "batch-response"), area: "transaction"},
		{name: "no reference is rewritten", before: asks("urn:uuid:", "urn:x-uuid:"), area: "transaction"},
		{name: "outcomes are something else", after: says("OperationOutcome", "Basic"), area: "create"},
		{name: "an interaction that is not there", after: says(`"code":"delete"`, `"code":"patch"`), area: "capabilities"},
	}
}

// failures lists the tests that fail on a server.
func failures(t *testing.T, base string, areas ...string) []string {
	t.Helper()
	report, err := Run(context.Background(), Options{Base: base, Token: "secret", Areas: areas})
	if err != nil && !errors.Is(err, ErrFailed) {
		t.Fatal(err)
	}
	var out []string
	for i := range report.Scripts {
		s := &report.Scripts[i]
		for _, test := range s.Tests {
			if test.Outcome == Failed {
				out = append(out, s.Area+"/"+s.File+": "+test.Name)
			}
		}
	}
	return out
}

// The fake is no complete server. What it passes it must not pass any more when it has a flaw.
func TestFlawsShow(t *testing.T) {
	if testing.Short() {
		t.Skip("runs parts of the suite twenty times")
	}
	before := map[string][]string{}
	for _, f := range flaws() {
		t.Run(f.name, func(t *testing.T) {
			if _, done := before[f.area]; !done {
				before[f.area] = failures(t, flawed(t, &flaw{}), f.area)
			}
			shown := 0
			for _, name := range failures(t, flawed(t, &f), f.area) {
				if !slices.Contains(before[f.area], name) {
					shown++
				}
			}
			if shown == 0 {
				t.Errorf("nothing in %s shows it", f.area)
			}
		})
	}
}

// Scripts clean up after themselves.
func TestNothingIsLeft(t *testing.T) {
	server, base, stop := fhirfake.New(func(s *fhirfake.Server) { s.Token = "secret" })
	defer stop()
	for _, area := range []string{"create", "conditional-create", "delete", "update", "labels"} {
		failures(t, base, area)
	}
	for _, typ := range fhirfake.Types() {
		if n := server.Count(typ); n != 0 {
			t.Errorf("%d %s left behind", n, typ)
		}
	}
	if server.Versions() == 0 {
		t.Error("nothing was written at all")
	}
}
