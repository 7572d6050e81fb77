package fhir

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"testing"
)

func TestParseNumberRange(t *testing.T) {
	for _, c := range []struct {
		in        string
		low, high float64
	}{
		{"100", 99.5, 100.5},
		{"100.00", 99.995, 100.005},
		{"1e2", 95, 105}, // the specification's own example
		{"1.0e2", 95, 105},
		{"1.00E2", 99.5, 100.5},
		{"5.40E-1", 0.5395, 0.5405},
		{"0", -0.5, 0.5},
		{"-0", -0.5, 0.5},
		{"-0.1", -0.15, -0.05},
		{"-3", -3.5, -2.5},
		{"0.000168", 0.0001675, 0.0001685},
		{"168.98747361923077", 168.987473619230765, 168.987473619230775},
		{"123456789012345678901234567890", 123456789012345678901234567890, 123456789012345678901234567890},
		{"1.000000000000000000E-245", 1e-245, 1e-245},
	} {
		low, high, err := ParseNumberRange(c.in)
		if err != nil || low != c.low || high != c.high {
			t.Errorf("%s is [%v, %v), %v; want [%v, %v)", c.in, low, high, err, c.low, c.high)
		}
	}
	for _, in := range []string{"", "-", ".5", "5.", "+5", "05", "1e", "e5", "1e401", "1e400", "0x10", "1_000", "NaN", "Infinity", " 1", "1,5", "--1", "1.2.3", "1e1e1"} {
		if low, high, err := ParseNumberRange(in); !errors.Is(err, ErrNumber) {
			t.Errorf("%q gives %v, %v, %v", in, low, high, err)
		}
	}
}

// FuzzParseNumberRange compares with exact arithmetic: the range contains the
// number, and is as wide as half a unit to each side.
func FuzzParseNumberRange(f *testing.F) {
	for _, s := range []string{"100", "-100.00", "1e2", "5.40E-1", "0.000168", "168.98747361923077", "1.000000000000000000E-245", "99999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		low, high, err := ParseNumberRange(s)
		if err != nil {
			if !errors.Is(err, ErrNumber) {
				t.Fatalf("error %v", err)
			}
			return
		}
		exact, ok := new(big.Rat).SetString(s)
		value, err := strconv.ParseFloat(s, 64)
		if !ok || err != nil && !errors.Is(err, strconv.ErrRange) {
			t.Fatalf("%q is no number", s)
		}
		if low > value || value > high {
			t.Fatalf("%q: %v is not in [%v, %v)", s, value, low, high)
		}
		d, _ := splitDecimal(s)
		if len(d.whole)+len(d.fraction) > 17 || d.exponent > 300 || d.exponent < -300 {
			return
		}
		half := new(big.Rat).SetFrac64(1, 2)
		scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(d.exponent, -d.exponent))), nil))
		if d.exponent < 0 {
			scale.Inv(scale)
		}
		half.Mul(half, scale)
		wantLow, _ := new(big.Rat).Sub(exact, half).Float64()
		wantHigh, _ := new(big.Rat).Add(exact, half).Float64()
		if low != wantLow || high != wantHigh || math.IsInf(low, 0) {
			t.Fatalf("%q is [%v, %v), exactly [%v, %v)", s, low, high, wantLow, wantHigh)
		}
	})
}

func TestSplitReference(t *testing.T) {
	for _, c := range []struct{ in, base, typ, id, version string }{
		{"Patient/1", "", "Patient", "1", ""},
		{"Patient/1/_history/2", "", "Patient", "1", "2"},
		{"https://x.org/fhir/Patient/a-1.b", "https://x.org/fhir", "Patient", "a-1.b", ""},
		{"https://x.org/fhir/Observation/1/_history/7", "https://x.org/fhir", "Observation", "1", "7"},
	} {
		base, typ, id, version, ok := SplitReference(c.in)
		if !ok || base != c.base || typ != c.typ || id != c.id || version != c.version {
			t.Errorf("%s is %q %q %q %q %v", c.in, base, typ, id, version, ok)
		}
	}
	for _, in := range []string{
		"", "1", "Patient", "Patient/", "/Patient/1", "Foo/1", "Parameters/1", "patient/1", "#p", "urn:uuid:7d1a2c04-7d4f-4a77-b8ee-3d7f7d5b1a55",
		"Patient/1/_history/", "Patient/1/_history/2/3", "Patient/1/x", "Patient?identifier=1", "Patient/a b", "Patient/a_b", "http://x.org/Patient/1?x=y",
	} {
		if base, typ, id, version, ok := SplitReference(in); ok || base+typ+id+version != "" {
			t.Errorf("%q is accepted as %q %q %q %q", in, base, typ, id, version)
		}
	}
}
