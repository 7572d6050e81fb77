package fhir

import (
	"bytes"
	"slices"
)

// subsettedTag is what every answer that is not the whole resource carries (R4 section 3.1.1.5.8).
const subsettedTag = `{"system":"` + subsettedSystem + `","code":"` + subsettedCode + `"}`

// subsettedMeta is the member meta of a resource that had none.
var subsettedMeta = []byte(`"meta":{"tag":[` + subsettedTag + `]},`)

// maxViewRoom bounds the room that is made before it is known how much stays.
const maxViewRoom = 16 << 10

// Append appends the view of a resource of type typ, whose JSON Parse accepted: what stays, stays byte for byte and in
// its order, so the view is as valid as the resource, but for dom-3: contained resources may stay without what refers
// to them. It always has the tag SUBSETTED, even if nothing was left out.
//
//   - _summary=true keeps the elements that are marked isSummary, those that R4 says must be marked (mandatory ones and
//     modifiers, ElementDefinition.isSummary), and the same of the backbone elements and resources in them. The rest
//     of a data type is kept, with extensions; extensions of resources and backbone elements are not marked.
//   - _summary=text keeps text, id, meta and mandatory elements; data all but text; both at the root only.
//   - _elements keeps what it names at the root, id, meta, and mandatory elements and modifiers.
//
// An inner element of which nothing is left goes too, unless it is mandatory: then all of it stays. Contained
// resources stay if anything that is kept begins with # and so may refer to one.
func (v View) Append(dst []byte, typ string, json []byte) []byte {
	node := viewTables()[typ]
	if node == nil || v.form == viewWhole || v.form == viewCount {
		return append(dst, json...)
	}
	w := viewWriter{lexer: newLexer(json), view: v}
	w.dst = slices.Grow(dst, min(len(json), maxViewRoom)+len(subsettedMeta))
	if w.peek() != '{' || !w.resource(node, typ) {
		return append(w.dst[:len(dst)], json...) // not the text of an accepted resource
	}
	return w.dst
}

// viewWriter copies what stays of a resource.
type viewWriter struct {
	lexer
	view View
	dst  []byte
}

// keeps tells whether the view has an element at the root of a resource.
func (w *viewWriter) keeps(m *viewMember, typ string) bool {
	switch w.view.form {
	case viewSummary:
		return m.flags&(viewIsSummary|viewIsMandatory|viewIsModifier|viewIsCommon) != 0
	case viewText:
		return m.flags&(viewIsMandatory|viewIsCommon|viewIsText) != 0
	case viewData:
		return m.flags&viewIsText == 0
	default:
		return m.flags&(viewIsMandatory|viewIsModifier|viewIsCommon) != 0 || w.view.lists(typ, m)
	}
}

// resource writes the view of the resource that begins here.
func (w *viewWriter) resource(n *viewNode, typ string) bool {
	at, from := w.pos, len(w.dst)
	left := w.members(n, typ, false)
	if left && refersInside(w.dst[from:]) {
		w.pos, w.dst = at, w.dst[:from]
		w.members(n, typ, true)
	}
	return w.failed == nil
}

// members writes the members of a resource, contained resources if asked to. It reports whether some were left out.
func (w *viewWriter) members(n *viewNode, typ string, contained bool) (left bool) {
	w.dst = append(w.dst, '{')
	tail, id, tagged := len(w.dst), false, false // tail: behind id, or else behind resourceType
	for more := w.open('}'); more; more = w.next('}') {
		from := w.pos
		m := n.members[string(w.name())]
		switch {
		case m == nil:
			w.pass()
		case m.flags&viewIsMeta != 0:
			w.meta(from)
			tagged = true
		case m.flags&viewIsContained != 0 && !contained && !w.keeps(m, typ):
			w.pass()
			left = true
		case m.flags&viewIsContained == 0 && !w.keeps(m, typ):
			w.pass()
		default:
			w.member(m, from)
			if m.json == "id" || m.json == "resourceType" && !id {
				tail, id = len(w.dst), m.json == "id"
			}
		}
	}
	if !tagged {
		w.dst = slices.Insert(w.dst, tail, subsettedMeta...)
	}
	w.dst[len(w.dst)-1] = '}' // over the last comma: id or resourceType is there
	return left
}

// meta copies the member meta, which began at from, and gives it the tag.
func (w *viewWriter) meta(from int) {
	at := w.pos
	if w.pass(); w.failed != nil {
		return
	}
	switch tags := readTags(w.src[at:w.pos]); {
	case tags.subsetted:
		w.dst = append(w.dst, w.src[from:w.pos]...)
	case tags.last > 0:
		w.dst = append(w.dst, w.src[from:at+tags.last]...)
		w.dst = append(append(append(w.dst, ','), subsettedTag...), w.src[at+tags.last:w.pos]...)
	default:
		w.dst = append(w.dst, w.src[from:w.pos-1]...)
		if w.pos-at > len(`{}`) {
			w.dst = append(w.dst, ',')
		}
		w.dst = append(append(append(w.dst, `"tag":[`...), subsettedTag...), ']', '}')
	}
	w.dst = append(w.dst, ',')
}

// member writes a member that began at from, with a comma behind it, unless nothing is left of it.
func (w *viewWriter) member(m *viewMember, from int) bool {
	if w.view.form != viewSummary || m.part == nil && !m.resource {
		w.pass()
		w.dst = append(append(w.dst, w.src[from:w.pos]...), ',')
		return true
	}
	start := len(w.dst)
	w.dst = append(w.dst, w.src[from:w.pos]...)
	if !w.value(m) {
		w.dst = w.dst[:start]
		if m.flags&viewIsMandatory == 0 {
			return false
		}
		w.dst = append(w.dst, w.src[from:w.pos]...)
	}
	w.dst = append(w.dst, ',')
	return true
}

// value writes what a summary keeps of a value, and reports whether that is anything.
func (w *viewWriter) value(m *viewMember) bool {
	start, some := len(w.dst), false
	switch w.peek() {
	case '{':
		if m.resource {
			return w.nested()
		}
		w.dst = append(w.dst, '{')
		for more := w.open('}'); more; more = w.next('}') {
			from := w.pos
			inner := m.part.members[string(w.name())]
			if inner == nil {
				w.pass()
				continue
			}
			// An id alone says nothing (ele-1).
			some = w.member(inner, from) && inner.flags&viewIsCommon == 0 || some
		}
	case '[':
		w.dst = append(w.dst, '[')
		for more := w.open(']'); more; more = w.next(']') {
			if w.value(m) {
				w.dst = append(w.dst, ',')
				some = true
			}
		}
	default:
		w.pass()
	}
	if !some {
		w.dst = w.dst[:start]
		return false
	}
	w.dst[len(w.dst)-1] = w.src[w.pos-1] // the closing bracket, over the last comma
	return true
}

// nested writes the summary of a resource in a Bundle or in Parameters, marked like any other: it may be taken out of
// there and sent back alone.
func (w *viewWriter) nested() bool {
	l := w.lexer
	_, name, _ := l.findMember("resourceType")
	typ := string(l.text(name, nil))
	if node := viewTables()[typ]; node != nil {
		return w.resource(node, typ)
	}
	from := w.pos
	w.pass()
	w.dst = append(w.dst, w.src[from:w.pos]...)
	return w.failed == nil
}

// name reads the name of a member and the colon behind it.
func (w *viewWriter) name() []byte {
	from := w.pos + 1
	for i := from; w.peek() == '"' && i+1 < len(w.src) && w.src[i] != '\\'; i++ {
		if w.src[i] != '"' {
			continue
		}
		if w.src[i+1] == ':' {
			w.pos = i + 2
			return w.src[from:i]
		}
		break
	}
	if k, ok := w.key(); ok { // it is escaped
		return w.text(k, nil)
	}
	return nil
}

// pass goes over a value as skip does, but looks for its end alone, for Parse has accepted the text.
func (w *viewWriter) pass() {
	depth, src := 0, w.src
	for w.pos < len(src) {
		switch src[w.pos] {
		case '"':
			for end := w.pos; ; {
				i := bytes.IndexByte(src[end+1:], '"')
				if i < 0 {
					w.fail(len(src), "string has no end")
					return
				}
				if end += i + 1; !isEscaped(src[w.pos+1 : end]) {
					w.pos = end + 1
					break
				}
			}
		case '{', '[':
			depth++
			w.pos++
			continue
		case '}', ']':
			depth--
			w.pos++
		case ',', ':':
			w.pos++
			continue
		default:
			for w.pos++; w.pos < len(src) && src[w.pos] != ',' && src[w.pos] != ']' && src[w.pos] != '}'; {
				w.pos++
			}
		}
		if depth <= 0 {
			return
		}
	}
	w.fail(len(src), "expected a JSON value")
}

// isEscaped tells whether what comes behind a text within a string is escaped.
func isEscaped(text []byte) bool {
	n := len(text)
	for n > 0 && text[n-1] == '\\' {
		n--
	}
	return (len(text)-n)%2 == 1
}

// refersInside tells whether a text of JSON has a string that begins with #, as references to contained resources do
// (R4 references.html#contained). Such strings elsewhere do no harm: what is contained is then kept without need.
func refersInside(json []byte) bool {
	for _, start := range []string{`"#`, `"\u0023`} {
		for at := 0; ; {
			i := bytes.Index(json[at:], []byte(start))
			if i < 0 {
				break
			}
			if at += i; at == 0 || json[at-1] != '\\' {
				return true
			}
			at++
		}
	}
	return false
}
