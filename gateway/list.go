package gateway

import (
	"iter"
	"strconv"
	"strings"
)

// elements yields the parts of a header value between separators, trimmed; quoted strings stay whole (RFC 9110
// section 5.6). Empty parts are left out.
func elements(value string, separator byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		quoted, from := false, 0
		for i := 0; i <= len(value); i++ {
			if i < len(value) {
				switch c := value[i]; {
				case quoted && c == '\\' && i+1 < len(value):
					i++
					continue
				case c == '"':
					quoted = !quoted
					continue
				case quoted || c != separator:
					continue
				}
			}
			if part := strings.Trim(value[from:i], " \t"); part != "" && !yield(part) {
				return
			}
			from = i + 1
		}
	}
}

// unquote takes the quotes off a quoted string; a token stays as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// fullQuality is q=1, in thousandths.
const fullQuality = 1000

// quality reads the weight of an element of an Accept… header: q from 0 to 1 in thousandths (RFC 9110 section
// 12.4.2). A q that is none counts as 0, so that nobody gets what it did not ask for.
func quality(q string) int {
	f, err := strconv.ParseFloat(q, 64)
	if err != nil || !(f >= 0 && f <= 1) || len(q) > 5 {
		return 0
	}
	return int(f*fullQuality + 0.5)
}
