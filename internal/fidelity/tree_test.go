package fidelity

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func tree(t testing.TB, text string) map[string]any {
	t.Helper()
	m, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// compareText compares two resources under links that know two entries, and shows the findings.
func compareText(t *testing.T, sent, got string, checkID bool) []string {
	t.Helper()
	links := bundleLinks{
		byURL: map[string]string{"urn:uuid:1": "Patient/p", "http://x/fhir/Patient/9": "Patient/q"},
		at:    map[string]string{"Patient/p": "1", "Patient/q": "3"},
	}
	c := &comparison{checkID: checkID, target: func(ref string) (string, bool) { return links.target("http://x/fhir/", ref) }}
	c.compare(tree(t, sent), tree(t, got))
	var list []string
	for _, f := range c.findings {
		list = append(list, f.kind+" "+f.path)
	}
	for _, x := range c.conditions {
		list = append(list, fmt.Sprintf("condition %s %s -> %s", x.path, x.criteria, x.got))
	}
	return list
}

func TestCompare(t *testing.T) {
	tests := []struct {
		name, sent, got string
		want            []string
	}{
		{
			"equal but for what the server writes", `{"resourceType":"Patient","id":"a","active":true}`,
			`{"active":true,"meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z"},"id":"f1","resourceType":"Patient"}`, nil,
		},
		{
			"meta of the client", `{"resourceType":"P","meta":{"versionId":"7","tag":[{"code":"a"}],"source":"#x"}}`,
			`{"resourceType":"P","meta":{"versionId":"1","tag":[{"code":"a"}],"profile":["p"]}}`,
			[]string{"added P.meta.profile", "missing P.meta.source"},
		},
		{"meta lost", `{"resourceType":"P","meta":{"tag":[]}}`, `{"resourceType":"P","meta":{"versionId":"1"}}`, []string{"missing P.meta"}},
		{
			"digits", `{"resourceType":"P","a":1.00,"b":1e2,"c":-0,"d":0.10}`, `{"resourceType":"P","a":1.0,"b":100,"c":0,"d":0.10}`,
			[]string{"changed P.a", "changed P.b", "changed P.c"},
		},
		{
			"types", `{"resourceType":"P","a":"1","b":true,"c":{},"d":[1],"e":null}`, `{"resourceType":"P","a":1,"b":"true","c":[],"d":1,"e":false}`,
			[]string{"changed P.a", "changed P.b", "changed P.c", "changed P.d", "changed P.e"},
		},
		{
			"nested", `{"resourceType":"O","component":[{"v":{"x":"1"}},{"v":{"x":"2"}}]}`, `{"resourceType":"O","component":[{"v":{"x":"1"}},{"v":{"y":"2"}}]}`,
			[]string{"missing O.component[1].v.x", "added O.component[1].v.y"},
		},
		{
			"array order and length", `{"resourceType":"O","a":["1","2","3"]}`, `{"resourceType":"O","a":["2","1"]}`,
			[]string{"changed O.a", "changed O.a[0]", "changed O.a[1]"},
		},
		{"nulls beside extensions", `{"resourceType":"O","a":["1",null],"_a":[null,{"id":"x"}]}`, `{"resourceType":"O","a":["1",null],"_a":[null,{"id":"x"}]}`, nil},
		{"space in text", `{"resourceType":"O","a":" x\u00e9  y "}`, `{"resourceType":"O","a":" xé y "}`, []string{"changed O.a"}},
		{
			"dates are text", `{"resourceType":"O","a":"2026-01","b":"2026-01-01T00:00:00.000-00:00"}`, `{"resourceType":"O","a":"2026-01-01","b":"2026-01-01T00:00:00+00:00"}`,
			[]string{"changed O.a", "changed O.b"},
		},
		{"ids inside stay", `{"resourceType":"O","contained":[{"id":"c"}]}`, `{"resourceType":"O","contained":[{"id":"d"}]}`, []string{"changed O.contained[0].id"}},
		{"reference resolved", `{"resourceType":"O","s":{"reference":"urn:uuid:1","display":"d"}}`, `{"resourceType":"O","s":{"reference":"Patient/p","display":"d"}}`, nil},
		{"reference to the wrong entry", `{"resourceType":"O","s":{"reference":"urn:uuid:1"}}`, `{"resourceType":"O","s":{"reference":"Patient/q"}}`, []string{"reference O.s.reference"}},
		{"reference left alone", `{"resourceType":"O","s":{"reference":"urn:uuid:1"}}`, `{"resourceType":"O","s":{"reference":"urn:uuid:1"}}`, []string{"reference O.s.reference"}},
		{
			"foreign urn, fragment and literal stay", `{"resourceType":"O","a":{"reference":"urn:uuid:2"},"b":{"reference":"#c"},"c":{"reference":"Patient/7"}}`,
			`{"resourceType":"O","a":{"reference":"urn:uuid:2"},"b":{"reference":"#c"},"c":{"reference":"Patient/8"}}`,
			[]string{"reference O.c.reference"},
		},
		{
			"absolute, relative and versioned to an entry", `{"resourceType":"O","a":{"reference":"http://x/fhir/Patient/9"},"b":{"reference":"Patient/9"},"c":{"reference":"urn:uuid:1/_history/4"}}`,
			`{"resourceType":"O","a":{"reference":"Patient/q"},"b":{"reference":"Patient/q"},"c":{"reference":"Patient/p/_history/1"}}`, nil,
		},
		{
			"conditional", `{"resourceType":"O","s":{"reference":"Practitioner?identifier=s|1"}}`, `{"resourceType":"O","s":{"reference":"Practitioner/7"}}`,
			[]string{"condition O.s.reference Practitioner?identifier=s|1 -> Practitioner/7"},
		},
		{
			"links in uri values", `{"resourceType":"O","url":"urn:uuid:1","valueUri":"urn:uuid:1","valueString":"urn:uuid:1"}`, `{"resourceType":"O","url":"Patient/p","valueUri":"urn:uuid:1","valueString":"Patient/p"}`,
			[]string{"changed O.valueString"},
		},
		{"wrong link in a uri value", `{"resourceType":"O","url":"urn:uuid:1"}`, `{"resourceType":"O","url":"Patient/q"}`, []string{"changed O.url"}},
		{
			"narrative", `{"resourceType":"O","text":{"div":"<a href=\"urn:uuid:1\">urn:uuid:1</a><img src=\"urn:uuid:1\"/>"}}`,
			`{"resourceType":"O","text":{"div":"<a href=\"Patient/p\">urn:uuid:1</a><img src=\"Patient/p\"/>"}}`, nil,
		},
		{
			"narrative text changed", `{"resourceType":"O","text":{"div":"<a href=\"urn:uuid:1\">urn:uuid:1</a>"}}`,
			`{"resourceType":"O","text":{"div":"<a href=\"Patient/p\">Patient/p</a>"}}`,
			[]string{"changed O.text.div"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, compareText(t, tt.sent, tt.got, false)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := compareText(t, `{"resourceType":"P","id":"a"}`, `{"resourceType":"P","id":"b"}`, true); len(got) != 1 {
		t.Errorf("a client's id changed: %v", got)
	}
	if got := compareText(t, `{"resourceType":"P"}`, `{"resourceType":"P","id":"b"}`, true); len(got) != 0 {
		t.Errorf("an id that the client left open: %v", got)
	}
}

// mutate calls f with copies of v that differ from it in one place each.
func mutate(v any, f func(any)) {
	switch v := v.(type) {
	case map[string]any:
		with := func(k string, e any, set bool) map[string]any {
			out := map[string]any{}
			for name, old := range v {
				out[name] = old
			}
			if out[k] = e; !set {
				delete(out, k)
			}
			return out
		}
		f(with("another", "x", true))
		for k, e := range v {
			f(with(k, nil, false))
			mutate(e, func(m any) { f(with(k, m, true)) })
		}
	case []any:
		f(append(append([]any{}, v...), "x"))
		for i, e := range v {
			f(append(append([]any{}, v[:i]...), v[i+1:]...))
			mutate(e, func(m any) {
				out := append([]any{}, v...)
				out[i] = m
				f(out)
			})
		}
	case string:
		f(v + "x")
	case json.Number:
		f(v + "0")
	case bool:
		f(!v)
	}
}

func TestEveryMutationIsFound(t *testing.T) {
	sent := tree(t, `{"resourceType":"Observation","id":"o","meta":{"tag":[{"code":"t"}]},"status":"final","code":{"coding":[{"system":"s","code":"c"}],"text":"x"},
		"subject":{"reference":"Patient/1"},"valueQuantity":{"value":1.50},"component":[{"valueBoolean":true},{"valueInteger":3,"extension":[{"url":"u","valueUri":"v"}]}],
		"text":{"status":"generated","div":"<div>a</div>"}}`)
	n := 0
	mutate(sent, func(v any) {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("a mutation is a %T", v)
		}
		n++
		c := &comparison{checkID: true, target: unlinked}
		c.compare(sent, m)
		if len(c.findings) == 0 {
			t.Errorf("not found: %v", m)
		}
	})
	if n < 55 {
		t.Errorf("only %d mutations", n)
	}
}

func FuzzCompare(f *testing.F) {
	for _, s := range []string{`{"resourceType":"A","a":[1,2.0,{"reference":"B/1"}]}`, `{"text":{"div":"<a href=\"x\" src='y\" =\">"}}`, `{"a":null,"meta":3}`, `{"meta":{"versionId":1}}`, `{"reference":"A?b"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parse(raw)
		if err != nil {
			return
		}
		c := &comparison{checkID: true, target: unlinked}
		c.compare(m, tree(t, string(raw)))
		if len(c.findings) > 0 {
			t.Errorf("a resource differs from itself: %v", c.findings)
		}
	})
}

func FuzzRelinked(f *testing.F) {
	f.Add(`<div><a href="urn:uuid:1">x</a><img src="y"/> a="b" ="`)
	f.Fuzz(func(t *testing.T, div string) {
		c := &comparison{target: func(ref string) (string, bool) { return ref, true }}
		if got := c.relinked(div); got != div {
			t.Errorf("%q became %q", div, got)
		}
	})
}

func TestParse(t *testing.T) {
	for _, bad := range []string{``, `null`, `[]`, `{} {}`, `{"a":1`, `{"a":1}x`, `"a"`} {
		if _, err := parse([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if _, err := parse([]byte("\xef\xbb\xbf{} \n")); err != nil {
		t.Error(err)
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string][2]string{
		"Patient/1/_history/2": {"Patient/1", "2"}, "http://x/fhir/Patient/1": {"Patient/1", ""}, "/Patient/1/": {"Patient/1", ""}, "": {}, "x": {},
	} {
		if ref, version := locationOf(in); ref != want[0] || version != want[1] {
			t.Errorf("locationOf(%q) = %q, %q", in, ref, version)
		}
	}
	for in, want := range map[string]string{"http://x/fhir/Patient/1": "http://x/fhir/", "urn:uuid:1": "", "": ""} {
		if got := restBase(in); got != want {
			t.Errorf("restBase(%q) = %q", in, got)
		}
	}
}
