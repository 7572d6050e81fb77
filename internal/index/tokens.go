package index

import (
	"strconv"
	"time"
)

// Prefix tokens of strings, in runes of the folded value.
const (
	minPrefix = 2
	maxPrefix = 8
)

var prefixKinds = [maxPrefix + 1]string{2: "2", 3: "3", 4: "4", 5: "5", 6: "6", 7: "7", 8: "8"}

func prefixKind(runes int) string { return prefixKinds[runes] }

// longestPrefix cuts a folded value at maxPrefix runes.
func longestPrefix(s string) (prefix string, runes int) {
	for i := range s {
		if runes == maxPrefix {
			return s[:i], runes
		}
		runes++
	}
	return s, runes
}

// eachPrefix calls f with every indexed prefix of a folded value, shortest first.
func eachPrefix(s string, f func(kind, prefix string)) {
	runes := 0
	for i := range s {
		if runes >= minPrefix {
			f(prefixKind(runes), s[:i])
		}
		if runes == maxPrefix {
			return
		}
		runes++
	}
	if runes >= minPrefix {
		f(prefixKind(runes), s)
	}
}

// Days are numbered from 1900-01-01 UTC and clamped to 16 bits (until 2079): a clamped value is still found,
// because queries are clamped alike and rows decide.
const (
	maxDay    = 0xFFFF
	dayLevels = 4
)

var dayZero = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// dayOf numbers the UTC day of an instant.
func dayOf(t time.Time) int {
	secs := t.Unix() - dayZero.Unix()
	day := secs / 86400
	if secs < 0 && secs%86400 != 0 {
		day--
	}
	return int(min(max(day, 0), maxDay))
}

// ends gives the day numbers of a half-open interval; a zero time is an open end.
func ends(low, high time.Time) (lowDay, highDay int) {
	highDay = maxDay
	if !low.IsZero() {
		lowDay = dayOf(low)
	}
	if !high.IsZero() {
		highDay = dayOf(high)
	}
	return lowDay, highDay
}

var dayKinds = map[string][dayLevels]string{"l": {"l0", "l1", "l2", "l3"}, "h": {"h0", "h1", "h2", "h3"}}

// eachDayPrefix calls f with the four tokens of one end, coarse to fine.
func eachDayPrefix(end string, day int, f func(kind, prefix string)) {
	for level, kind := range dayKinds[end] {
		f(kind, dayPrefix(day, level))
	}
}

// dayPrefix is the bucket of a day at a level: its first level+1 hexadecimal digits.
func dayPrefix(day, level int) string {
	return strconv.FormatInt(int64(day>>(4*(dayLevels-1-level))), 16)
}

// dayRange covers [low, high] by the fewest buckets: at most 15 at each level and side.
func dayRange(tok func(kind, value string) node, end string, low, high int) node {
	low, high = min(max(low, 0), maxDay), min(max(high, 0), maxDay)
	var out []node
	for low <= high {
		level, width := dayLevels-1, 1
		for level > 0 && low%(width*16) == 0 && low+width*16-1 <= high {
			level, width = level-1, width*16
		}
		out = append(out, tok(dayKinds[end][level], dayPrefix(low, level)))
		low += width
	}
	if len(out) == 1 {
		return out[0]
	}
	return orNode{out}
}
