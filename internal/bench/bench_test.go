package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chartseal/chartseal/internal/load/fhirfake"
)

// patientBundle is a transaction with a Patient and observations of its own.
func patientBundle(i, observations int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:p%d","resource":{"resourceType":"Patient","id":"x","managingOrganization":{"reference":"Organization?identifier=s|h"},`+
		`"identifier":[{"system":"s","value":"%d"},{"system":"t","value":"%d"}]},"request":{"method":"POST","url":"Patient"}}`, i, i, i)
	for o := range observations {
		fmt.Fprintf(&b, `,{"fullUrl":"urn:uuid:o%d-%d","resource":{"resourceType":"Observation","subject":{"reference":"urn:uuid:p%d"},"code":{"coding":[{"system":"http://loinc.org","code":"%d-1"}]}},`+
			`"request":{"method":"POST","url":"Observation"}}`, i, o, i, o)
	}
	return b.String() + `]}`
}

const hospital = `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Organization","identifier":[{"system":"s","value":"h"}]},"request":{"method":"POST","url":"Organization"}}]}`

func data(t *testing.T, more map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"hospital.json": hospital, "notes.json": `{"a":1}`}
	for i := range 12 {
		files[fmt.Sprintf("p%02d.json", i)] = patientBundle(i, 6)
	}
	for name, text := range more {
		files[name] = text
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRun(t *testing.T) {
	var posts atomic.Int64
	server, base, stop := fhirfake.New(func(s *fhirfake.Server) {
		s.Token, s.NoIdempotency = "secret", true
		s.Spoil = func(r *http.Request) *fhirfake.Fault {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/fhir") {
				posts.Add(1)
			}
			return nil
		}
	})
	defer stop()
	cfg := Config{Base: base, Token: "secret", DataDir: data(t, nil), Concurrency: []int{1, 3}, Duration: 60 * time.Millisecond, WarmUp: 10 * time.Millisecond}
	r, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.Server != "fhirfake" || r.Patients != 12 || len(r.Results) != 8 {
		t.Errorf("report %+v", r)
	}
	for _, x := range r.Results {
		if x.Errors != 0 || x.Requests == 0 || x.PerSecond <= 0 || x.P50 <= 0 || x.P50 > x.P95 || x.P95 > x.P99 || x.P99 > x.Max || x.Seconds < .06 {
			t.Errorf("%+v", x)
		}
		if x.Operation == Ingest && x.Resources != 7*x.Requests {
			t.Errorf("ingest: %d resources in %d Bundles of 7", x.Resources, x.Requests)
		}
	}
	if server.Count("Organization") != 1 {
		t.Errorf("%d organisations: what the Bundles refer to is loaded once", server.Count("Organization"))
	}
	// The server now holds enough: a second run does not load anything.
	before := posts.Load()
	cfg.Only = []string{Search, Read}
	cfg.DataDir = ""
	r, err = Run(context.Background(), cfg)
	if err != nil || posts.Load() != before || r.Patients < enoughPatients || len(r.Results) != 4 || r.Results[0].Operation != Read {
		t.Errorf("second run: %v, %+v, %d Bundles posted", err, r, posts.Load()-before)
	}
}

func TestFreshPatients(t *testing.T) {
	server, base, stop := fhirfake.New(nil)
	defer stop()
	if _, err := Run(context.Background(), Config{Base: base, DataDir: data(t, nil), Concurrency: []int{4}, Duration: 50 * time.Millisecond, WarmUp: time.Millisecond, Only: []string{Create}}); err != nil {
		t.Fatal(err)
	}
	n := server.Count("Patient")
	if n < 8 || server.Count("Observation") != 0 {
		t.Fatalf("%d patients, %d observations", n, server.Count("Observation"))
	}
	seen := map[string]bool{}
	for i := 1; i <= n; i++ {
		p := server.Get(fmt.Sprintf("Patient/f%06d", i))
		raw, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Identifier []struct{ Value string } }
		if err := json.Unmarshal(raw, &got); err != nil || len(got.Identifier) != 2 {
			t.Fatalf("patient %d: %v, %v", i, err, p)
		}
		value := got.Identifier[0].Value
		if value != got.Identifier[1].Value || seen[value] || p["managingOrganization"] != nil {
			t.Fatalf("patient %d: %v", i, p)
		}
		seen[value] = true
	}
}

func TestErrorsAreCounted(t *testing.T) {
	var n atomic.Int64
	_, base, stop := fhirfake.New(func(s *fhirfake.Server) {
		s.Spoil = func(r *http.Request) *fhirfake.Fault {
			if strings.HasSuffix(r.URL.Path, "/metadata") {
				return nil
			}
			switch n.Add(1) % 4 {
			case 0:
				return &fhirfake.Fault{Status: 503}
			case 1:
				return &fhirfake.Fault{DropAfter: true}
			}
			return nil
		}
	})
	defer stop()
	r, err := Run(context.Background(), Config{Base: base, DataDir: data(t, nil), Concurrency: []int{2}, Duration: 200 * time.Millisecond, WarmUp: time.Millisecond, Only: []string{Create}})
	if err != nil {
		t.Fatal(err)
	}
	x := r.Results[0]
	if x.Statuses["503"] == 0 || x.Statuses["transport"] == 0 || int64(x.Statuses["503"]+x.Statuses["transport"]) != x.Errors || x.Requests <= x.Errors {
		t.Errorf("%+v", x)
	}
}

// answering is a server that gives every request the same answer.
func answering(status int, body string) source {
	return func(int) func(context.Context) job {
		return func(ctx context.Context) job {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://unused/", http.NoBody)
			if err != nil {
				panic(err)
			}
			req.Header.Set("X-Status", fmt.Sprint(status))
			req.Header.Set("X-Body", body)
			return job{req: req, entries: 2}
		}
	}
}

func TestWhatCountsAsSuccess(t *testing.T) {
	full, part := `{"entry":[{"response":{"status":"201"}},{"response":{"status": "200 OK"}}]}`, `{"entry":[{"response":{"status":"201"}},{"response":{"status":"422"}}]}`
	tests := []struct {
		name, ack string
		status    int
		body      string
		error     string
		resources bool
	}{
		{"all entries stored", "", 200, full, "", true},
		{"a transaction done as a batch", "", 200, part, "entries", true},
		{"accepted, not asked for", "", 202, "", "202", false},
		{"accepted, asked for", AckDurable, 202, "", "", true},
		{"rejected", "", 422, part, "422", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(Config{Base: "http://unused", Concurrency: []int{1}})
			c.transport.RegisterProtocol("http", echo{})
			next := answering(tt.status, tt.body)(0)
			tallies, err := phase(context.Background(), Config{Ack: tt.ack}, c, []func(context.Context) job{next}, time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			r := sum(Ingest, 1, tallies)
			if (r.Errors > 0) != (tt.error != "") || tt.error != "" && r.Statuses[tt.error] == 0 || (r.Resources > 0) != tt.resources {
				t.Errorf("%+v", r)
			}
		})
	}
}

// echo answers with what the request asks for.
type echo struct{}

func (echo) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := &http.Response{StatusCode: 0, Header: http.Header{}, Request: r}
	if _, err := fmt.Sscan(r.Header.Get("X-Status"), &rec.StatusCode); err != nil {
		return nil, err
	}
	rec.Body = readCloser{strings.NewReader(r.Header.Get("X-Body"))}
	return rec, nil
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestSetupFailures(t *testing.T) {
	updates := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","id":"1"},"request":{"method":"PUT","url":"Patient/1"}}]}`
	onlyPut := t.TempDir()
	if err := os.WriteFile(filepath.Join(onlyPut, "a.json"), []byte(updates), 0o600); err != nil {
		t.Fatal(err)
	}
	_, base, stop := fhirfake.New(nil)
	defer stop()
	// A server whose index forgets: it stores, but a search by code finds nothing.
	_, forgetful, stop2 := fhirfake.New(func(s *fhirfake.Server) {
		s.Spoil = func(r *http.Request) *fhirfake.Fault {
			if r.URL.Query().Has("code") {
				r.URL.RawQuery = "code=none"
			}
			return nil
		}
	})
	defer stop2()
	tests := []struct {
		name string
		cfg  Config
		want error
	}{
		{"unknown operation", Config{Base: base, Only: []string{"delete"}}, ErrUsage},
		{"bad base", Config{Base: "localhost"}, ErrUsage},
		{"no workers", Config{Base: base, Concurrency: []int{0}}, ErrUsage},
		{"unknown ack", Config{Base: base, Ack: "maybe"}, ErrUsage},
		{"no data", Config{Base: base}, ErrUsage},
		{"nothing to repeat", Config{Base: base, DataDir: onlyPut}, ErrUsage},
		{"no server", Config{Base: "http://127.0.0.1:1/fhir", DataDir: onlyPut}, ErrSetup},
		{"empty answers", Config{Base: forgetful, DataDir: data(t, nil), Only: []string{Search}}, ErrSetup},
	}
	for _, tt := range tests {
		if _, err := Run(context.Background(), tt.cfg); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var n atomic.Int64
	_, base, stop := fhirfake.New(func(s *fhirfake.Server) {
		s.Spoil = func(*http.Request) *fhirfake.Fault {
			if n.Add(1) == 300 {
				cancel()
			}
			return nil
		}
	})
	defer stop()
	if _, err := Run(ctx, Config{Base: base, DataDir: data(t, nil), Duration: time.Hour, WarmUp: time.Millisecond, Only: []string{Create}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTypeAndID(t *testing.T) {
	for in, want := range map[string]string{
		"Patient/1/_history/2": "Patient/1", "http://x/fhir/Patient/1": "Patient/1", "http://other/y/Patient/1/_history/1": "Patient/1", "": "",
	} {
		if got := typeAndID(in, "http://x/fhir"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
