package receipt

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the test vectors; a change of an existing one breaks every receipt that was given")

// vector compares a file under testdata/vectors with what the code makes now.
func vector(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "vectors", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s changed (-vector +now):\n%s", name, diff)
	}
}

func TestVectors(t *testing.T) {
	w := newWorld(t)
	vector(t, "trust.json", w.trustFile)
	vector(t, "resource.json", resource)
	for name, raw := range w.receipts() {
		vector(t, name+".receipt.json", raw)
		report, err := json.MarshalIndent(Verify(raw, w.trustFile, Options{}), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		vector(t, name+".report.json", append(report, '\n'))
	}
}

func TestVerdicts(t *testing.T) {
	w := newWorld(t)
	at := func(height int64) time.Time { return epoch.Add(time.Duration(height)*time.Second + 17) }
	tests := map[string]struct {
		raw       []byte
		verdict   Verdict
		no        time.Time
		statement string
	}{
		"anchored":  {w.anchored, Anchored, at(11), "recorded no later than 2026-01-02T03:04:16.000000695Z (time of consortium block 11)"},
		"other":     {w.other, Anchored, at(13), "agent: client-7, stated by hospital-a"},
		"changed":   {w.changed, Anchored, at(30), "whether a later version of the record or of a consent exists is not proved"},
		"committed": {w.committed, Committed, time.Time{}, "signed by hospital-a; nothing is proved about the time"},
	}
	for name, tc := range tests {
		report := Verify(tc.raw, w.trustFile, Options{})
		if report.Verdict != tc.verdict || report.Failed() != nil {
			t.Errorf("%s: %s, %+v", name, report.Verdict, report.Failed())
			continue
		}
		if !report.Claims.NoLaterThan.Equal(tc.no) {
			t.Errorf("%s: no later than %v", name, report.Claims.NoLaterThan)
		}
		if !strings.Contains(strings.Join(report.Claims.Statements, "\n"), tc.statement) {
			t.Errorf("%s: no statement %q in %q", name, tc.statement, report.Claims.Statements)
		}
	}
}

func TestEveryTimeIsStatedOrProved(t *testing.T) {
	w := newWorld(t)
	for name, raw := range w.receipts() {
		for _, s := range Verify(raw, w.trustFile, Options{}).Claims.Statements {
			if strings.Contains(s, "2026-") && !strings.HasSuffix(s, "stated by hospital-a") && !strings.HasPrefix(s, "recorded no later than") {
				t.Errorf("%s: a time without its source: %q", name, s)
			}
		}
	}
}

func TestResource(t *testing.T) {
	w := newWorld(t)
	report := Verify(w.anchored, w.trustFile, Options{Resource: resource})
	if report.Verdict != Anchored || !report.Claims.ResourceMatches {
		t.Fatalf("%s, %+v", report.Verdict, report.Failed())
	}
	canonical := func([]byte) ([]byte, error) { return resource, nil }
	if got := Verify(w.anchored, w.trustFile, Options{Resource: []byte("spread out"), Canonical: canonical}); got.Verdict != Anchored {
		t.Errorf("canonical form: %+v", got.Failed())
	}
	broken := func([]byte) ([]byte, error) { return nil, errors.New("secret value") }
	tests := map[string]struct {
		raw  []byte
		opts Options
	}{
		"another resource":    {w.anchored, Options{Resource: []byte(strings.Replace(string(resource), "6.30", "6.3", 1))}},
		"empty resource":      {w.anchored, Options{Resource: []byte{}}},
		"no canonical form":   {w.anchored, Options{Resource: resource, Canonical: broken}},
		"content not opened":  {w.changed, Options{Resource: resource}},
		"committed, no match": {w.committed, Options{Resource: []byte("{}")}},
	}
	for name, tc := range tests {
		report := Verify(tc.raw, w.trustFile, tc.opts)
		if report.Verdict != Invalid || report.Failed() == nil || report.Failed().Name != StepResource {
			t.Errorf("%s: %s, %+v", name, report.Verdict, report.Failed())
		} else if strings.Contains(report.Failed().Detail, "secret") {
			t.Errorf("%s: the report quotes the resource", name)
		}
	}
}

func TestInvalidReceiptClaimsNothing(t *testing.T) {
	w := newWorld(t)
	raw := append([]byte{}, w.anchored...)
	raw[len(raw)/2] ^= 1
	if diff := cmp.Diff(Claims{}, Verify(raw, w.trustFile, Options{}).Claims); diff != "" {
		t.Error(diff)
	}
}

func TestTrustingPeriodWarns(t *testing.T) {
	w := newWorld(t)
	end := epoch.Add(time.Duration(w.trust.TrustingPeriod) * time.Second)
	for now, want := range map[time.Time]int{{}: 0, end: 0, end.Add(time.Nanosecond): 1} {
		report := Verify(w.anchored, w.trustFile, Options{Now: now})
		if report.Verdict != Anchored || len(report.Warnings) != want {
			t.Errorf("at %v: %s, warnings %q", now, report.Verdict, report.Warnings)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	for name, raw := range w.receipts() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := Verify(raw, w.trustFile, Options{}); got.Verdict == Invalid {
					b.Fatal(got.Failed())
				}
			}
			b.ReportMetric(float64(len(raw)), "receipt-bytes")
		})
	}
}
