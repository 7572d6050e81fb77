package patch

import (
	"strings"
	"unicode/utf8"
)

// tokenKind is the kind of a token of FHIRPath.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenString
	tokenNumber
	tokenDate // with its @
	tokenSymbol
)

// pathToken is one token. The text of names and strings is decoded.
type pathToken struct {
	kind   tokenKind
	text   string
	quoted bool // a name in backticks, which is never a keyword
	off    int
}

// pathLexer reads tokens of FHIRPath (FHIRPath 2.0 normative release 1).
type pathLexer struct {
	src string
	pos int
	tok pathToken
}

// pathError is an error in the expression. It tells the place, for to quote the
// expression might quote a value.
func pathError(off int, format string, args ...any) error {
	return fail(Malformed, "path, byte %d: "+format, append([]any{off}, args...)...)
}

// next reads the next token into tok.
func (l *pathLexer) next() error {
	for l.pos < len(l.src) && strings.IndexByte(" \t\r\n", l.src[l.pos]) >= 0 {
		l.pos++
	}
	start := l.pos
	l.tok = pathToken{off: start}
	if start == len(l.src) {
		return nil
	}
	switch c := l.src[start]; {
	case c == '\'' || c == '`' || c == '"':
		return l.quoted(c)
	case isLetter(c):
		l.take(tokenName, func(c byte) bool { return isLetter(c) || isDigit(c) })
	case isDigit(c):
		l.number()
	case c == '@':
		l.pos++
		l.take(tokenDate, func(c byte) bool { return isDigit(c) || strings.IndexByte("TZ-:+.", c) >= 0 })
		l.tok.text = strings.TrimSuffix(l.tok.text, ".") // a step follows
		l.pos = start + 1 + len(l.tok.text)
	default:
		n := 1
		if two := l.src[start:min(start+2, len(l.src))]; two == "!=" || two == "!~" || two == "<=" || two == ">=" {
			n = 2
		} else if strings.IndexByte(".,()[]{}=~<>|&+-*/%$", c) < 0 {
			return pathError(start, "unexpected character")
		}
		l.pos += n
		l.tok.kind, l.tok.text = tokenSymbol, l.src[start:l.pos]
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }

// take reads a token of certain characters from here.
func (l *pathLexer) take(k tokenKind, in func(byte) bool) {
	start := l.pos
	for l.pos < len(l.src) && in(l.src[l.pos]) {
		l.pos++
	}
	l.tok.kind, l.tok.text = k, l.src[start:l.pos]
}

// number reads digits with a fraction; a dot without digits is a step.
func (l *pathLexer) number() {
	start := l.pos
	l.pos += digits([]byte(l.src[l.pos:]))
	if rest := l.src[l.pos:]; len(rest) > 1 && rest[0] == '.' && isDigit(rest[1]) {
		l.pos += 1 + digits([]byte(rest[1:]))
	}
	l.tok.kind, l.tok.text = tokenNumber, l.src[start:l.pos]
}

// quoted reads a string or a delimited name. Double quotes were those of names in
// older versions, and some write strings in them.
func (l *pathLexer) quoted(quote byte) error {
	start := l.pos
	l.tok.kind = tokenString
	if quote == '`' {
		l.tok.kind, l.tok.quoted = tokenName, true
	}
	var b strings.Builder
	for l.pos++; l.pos < len(l.src); l.pos++ {
		c := l.src[l.pos]
		if c == quote {
			l.pos++
			l.tok.text = b.String()
			return nil
		}
		if c != '\\' {
			b.WriteByte(c)
			continue
		}
		r, n := unescapePath(l.src[l.pos:])
		if n == 0 {
			return pathError(l.pos, "invalid escape sequence")
		}
		b.WriteRune(r)
		l.pos += n - 1
	}
	return pathError(start, "a quoted text has no end")
}

// unescapePath reads an escape sequence: those of JSON, and the quotes.
func unescapePath(s string) (rune, int) {
	if len(s) > 1 && (s[1] == '\'' || s[1] == '`') {
		return rune(s[1]), 2
	}
	if len(s) > 1 && s[1] == 'b' { // FHIRPath has no backspace
		return utf8.RuneError, 0
	}
	return unescape([]byte(s[:min(len(s), 12)]))
}
