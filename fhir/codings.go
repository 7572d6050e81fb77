package fhir

import (
	"bytes"
	"encoding/json"
)

// Codings lists every coding of a resource, wherever it stands: the pairs of system and code of one JSON object, each
// once. contentTypes lists the MIME types of its attachments. compact is the JSON of an accepted Resource.
//
// A consent that speaks of a code means it "found in an instance" (R4 Consent.provision.code), searchable or not.
func Codings(compact []byte) (codings []Coding, contentTypes []string) {
	w := codingWalk{b: compact, seen: map[Coding]bool{}}
	w.value()
	return w.codings, w.types
}

// codingWalk reads JSON that the scanner has accepted: well-formed, compact, of bounded depth.
type codingWalk struct {
	b       []byte
	i       int
	seen    map[Coding]bool
	codings []Coding
	types   []string
}

func (w *codingWalk) value() {
	switch w.b[w.i] {
	case '{':
		w.object()
	case '[':
		for w.i++; w.b[w.i] != ']'; {
			w.value()
			if w.b[w.i] == ',' {
				w.i++
			}
		}
		w.i++
	case '"':
		w.str()
	default:
		for w.i < len(w.b) && bytes.IndexByte([]byte(",]}"), w.b[w.i]) < 0 {
			w.i++
		}
	}
}

func (w *codingWalk) object() {
	var c Coding
	for w.i++; w.b[w.i] != '}'; {
		name := w.str()
		w.i++ // the colon
		if w.b[w.i] != '"' {
			w.value()
		} else {
			w.member(string(name), w.str(), &c)
		}
		if w.b[w.i] == ',' {
			w.i++
		}
	}
	w.i++
	if c.Code != "" && c.System != "" && !w.seen[c] {
		w.seen[c] = true
		w.codings = append(w.codings, c)
	}
}

func (w *codingWalk) member(name string, raw []byte, c *Coding) {
	switch name {
	case "system":
		c.System = unquoted(raw)
	case "code":
		c.Code = unquoted(raw)
	case "contentType":
		w.types = append(w.types, unquoted(raw))
	}
}

// str moves over a string and returns what is between its quotes, escapes and all.
func (w *codingWalk) str() []byte {
	start := w.i + 1
	for w.i = start; w.b[w.i] != '"'; w.i++ {
		if w.b[w.i] == '\\' {
			w.i++
		}
	}
	w.i++
	return w.b[start : w.i-1]
}

func unquoted(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	var s string
	if json.Unmarshal([]byte(`"`+string(raw)+`"`), &s) != nil {
		return ""
	}
	return s
}
