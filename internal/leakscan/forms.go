package leakscan

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// pattern is one byte string to search and what finding it means.
type pattern struct {
	bytes  []byte
	needle int
	form   string
	alone  bool // counts only where no digit touches it
}

// forms collects the patterns of all needles: exact ones, and ones in lower case to be searched in data brought to lower
// case (ASCII letters only).
type forms struct {
	exact, folded []pattern
	seen          map[string]bool
}

func (f *forms) add(needle int, n *Needle) {
	switch n.Kind {
	case Text:
		f.text(needle, string(n.Value))
	case Body:
		f.hash(needle, "", n.Value)
	case Digest:
		f.digest(needle, "digest", n.Value)
	case Secret:
		f.secret(needle, n.Value)
	}
}

func (f *forms) text(needle int, text string) {
	for _, v := range variants(text) {
		f.raw(needle, v)
		f.base64(needle, v.name, []byte(v.text))
		f.fold(pattern{hexOf([]byte(v.text)), needle, "hex" + v.name, false})
		f.hash(needle, v.name, []byte(v.text))
		if !utf8.ValidString(v.text) {
			continue
		}
		units := utf16.Encode([]rune(v.text))
		f.fold(pattern{wide(binary.LittleEndian, units), needle, "UTF-16LE" + v.name, false})
		f.fold(pattern{wide(binary.BigEndian, units), needle, "UTF-16BE" + v.name, false})
		for _, e := range []variant{
			{"JSON escapes", strings.Trim(strconv.QuoteToASCII(v.text), `"`)},
			{"JSON escapes for HTML", htmlSafe.Replace(v.text)},
			{"percent, query", url.QueryEscape(v.text)},
			{"percent, query", strings.ReplaceAll(url.QueryEscape(v.text), "+", "%20")},
			{"percent, path", url.PathEscape(v.text)},
		} {
			if e.text != v.text {
				f.fold(pattern{[]byte(e.text), needle, e.name + v.name, false})
			}
		}
	}
	if b, err := hex.DecodeString(strings.ReplaceAll(text, "-", "")); err == nil && len(text) == 36 && len(b) == 16 {
		f.digest(needle, "UUID in binary", b)
	}
}

var htmlSafe = strings.NewReplacer("&", `\u0026`, "<", `\u003c`, ">", `\u003e`, "/", `\/`)

// raw adds the plain form. Short texts are searched only in the casings that the variants have.
func (f *forms) raw(needle int, v variant) {
	p := pattern{[]byte(v.text), needle, "raw" + v.name, onlyDigits(v.text) && len(v.text) < plainDigits}
	if len(v.text) < anyCasing {
		f.put(&f.exact, "=", p)
		return
	}
	f.fold(p)
}

func (f *forms) hash(needle int, name string, b []byte) {
	sum := sha256.Sum256(b)
	f.digest(needle, "SHA-256"+name, sum[:])
}

// digest adds random-looking bytes, of which the first 8 suffice.
func (f *forms) digest(needle int, form string, b []byte) {
	f.put(&f.exact, "=", pattern{b[:8], needle, form, false})
	f.fold(pattern{hexOf(b[:8]), needle, form + " in hex", false})
	f.base64(needle, " of "+form, b[:8])
}

func (f *forms) secret(needle int, b []byte) {
	f.hash(needle, "", b)
	for i := 0; i+8 <= len(b); i += 8 {
		f.put(&f.exact, "=", pattern{b[i : i+8], needle, "key bytes", false})
		f.fold(pattern{hexOf(b[i : i+8]), needle, "key bytes in hex", false})
		if i+16 <= len(b) {
			f.base64(needle, " of key bytes", b[i:i+16])
		}
	}
}

// base64 adds the characters that are the same whatever stands before and after the bytes, for the three alignments
// that the bytes can have in a longer input.
func (f *forms) base64(needle int, name string, b []byte) {
	for lead := range 3 {
		padded := append(make([]byte, lead), b...)
		from, to := (lead*8+5)/6, len(padded)*8/6
		form := " +" + strconv.Itoa(lead) + name
		f.put(&f.exact, "=", pattern{[]byte(base64.RawStdEncoding.EncodeToString(padded)[from:to]), needle, "base64" + form, false})
		f.put(&f.exact, "=", pattern{[]byte(base64.RawURLEncoding.EncodeToString(padded)[from:to]), needle, "base64url" + form, false})
	}
}

// fold adds a pattern in lower case to those that are searched in any casing.
func (f *forms) fold(p pattern) {
	p.bytes = lower(nil, p.bytes)
	f.put(&f.folded, "~", p)
}

// put adds a pattern unless the same bytes are searched already.
func (f *forms) put(to *[]pattern, index string, p pattern) {
	key := index + string(p.bytes)
	if len(p.bytes) < window || f.seen[key] {
		return
	}
	f.seen[key] = true
	*to = append(*to, p)
}

func hexOf(b []byte) []byte { return []byte(hex.EncodeToString(b)) }

func wide(order binary.AppendByteOrder, units []uint16) []byte {
	var out []byte
	for _, u := range units {
		out = order.AppendUint16(out, u)
	}
	return out
}
