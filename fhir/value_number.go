package fhir

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// ErrNumber is the error of a literal that is not a FHIR decimal.
var ErrNumber = errors.New("not a FHIR decimal")

// ParseNumberRange returns the values that a decimal literal stands for at its
// precision, half a unit of the last digit to each side: 100 is [99.5, 100.5)
// and 100.00 is [99.995, 100.005) (R4 section 3.1.1.5.6). As in the
// specification's example 1e2, [95, 105), an exponent on an integer counts as
// one more digit. The bounds are the nearest float64 of the exact ones, up to
// 17 digits.
func ParseNumberRange(literal string) (low, high float64, err error) {
	d, err := splitDecimal(literal)
	if err != nil {
		return 0, 0, err
	}
	// With one more digit the half units are whole: m·10 ± 5.
	m, exact := d.mantissa()
	switch {
	case exact && m > -1e14 && m < 1e14 && d.exponent <= 0 && 1-d.exponent < len(tens):
		// Both operands are exact float64, so that the quotient is the nearest.
		return float64(m*10-5) / tens[1-d.exponent], float64(m*10+5) / tens[1-d.exponent], nil
	case exact:
		var digits [24]byte
		low = scaled(strconv.AppendInt(digits[:0], m*10-5, 10), d.exponent-1)
		high = scaled(strconv.AppendInt(digits[:0], m*10+5, 10), d.exponent-1)
	default:
		value, half := scaled([]byte(d.whole+d.fraction), d.exponent), scaled([]byte("5"), d.exponent-1)
		low, high = value-half, value+half
	}
	if math.IsInf(low, 0) || math.IsInf(high, 0) {
		return 0, 0, ErrNumber
	}
	return low, high, nil
}

// tens are the powers of ten that float64 holds exactly, from 1.
var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// decimal is a literal taken apart: the digits of whole and fraction, read as
// one integer, times ten to the exponent.
type decimal struct {
	whole, fraction string
	exponent        int
}

// splitDecimal checks the syntax of R4's decimal.
func splitDecimal(literal string) (decimal, error) {
	number, hasExponent := literal, false
	var d decimal
	if i := strings.LastIndexAny(literal, "eE"); i >= 0 {
		var err error
		number, hasExponent = literal[:i], true
		if d.exponent, err = strconv.Atoi(literal[i+1:]); err != nil || d.exponent > 400 || d.exponent < -400 {
			return decimal{}, ErrNumber
		}
	}
	var hasPoint bool
	d.whole, d.fraction, hasPoint = strings.Cut(number, ".")
	digits := strings.TrimPrefix(d.whole, "-")
	if !allDigits(digits) || hasPoint && !allDigits(d.fraction) || len(digits) > 1 && digits[0] == '0' || len(number) > 1000 {
		return decimal{}, ErrNumber
	}
	if hasExponent && !hasPoint {
		d.fraction = "0"
	}
	d.exponent -= len(d.fraction)
	return d, nil
}

// mantissa is the integer; ok is false if it is too long to be one.
func (d decimal) mantissa() (m int64, ok bool) {
	if len(d.whole)+len(d.fraction) > 17 {
		return 0, false
	}
	digits := strings.TrimPrefix(d.whole, "-")
	for _, part := range [2]string{digits, d.fraction} {
		for i := range len(part) {
			m = m*10 + int64(part[i]-'0')
		}
	}
	if len(digits) < len(d.whole) {
		m = -m
	}
	return m, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// scaled is an integer times ten to the exponent, infinite if out of range.
func scaled(integer []byte, exponent int) float64 {
	var buf [32]byte
	text := append(buf[:0], integer...)
	text = strconv.AppendInt(append(text, 'e'), int64(exponent), 10)
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return math.NaN() // not reached: the digits are checked
	}
	return value
}
