package fhir

import (
	"errors"
	"time"
)

// ErrDate is the error of a text that is not a FHIR date. It quotes nothing.
var ErrDate = errors.New("not a FHIR date or time")

// ParseDateRange returns the instants that a date stands for at its precision,
// [low, high) in UTC. It takes FHIR's date, dateTime and instant, and what a
// search may also send (R4 section 3.1.1.5.7): minutes without seconds, and
// times without a zone, which are in loc like dates are.
//
// A text means what Parse makes of it, so that a search for a value as it was
// written finds it: a fraction of a second is exact to the millisecond or, with
// more than three digits, to the microsecond, further digits are dropped, and a
// leap second, :60, is the second :59 before it.
func ParseDateRange(s string, loc *time.Location) (low, high time.Time, err error) {
	p := dateParser{rest: s}
	year, month, day := p.number(4, 1, 9999), 1, 1
	months, days := 0, 0 // precision, if above a day
	switch {
	case p.end():
		months = 12
	case p.literal('-'):
		month = p.number(2, 1, 12)
		if p.end() {
			months = 1
			break
		}
		p.expect('-')
		day = p.number(2, 1, 31)
		days = 1
	default:
		p.bad = true
	}
	if p.bad || day > monthLength(year, time.Month(month)) {
		return time.Time{}, time.Time{}, ErrDate
	}
	if p.end() {
		low = time.Date(year, time.Month(month), day, 0, 0, 0, 0, loc).UTC()
		high = time.Date(year, time.Month(month+months), day+days, 0, 0, 0, 0, loc).UTC()
		return low, high, nil
	}
	p.expect('T')
	clock := p.clock()
	if zone := p.zone(); zone != nil {
		loc = zone
	}
	if p.bad || !p.end() {
		return time.Time{}, time.Time{}, ErrDate
	}
	low = time.Date(year, time.Month(month), day, clock.hour, clock.minute, clock.second, clock.nanos, loc).UTC()
	return low, low.Add(clock.precision), nil
}

type clockTime struct {
	hour, minute, second, nanos int
	precision                   time.Duration
}

// dateParser consumes a date from the left; any fault sets bad.
type dateParser struct {
	rest string
	bad  bool
}

func (p *dateParser) end() bool { return p.rest == "" }

func (p *dateParser) literal(c byte) bool {
	if p.rest != "" && p.rest[0] == c {
		p.rest = p.rest[1:]
		return true
	}
	return false
}

func (p *dateParser) expect(c byte) {
	if !p.literal(c) {
		p.bad = true
	}
}

// number reads exactly so many digits.
func (p *dateParser) number(digits, low, high int) int {
	if len(p.rest) < digits || !allDigits(p.rest[:digits]) {
		p.bad = true
		return low
	}
	n := 0
	for _, c := range []byte(p.rest[:digits]) {
		n = n*10 + int(c-'0')
	}
	p.rest = p.rest[digits:]
	if n < low || n > high {
		p.bad = true
	}
	return n
}

func (p *dateParser) clock() clockTime {
	t := clockTime{precision: time.Minute}
	t.hour = p.number(2, 0, 23)
	p.expect(':')
	t.minute = p.number(2, 0, 59)
	if !p.literal(':') {
		return t
	}
	t.precision = time.Second
	t.second = min(p.number(2, 0, 60), 59)
	if !p.literal('.') {
		return t
	}
	digits := 0
	for ; digits < len(p.rest) && p.rest[digits] >= '0' && p.rest[digits] <= '9'; digits++ {
		if digits < 6 {
			t.nanos = t.nanos*10 + int(p.rest[digits]-'0')
		}
	}
	for i := min(digits, 6); i < 9; i++ {
		t.nanos *= 10
	}
	t.precision = time.Microsecond
	if digits <= 3 {
		t.precision = time.Millisecond
	}
	p.bad = p.bad || digits == 0
	p.rest = p.rest[digits:]
	return t
}

// zone reads Z or an offset of at most 14 hours; nil if there is none.
func (p *dateParser) zone() *time.Location {
	sign := 1
	switch {
	case p.end() || p.bad:
		return nil
	case p.literal('Z'):
		return time.UTC
	case p.literal('-'):
		sign = -1
	case !p.literal('+'):
		p.bad = true
		return nil
	}
	hours := p.number(2, 0, 14)
	p.expect(':')
	minutes := p.number(2, 0, 59)
	if hours == 14 && minutes != 0 {
		p.bad = true
	}
	return fixedZone(sign * (hours*60 + minutes))
}

func fixedZone(minutes int) *time.Location {
	if minutes == 0 {
		return time.UTC
	}
	return time.FixedZone("", minutes*60)
}

func monthLength(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
