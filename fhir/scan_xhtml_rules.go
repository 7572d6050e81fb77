package fhir

import (
	"bytes"
	"html"
	"strconv"
	"unicode/utf8"
)

// isActive tells whether an attribute value could make a browser run code.
func isActive(name string, value []byte) bool {
	plain := bytes.ToLower(decodeEntities(value))
	plain = bytes.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7F {
			return -1 // browsers skip these within a scheme
		}
		return r
	}, plain)
	switch name {
	case "href", "src", "cite", "longdesc":
		return bytes.HasPrefix(plain, []byte("javascript:")) || bytes.HasPrefix(plain, []byte("vbscript:")) ||
			bytes.HasPrefix(plain, []byte("data:")) && (name != "src" || !bytes.HasPrefix(plain, []byte("data:image/")))
	case "style":
		return bytes.Contains(plain, []byte("javascript:")) || bytes.Contains(plain, []byte("expression("))
	}
	return false
}

// commentProblem refuses what XML forbids within a comment, and what makes a
// browser end it early (HTML, comment start and comment end states): it would run
// what follows.
func commentProblem(content []byte) string {
	ok := !bytes.Contains(content, []byte("--")) && !bytes.HasSuffix(content, []byte("-")) &&
		!bytes.HasPrefix(content, []byte(">")) && !bytes.HasPrefix(content, []byte("->"))
	return unless(ok, "narrative is not well-formed: malformed comment")
}

// cdataProblem refuses markup in a CDATA section, of which a browser knows nothing:
// to it, the section is a comment that the first > ends.
func cdataProblem(content []byte) string {
	return unless(!bytes.ContainsAny(content, "<>"), "narrative contains markup in a CDATA section")
}

// entityProblem checks that each & begins a reference. Names that only HTML knows
// are let through, although XML without a document type has none but five: they do
// no harm, and the examples of CARIN Blue Button 2.0.0 have &reg;. Others mean
// nothing to anybody.
func entityProblem(v []byte) string {
	for {
		i := bytes.IndexByte(v, '&')
		if i < 0 {
			return ""
		}
		v = v[i+1:]
		n := entityLength(v)
		if n == 0 {
			return "narrative is not well-formed: & is not escaped"
		}
		if v[0] == '#' && !isXMLCharacter(string(v[:n-1])) {
			return "narrative is not well-formed: a character reference to no character"
		}
		if name := "&" + string(v[:n]); v[0] != '#' && html.UnescapeString(name) == name {
			return "narrative is not well-formed: an entity that neither XML nor HTML has"
		}
	}
}

// isXMLCharacter tells whether a reference by number is to a Char of XML 1.0.
func isXMLCharacter(reference string) bool {
	r, ok := entity(reference)
	if r < ' ' {
		return ok && (r == '\t' || r == '\n' || r == '\r')
	}
	return ok && utf8.ValidRune(r) && r != 0xFFFE && r != 0xFFFF
}

// entityLength measures name; or #digits; or #xdigits; after an ampersand.
func entityLength(v []byte) int {
	i := 0
	if len(v) > 0 && v[0] == '#' {
		i++
	}
	first := i
	for i < len(v) && i < 32 && (isLetter(v[i]) || isDigit(v[i])) {
		i++
	}
	if i == first || i == len(v) || v[i] != ';' {
		return 0
	}
	return i + 1
}

// decodeEntities resolves numeric references and the five names of XML; other
// names are left as they are, for no browser takes one for part of a scheme.
func decodeEntities(v []byte) []byte {
	if bytes.IndexByte(v, '&') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '&' {
			if n := entityLength(v[i+1:]); n > 0 {
				if r, ok := entity(string(v[i+1 : i+n])); ok {
					out = utf8.AppendRune(out, r)
					i += n
					continue
				}
			}
		}
		out = append(out, v[i])
	}
	return out
}

func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	case "colon":
		return ':', true
	case "Tab", "NewLine":
		return ' ', true
	}
	if name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0]|0x20 == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	return rune(n), err == nil //nolint:gosec // 21 bits
}

// allowedElement is the list of txt-1.
func allowedElement(name string) bool {
	switch name {
	case "a", "abbr", "acronym", "b", "big", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd",
		"dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "li", "ol", "p", "pre",
		"q", "samp", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
		"tt", "ul", "var":
		return true
	}
	return false
}

// allowedAttribute is the list of txt-1, and the two of XML itself.
func allowedAttribute(name string) bool {
	switch name {
	case "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign", "cellpadding", "cellspacing",
		"cellvalign", "char", "charoff", "charset", "cite", "class", "colspan", "compact", "coords", "dir", "frame",
		"headers", "height", "href", "hreflang", "hspace", "id", "lang", "longdesc", "name", "nowrap", "rel", "rev",
		"rowspan", "rules", "scope", "shape", "span", "src", "start", "style", "summary", "tabindex", "title", "type",
		"valign", "value", "vspace", "width", "xml:lang", "xml:space":
		return true
	}
	return false
}
