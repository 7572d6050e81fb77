package patch

import "unicode/utf8"

// string reads a string token; the current byte is its opening quote.
func (r *reader) string() (escaped bool, err error) {
	for i := r.pos + 1; i < len(r.src); i++ {
		switch c := r.src[i]; {
		case c == '"':
			r.pos = i + 1
			return escaped, nil
		case c < 0x20:
			r.pos = i
			return false, r.fail("control character in a string")
		case c == '\\':
			_, n := unescape(r.src[i:])
			if n == 0 {
				r.pos = i
				return false, r.fail("invalid escape sequence in a string")
			}
			escaped = true
			i += n - 1
		}
	}
	r.pos = len(r.src)
	return false, r.fail("string has no end")
}

// decode gives the text of a well-formed string token.
func decode(raw []byte) []byte {
	raw = raw[1 : len(raw)-1]
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		c, n := unescape(raw[i:])
		out = utf8.AppendRune(out, c)
		i += n
	}
	return out
}

// string is the text of a string, empty for any other value.
func (n *node) string() string {
	if n == nil || n.kind != text {
		return ""
	}
	return string(decode(n.raw))
}

// unescape reads one escape sequence and gives its character and length; a
// surrogate pair counts as one. Length 0 means malformed, also for half a pair.
func unescape(s []byte) (rune, int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case '"', '\\', '/':
		return rune(s[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	high := hex4(s)
	switch {
	case high < 0 || 0xDC00 <= high && high <= 0xDFFF:
		return 0, 0
	case high < 0xD800 || high > 0xDFFF:
		return high, 6
	}
	low := hex4(s[6:])
	if low < 0xDC00 || low > 0xDFFF {
		return 0, 0
	}
	return (high-0xD800)<<10 + (low - 0xDC00) + 0x10000, 12
}

// hex4 reads \uXXXX, -1 when it is something else.
func hex4(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	r := rune(0)
	for _, c := range s[2:6] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// numberLength is the length of the number that begins here, 0 for none.
func numberLength(s []byte) int {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	first := i
	i += digits(s[i:])
	if i == first || s[first] == '0' && i > first+1 {
		return 0
	}
	if i < len(s) && s[i] == '.' {
		n := digits(s[i+1:])
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		n := digits(s[i:])
		if n == 0 {
			return 0
		}
		i += n
	}
	return i
}

// digits counts the decimal digits at the beginning.
func digits(s []byte) int {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}
