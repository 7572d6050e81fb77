package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestHeader(t *testing.T) {
	tests := []struct {
		name, raw string
		want      header
	}{
		{"plain", `{"resourceType":"Patient","id":"a","name":[{"family":"x"}]}`, header{Type: "Patient", ID: "a"}},
		{"type last", ` { "id" : "b" , "contained":[{"resourceType":"Device","id":"no"}], "resourceType" : "Claim" } `, header{Type: "Claim", ID: "b"}},
		{"braces in text", `{"a":"}],{\"","b":["{"],"resourceType":"Basic"}`, header{Type: "Basic"}},
		{"escaped name", `{"\u0069d":"x","resourceType":"Basic"}`, header{Type: "Basic", ID: "x"}},
		{"bundle", `{"resourceType":"Bundle","type":"batch","entry":[1]}`, header{Type: "Bundle", Kind: "batch", Entries: []byte(`[1]`)}},
		{"number for id", `{"resourceType":"Basic","id":7}`, header{Type: "Basic"}},
		{"array", `[{"resourceType":"Basic"}]`, header{}},
		{"empty", ``, header{}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, headerOf([]byte(tt.raw))); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestEachReference(t *testing.T) {
	raw := `{"reference" : "Patient/1","x":"\"reference\":\"no\"","code":"reference","deep":[{"reference":"urn:uuid:1\u0032"}],"reference":{"reference":"#c"}}`
	var got []string
	eachReference([]byte(raw), func(ref []byte) { got = append(got, string(ref)) })
	if diff := cmp.Diff([]string{"Patient/1", "urn:uuid:12", "#c"}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzWalk(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, `{"a":[1,{"b":"}"}],"c":"\\\"","d":null,"e":-1.50e+3}`, ` [1, "x" ,{"reference":"A/1"}] `, `{"a":{"b":{"c":[[[]]]}}}`,
		`{"a"`, `{"a":"\`, `[[`, `{"":"" , "":{} }`, "{\"\xd2\xd2\":{}}", `{"resourceType":"Bundle","entry":[{"fullUrl":"urn:x","resource":{"id":"1"}}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := &node{kind: bundleNode}
		n.examine(raw, headerOf(raw))             // must stay inside the slice whatever it is
		if !json.Valid(raw) || !utf8.Valid(raw) { // encoding/json replaces bad UTF-8, which the walk has no need to
			return
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(raw, &want) == nil && want != nil {
			got := map[string]json.RawMessage{}
			eachMember(raw, func(name, value []byte) bool {
				got[string(name)] = value
				return true
			})
			if diff := cmp.Diff(compactAll(t, want), compactAll(t, got)); diff != "" {
				t.Error(diff)
			}
		}
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) == nil && list != nil {
			var got []json.RawMessage
			eachElement(raw, func(v []byte) { got = append(got, v) })
			if len(got) != len(list) {
				t.Fatalf("%d elements, want %d", len(got), len(list))
			}
			for i := range list {
				if !bytes.Equal(bytes.TrimSpace(list[i]), got[i]) {
					t.Errorf("element %d: %q, want %q", i, got[i], list[i])
				}
			}
		}
	})
}

func compactAll(t *testing.T, m map[string]json.RawMessage) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		var b bytes.Buffer
		if err := json.Compact(&b, v); err != nil {
			t.Fatalf("member is not JSON: %v", err)
		}
		out[k] = b.String()
	}
	return out
}

func TestLines(t *testing.T) {
	tests := []struct {
		name, text string
		limit      int
		want       []string
	}{
		{"unix", "a\nb\n", 10, []string{"1 a", "2 b"}},
		{"no end, windows, blank", "a\r\n\r\n  \nb", 10, []string{"1 a", "4 b"}},
		{"byte order mark", "\xef\xbb\xbfa\n\xef\xbb\xbfb", 10, []string{"1 a", "2 \xef\xbb\xbfb"}},
		{"too long", "abcdef\nb\n", 5, []string{"1 !", "2 b"}},
		{"longer than the buffer", strings.Repeat("x", 600<<10) + "\ny", 700 << 10, []string{"1 " + strings.Repeat("x", 600<<10), "2 y"}},
		{"much too long", strings.Repeat("x", 600<<10) + "\ny", 10, []string{"1 !", "2 y"}},
		{"empty", "", 10, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLineReader(strings.NewReader(tt.text), tt.limit)
			var got []string
			for {
				line, err := l.next()
				if errors.Is(err, io.EOF) {
					break
				}
				if errors.Is(err, errLineTooLong) {
					line = []byte("!")
				} else if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(rune('0'+l.line))+" "+string(line))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a\nb\n\nc", 3)
	f.Add("\xef\xbb\xbf{}\r\n", 100)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = limit&0xff + 1
		var want []string
		for i, line := range strings.SplitAfter(text, "\n") {
			if len(line) > limit {
				want = append(want, "!")
				continue
			}
			if i == 0 {
				line = strings.TrimPrefix(line, "\xef\xbb\xbf")
			}
			if line = string(bytes.TrimSpace([]byte(line))); line != "" {
				want = append(want, line)
			}
		}
		l := newLineReader(strings.NewReader(text), limit)
		var got []string
		for {
			line, err := l.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if errors.Is(err, errLineTooLong) {
				line = []byte("!")
			} else if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(line))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
