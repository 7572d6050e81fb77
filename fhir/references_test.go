package fhir

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// linked has every kind of place where a link may stand, and may not.
const linked = `{"resourceType":"Patient","id":"1","implicitRules":"urn:uuid:1","meta":{"profile":["urn:uuid:1"],"source":"urn:uuid:2"},` +
	`"text":{"status":"additional","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">\u00e9<a title=\"urn:uuid:1\" href=\"urn:uuid:1\">urn:uuid:1<\/a>` +
	`<img alt='é' src='urn:uuid:2'/><a href=\"#x\"/><a href=\"http://example.org/?a=1&amp;b=2\"/></div>"},` +
	`"contained":[{"resourceType":"Organization","id":"o","partOf":{"reference":"urn:uuid:2"}}],` +
	`"extension":[{"url":"urn:uuid:1","valueReference":{"reference":"Patient?identifier=a|b","identifier":{"value":"urn:uuid:1"}}},` +
	`{"url":"x:y","valueUuid":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},{"url":"x:y","valueCanonical":"urn:uuid:1"},` +
	`{"url":"x:y","valueOid":"urn:oid:1.2"},{"url":"x:y","valueUrl":"urn:uuid:1"},{"url":"x:y","valueString":"urn:uuid:1"}],` +
	`"managingOrganization":{"reference":"#o","_reference":{"id":"r"},"type":"urn:uuid:1"},` +
	`"generalPractitioner":[{"reference":"urn\u003auuid:1"},{"reference":"Practitioner/1"}]}`

func TestEachReference(t *testing.T) {
	var got []string
	if err := EachReference([]byte(linked), func(ref string) error {
		got = append(got, ref)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"urn:uuid:2", "Patient?identifier=a|b", "#o", "urn:uuid:1", "Practitioner/1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	stop := errors.New("stop")
	n := 0
	err := EachReference([]byte(linked), func(string) error { n++; return stop })
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("%d calls, error %v", n, err)
	}
}

func TestRewriteReferences(t *testing.T) {
	if got := issuesOf(t, linked); got != "" {
		t.Fatalf("the input is not FHIR: %s", got)
	}
	seen := map[string]int{}
	got, err := RewriteReferences([]byte(linked), func(ref string) (string, bool, error) {
		seen[ref]++
		switch ref {
		case "urn:uuid:1":
			return `Patient/"<é>&'`, true, nil
		case "http://example.org/?a=1&b=2":
			return "Patient/2", true, nil
		case "#o":
			return "unused", false, nil
		}
		return "", false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const plain, inDiv = `Patient/\"<é>&'`, `Patient/&quot;&lt;é>&amp;&#39;`
	want := linked
	for _, change := range [][2]string{
		{`"implicitRules":"urn:uuid:1"`, `"implicitRules":"` + plain + `"`},
		{`href=\"urn:uuid:1\"`, `href=\"` + inDiv + `\"`},
		{`http://example.org/?a=1&amp;b=2`, `Patient/2`},
		{`{"url":"urn:uuid:1"`, `{"url":"` + plain + `"`},
		{`"valueUrl":"urn:uuid:1"`, `"valueUrl":"` + plain + `"`},
		{`"type":"urn:uuid:1"`, `"type":"` + plain + `"`},
		{`urn\u003auuid:1`, plain},
	} {
		if strings.Count(want, change[0]) != 1 {
			t.Fatalf("%s is not there once", change[0])
		}
		want = strings.Replace(want, change[0], change[1], 1)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	wantSeen := map[string]int{
		"urn:uuid:1": 6, "urn:uuid:2": 3, "http://example.org/?a=1&b=2": 1, "Patient?identifier=a|b": 1, "#o": 1, "Practitioner/1": 1,
		"urn:oid:1.2": 1, "urn:uuid:c757873d-ec9a-4326-a141-556f43239520": 1,
	}
	if diff := cmp.Diff(wantSeen, seen); diff != "" {
		t.Error(diff)
	}
}

func TestRewriteReferencesErrors(t *testing.T) {
	stop := errors.New("stop")
	for _, in := range []string{
		linked,
		`{"resourceType":"Patient","text":{"div":"<div xmlns='http://www.w3.org/1999/xhtml'><a href='urn:uuid:1'/><a href='urn:uuid:1'/></div>"}}`,
	} {
		n := 0
		got, err := RewriteReferences([]byte(in), func(string) (string, bool, error) { n++; return "a", true, stop })
		if !errors.Is(err, stop) || got != nil || n != 1 {
			t.Errorf("%d calls, %s, error %v", n, got, err)
		}
	}
	for _, in := range []string{``, `[]`, `{"resourceType":"Patient"`, `{"resourceType":"Patient"} x`, `{"resourceType":"Patient","link":[{]}`} {
		if got, err := RewriteReferences([]byte(in), keep); err == nil {
			t.Errorf("%s gives %s", in, got)
		}
	}
	if got, err := RewriteReferences([]byte(`{"resourceType":"Other","reference":"a"}`), keep); err != nil || len(got) != 40 {
		t.Errorf("%s, %v", got, err)
	}
}

func keep(string) (string, bool, error) { return "", false, nil }

// TestRewriteSynthea resolves a whole transaction as its processor would.
func TestRewriteSynthea(t *testing.T) {
	for _, f := range corpus(t, "synthea.tar.zst") {
		b, err := ParseBundle(f.data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		to := map[string]string{}
		for _, e := range b.Entries {
			to[e.FullURL] = e.URL + "/" + strings.TrimPrefix(e.FullURL, "urn:uuid:")
		}
		for _, e := range b.Entries {
			out, err := RewriteReferences(e.Resource, func(ref string) (string, bool, error) {
				resolved, ok := to[ref]
				return resolved, ok, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := EachReference(out, func(ref string) error {
				if strings.HasPrefix(ref, "urn:") {
					t.Errorf("%s: %s is left", e.Path, ref)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(out, Limits{}); err != nil {
				t.Errorf("%s: %v", e.Path, err)
			}
		}
	}
}

// FuzzRewriteReferences checks that no change means no byte changed, and that a
// change of every reference reaches every reference and nothing else breaks.
func FuzzRewriteReferences(f *testing.F) {
	for _, raw := range resources(f)[200:220] {
		f.Add(raw)
	}
	f.Add([]byte(linked))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := newScanner(raw, Limits{})
		if err != nil {
			return
		}
		s.compact = true
		if s.document(); s.invalid() != nil {
			return
		}
		in := s.compacted()
		same, err := RewriteReferences(in, keep)
		if err != nil || !bytes.Equal(same, in) {
			t.Fatalf("changed without a change: %s, %v", same, err)
		}
		const to = "urn:uuid:\u00e9\"\\"
		out, err := RewriteReferences(in, func(string) (string, bool, error) { return to, true, nil })
		if err != nil {
			t.Fatal(err)
		}
		if got, want := references(t, out), references(t, in); len(got) != len(want) || strings.Join(got, "") != strings.Repeat(to, len(got)) {
			t.Fatalf("%q became %q", want, got)
		}
		if again, err := RewriteReferences(out, func(string) (string, bool, error) { return to, true, nil }); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("not stable: %s, %v", again, err)
		}
	})
}

func references(t *testing.T, json []byte) []string {
	t.Helper()
	var all []string
	if err := EachReference(json, func(ref string) error {
		all = append(all, ref)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
