package gateway

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestElements(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{" , ,", nil},
		{"a", []string{"a"}},
		{"a, b ,c", []string{"a", "b", "c"}},
		{`a="x,y", b`, []string{`a="x,y"`, "b"}},
		{`a="x\",y", b`, []string{`a="x\",y"`, "b"}},
		{`a="open, b`, []string{`a="open, b`}},
		{`W/"1",W/"2"`, []string{`W/"1"`, `W/"2"`}},
	} {
		if d := cmp.Diff(tc.want, slices.Collect(elements(tc.in, ','))); d != "" {
			t.Errorf("%q: %s", tc.in, d)
		}
	}
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{`a`: `a`, `"a"`: `a`, `"a\"b"`: `a"b`, `"`: `"`, `""`: ``, `"a`: `"a`, `"a\`: `"a\`} {
		if got := unquote(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestQuality(t *testing.T) {
	for in, want := range map[string]int{"1": 1000, "0": 0, "0.5": 500, "0.123": 123, "1.000": 1000, "1.1": 0, "-1": 0, "x": 0, "": 0, "NaN": 0, "0.1234": 0} {
		if got := quality(in); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

// FuzzElements: the parts, joined, are the input but for white space and empty parts.
func FuzzElements(f *testing.F) {
	for _, seed := range []string{"a,b", `"a,b",c`, `\,`, `"\"`, " , "} {
		f.Add(seed)
	}
	squeeze := strings.NewReplacer(",", "", " ", "", "\t", "").Replace // of bytes: what is no UTF-8 stays
	f.Fuzz(func(t *testing.T, in string) {
		var b strings.Builder
		for part := range elements(in, ',') {
			b.WriteString(part)
			unquote(part)
		}
		if squeeze(b.String()) != squeeze(in) {
			t.Fatalf("%q became %q", in, b.String())
		}
	})
}
