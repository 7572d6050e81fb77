package load

import (
	"bytes"
	"encoding/json"
)

// The functions here look into JSON without building a tree: planning reads every byte of the input, and decoding it would take longer
// than sending it. They expect text that json.Valid accepted; on anything else they may stop early but stay inside the slice.

// eachMember calls f with every member of the object raw, in order, until f returns false.
func eachMember(raw []byte, f func(name, value []byte) bool) {
	i := skipSpace(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return
	}
	for i++; ; i++ {
		i = skipSpace(raw, i)
		if i >= len(raw) || raw[i] != '"' {
			return
		}
		end := skipString(raw, i)
		name := unquote(raw[i:end])
		i = skipSpace(raw, end)
		if i >= len(raw) || raw[i] != ':' {
			return
		}
		i = skipSpace(raw, i+1)
		end = skipValue(raw, i)
		if !f(name, raw[i:end]) {
			return
		}
		i = skipSpace(raw, end)
		if i >= len(raw) || raw[i] != ',' {
			return
		}
	}
}

// eachElement calls f with every element of the array raw, in order. Given anything but an array it calls f once with raw itself, since
// FHIR has elements that repeat in one type and not in another (identifier is one).
func eachElement(raw []byte, f func(value []byte)) {
	i := skipSpace(raw, 0)
	if i >= len(raw) {
		return
	}
	if raw[i] != '[' {
		f(raw)
		return
	}
	for i++; ; i++ {
		i = skipSpace(raw, i)
		if i >= len(raw) || raw[i] == ']' {
			return
		}
		end := skipValue(raw, i)
		f(raw[i:end])
		i = skipSpace(raw, end)
		if i >= len(raw) || raw[i] != ',' {
			return
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index behind the string that starts at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// skipValue returns the index behind the value that starts at i.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return len(b)
}

// unquote returns the text of a JSON string. Strings without escapes, nearly all, are not copied.
func unquote(raw []byte) []byte {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return nil
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil
	}
	return []byte(s)
}

var referenceMember = []byte(`"reference"`)

// eachReference calls f with the text of every string member named reference, at any depth. It searches for the quoted name: inside a
// string the quote before it would be escaped and so would the one behind, hence the bytes cannot be text, only a name or a whole value,
// and a value is not followed by a colon.
func eachReference(raw []byte, f func(ref []byte)) {
	for {
		i := bytes.Index(raw, referenceMember)
		if i < 0 {
			return
		}
		raw = raw[i+len(referenceMember):]
		j := skipSpace(raw, 0)
		if j >= len(raw) || raw[j] != ':' {
			continue
		}
		j = skipSpace(raw, j+1)
		if j >= len(raw) || raw[j] != '"' {
			continue
		}
		end := skipString(raw, j)
		f(unquote(raw[j:end]))
		raw = raw[end:]
	}
}

// header is what the loader needs to know of a resource.
type header struct {
	Type, ID string
	Kind     string // Bundle.type
	Entries  []byte // Bundle.entry
}

func headerOf(raw []byte) header {
	var h header
	eachMember(raw, func(name, value []byte) bool {
		switch string(name) {
		case "resourceType":
			h.Type = string(unquote(value))
		case "id":
			h.ID = string(unquote(value))
		case "type":
			h.Kind = string(unquote(value))
		case "entry":
			h.Entries = value
		}
		return true
	})
	return h
}
