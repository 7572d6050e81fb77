package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/internal/load/fhirfake"
)

// waits records the pauses that a run asks for instead of making them.
type recordedWaits struct {
	mu  sync.Mutex
	all []time.Duration
}

func (w *recordedWaits) pause(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d)
	return ctx.Err()
}

// runFast is Run without the waiting.
func runFast(t *testing.T, cfg Config) (Summary, []time.Duration, error) {
	t.Helper()
	cfg, err := cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	var w recordedWaits
	p, err := makePlan(context.Background(), cfg.Paths, cfg.MaxLine)
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(cfg, w.pause)
	err = r.run(context.Background(), p)
	return r.summary(), w.all, err
}

// sample is a folder with every form of input: a hospital's Bundle that must go first, patients' Bundles that refer to it conditionally,
// NDJSON with literal and conditional references, and a single resource. It holds want resources.
func sample(t *testing.T) (dir string, want int) {
	t.Helper()
	files := map[string]string{
		"zz-hospital.json": transaction(post("urn:uuid:h", `{"resourceType":"Organization","identifier":[{"system":"s","value":"h"}]}`, "Organization")),
		"single.json":      `{"resourceType":"Basic","id":"b1","subject":{"reference":"Patient/n0"}}`,
		"log.ndjson":       `{"eventId":"kickoff"}`,
	}
	want = 2
	var patients, observations strings.Builder
	for i := range 30 {
		files[fmt.Sprintf("p%02d.json", i)] = transaction(
			post(fmt.Sprintf("urn:uuid:%d", i), fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"s","value":"%d"}],"managingOrganization":{"reference":"Organization?identifier=s|h"}}`, i), "Patient") + "," +
				post(fmt.Sprintf("urn:uuid:o%d", i), fmt.Sprintf(`{"resourceType":"Observation","subject":{"reference":"urn:uuid:%d"},"valueDecimal":1.%d0}`, i, i), "Observation"))
		fmt.Fprintf(&patients, `{"resourceType":"Patient","id":"n%d","identifier":[{"system":"n","value":"%d"}]}`+"\n", i, i)
		fmt.Fprintf(&observations, `{"resourceType":"Observation","id":"m%d","subject":{"reference":"Patient?identifier=n|%d"}}`+"\n", i, i)
		want += 4
	}
	files["a/Observation.ndjson"], files["b/Patient.ndjson"] = observations.String(), patients.String()
	return write(t, files), want
}

func TestRunLoadsEverythingOnce(t *testing.T) {
	server, base, stop := fhirfake.New(func(s *fhirfake.Server) { s.Token = "secret" })
	defer stop()
	dir, want := sample(t)
	var out bytes.Buffer
	cfg := Config{Paths: []string{dir}, Base: base + "/", Token: "secret", Concurrency: 4, MaxEntries: 7, Out: &out}
	first, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err, first)
	}
	if first.Resources != int64(want) || server.Versions() != want || first.Replayed != 0 || len(first.Skipped) != 1 {
		t.Errorf("first run: %+v, %d versions, want %d", first, server.Versions(), want)
	}
	if diff := cmp.Diff(map[string]int{"Basic": 1, "Patient": 30, "Observation": 30}, first.ByType); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(any(map[string]any{"reference": "Patient/n7"}), server.Get("Observation/m7")["subject"]); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(out.String(), "100 %  122 resources") || strings.Contains(out.String(), "\r") {
		t.Errorf("progress without a terminal: %q", out.String())
	}
	// Another machine: same files under another path, other concurrency.
	second, err := Run(context.Background(), Config{Paths: []string{filepath.Join(dir, "a", ".."), filepath.Join(dir, "single.json")}, Base: base, Token: "secret", Concurrency: 1, MaxEntries: 7})
	if err != nil || server.Versions() != want {
		t.Errorf("second run: %v, %d versions, want %d", err, server.Versions(), want)
	}
	if second.Replayed != second.Transactions || second.Replayed != first.Transactions+1 {
		t.Errorf("second run replayed %d of %d, first %d", second.Replayed, second.Transactions, first.Transactions)
	}
}

func TestRunOverFaults(t *testing.T) {
	faults := []fhirfake.Fault{{Status: 503, RetryAfter: "40"}, {Status: 429}, {Status: 409, RetryAfter: "1"}, {Status: 502}, {Drop: true}, {DropAfter: true}, {Status: 504}}
	var n atomic.Int64
	server, base, stop := fhirfake.New(func(s *fhirfake.Server) {
		s.Spoil = func(*http.Request) *fhirfake.Fault {
			if i := n.Add(1); i%2 == 0 {
				return &faults[int(i/2)%len(faults)]
			}
			return nil
		}
	})
	defer stop()
	dir, want := sample(t)
	sum, waited, err := runFast(t, Config{Paths: []string{dir}, Base: base, Concurrency: 3, MaxEntries: 5, Attempts: 50})
	if err != nil || len(sum.Failures) > 0 {
		t.Fatal(err, sum.Failures)
	}
	if server.Versions() != want || sum.Resources != int64(want) {
		t.Errorf("%d versions, %d reported, want %d exactly once", server.Versions(), sum.Resources, want)
	}
	if sum.Retries == 0 || int(sum.Retries) != len(waited) || sum.Requests != int64(server.Requests()) || sum.Replayed == 0 {
		t.Errorf("summary %+v, %d waits, %d requests", sum, len(waited), server.Requests())
	}
	long := 0
	for _, d := range waited {
		if d >= 40*time.Second {
			long++
		}
		if d <= 0 {
			t.Errorf("waited %s", d)
		}
	}
	if long == 0 {
		t.Error("Retry-After was not honored")
	}
}

func TestRunSlowAnswers(t *testing.T) {
	var n atomic.Int64
	server, base, stop := fhirfake.New(func(s *fhirfake.Server) {
		s.Spoil = func(*http.Request) *fhirfake.Fault {
			if n.Add(1) == 1 {
				return &fhirfake.Fault{Delay: time.Minute}
			}
			return nil
		}
	})
	defer stop()
	dir := write(t, map[string]string{"p.json": `{"resourceType":"Patient","id":"p"}`})
	sum, _, err := runFast(t, Config{Paths: []string{dir}, Base: base, Timeout: 200 * time.Millisecond})
	if err != nil || sum.Retries == 0 || sum.Resources != 1 || server.Versions() != 1 {
		t.Errorf("%v, %+v, %d versions", err, sum, server.Versions())
	}
}

func TestOneBadLineCostsOneLine(t *testing.T) {
	server, base, stop := fhirfake.New(func(s *fhirfake.Server) {
		s.Invalid = func(r map[string]any) bool { return r["id"] == "n11" || r["id"] == "n12" }
	})
	defer stop()
	var text strings.Builder
	for i := range 40 {
		fmt.Fprintf(&text, `{"resourceType":"Patient","id":"n%d"}`+"\n", i)
	}
	dir := write(t, map[string]string{"p.ndjson": text.String() + "{oops\n" + `{"resourceType":"Patient","id":` + "\n"})
	sum, err := Run(context.Background(), Config{Paths: []string{dir}, Base: base, MaxEntries: 16})
	if !errors.Is(err, ErrIncomplete) || server.Count("Patient") != 38 || sum.Resources != 38 {
		t.Errorf("%v, %d patients, %+v", err, server.Count("Patient"), sum)
	}
	var got []string
	for _, f := range sum.Failures {
		f.Source = filepath.Base(f.Source)
		got = append(got, f.String())
	}
	want := []string{
		"p.ndjson:12: 422 Unprocessable Entity; error invariant at Patient: rejected",
		"p.ndjson:13: 422 Unprocessable Entity; error invariant at Patient: rejected",
		"p.ndjson:41: not well-formed JSON",
		"p.ndjson:42: not well-formed JSON",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheLastLineWins(t *testing.T) {
	server, base, stop := fhirfake.New(nil)
	defer stop()
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, `{"resourceType":"Patient","id":"same","multipleBirthInteger":%d}`+"\n", i)
	}
	dir := write(t, map[string]string{"p.ndjson": text.String()})
	if _, err := Run(context.Background(), Config{Paths: []string{dir}, Base: base, Concurrency: 8}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(server.Get("Patient/same")["multipleBirthInteger"]); got != "59" || server.Versions() != 60 {
		t.Errorf("the last version says %s of %d", got, server.Versions())
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	var now, most atomic.Int64
	_, base, stop := fhirfake.New(nil)
	defer stop()
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		return http.DefaultTransport.RoundTrip(r)
	})}
	dir, _ := sample(t)
	if _, err := Run(context.Background(), Config{Paths: []string{dir}, Base: base, Concurrency: 3, MaxEntries: 2, Client: client}); err != nil {
		t.Fatal(err)
	}
	if most.Load() > 3 {
		t.Errorf("%d requests at once, want at most 3", most.Load())
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRunStops(t *testing.T) {
	dir, _ := sample(t)
	t.Run("wrong token", func(t *testing.T) {
		server, base, stop := fhirfake.New(func(s *fhirfake.Server) { s.Token = "secret" })
		defer stop()
		_, err := Run(context.Background(), Config{Paths: []string{dir}, Base: base, Token: "old", Concurrency: 2})
		if !errors.Is(err, ErrUnauthorized) || server.Requests() > 2 {
			t.Errorf("%v after %d requests", err, server.Requests())
		}
	})
	t.Run("no server", func(t *testing.T) {
		server, base, stop := fhirfake.New(func(s *fhirfake.Server) {
			s.Spoil = func(*http.Request) *fhirfake.Fault { return &fhirfake.Fault{Status: 503} }
		})
		defer stop()
		sum, _, err := runFast(t, Config{Paths: []string{dir}, Base: base, Concurrency: 2, Attempts: 3})
		if !errors.Is(err, errUnavailable) || server.Requests() > 6 || len(sum.Failures) == 0 {
			t.Errorf("%v after %d requests, %v", err, server.Requests(), sum.Failures)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		_, base, stop := fhirfake.New(func(s *fhirfake.Server) {
			s.Spoil = func(*http.Request) *fhirfake.Fault { cancel(); return nil }
		})
		defer stop()
		if _, err := Run(ctx, Config{Paths: []string{dir}, Base: base}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("usage", func(t *testing.T) {
		for _, cfg := range []Config{
			{Base: "http://x/fhir"},
			{Paths: []string{dir}},
			{Paths: []string{dir}, Base: "ftp://x"},
			{Paths: []string{t.TempDir()}, Base: "http://x"},
			{Paths: []string{dir + "/absent"}, Base: "http://x"},
		} {
			if _, err := Run(context.Background(), cfg); !errors.Is(err, ErrUsage) {
				t.Errorf("%+v: %v", cfg, err)
			}
		}
	})
}
