package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

func TestCanonical(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"order", ` { "b" : 1 , "a" : { "d" : [ ] , "c" : { } } } `, `{"a":{"c":{},"d":[]},"b":1}`},
		{"arrays keep theirs", `[3,1,{"b":0,"a":0},[2]]`, `[3,1,{"a":0,"b":0},[2]]`},
		{"prefix first", `{"aa":1,"a":2,"A":3,"":4,"_a":5}`, `{"":4,"A":3,"_a":5,"a":2,"aa":1}`},
		{"numbers as sent", `[1.00,1E+2,-0,0.10e-3]`, `[1.00,1E+2,-0,0.10e-3]`},
		{"escapes", `"\u0041\/\"\\\b\f\n\r\t\u001F\u007f\u20ac\ud83d\ude00"`, "\"A/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\u007f€😀\""},
		{"literals", `[true,false,null]`, `[true,false,null]`},
		{"escaped names", `{"\u0062":1,"\u0061":2}`, `{"a":2,"b":1}`},
		// The example of RFC 8785 section 3.2.3.
		{
			"rfc 8785", `{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		},
	}
	for _, c := range cases {
		got, err := Canonical([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
	for _, bad := range []string{
		``, `{`, `{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `[1 2]`, `{} {}`, `"\ud83d"`, "\"\xff\"", `01`, strings.Repeat("[", 20_000),
	} {
		if got, err := Canonical([]byte(bad)); err == nil {
			t.Errorf("%.20q gives %s", bad, got)
		}
	}
}

// TestCanonicalExamples compares with a second implementation, on sorted and
// unsorted forms of all examples.
func TestCanonicalExamples(t *testing.T) {
	for _, f := range corpus(t, "r4-examples.tar.zst") {
		if len(f.data) > 200_000 {
			continue
		}
		sameCanonical(t, f.data)
	}
}

func sameCanonical(t *testing.T, raw []byte) {
	t.Helper()
	got, err := Canonical(raw)
	if err != nil {
		t.Fatal(err)
	}
	want, ok := slowCanonical(t, raw)
	if ok && !bytes.Equal(got, want) {
		t.Fatalf("got %s\nwant %s", got, want)
	}
	again, err := Canonical(got)
	if err != nil || !bytes.Equal(again, got) {
		t.Fatalf("not idempotent: %s gives %s, %v", got, again, err)
	}
}

// slowCanonical goes the long way through encoding/json and utf16.
func slowCanonical(t *testing.T, raw []byte) ([]byte, bool) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	var b bytes.Buffer
	writeSlowly(&b, v)
	return b.Bytes(), true
}

func writeSlowly(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.SortFunc(names, func(x, y string) int {
			return slices.Compare(utf16.Encode([]rune(x)), utf16.Encode([]rune(y)))
		})
		for i, name := range names {
			b.WriteByte(",{"[bool01(i == 0)])
			writeSlowly(b, name)
			b.WriteByte(':')
			writeSlowly(b, v[name])
		}
		b.WriteString("{}"[bool01(len(names) > 0):])
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeSlowly(b, e)
		}
		b.WriteByte(']')
	case string:
		var quoted bytes.Buffer
		e := json.NewEncoder(&quoted)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			panic(err)
		}
		// What encoding/json escapes beyond RFC 8785.
		s := strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029").Replace(quoted.String())
		b.WriteString(strings.TrimSuffix(s, "\n"))
	case json.Number:
		b.WriteString(v.String())
	case bool:
		b.WriteString(map[bool]string{true: "true", false: "false"}[v])
	default:
		b.WriteString("null")
	}
}

func bool01(b bool) int {
	if b {
		return 1
	}
	return 0
}

func FuzzCanonical(f *testing.F) {
	for _, raw := range resources(f)[200:210] {
		f.Add(raw)
	}
	f.Add([]byte("{\"\uffff\":1,\"\U0001F600\":[2,\"\u2028\\u0000\"],\"\ue000\":{\"b\":{},\"a\":[]}}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := Canonical(raw); err == nil {
			sameCanonical(t, raw)
		}
	})
}
