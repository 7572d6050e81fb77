package patch

import (
	"cmp"
	"strings"
	"time"
)

// moment is a date, dateTime or time to the precision that it is given in.
type moment struct {
	at        time.Time // with the offset that was written
	precision int       // index into momentLayouts
	zoned     bool
	timeOnly  bool // the date means nothing
}

// momentLayouts are the forms of a date with more and more parts. Seconds and
// their fractions are one precision (FHIRPath, comparison).
var momentLayouts = []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15", "2006-01-02T15:04", "2006-01-02T15:04:05"}

const (
	precisionDay    = 2
	precisionHour   = 3
	precisionMinute = 4
)

// newMoment reads a literal without its @, or the value of a primitive.
func newMoment(s string) (moment, bool) {
	var m moment
	if len(s) > 40 {
		return m, false
	}
	if rest, found := strings.CutPrefix(s, "T"); found {
		s, m.timeOnly = "2000-01-01T"+rest, true
	} else if len(s) > 2 && s[2] == ':' { // the value of a time has no T
		s, m.timeOnly = "2000-01-01T"+s, true
	}
	s = strings.TrimSuffix(s, "T") // @2015T is a dateTime that is a year
	body, zone := s, ""
	if t := strings.IndexByte(s, 'T'); t >= 0 {
		if z := strings.LastIndexAny(s, "Z+-"); z > t {
			body, zone, m.zoned = s[:z], "Z07:00", true
		}
	}
	for i, layout := range momentLayouts {
		if len(body) != len(layout) && (i < len(momentLayouts)-1 || len(body) < len(layout)) {
			continue
		}
		at, err := time.Parse(layout+zone, s)
		m.at, m.precision = at, i
		return m, err == nil && (!m.timeOnly || i >= precisionHour)
	}
	return m, false
}

// compare orders two moments as cmp.Compare does. It is not known where the one
// is less precise than the other and they agree so far, or where only one has a
// zone (FHIRPath, comparison).
func (m moment) compare(n moment) (order int, known bool) {
	common := min(m.precision, n.precision)
	if m.timeOnly != n.timeOnly || m.zoned != n.zoned && common >= precisionHour {
		return 0, false
	}
	if common <= precisionDay {
		order = compareDates(m.at, n.at, common)
	} else {
		order = m.cut(common).Compare(n.cut(common))
	}
	return order, order != 0 || m.precision == n.precision
}

// cut is the instant to a precision of hours or less.
func (m moment) cut(precision int) time.Time {
	switch precision {
	case precisionHour:
		return m.at.UTC().Truncate(time.Hour)
	case precisionMinute:
		return m.at.UTC().Truncate(time.Minute)
	}
	return m.at.UTC()
}

func compareDates(x, y time.Time, precision int) int {
	order := cmp.Compare(x.Year(), y.Year())
	if order == 0 && precision > 0 {
		order = cmp.Compare(x.Month(), y.Month())
	}
	if order == 0 && precision == precisionDay {
		order = cmp.Compare(x.Day(), y.Day())
	}
	return order
}
