package fidelity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/internal/load"
	"github.com/chartseal/chartseal/internal/load/fhirfake"
)

func TestKeyIsTheLoaders(t *testing.T) {
	for _, body := range []string{"", `{"resourceType":"Bundle"}`, "\xef\xbb\xbf{}\n"} {
		if got, want := key([]byte(body)), load.Key([]byte(body)); got != want {
			t.Errorf("key of %q: %s, the loader says %s", body, got, want)
		}
	}
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sample has every form of input; it holds 8 resources with 5 references that a server must resolve.
func sample(t *testing.T) string {
	t.Helper()
	return write(t, map[string]string{
		"hospital.json": `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:h","resource":{"resourceType":"Organization","id":"x","identifier":[{"system":"s","value":"h"}]},"request":{"method":"POST","url":"Organization"}},
			{"fullUrl":"urn:uuid:h2","resource":{"resourceType":"Organization","identifier":[{"system":"s","value":"other"}]},"request":{"method":"POST","url":"Organization"}}]}`,
		"patient.json": `{"resourceType":"Bundle","type":"transaction","entry":[
			{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient","meta":{"tag":[{"code":"t"}]},"managingOrganization":{"reference":"Organization?identifier=s|h"}},"request":{"method":"POST","url":"Patient"}},
			{"fullUrl":"urn:uuid:o","resource":{"resourceType":"Observation","subject":{"reference":"urn:uuid:p"},"valueQuantity":{"value":1.50}},"request":{"method":"POST","url":"Observation"}},
			{"fullUrl":"urn:uuid:e","resource":{"resourceType":"Encounter","subject":{"reference":"urn:uuid:p"},"serviceProvider":{"reference":"Organization?identifier=s|h"}},"request":{"method":"POST","url":"Encounter"}}]}`,
		"x.ndjson": `{"resourceType":"Device","id":"d","owner":{"reference":"Organization?identifier=s|h"}}` + "\n" +
			`{"resourceType":"Basic","id":"b","n":1}` + "\n" + `{"resourceType":"Basic","id":"b","n":2}` + "\n",
		"log.ndjson": `{"eventId":"x"}`,
	})
}

func loadSample(t *testing.T, base string) string {
	t.Helper()
	dir := sample(t)
	if s, err := load.Run(context.Background(), load.Config{Paths: []string{dir}, Base: base, Token: "secret"}); err != nil {
		t.Fatal(err, s.Failures)
	}
	return dir
}

func TestFaithfulServer(t *testing.T) {
	server, base, stop := fhirfake.New(func(s *fhirfake.Server) { s.Token = "secret" })
	defer stop()
	dir := loadSample(t, base)
	before := server.Versions()
	r, err := Run(context.Background(), Config{Base: base, Token: "secret", Loaded: []string{dir}})
	if err != nil {
		t.Fatal(err, r)
	}
	if r.Resources != 8 || r.Superseded != 1 || r.References != 5 || len(r.Skipped) != 1 || r.Requests == 0 {
		t.Errorf("%+v", r)
	}
	if server.Versions() != before {
		t.Error("comparing wrote to the server")
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil || !strings.Contains(b.String(), "8 resources compared (1 in an older version), 5 resolved references checked, 0 differences, 0 problems, 1 skipped") {
		t.Errorf("%v: %s", err, b.String())
	}
}

// unfaithful rewrites what a server answers to GET, after the data went in unharmed.
func unfaithful(t *testing.T, from, to string) (base string, harm *atomic.Bool) {
	t.Helper()
	inner := fhirfake.Handler(func(s *fhirfake.Server) { s.Token = "secret" })
	harm = &atomic.Bool{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		inner.ServeHTTP(rec, r)
		body := rec.Body.String()
		if harm.Load() && r.Method == http.MethodGet {
			body = strings.ReplaceAll(body, from, to)
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(web.Close)
	return web.URL + "/fhir", harm
}

func TestUnfaithfulServers(t *testing.T) {
	tests := []struct {
		name, from, to string
		want           []string
	}{
		{"a digit lost", `1.50`, `1.5`, []string{"patient.json#entry[1] changed Observation.valueQuantity.value"}},
		{"an element lost", `"tag":[{"code":"t"}],`, ``, []string{"patient.json#entry[0] missing Patient.meta"}},
		{"an element added", `"resourceType":"Encounter"`, `"resourceType":"Encounter","status":"unknown"`, []string{"patient.json#entry[2] added Encounter.status"}},
		{
			"a link to the wrong patient", `"subject":{"reference":"Patient/`, `"subject":{"reference":"Patient/9`,
			[]string{"patient.json#entry[1] reference Observation.subject.reference", "patient.json#entry[2] reference Encounter.subject.reference"},
		},
		{
			"a condition resolved wrongly", `"owner":{"reference":"Organization/f000001"}`, `"owner":{"reference":"Organization/f000002"}`,
			[]string{"x.ndjson:1 reference Device.owner.reference (the target does not meet the criteria)"},
		},
		{
			"a condition resolved to the wrong type", `"owner":{"reference":"Organization/f000001"}`, `"owner":{"reference":"Patient/f000003"}`,
			[]string{"x.ndjson:1 reference Device.owner.reference (not resolved to a literal reference)"},
		},
		{"a client's id", `"id":"d"`, `"id":"D"`, []string{"x.ndjson:1 changed Device.id"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, harm := unfaithful(t, tt.from, tt.to)
			dir := loadSample(t, base)
			harm.Store(true)
			r, err := Run(context.Background(), Config{Base: base, Token: "secret", Loaded: []string{dir}, Values: true})
			if !errors.Is(err, ErrDifferent) {
				t.Fatal(err, r)
			}
			var got []string
			for _, d := range r.Differences {
				got = append(got, fmt.Sprintf("%s %s %s", filepath.Base(d.Source), d.Kind, d.Path))
				if d.Sent == "" && d.Got == "" {
					t.Errorf("no values: %+v", d)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff, r.Problems)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	t.Run("never loaded", func(t *testing.T) {
		_, base, stop := fhirfake.New(nil)
		defer stop()
		dir := write(t, map[string]string{
			"b.json":   `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}`,
			"c.json":   `{"resourceType":"Patient"}`,
			"d.json":   `{`,
			"x.ndjson": `{"resourceType":"Device","id":"absent"}` + "\nbroken\n",
		})
		r, err := Run(context.Background(), Config{Base: base, Loaded: []string{dir}})
		if !errors.Is(err, ErrDifferent) || len(r.Problems) != 5 || r.Resources != 0 {
			t.Errorf("%v: %+v", err, r)
		}
	})
	t.Run("loaded and deleted", func(t *testing.T) {
		server, base, stop := fhirfake.New(nil)
		defer stop()
		dir := write(t, map[string]string{"c.json": `{"resourceType":"Patient","id":"p"}`})
		if _, err := load.Run(context.Background(), load.Config{Paths: []string{dir}, Base: base}); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(context.Background(), http.MethodDelete, base+"/Patient/p", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		server.ServeHTTP(httptest.NewRecorder(), req)
		r, err := Run(context.Background(), Config{Base: base, Loaded: []string{dir}})
		if err != nil || r.Superseded != 1 {
			t.Errorf("the version that was sent is in the history: %v: %+v", err, r)
		}
	})
	t.Run("usage", func(t *testing.T) {
		for _, cfg := range []Config{{Base: "x"}, {Base: "http://x"}, {Base: "http://x", Loaded: []string{"/absent/path"}}} {
			if _, err := Run(context.Background(), cfg); !errors.Is(err, ErrUsage) {
				t.Errorf("%+v: %v", cfg, err)
			}
		}
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := Run(ctx, Config{Base: "http://127.0.0.1:1", Loaded: []string{sample(t)}}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestExamples(t *testing.T) {
	var n atomic.Int64
	server, base, stop := fhirfake.New(func(s *fhirfake.Server) {
		s.Invalid = func(r map[string]any) bool { return r["id"] == "bad" || r["id"] == "worse" }
		s.Spoil = func(*http.Request) *fhirfake.Fault {
			if n.Add(1) == 1 {
				return &fhirfake.Fault{Status: 503}
			}
			return nil
		}
	})
	defer stop()
	dir := write(t, map[string]string{
		"a.json": `{"resourceType":"Patient","id":"a","birthDate":"1974"}`, "b.json": `{"resourceType":"Patient","id":"bad"}`,
		"c.json": `{"resourceType":"Patient","id":"worse"}`, "d.json": `{"resourceType":"Parameters","id":"x"}`, "e.json": `{"name":"package"}`,
		"f.json": `{"resourceType":"Bundle","id":"stored","type":"transaction","entry":[{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}`,
	})
	r, err := Run(context.Background(), Config{Base: base, Examples: []string{dir}, KnownInvalid: []string{"Patient/bad", "Patient/a"}})
	if !errors.Is(err, ErrDifferent) || r.Resources != 2 || len(r.Rejected) != 1 || len(r.Skipped) != 2 || len(r.Problems) != 1 || r.Problems[0].Status != 422 {
		t.Errorf("%v: %+v", err, r)
	}
	if server.Get("Bundle/stored")["type"] != "transaction" {
		t.Error("an example Bundle is content, not a request")
	}
}

func TestDifferencesAreBounded(t *testing.T) {
	base, harm := unfaithful(t, `"resourceType":"Basic"`, `"resourceType":"Basic","extra":1`)
	var text strings.Builder
	for i := range 30 {
		fmt.Fprintf(&text, `{"resourceType":"Basic","id":"b%d"}`+"\n", i)
	}
	dir := write(t, map[string]string{"b.ndjson": text.String()})
	if _, err := load.Run(context.Background(), load.Config{Paths: []string{dir}, Base: base, Token: "secret"}); err != nil {
		t.Fatal(err)
	}
	harm.Store(true)
	r, err := Run(context.Background(), Config{Base: base, Token: "secret", Loaded: []string{dir}, MaxKept: 7})
	if !errors.Is(err, ErrDifferent) || r.Total != 30 || len(r.Differences) != 7 || r.Differences[0].Got != "" {
		t.Errorf("%v: %+v", err, r)
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil || !strings.Contains(b.String(), "and 23 differences more") {
		t.Error(err, b.String())
	}
}
