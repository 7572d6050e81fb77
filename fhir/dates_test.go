package fhir

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata" // the test needs a zone with daylight saving time anywhere

	"github.com/google/go-cmp/cmp"
)

func TestParseDateRange(t *testing.T) {
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in   string
		loc  *time.Location
		want string
	}{
		{"2013", time.UTC, "2013-01-01T00:00:00Z .. 2014-01-01T00:00:00Z"},
		{"2013-02", time.UTC, "2013-02-01T00:00:00Z .. 2013-03-01T00:00:00Z"},
		{"2013-12", time.UTC, "2013-12-01T00:00:00Z .. 2014-01-01T00:00:00Z"},
		{"2012-02-29", time.UTC, "2012-02-29T00:00:00Z .. 2012-03-01T00:00:00Z"},
		{"9999-12-31", time.UTC, "9999-12-31T00:00:00Z .. 10000-01-01T00:00:00Z"},
		{"2013-01-14T10:00", time.UTC, "2013-01-14T10:00:00Z .. 2013-01-14T10:01:00Z"},
		{"2013-01-14T10:00Z", zurich, "2013-01-14T10:00:00Z .. 2013-01-14T10:01:00Z"},
		{"2013-01-14T10:00:30", zurich, "2013-01-14T09:00:30Z .. 2013-01-14T09:00:31Z"},
		{"2013-07-14T10:00:30", zurich, "2013-07-14T08:00:30Z .. 2013-07-14T08:00:31Z"},
		{"2013-01-14T10:00:00-05:30", zurich, "2013-01-14T15:30:00Z .. 2013-01-14T15:30:01Z"},
		{"2013-01-14T00:00:00+14:00", zurich, "2013-01-13T10:00:00Z .. 2013-01-13T10:00:01Z"},
		{"2013-01-14T10:00:00-00:00", zurich, "2013-01-14T10:00:00Z .. 2013-01-14T10:00:01Z"},
		{"2013-01-14T10:00:00.5Z", zurich, "2013-01-14T10:00:00.5Z .. 2013-01-14T10:00:00.501Z"},
		{"2013-01-14T10:00:00.123Z", zurich, "2013-01-14T10:00:00.123Z .. 2013-01-14T10:00:00.124Z"},
		{"2013-01-14T10:00:00.1234Z", zurich, "2013-01-14T10:00:00.1234Z .. 2013-01-14T10:00:00.123401Z"},
		{"2013-01-14T10:00:00.123456789123Z", zurich, "2013-01-14T10:00:00.123456Z .. 2013-01-14T10:00:00.123457Z"},
		// A leap second is the last one that a minute usually has.
		{"2016-12-31T23:59:60Z", zurich, "2016-12-31T23:59:59Z .. 2017-01-01T00:00:00Z"},
		// The days when the clocks change have 23 and 25 hours.
		{"2024-03-31", zurich, "2024-03-30T23:00:00Z .. 2024-03-31T22:00:00Z"},
		{"2024-10-27", zurich, "2024-10-26T22:00:00Z .. 2024-10-27T23:00:00Z"},
	} {
		low, high, err := ParseDateRange(c.in, c.loc)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if diff := cmp.Diff(c.want, renderTime(low)+" .. "+renderTime(high)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.in, diff)
		}
	}
}

func TestParseDateRangeRefuses(t *testing.T) {
	for _, in := range []string{
		"", "13", "0000", "20131", "2013-", "2013-1", "2013-13", "2013-00", "2013-02-30", "2013-02-00", "2013-01-32", "2011-02-29",
		"2013-01-14T", "2013-01-14T10", "2013-01-14T10:0", "2013-01-14T24:00", "2013-01-14T10:60", "2013-01-14T10:00:61", "2013-01-14T10:00:00.", "2013-01-14 10:00",
		"2013-01-14T10:00:00 05:00", "2013-01-14T10:00+1:00", "2013-01-14T10:00+15:00", "2013-01-14T10:00+14:01", "2013-01-14T10:00ZZ", "2013-01-14Z",
		"2013Z", "2013-01Z", "2013-01-14T10:00:00.1x", "２０１３", "-2013", "+2013", " 2013", "2013 ",
	} {
		if low, high, err := ParseDateRange(in, time.UTC); !errors.Is(err, ErrDate) || !low.IsZero() || !high.IsZero() {
			t.Errorf("%q gives %v, %v, %v", in, low, high, err)
		}
	}
}

// TestDatesAgree: a date in a resource and the same text in a search mean the
// same.
func TestDatesAgree(t *testing.T) {
	for _, s := range []string{
		"2013", "2013-02", "2013-02-03", "2016-12-31T23:59:60Z", "2013-01-14T10:00:00+14:00", "2013-01-14T10:00:00-00:00", "2013-01-14T10:00:00.5Z",
		"2013-01-14T10:00:00.123Z", "2013-01-14T10:00:00.1234Z", "2013-01-14T10:00:00.123456789Z", "0001-01-01", "9999-12-31",
	} {
		r := parseJSON(t, `{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"Patient/1"},"extension":[{"url":"http://x.org/e","valueDateTime":"`+s+`"}]}`)
		prog, err := compileType("Basic", []*Param{{Code: "e", Type: ParamDate, Expression: "Basic.extension('http://x.org/e').value"}})
		if err != nil {
			t.Fatal(err)
		}
		c := newEvaluation(r.Proto)
		values := prog.run(c, nil)
		c.release()
		low, high, err := ParseDateRange(s, time.UTC)
		if err != nil || len(values) != 1 || !values[0].Low.Equal(low) || !values[0].High.Equal(high) {
			t.Errorf("%s: searched for as %v .. %v, %v; found as %s", s, low, high, err, render(values[0]))
		}
	}
}

// FuzzParseDateRange: no panic, and what is accepted is a range of time that
// contains the range of the same text at a finer precision.
func FuzzParseDateRange(f *testing.F) {
	for _, s := range []string{"2013", "2013-02", "2013-02-03", "2013-01-14T10:00", "2013-01-14T10:00:60.123456789-05:30", "2013-01-14T10:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		low, high, err := ParseDateRange(s, time.UTC)
		if err != nil {
			if !errors.Is(err, ErrDate) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if !low.Before(high) {
			t.Fatalf("%q: %v is not before %v", s, low, high)
		}
		if len(s) < len("2006-01-02") {
			finerLow, finerHigh, err := ParseDateRange(s+"-01", time.UTC)
			if err != nil || finerLow.Before(low) || finerHigh.After(high) {
				t.Fatalf("%q-01 is %v, %v, %v", s, finerLow, finerHigh, err)
			}
		}
		if want, err := time.Parse(time.RFC3339Nano, s); err == nil && !want.Truncate(time.Microsecond).Equal(low) {
			t.Fatalf("%q: %v, package time says %v", s, low, want)
		}
	})
}
