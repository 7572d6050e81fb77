package patch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/chartseal/chartseal/fhir/patch"
)

// decode reads JSON by another parser than the package's; numbers keep their
// digits.
func decode(t testing.TB, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return v
}

// compact is text without white space between tokens.
func compact(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatalf("not JSON: %v", err)
	}
	return b.Bytes()
}

// wantError checks for a patch error of a kind at an operation, and gives its text.
func wantError(t testing.TB, err error, op int, kind patch.Kind) string {
	t.Helper()
	var e *patch.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a patch error: %v", err, kind)
	}
	if e.Op != op || e.Kind != kind {
		t.Fatalf("operation %d, kind %v (%s); want operation %d, kind %v", e.Op, e.Kind, e.Msg, op, kind)
	}
	return e.Error()
}

// members gives the members of a JSON object as they are written, in order.
func members(t testing.TB, text []byte) (names []string, raw map[string]string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	raw = map[string]string{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		raw[name.(string)] = string(value)
	}
	return names, raw
}
