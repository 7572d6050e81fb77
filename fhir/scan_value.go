package fhir

import (
	"bytes"
	"reflect"
	"slices"
)

// half is a member that may be completed by another one: an array of primitives
// or of their siblings, or the sibling of a primitive.
type half struct {
	member
	off     int // of the value in the input
	end     int // of an array
	n       int // length of an array
	nulls   bool
	message reflect.Value // unless an array
}

// list scans the array of a repeating element.
func (s *scanner) list(m member, parent reflect.Value) bool {
	if s.peek() != '[' {
		return s.mismatch("element repeats: expected an array")
	}
	h := half{member: m, off: s.pos}
	at, first, to := len(s.path)-1, len(s.elements), s.listOf(m, parent)
	for more := s.open(']'); more; more = s.next(']') {
		s.path[at].index = h.n
		message := s.elementOf(m, to, h.n)
		h.n++
		switch {
		case s.peek() == 'n' && m.typ.shape == shapePrimitive:
			if !s.literal() {
				return false
			}
			h.nulls = true
		case !s.value(m, message):
			return false
		}
	}
	if s.failed != nil {
		return false
	}
	s.path[at].index, h.end = -1, s.pos
	s.extend(to, first)
	if h.n == 0 {
		s.report(h.off, "structure", "an array may not be empty")
	}
	if m.typ.shape == shapePrimitive {
		s.halves = append(s.halves, h)
	}
	return true
}

// pair completes the object whose message is parent: it brings the halves of
// primitives together, and marks those that have no value.
func (s *scanner) pair(halves []half, seen []uint64, parent reflect.Value) {
	for i := range halves {
		h := &halves[i]
		switch {
		case h.list:
			s.pairLists(halves, i, parent)
		case !s.build || !h.message.IsValid():
		case h.typ.prim == primReference:
			keepReferenceSibling(parent, h.message)
		case !has(seen, h.bit):
			markEmpty(h.typ, h.message)
		}
	}
}

// pairLists checks an array of primitives against its _x sibling: equal length,
// and nowhere null in both (R4, JSON Representation, null).
func (s *scanner) pairLists(halves []half, i int, parent reflect.Value) {
	a, partner := &halves[i], -1
	for j := range halves {
		if halves[j].field == a.field && j != i {
			partner = j
		}
	}
	var problem string
	switch {
	case partner >= 0 && partner < i: // looked at already
		return
	case partner < 0 && a.nulls:
		problem = "null stands for nothing: the sibling array is missing"
	case partner >= 0 && halves[partner].n != a.n:
		problem = "array and its underscore sibling differ in length"
	case partner >= 0 && a.nulls && halves[partner].nulls && s.bothNull(a, &halves[partner]):
		problem = "null in an array and in its underscore sibling at the same index"
	}
	switch {
	case problem != "":
		s.path = append(s.path, segment{a.field, -1})
		s.report(a.off, "structure", problem)
		s.path = s.path[:len(s.path)-1]
	case partner >= 0 && !a.sibling:
		s.markNulls(a, parent)
	case partner >= 0:
		s.markNulls(&halves[partner], parent)
	case a.sibling:
		list := s.listOf(a.member, parent)
		for i := 0; list.IsValid() && i < list.Len(); i++ {
			markEmpty(a.typ, list.Index(i))
		}
	}
}

// markNulls marks the elements of a list that are null in the array of values.
func (s *scanner) markNulls(values *half, parent reflect.Value) {
	list := s.listOf(values.member, parent)
	if !values.nulls || !list.IsValid() {
		return
	}
	if !s.spend(values.off, values.end) {
		return
	}
	l := lexer{src: s.src, pos: values.off, maxDepth: s.maxDepth}
	i := 0
	for more := l.open(']'); more; more = l.skip() && l.next(']') {
		if l.peek() == 'n' {
			markEmpty(values.typ, list.Index(i))
		}
		i++
	}
}

// bothNull walks two arrays of equal length side by side.
func (s *scanner) bothNull(x, y *half) bool {
	if !s.spend(x.off, x.end) || !s.spend(y.off, y.end) {
		return false
	}
	a := lexer{src: s.src, pos: x.off, maxDepth: s.maxDepth}
	b := lexer{src: s.src, pos: y.off, maxDepth: s.maxDepth}
	for more := a.open(']') && b.open(']'); more; more = a.next(']') && b.next(']') {
		if a.peek() == 'n' && b.peek() == 'n' {
			return true
		}
		if !a.skip() || !b.skip() {
			return false
		}
	}
	return false
}

// primitive scans and checks the value of a primitive element.
func (s *scanner) primitive(f *field, message reflect.Value) bool {
	off, want := s.pos, f.typ.prim.json()
	switch c := s.peek(); {
	case want == '"' && c == '"':
		t, ok := s.str()
		if ok {
			s.checkString(f, t, off, message)
		}
		return ok
	case want == '0' && (c == '-' || isDigit(c)):
		t, ok := s.number()
		if ok {
			literal := s.src[t.start:t.end]
			if problem := f.typ.numberProblem(literal); problem != "" {
				s.report(off, "value", problem)
			}
			s.keepNumber(f.typ, literal, message)
		}
		return ok
	case want == 't' && (c == 't' || c == 'f'):
		ok := s.literal()
		if ok {
			s.keepNumber(f.typ, s.src[off:s.pos], message)
		}
		return ok
	}
	switch want {
	case '0':
		return s.mismatch("expected a number")
	case 't':
		return s.mismatch("expected true or false")
	}
	return s.mismatch("expected a string")
}

// checkString checks a string value by its type.
func (s *scanner) checkString(f *field, t token, off int, message reflect.Value) {
	if t.start == t.end {
		s.report(off, "value", "a string may not be empty")
		return
	}
	v := s.text(t, s.buf)
	if t.escaped {
		s.buf = v
	}
	if t.control {
		s.report(off, "value", "string contains a control character")
		return
	}
	if f.typ.prim == primID { // even a bad one, so that one mistake is one issue
		s.noteID(f, v)
	}
	if problem := f.typ.problem(v); problem != "" {
		code := "value"
		if f.typ.prim == primEnum {
			code = "code-invalid"
		}
		s.report(off, code, problem)
		return
	}
	switch f.typ.prim {
	case primReference:
		s.checkReference(v, off)
	case primURI, primURL, primCanonical:
		if v[0] == '#' {
			s.noteFragment(v, noPlace)
		}
	case primXHTML:
		s.texts = append(s.texts, t)
	}
	s.keepString(f.typ, v, message)
}

// checkReference checks Reference.reference: a fragment must name a contained
// resource, and what has the form of a literal reference must be one (R4,
// References, literal references) to a type that the element allows.
func (s *scanner) checkReference(v []byte, off int) {
	if v[0] == '#' {
		s.noteFragment(v, off)
		if issue := s.wanted[off]; issue != nil {
			issue.Expression = s.expression()
		}
		return
	}
	end := bytes.IndexAny(v, "/?")
	if end <= 0 || !allLetters(v[:end]) {
		return
	}
	t := s.schema.resources[string(v[:end])]
	targets := s.path[len(s.path)-2].targets
	switch {
	case v[end] == '/' && !isInstance(v[end+1:]):
		if t != nil {
			s.report(off, "value", "relative reference is not of the form Type/id")
		}
	case t == nil:
		s.report(off, "value", "reference to something that is not an R4 resource type")
	case targets != nil && !slices.Contains(targets, t.name):
		s.report(off, "value", "reference to a "+t.name+" is not allowed here")
	}
}

// isInstance is id or id/_history/version.
func isInstance(v []byte) bool {
	id, version, versioned := bytes.Cut(v, []byte("/_history/"))
	return validID(id) && (!versioned || validID(version))
}

func allLetters(v []byte) bool {
	for _, c := range v {
		if !isLetter(c) {
			return false
		}
	}
	return true
}
