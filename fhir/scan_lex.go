package fhir

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// lexer reads JSON tokens (RFC 8259) from bytes that are known to be UTF-8. The
// first error stops it: every method answers false from then on.
type lexer struct {
	src      []byte
	pos      int
	depth    int // open objects and arrays
	maxDepth int
	failed   *failure

	// With compact set, text leaves through space: runs between white space are
	// copied to out, so that out and the rest src[run:] are the compacted text.
	compact bool
	out     []byte
	run     int
}

// trustedDepth bounds the recursion over text that Parse accepted before, under
// whatever limit the caller had.
const trustedDepth = 10_000

// newLexer is for text that Parse accepted; other text gives an error, no more.
func newLexer(json []byte) lexer {
	return lexer{src: json, maxDepth: trustedDepth}
}

// errNoObject is what the functions over accepted resources say to other JSON.
var errNoObject = errors.New("not a JSON object")

// err is the failure as an ordinary error.
func (l *lexer) err() error {
	if l.failed == nil {
		return nil
	}
	return fmt.Errorf("malformed JSON at byte %d: %s", l.failed.off, l.failed.text)
}

// failure is an error that ends the scan.
type failure struct {
	off        int
	code, text string
}

// token is the content of a string, without its quotes.
type token struct {
	start, end int
	escaped    bool // contains a backslash
	control    bool // an escape stands for a character that FHIR forbids in strings
}

func (l *lexer) fail(off int, text string) bool {
	if l.failed == nil {
		l.failed = &failure{off: off, code: "structure", text: text}
	}
	return false
}

// peek is the next byte, 0 at the end.
func (l *lexer) peek() byte {
	if l.pos < len(l.src) {
		return l.src[l.pos]
	}
	return 0
}

// space skips white space between tokens.
func (l *lexer) space() {
	p := l.pos
	for p < len(l.src) && (l.src[p] == ' ' || l.src[p] == '\n' || l.src[p] == '\r' || l.src[p] == '\t') {
		p++
	}
	if p == l.pos {
		return
	}
	if l.compact {
		l.out = append(l.out, l.src[l.run:l.pos]...)
		l.run = p
	}
	l.pos = p
}

// open enters an object or array and reports whether it holds anything. On
// false, either it was empty and is closed again, or the lexer failed.
func (l *lexer) open(closing byte) bool {
	if l.depth++; l.depth > l.maxDepth {
		l.failed = &failure{off: l.pos, code: "too-costly", text: "nested too deeply"}
		return false
	}
	l.pos++
	l.space()
	if l.peek() == closing {
		l.pos++
		l.depth--
		return false
	}
	return true
}

// next reads what follows a member or element: true for a comma, after which
// another one begins; false at the closing bracket or on failure.
func (l *lexer) next(closing byte) bool {
	l.space()
	switch l.peek() {
	case ',':
		l.pos++
		l.space()
		return true
	case closing:
		l.pos++
		l.depth--
		return false
	}
	return l.fail(l.pos, "expected a comma or the end of the object or array")
}

// key reads a member name and its colon.
func (l *lexer) key() (token, bool) {
	if l.peek() != '"' {
		return token{}, l.fail(l.pos, "expected a member name in double quotes")
	}
	t, ok := l.str()
	if !ok {
		return t, false
	}
	l.space()
	if l.peek() != ':' {
		return t, l.fail(l.pos, "expected a colon after the member name")
	}
	l.pos++
	l.space()
	return t, true
}

// str reads a string; the current byte is its opening quote.
func (l *lexer) str() (token, bool) {
	t := token{start: l.pos + 1}
	src := l.src
	for i := plain(src, t.start); i < len(src); i = plain(src, i+1) {
		c := src[i]
		switch {
		case c == '"':
			t.end, l.pos = i, i+1
			return t, true
		case c < 0x20:
			return t, l.fail(i, "control character in a string")
		}
		t.escaped = true
		r, n := unescape(src[i:])
		if n == 0 {
			return t, l.fail(i, "invalid escape sequence in a string")
		}
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' {
			t.control = true
		}
		i += n - 1
	}
	return t, l.fail(len(src), "string has no end")
}

// plain goes past what stands for itself in a string: up to a control character,
// a quote or a backslash. It looks at eight bytes at a time: the differences have
// the top bit of a byte set, which the byte itself has not, if it is one of these.
func plain(src []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(src); i += 8 {
		w := binary.LittleEndian.Uint64(src[i:])
		quote, slash := w^'"'*ones, w^'\\'*ones
		if found := ((w - ' '*ones) | (quote - ones) | (slash - ones)) & ^w & tops; found != 0 {
			break
		}
	}
	for i < len(src) && src[i] >= ' ' && src[i] != '"' && src[i] != '\\' {
		i++
	}
	return i
}

// number reads a number literal.
func (l *lexer) number() (token, bool) {
	t := token{start: l.pos}
	i := l.pos
	if i < len(l.src) && l.src[i] == '-' {
		i++
	}
	first := i
	i = l.digits(i)
	ok := i > first && (l.src[first] != '0' || i == first+1)
	if ok && i < len(l.src) && l.src[i] == '.' {
		fraction := i + 1
		i = l.digits(fraction)
		ok = i > fraction
	}
	if ok && i < len(l.src) && l.src[i]|0x20 == 'e' {
		i++
		if i < len(l.src) && (l.src[i] == '+' || l.src[i] == '-') {
			i++
		}
		exponent := i
		i = l.digits(exponent)
		ok = i > exponent
	}
	if !ok {
		return t, l.fail(l.pos, "malformed number")
	}
	t.end, l.pos = i, i
	return t, true
}

func (l *lexer) digits(i int) int {
	for i < len(l.src) && isDigit(l.src[i]) {
		i++
	}
	return i
}

// literal reads true, false or null.
func (l *lexer) literal() bool {
	word := "null"
	switch l.peek() {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	if end := l.pos + len(word); end <= len(l.src) && string(l.src[l.pos:end]) == word {
		l.pos = end
		return true
	}
	return l.fail(l.pos, "expected a JSON value")
}

// skip reads one value of any kind.
func (l *lexer) skip() bool {
	switch c := l.peek(); {
	case c == '"':
		_, ok := l.str()
		return ok
	case c == '{':
		for more := l.open('}'); more; more = l.next('}') {
			if _, ok := l.key(); !ok || !l.skip() {
				return false
			}
		}
		return l.failed == nil
	case c == '[':
		for more := l.open(']'); more; more = l.next(']') {
			if !l.skip() {
				return false
			}
		}
		return l.failed == nil
	case c == '-' || isDigit(c):
		_, ok := l.number()
		return ok
	}
	return l.literal()
}

// lookAhead is a lexer at the same place that leaves this one alone.
func (l *lexer) lookAhead() *lexer {
	return &lexer{src: l.src, pos: l.pos, depth: l.depth, maxDepth: l.maxDepth}
}

// findMember goes into the object that begins here up to the value of a member,
// and reads the value if it is a string. The offset is -1 without such a member.
func (l *lexer) findMember(name string) (off int, t token, isString bool) {
	for more := l.open('}'); more; more = l.next('}') {
		k, ok := l.key()
		if !ok {
			break
		}
		if string(l.text(k, nil)) != name {
			l.skip()
			continue
		}
		off = l.pos
		if l.peek() == '"' {
			t, isString = l.str()
		}
		return off, t, isString
	}
	return -1, t, false
}
