package consent

import (
	"math"
	"strings"
	"time"

	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
)

// period reads a Period. Both ends are inclusive: an end given as a day, month
// or year covers all of it, one given to the second covers the second.
func (b *compiler) period(p *datatypes_go_proto.Period, path string) (interval, error) {
	span := always
	if p.GetStart() != nil {
		start, err := b.span(p.GetStart(), path+".start")
		if err != nil {
			return span, err
		}
		span.from = start.from
	}
	if p.GetEnd() != nil {
		end, err := b.span(p.GetEnd(), path+".end")
		if err != nil {
			return span, err
		}
		span.until = end.until
	}
	if span.from >= span.until {
		return span, unsupported(path, "period ends before it starts")
	}
	return span, nil
}

// span is everything that a dateTime of its precision covers.
func (b *compiler) span(d *datatypes_go_proto.DateTime, path string) (interval, error) {
	from := d.GetValueUs()
	switch d.GetPrecision() {
	case datatypes_go_proto.DateTime_SECOND:
		return b.moment(from, time.Second, path)
	case datatypes_go_proto.DateTime_MILLISECOND:
		return b.moment(from, time.Millisecond, path)
	case datatypes_go_proto.DateTime_MICROSECOND:
		return b.moment(from, time.Microsecond, path)
	}
	written, ok := b.zone(d.GetTimezone())
	if !ok {
		return always, unsupported(path, "time zone is not known")
	}
	year, month, day := time.UnixMicro(from).In(written).Date()
	var next time.Time
	switch d.GetPrecision() {
	case datatypes_go_proto.DateTime_YEAR:
		month, day, next = time.January, 1, time.Date(year+1, time.January, 1, 0, 0, 0, 0, b.options.Location)
	case datatypes_go_proto.DateTime_MONTH:
		day, next = 1, time.Date(year, month+1, 1, 0, 0, 0, 0, b.options.Location)
	case datatypes_go_proto.DateTime_DAY:
		next = time.Date(year, month, day+1, 0, 0, 0, 0, b.options.Location)
	default:
		return always, unsupported(path, "value is missing")
	}
	first := time.Date(year, month, day, 0, 0, 0, 0, b.options.Location)
	return interval{first.UnixMicro(), next.UnixMicro()}, nil
}

// moment is an instant with the width of its precision.
func (b *compiler) moment(from int64, width time.Duration, path string) (interval, error) {
	if from > math.MaxInt64-width.Microseconds() {
		return always, unsupported(path, "value is out of range")
	}
	return interval{from, from + width.Microseconds()}, nil
}

// zone finds the zone in which the parser understood a date: dates have none of
// their own, so the parser notes the one that it was told to assume. Zones are
// never loaded from the system.
func (b *compiler) zone(name string) (*time.Location, bool) {
	switch name {
	case "", "Z", "UTC":
		return time.UTC, true
	case b.options.Location.String():
		return b.options.Location, true
	}
	if !strings.HasPrefix(name, "+") && !strings.HasPrefix(name, "-") {
		return nil, false
	}
	t, err := time.Parse("-07:00", name)
	if err != nil {
		return nil, false
	}
	_, offset := t.Zone() // not t.Location(), which may be the machine's own zone
	return time.FixedZone(name, offset), true
}
