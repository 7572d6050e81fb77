package fhir

import (
	"time"

	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
)

var dateConverters = map[string]convertFunc{
	"Date":     appendDate,
	"DateTime": appendDate,
	"Instant":  appendDate,
	"Period":   appendPeriod,
	"Timing":   appendTiming,
}

// interval is a half-open range of instants; a zero time is an open end.
type interval struct{ low, high time.Time }

func appendDate(_ *evaluation, p *Param, e element, dst []Value) []Value {
	var in interval
	ok := false
	switch v := e.(type) {
	case *dt.DateTime:
		in, ok = dateTimeInterval(v)
	case *dt.Date:
		in, ok = implicitInterval(v.GetValueUs(), datePrecisions[v.GetPrecision()])
	case *dt.Instant:
		in, ok = implicitInterval(v.GetValueUs(), instantPrecisions[v.GetPrecision()])
	}
	if ok {
		dst = appendInterval(p, in, dst)
	}
	return dst
}

func appendInterval(p *Param, in interval, dst []Value) []Value {
	v := add(&dst, p, ValueDate)
	v.Low, v.High = in.low, in.high
	return dst
}

// appendPeriod ends at the end of the last day, second … that Period.end names:
// its bounds are inclusive (R4 section 2.24.0.11).
func appendPeriod(_ *evaluation, p *Param, e element, dst []Value) []Value {
	period, _ := e.(*dt.Period)
	if in, ok := periodInterval(period); ok {
		dst = appendInterval(p, in, dst)
	}
	return dst
}

func periodInterval(period *dt.Period) (interval, bool) {
	start, hasStart := dateTimeInterval(period.GetStart())
	end, hasEnd := dateTimeInterval(period.GetEnd())
	return interval{low: start.low, high: end.high}, hasStart || hasEnd
}

// appendTiming gives the outer limits of the schedule (R4 section 3.1.1.5.7).
// One that names no date at all, twice daily, has none.
func appendTiming(_ *evaluation, p *Param, e element, dst []Value) []Value {
	timing, _ := e.(*dt.Timing)
	limits, known := periodInterval(timing.GetRepeat().GetBounds().GetPeriod())
	for _, event := range timing.GetEvent() {
		in, ok := dateTimeInterval(event)
		switch {
		case !ok:
			continue
		case !known:
			limits, known = in, true
			continue
		}
		if !limits.low.IsZero() && in.low.Before(limits.low) {
			limits.low = in.low
		}
		if !limits.high.IsZero() && in.high.After(limits.high) {
			limits.high = in.high
		}
	}
	if known {
		dst = appendInterval(p, limits, dst)
	}
	return dst
}

// datePrecision is that of a date: months or days on the calendar, or a time.
type datePrecision struct {
	months, days int
	time         time.Duration
}

var datePrecisions = map[dt.Date_Precision]datePrecision{
	dt.Date_YEAR:  {months: 12},
	dt.Date_MONTH: {months: 1},
	dt.Date_DAY:   {days: 1},
}

var instantPrecisions = map[dt.Instant_Precision]datePrecision{
	dt.Instant_SECOND:      {time: time.Second},
	dt.Instant_MILLISECOND: {time: time.Millisecond},
	dt.Instant_MICROSECOND: {time: time.Microsecond},
}

var dateTimePrecisions = map[dt.DateTime_Precision]datePrecision{
	dt.DateTime_YEAR:        {months: 12},
	dt.DateTime_MONTH:       {months: 1},
	dt.DateTime_DAY:         {days: 1},
	dt.DateTime_SECOND:      {time: time.Second},
	dt.DateTime_MILLISECOND: {time: time.Millisecond},
	dt.DateTime_MICROSECOND: {time: time.Microsecond},
}

func dateTimeInterval(d *dt.DateTime) (interval, bool) {
	return implicitInterval(d.GetValueUs(), dateTimePrecisions[d.GetPrecision()])
}

// implicitInterval is what a date means at its precision. No precision is no
// date: the element is absent or has only extensions. Parse reads dates without
// a time in UTC, so that their days begin and end there.
func implicitInterval(micros int64, p datePrecision) (interval, bool) {
	low := time.UnixMicro(micros).UTC()
	switch {
	case p.time > 0:
		return interval{low, low.Add(p.time)}, true
	case p.months > 0 || p.days > 0:
		return interval{low, low.AddDate(0, p.months, p.days)}, true
	}
	return interval{}, false
}
