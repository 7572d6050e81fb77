package patch

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"
)

// decimal is a JSON number as 0.d1d2d3… times ten to the exponent, d1 not 0. It
// has the digits of the text and no more, whatever the exponent: 1e999999999 is
// cheap.
type decimal struct {
	negative bool
	digits   string // without zeros at either end; empty for 0
	exponent int64
}

// newDecimal reads a well-formed number. It fails where the exponent has more
// digits than anybody means.
func newDecimal(raw []byte) (decimal, bool) {
	var d decimal
	raw, d.negative = bytes.CutPrefix(raw, []byte("-"))
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(string(raw)), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	all := whole + fraction
	d.digits = strings.TrimLeft(all, "0")
	d.exponent = int64(len(whole) - (len(all) - len(d.digits)))
	d.digits = strings.TrimRight(d.digits, "0")
	if d.digits == "" {
		return decimal{}, true
	}
	if hasExponent {
		e, err := strconv.ParseInt(exponent, 10, 62)
		if err != nil {
			return d, false
		}
		d.exponent += e
	}
	return d, true
}

// compare orders two numbers as cmp.Compare does.
func (d decimal) compare(e decimal) int {
	sign := func(x decimal) int {
		switch {
		case x.digits == "":
			return 0
		case x.negative:
			return -1
		}
		return 1
	}
	s := sign(d)
	if c := cmp.Compare(s, sign(e)); c != 0 || s == 0 {
		return c
	}
	if c := cmp.Compare(d.exponent, e.exponent); c != 0 {
		return s * c
	}
	return s * strings.Compare(d.digits, e.digits)
}

// equalNumbers compares by value. Numbers with absurd exponents are equal if
// their texts are.
func equalNumbers(a, b []byte) bool {
	x, okX := newDecimal(a)
	y, okY := newDecimal(b)
	if !okX || !okY {
		return bytes.Equal(a, b)
	}
	return x == y
}
