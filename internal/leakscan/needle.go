package leakscan

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says in which forms a needle is searched.
type Kind uint8

// The kinds of needles.
const (
	// Text is a clinical value. It is searched in every form.
	Text Kind = iota + 1
	// Body is a whole document. Parts of it are needles of their own; of the whole, only its SHA-256 is searched.
	Body
	// Digest is a hash that was computed by the caller, at least 16 bytes of it. It is searched in binary, hex and base64.
	Digest
	// Secret is key material of at least 16 bytes. Every 8 bytes of it that start at a multiple of 8 are searched in
	// binary and hex, every 16 in base64, the whole also as SHA-256.
	Secret
)

// Needle is one value that must not be found. Its name appears in reports, its value never does.
type Needle struct {
	Name  string
	Kind  Kind
	Value []byte
}

// The minimal lengths in bytes; the package comment says why.
const (
	MinText   = 6
	MinDigits = 8
	MinSecret = 16

	anyCasing   = 8  // from this length on every mixture of casings counts
	plainDigits = 12 // from this length on digits may touch further digits
)

// ErrNeedle says that a needle cannot be searched, mostly because chance would find it.
var ErrNeedle = errors.New("no needle")

func (n *Needle) check() error {
	var err error
	switch n.Kind {
	case Text:
		if !longEnough(string(n.Value)) {
			err = fmt.Errorf("%w: a text needs %d bytes, a number %d digits", ErrNeedle, MinText, MinDigits)
		}
	case Body:
		if len(n.Value) == 0 {
			err = fmt.Errorf("%w: empty", ErrNeedle)
		}
	case Digest, Secret:
		if len(n.Value) < MinSecret {
			err = fmt.Errorf("%w: digests and secrets need %d bytes", ErrNeedle, MinSecret)
		}
	default:
		err = fmt.Errorf("%w: unknown kind", ErrNeedle)
	}
	if err != nil {
		return fmt.Errorf("needle %q: %w", n.Name, err)
	}
	return nil
}

// varied tells whether a text has at least three different characters. One that repeats one or two, as the
// placeholder 999-99-9999 does, stands by chance in what random bytes unpack to: a copy command of Snappy writes it.
func varied(s string) bool {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen) >= 3
}

func longEnough(s string) bool {
	if !varied(s) {
		return false
	}
	if onlyDigits(s) {
		return len(s) >= MinDigits
	}
	return len(s) >= MinText
}

func onlyDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// Usable tells whether a text is long and varied enough to be a needle.
func Usable(text string) bool { return longEnough(text) }

// variant is a spelling of a text; what is "in any casing" anyway is not listed for forms that fold.
type variant struct {
	name string // appended to the form
	text string
}

// separators are what normalising a number, a date, a name or an address takes out.
var separators = strings.NewReplacer("-", "", ".", "", " ", "", "(", "", ")", "", "/", "", ":", "", "+", "", ",", "", "_", "", "'", "")

// variants are the spellings of a text that are searched, without repetition, its own first.
func variants(text string) []variant {
	compact := separators.Replace(text)
	all := []variant{
		{"", text},
		{" of lower case", strings.ToLower(text)},
		{" of upper case", strings.ToUpper(text)},
		{" without separators", compact},
		{" of lower case without separators", strings.ToLower(compact)},
	}
	var out []variant
	seen := make(map[string]bool)
	for _, v := range all {
		if !seen[v.text] && longEnough(v.text) {
			seen[v.text] = true
			out = append(out, v)
		}
	}
	return out
}
