package fhir

import "unicode/utf8"

// text is the decoded content of a string; buf is used when it has escapes.
func (l *lexer) text(t token, buf []byte) []byte {
	if !t.escaped {
		return l.src[t.start:t.end]
	}
	return appendText(buf[:0], l.src[t.start:t.end])
}

// appendText decodes the content of a well-formed string.
func appendText(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			i++
			continue
		}
		r, n := unescape(raw[i:])
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst
}

// unescape reads one escape sequence and gives its character and length; a
// surrogate pair counts as one. Length 0 means malformed, also for half a pair,
// which no Unicode text can contain.
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
