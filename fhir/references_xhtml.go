package fhir

import (
	"bytes"
	"unicode/utf8"
)

// rewriteLinks applies f to the links of a narrative. raw is the content of its
// JSON string, and so are the places of the edits.
func rewriteLinks(raw []byte, f func(string) (string, bool, error)) ([]edit, error) {
	div := raw
	escaped := bytes.IndexByte(raw, '\\') >= 0
	if escaped {
		div = appendText(nil, raw)
	}
	var edits []edit
	var failed error
	r := xhtmlReader{v: div}
	r.attribute = func(name []byte, value span) {
		if failed != nil || string(name) != "href" && string(name) != "src" {
			return
		}
		link := decodeEntities(div[value.start:value.end])
		if !isURN(link) && !bytes.HasPrefix(link, []byte("http:")) && !bytes.HasPrefix(link, []byte("https:")) {
			return
		}
		to, changed, err := f(string(link))
		if failed = err; changed && err == nil {
			edits = append(edits, edit{value.start, value.end, appendEscaped([]byte{}, escapeAttribute(to))})
		}
	}
	r.document() // Parse was the judge of the narrative
	if escaped {
		moveToRaw(raw, edits)
	}
	return edits, failed
}

// moveToRaw turns places in decoded text into those in the JSON string. The
// edits are in order and do not overlap.
func moveToRaw(raw []byte, edits []edit) {
	at, decoded := 0, 0
	advance := func(to int) int {
		for decoded < to && at < len(raw) {
			r, n := rune(0), 1
			if raw[at] == '\\' {
				r, n = unescape(raw[at:])
			}
			at += n
			decoded += utf8.RuneLen(r)
		}
		return at
	}
	for i := range edits {
		edits[i].start = advance(edits[i].start)
		edits[i].end = advance(edits[i].end)
	}
}

// escapeAttribute makes text fit for an attribute in either kind of quotes.
func escapeAttribute(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; c {
		case '&':
			out = append(out, "&amp;"...)
		case '<':
			out = append(out, "&lt;"...)
		case '"':
			out = append(out, "&quot;"...)
		case '\'':
			out = append(out, "&#39;"...)
		default:
			out = append(out, c)
		}
	}
	return out
}
