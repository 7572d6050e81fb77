package fhir

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold normalises a string for the default string search, which ignores case,
// accents and the amount of white space (R4 section 3.1.1.5.8): compatibility
// decomposition, lower case (ß becomes ss), combining marks removed, each run of
// white space one space, none at the ends. Folding twice changes nothing.
func Fold(s string) string {
	if isFolded(s) {
		return s
	}
	ascii := true
	for i := 0; i < len(s) && ascii; i++ {
		ascii = s[i] < utf8.RuneSelf
	}
	if ascii {
		s = strings.ToLower(s)
	} else {
		s = foldRunes(norm.NFKD.String(s))
	}
	return strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ")
}

// isFolded recognises the common case that nothing needs to change.
func isFolded(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf || c >= '\t' && c <= '\r' ||
			c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// foldRunes changes the case of decomposed text and drops the combining marks.
// By way of upper case, letters with two lower case forms (σ and ς) become one.
func foldRunes(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == 'ß' || r == 'ẞ':
			b.WriteString("ss")
		default:
			b.WriteRune(unicode.ToLower(unicode.ToUpper(r)))
		}
	}
	return b.String()
}
