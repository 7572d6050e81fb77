package fhir

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Canonical gives the form over which a resource is hashed: RFC 8785, with
// members sorted by the UTF-16 code units of their names, no white space, and
// only those characters escaped that have to be. One rule is not followed: a
// number keeps the digits that were sent, because in FHIR 1.0 and 1.00 differ
// (R4, Data Types, decimal). Duplicate names are refused.
func Canonical(json []byte) ([]byte, error) {
	if !utf8.Valid(json) {
		return nil, errors.New("canonical: not UTF-8")
	}
	c := canonicalizer{lexer: newLexer(json), dst: make([]byte, 0, len(json))}
	c.space()
	c.value()
	c.space()
	if c.failed == nil && c.pos != len(c.src) {
		c.fail(c.pos, "unexpected text after the value")
	}
	if err := c.err(); err != nil {
		return nil, fmt.Errorf("canonical: %w", err)
	}
	return c.dst, nil
}

// canonicalizer writes each value as it reads it. The members of an object are
// written as they come and moved into order when the object ends.
type canonicalizer struct {
	lexer
	dst     []byte
	members []canonicalMember // of the open objects, stacked
}

// canonicalMember is a written member: its decoded name and its place in dst.
type canonicalMember struct {
	name []byte
	span
}

func (c *canonicalizer) value() bool {
	switch c.peek() {
	case '{':
		return c.object()
	case '[':
		c.dst = append(c.dst, '[')
		for more := c.open(']'); more; more = c.next(']') {
			if !c.value() {
				return false
			}
			c.dst = append(c.dst, ',')
		}
		c.close(']')
		return c.failed == nil
	case '"':
		t, ok := c.str()
		if ok {
			c.dst = appendQuoted(c.dst, c.text(t, nil))
		}
		return ok
	}
	start := c.pos
	if !c.skip() {
		return false
	}
	c.dst = append(c.dst, c.src[start:c.pos]...)
	return true
}

// close replaces the comma behind the last item, if there was one.
func (c *canonicalizer) close(bracket byte) {
	if last := len(c.dst) - 1; c.dst[last] == ',' {
		c.dst[last] = bracket
	} else {
		c.dst = append(c.dst, bracket)
	}
}

func (c *canonicalizer) object() bool {
	c.dst = append(c.dst, '{')
	start, first := len(c.dst), len(c.members)
	for more := c.open('}'); more; more = c.next('}') {
		k, ok := c.key()
		if !ok {
			return false
		}
		m := canonicalMember{name: c.text(k, nil)}
		m.start = len(c.dst)
		c.dst = append(appendQuoted(c.dst, m.name), ':')
		if !c.value() {
			return false
		}
		m.end = len(c.dst)
		c.dst = append(c.dst, ',')
		c.members = append(c.members, m)
	}
	if c.failed != nil || !c.sort(start, c.members[first:]) {
		return false
	}
	c.members = c.members[:first]
	c.close('}')
	return true
}

// sort moves the members that were written from start on into order.
func (c *canonicalizer) sort(start int, members []canonicalMember) bool {
	byName := func(a, b canonicalMember) int { return compareUTF16(a.name, b.name) }
	if !slices.IsSortedFunc(members, byName) {
		slices.SortFunc(members, byName)
		written := append([]byte(nil), c.dst[start:]...)
		c.dst = c.dst[:start]
		for _, m := range members {
			c.dst = append(append(c.dst, written[m.start-start:m.end-start]...), ',')
		}
	}
	for i := 1; i < len(members); i++ {
		if compareUTF16(members[i-1].name, members[i].name) == 0 {
			return c.fail(c.pos, "an object has two members of the same name")
		}
	}
	return true
}

// compareUTF16 orders two UTF-8 texts by their UTF-16 code units. This is their
// byte order but for one thing: characters above U+FFFF, whose first byte is
// F0 to F4, are written in UTF-16 with D800 to DFFF and so come before U+E000,
// whose first byte is EE.
func compareUTF16(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if x, y := a[i], b[i]; x != y {
			if x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0) {
				return int(y) - int(x)
			}
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

// appendQuoted writes a string with the escapes of RFC 8785 section 3.2.2.2.
func appendQuoted(dst, s []byte) []byte {
	return append(appendEscaped(append(dst, '"'), s), '"')
}

// appendEscaped is the content of such a string.
func appendEscaped(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	done := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(append(dst, s[done:i]...), '\\')
		done = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, c)
		case '\b':
			dst = append(dst, 'b')
		case '\f':
			dst = append(dst, 'f')
		case '\n':
			dst = append(dst, 'n')
		case '\r':
			dst = append(dst, 'r')
		case '\t':
			dst = append(dst, 't')
		default:
			dst = append(dst, 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, s[done:]...)
}
