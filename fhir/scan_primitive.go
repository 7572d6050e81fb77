package fhir

import (
	"bytes"
	"net/url"
	"slices"
)

// primitive names the rule set of a primitive value (R4, Data Types).
type primitive uint8

const (
	primString primitive = iota
	primBoolean
	primInteger
	primPositiveInt
	primUnsignedInt
	primDecimal
	primMarkdown
	primCode // any code
	primEnum // a code of a required value set
	primID
	primURI
	primURL
	primCanonical
	primOID
	primUUID
	primBase64
	primDate
	primDateTime
	primInstant
	primTime
	primXHTML
	primReference // the string Reference.reference
	primTypeName  // resourceType, checked when it is looked up
	primCurrency  // a code of ISO 4217, by its form
)

// primitiveNamed finds the rules of a generated primitive message.
func primitiveNamed(message string) (primitive, bool) {
	i := slices.Index(primitiveMessages[:], message)
	return primitive(max(i, 0)), i >= 0 //nolint:gosec // an index into a short array
}

// primitiveMessages names the generated messages in the order of the constants.
var primitiveMessages = [...]string{
	"String", "Boolean", "Integer", "PositiveInt", "UnsignedInt", "Decimal", "Markdown", "Code",
	"", "Id", "Uri", "Url", "Canonical", "Oid", "Uuid", "Base64Binary", "Date", "DateTime", "Instant", "Time", "Xhtml",
}

// json tells which JSON token carries the primitive: its first byte class.
func (p primitive) json() byte {
	switch p {
	case primBoolean:
		return 't'
	case primInteger, primPositiveInt, primUnsignedInt, primDecimal:
		return '0'
	default:
		return '"'
	}
}

// maxString is the longest string that FHIR allows, in bytes (1 MB).
const maxString = 1 << 20

// problem tells what is wrong with a decoded string value, or "" when nothing
// is. The text never contains the value.
func (t *typ) problem(v []byte) string {
	switch t.prim {
	case primString, primMarkdown, primReference:
		if len(v) > maxString {
			return "string is longer than 1 MB"
		}
	case primEnum:
		if _, ok := t.codes[string(v)]; !ok {
			return "code is not in the required value set"
		}
	case primCode:
		return unless(isCode(v), "code has leading, trailing or repeated white space")
	case primCurrency:
		return unless(isCurrency(v), "code is not a currency of ISO 4217: three capital letters")
	case primID:
		return unless(validID(v), "id is not 1 to 64 letters, digits, hyphens or dots")
	case primURI, primURL, primCanonical:
		return unless(isURI(v), "not a URI")
	case primOID:
		return unless(isOID(v), "not an OID of the form urn:oid:1.2.3")
	case primUUID:
		return unless(isUUID(v), "not a lower-case UUID of the form urn:uuid:…")
	case primBase64:
		return unless(isBase64(v), "not base64")
	case primDate:
		return unless(isDateTime(v, precisionYear, precisionDay), "not a date of the form YYYY, YYYY-MM or YYYY-MM-DD")
	case primDateTime:
		return unless(isDateTime(v, precisionYear, precisionSecond), "not a dateTime (a time needs seconds and a time zone)")
	case primInstant:
		return unless(isDateTime(v, precisionSecond, precisionSecond), "not an instant (date, time with seconds, time zone)")
	case primTime:
		_, ok := readTime(v)
		return unless(ok, "not a time of the form hh:mm:ss")
	case primXHTML:
		return xhtmlProblem(v)
	}
	return ""
}

func unless(ok bool, problem string) string {
	if ok {
		return ""
	}
	return problem
}

// numberProblem checks the literal of a numeric primitive, which is a JSON
// number already. Integers have 32 bits and neither fraction nor exponent.
func (t *typ) numberProblem(v []byte) string {
	if t.prim == primDecimal {
		return ""
	}
	negative := v[0] == '-'
	digits := v
	if negative {
		digits = v[1:]
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return "not an integer"
		}
		if n = n*10 + int64(c-'0'); n > 1<<31 {
			return "integer does not fit in 32 bits"
		}
	}
	switch {
	case negative && (t.prim != primInteger || n == 0):
		return "integer may not be negative"
	case t.prim == primPositiveInt && n == 0:
		return "integer must be positive"
	case !negative && n == 1<<31:
		return "integer does not fit in 32 bits"
	}
	return ""
}

// validID is the R4 type id: [A-Za-z0-9\-\.]{1,64}.
func validID[T string | []byte](v T) bool {
	if len(v) == 0 || len(v) > 64 {
		return false
	}
	for i := range len(v) {
		if c := v[i]; !isLetter(c) && !isDigit(c) && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func hasSpace(v []byte) bool {
	for _, c := range v {
		if isSpace(c) {
			return true
		}
	}
	return false
}

// isURI is a URI reference without white space. Most are of a simple form that
// is known to parse; the others are left to net/url, whose judgement jsonformat
// follows as well.
func isURI(v []byte) bool {
	n := 0
	for n < len(v) && isLetter(v[n]) {
		n++
	}
	if n > 0 && n < len(v) && v[n] == ':' {
		simple := simpleURI
		n++
		if bytes.HasPrefix(v[n:], []byte("//")) {
			simple &^= inPath // a colon in an authority would begin a port
		}
		for n < len(v) && uriBytes[v[n]]&simple != 0 {
			n++
		}
		if n == len(v) {
			return true
		}
	}
	_, err := url.Parse(string(v))
	return err == nil && !hasSpace(v)
}

// What uriBytes tells of a byte: part of any simple URI, or only where there is
// no authority.
const (
	inURI     uint8 = 1
	inPath    uint8 = 2
	simpleURI       = inURI | inPath
)

var uriBytes = func() (table [256]uint8) {
	for c := range table {
		if b := byte(c); isLetter(b) || isDigit(b) { //nolint:gosec // below 256
			table[c] = inURI
		}
	}
	for _, c := range []byte("-._/") {
		table[c] = inURI
	}
	table[':'] = inPath
	return table
}()

// isCode is [^\s]+(\s[^\s]+)*.
func isCode(v []byte) bool {
	space := true
	for _, c := range v {
		if isSpace(c) && space {
			return false
		}
		space = isSpace(c)
	}
	return !space
}

func isCurrency(v []byte) bool {
	return len(v) == 3 && allLetters(v) && bytes.Equal(v, bytes.ToUpper(v))
}

// isOID is urn:oid:[0-2](\.(0|[1-9][0-9]*))+.
func isOID(v []byte) bool {
	const prefix = "urn:oid:"
	if len(v) < len(prefix)+3 || string(v[:len(prefix)]) != prefix || v[len(prefix)] < '0' || v[len(prefix)] > '2' {
		return false
	}
	for rest := v[len(prefix)+1:]; len(rest) > 0; {
		if rest[0] != '.' {
			return false
		}
		n := 1
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
		if n == 1 || n > 2 && rest[1] == '0' {
			return false
		}
		rest = rest[n:]
	}
	return true
}

// isUUID is urn:uuid: and 8-4-4-4-12 lower-case hexadecimal digits.
func isUUID(v []byte) bool {
	const prefix = "urn:uuid:"
	if len(v) != len(prefix)+36 || string(v[:len(prefix)]) != prefix {
		return false
	}
	for i, c := range v[len(prefix):] {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !isDigit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isBase64 is RFC 4648 section 4 with padding; white space may stand anywhere.
func isBase64(v []byte) bool {
	n, pad := 0, 0
	for _, c := range v {
		switch {
		case isSpace(c):
			continue
		case c == '=':
			pad++
		case pad > 0 || !isLetter(c) && !isDigit(c) && c != '+' && c != '/':
			return false
		}
		n++
	}
	return n > 0 && n%4 == 0 && pad <= 2
}
