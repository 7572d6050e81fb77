package patch

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Kind says whose fault a failed patch is, and how.
type Kind uint8

// The kinds of error.
const (
	Malformed Kind = iota + 1 // not a patch at all, or one in a language that is not understood
	Failed                    // a path that leads nowhere or to several, a value of the wrong kind
	Test                      // a test of a JSON Patch did not hold
	TooLarge                  // a limit of this package
)

var kindNames = [...]string{Malformed: "malformed", Failed: "failed", Test: "test failed", TooLarge: "too large"}

// String is the kind in a word or two.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return "unknown"
	}
	return kindNames[k]
}

// Error says why a patch was not applied. Msg is English, for a developer. It
// names operations, elements and functions, and quotes no value: what stands in
// the criteria of a path is left out.
type Error struct {
	Op   int // the operation, from 0; -1 for the patch as a whole
	Kind Kind
	Msg  string
}

// Error names the operation and the reason.
func (e *Error) Error() string {
	if e.Op < 0 {
		return "patch: " + e.Msg
	}
	return "patch operation " + strconv.Itoa(e.Op) + ": " + e.Msg
}

// fail makes an error whose operation the caller of the operation fills in.
func fail(k Kind, format string, args ...any) error {
	return &Error{Op: -1, Kind: k, Msg: fmt.Sprintf(format, args...)}
}

// maxQuote is how much of a path or name a message shows.
const maxQuote = 200

// quote shows a path or name on one line, cut to maxQuote bytes.
func quote(s string) string {
	if len(s) > maxQuote {
		cut := maxQuote
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strconv.Quote(s)
}
