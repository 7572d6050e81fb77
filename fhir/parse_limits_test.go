package fhir

import (
	"errors"
	"strings"
	"testing"
)

// TestParseLimits checks each limit on both sides.
func TestParseLimits(t *testing.T) {
	nested := func(depth int) string { // of objects and arrays, extension in extension
		const open, end = `,"extension":[{"url":"x:y"`, `}]`
		n := (depth - 2) / 2
		return `{"resourceType":"Basic","code":{"text":"a"}` + strings.Repeat(open, n) +
			`,"extension":[{"url":"x:y","valueBoolean":true}]` + strings.Repeat(end, n) + `}`
	}
	late := func(size int) string { // twelve Bundles, resourceType last in each
		return strings.Repeat(`{"entry":[{"resource":`, 12) + `{"language":"` + strings.Repeat("a", size) + `","resourceType":"Patient"}` +
			strings.Repeat(`}],"type":"collection","resourceType":"Bundle"}`, 12)
	}
	cases := []struct {
		name string
		in   string
		lim  Limits
		want string
	}{
		{"depth 63", nested(63), Limits{}, ""},
		{"depth 65", nested(65), Limits{}, "too-costly"},
		{"depth as asked", nested(65), Limits{MaxDepth: 65}, ""},
		{"very deep", strings.Repeat(`{"resourceType":"Bundle","entry":[{"resource":`, 4500), Limits{}, "too-costly"},
		{"deep unknown", `{"resourceType":"Patient","x":` + strings.Repeat("[", 1e6), Limits{}, "too-costly"},
		{"types last", late(10), Limits{}, ""},
		{"types last and large", late(10_000), Limits{}, "too-costly"},
		{"size", `{"resourceType":"Patient"}`, Limits{MaxBytes: 26}, ""},
		{"one too long", `{"resourceType":"Patient"}`, Limits{MaxBytes: 25}, "too-long"},
		{"string of 1 MB", patientNamed(strings.Repeat("a", 1<<20)), Limits{}, ""},
		{"longer string", patientNamed(strings.Repeat("a", 1<<20+1)), Limits{}, "value"},
	}
	for _, c := range cases {
		_, err := Parse([]byte(c.in), c.lim)
		if got := firstCode(t, err); got != c.want {
			t.Errorf("%s: got %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

func patientNamed(name string) string {
	return `{"resourceType":"Patient","name":[{"text":"` + name + `"}]}`
}

// firstCode is the code of the first issue, empty without an error.
func firstCode(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var inv *Invalid
	if !errors.As(err, &inv) || len(inv.Issues) == 0 {
		t.Fatalf("error is not *Invalid with issues: %v", err)
	}
	return inv.Issues[len(inv.Issues)-1].Code
}

// TestParseBoundsIssues checks that hostile input cannot make the answer large.
func TestParseBoundsIssues(t *testing.T) {
	in := `{"resourceType":"Patient","generalPractitioner":[` + strings.Repeat(`{"reference":"#nobody","x":1},`, 5000) + `{}]}`
	_, err := Parse([]byte(in), Limits{})
	var inv *Invalid
	if !errors.As(err, &inv) || len(inv.Issues) != maxIssues {
		t.Fatalf("got %v", err)
	}
	if n := len(err.Error()); n > 1000 {
		t.Errorf("error text has %d bytes", n)
	}
}
