package patch

import (
	"slices"
	"strings"
	"testing"
)

// TestMoments compares dates of all precisions; ? is not known.
func TestMoments(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"2020", "2020", "="},
		{"2020", "2021", "<"},
		{"2020", "2020-01", "?"},
		{"2020-02", "2020-01-31", ">"},
		{"2020-01-01", "2020-01-01T00:00:00Z", "?"},
		{"2020-01-01", "2020-01-02T00:00:00Z", "<"},
		{"2020T", "2020", "="},
		{"2020-01-01T10", "2020-01-01T10:30", "?"},
		{"2020-01-01T10:31", "2020-01-01T10:30:59", ">"},
		{"2020-01-01T10:30:00.0", "2020-01-01T10:30:00", "="},
		{"2020-01-01T10:30:00.1Z", "2020-01-01T12:30:00.100+02:00", "="},
		{"2020-01-01T10:30:00.1Z", "2020-01-01T10:30:00", "?"},
		{"2020-01-01T23:30:00-05:00", "2020-01-02T04:29:00Z", ">"},
		{"T10:30", "10:30", "="},
		{"T10:30", "10:30:00", "?"},
		{"10:30:00", "10:30:01.5", "<"},
		{"T10:30", "2000-01-01T10:30", "?"},
	} {
		x, okX := newMoment(c.a)
		y, okY := newMoment(c.b)
		order, known := x.compare(y)
		got := "?"
		if known {
			got = string("<=>"[order+1])
		}
		if !okX || !okY || got != c.want {
			t.Errorf("%s, %s: %s (%v, %v), want %s", c.a, c.b, got, okX, okY, c.want)
		}
	}
	bad := []string{"", "20", "2020-", "2020-1", "2020-02-30", "2020-01-01T25", "2020-01-01T10:30:00.", "2020-01-01T10:30:00x", "x", "T", "10", strings.Repeat("0", 50)}
	for _, s := range bad {
		if m, ok := newMoment(s); ok {
			t.Errorf("%q read as %v", s, m)
		}
	}
}

// TestDecimals orders numbers by value.
func TestDecimals(t *testing.T) {
	sorted := []string{"-1e9", "-10.5", "-2.5", "-2", "-1e-3", "0", "1e-5", "0.1", "0.9999", "1", "1.5", "9", "10", "1e99999999"}
	for i, a := range sorted {
		for j, b := range sorted {
			x, _ := newDecimal([]byte(a))
			y, _ := newDecimal([]byte(b))
			if got, want := x.compare(y), slices.Index([]bool{i < j, i == j, true}, true)-1; got != want {
				t.Errorf("%s, %s: %d, want %d", a, b, got, want)
			}
		}
	}
	for _, same := range [][]string{{"1", "1.0", "1.00", "10e-1", "0.1E+1", "100e-2"}, {"0", "-0", "0.00", "0e5"}, {"-70.5", "-70.50", "-705e-1"}} {
		for _, a := range same {
			for _, b := range same {
				if !equalNumbers([]byte(a), []byte(b)) {
					t.Errorf("%s and %s differ", a, b)
				}
			}
		}
	}
	huge := []byte("1e99999999999999999999")
	if !equalNumbers(huge, huge) || equalNumbers(huge, []byte("1e99999999999999999998")) {
		t.Error("numbers with absurd exponents")
	}
}
