package fhir

import "time"

// precision tells how much of a date or time is written.
type precision uint8

const (
	precisionYear precision = iota
	precisionMonth
	precisionDay
	precisionSecond
	precisionMilli // one to three digits of a second's fraction
	precisionMicro // more than three
)

// dateTime is a date, dateTime, instant or time as it was written.
type dateTime struct {
	year, month, day     int // 1 where not written
	hour, minute, second int
	micros               int    // fraction of the second, cut to microseconds
	zone                 []byte // Z or an offset, as written
	offset               int    // of the zone in minutes
	precision            precision
}

// micro is the instant in microseconds since 1970; what is not written is the
// first of its kind, in UTC. Second 60 counts as 59, which keeps its day.
func (d *dateTime) micro() int64 {
	t := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute-d.offset, min(d.second, 59), 0, time.UTC)
	return t.Unix()*1_000_000 + int64(d.micros)
}

// isDateTime checks date, dateTime and instant.
func isDateTime(v []byte, least, most precision) bool {
	d, ok := readDateTime(v)
	return ok && least <= d.precision && min(d.precision, precisionSecond) <= most
}

// readDateTime follows the R4 regular expression of dateTime, and checks that
// the day exists in its month. Second 60 is allowed for leap seconds.
func readDateTime(v []byte) (d dateTime, ok bool) {
	d.month, d.day = 1, 1
	d.year, v, ok = digits(v, 4)
	if !ok || d.year == 0 {
		return d, false
	}
	if len(v) == 0 {
		return d, true
	}
	d.precision = precisionMonth
	d.month, v, ok = digitsAfter('-', v, 2)
	if !ok || d.month < 1 || d.month > 12 {
		return d, false
	}
	if len(v) == 0 {
		return d, true
	}
	d.precision = precisionDay
	d.day, v, ok = digitsAfter('-', v, 2)
	if !ok || d.day < 1 || d.day > daysIn(d.year, d.month) {
		return d, false
	}
	if len(v) == 0 {
		return d, true
	}
	if v[0] != 'T' {
		return d, false
	}
	if v, ok = d.clock(v[1:]); !ok {
		return d, false
	}
	return d, d.readZone(v)
}

// readTime reads the type time, which has no zone.
func readTime(v []byte) (dateTime, bool) {
	d := dateTime{year: 1970, month: 1, day: 1}
	rest, ok := d.clock(v)
	return d, ok && len(rest) == 0
}

// clock takes hh:mm:ss with an optional fraction off the front.
func (d *dateTime) clock(v []byte) (rest []byte, ok bool) {
	d.hour, v, ok = digits(v, 2)
	if !ok || d.hour > 23 {
		return nil, false
	}
	d.minute, v, ok = digitsAfter(':', v, 2)
	if !ok || d.minute > 59 {
		return nil, false
	}
	d.second, v, ok = digitsAfter(':', v, 2)
	if !ok || d.second > 60 {
		return nil, false
	}
	d.precision = precisionSecond
	if len(v) == 0 || v[0] != '.' {
		return v, true
	}
	n := 1
	for unit := 100_000; n < len(v) && isDigit(v[n]); n++ {
		d.micros += unit * int(v[n]-'0')
		unit /= 10
	}
	d.precision = precisionMilli
	if n > 4 {
		d.precision = precisionMicro
	}
	return v[n:], n > 1
}

// readZone reads Z or an offset of at most 14 hours.
func (d *dateTime) readZone(v []byte) bool {
	d.zone = v
	if len(v) == 1 {
		return v[0] == 'Z'
	}
	if len(v) != 6 || v[0] != '+' && v[0] != '-' {
		return false
	}
	hour, rest, ok := digits(v[1:], 2)
	if !ok {
		return false
	}
	minute, _, ok := digitsAfter(':', rest, 2)
	d.offset = hour*60 + minute
	if v[0] == '-' {
		d.offset = -d.offset
	}
	return ok && minute <= 59 && (hour <= 13 || hour == 14 && minute == 0)
}

// digits reads exactly n decimal digits off the front.
func digits(v []byte, n int) (int, []byte, bool) {
	if len(v) < n {
		return 0, nil, false
	}
	value := 0
	for _, c := range v[:n] {
		if !isDigit(c) {
			return 0, nil, false
		}
		value = value*10 + int(c-'0')
	}
	return value, v[n:], true
}

func digitsAfter(separator byte, v []byte, n int) (int, []byte, bool) {
	if len(v) == 0 || v[0] != separator {
		return 0, nil, false
	}
	return digits(v[1:], n)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}
