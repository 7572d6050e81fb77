package fhir

import (
	"bytes"
	"slices"
)

// listSpan is an array of primitives that was scanned.
type listSpan struct {
	member
	off   int // of the bracket in the input
	n     int
	nulls bool
}

// list scans the array of a repeating element.
func (s *scanner) list(m member) bool {
	if s.peek() != '[' {
		return s.mismatch("element repeats: expected an array")
	}
	span := listSpan{member: m, off: s.pos}
	at := len(s.path) - 1
	for more := s.open(']'); more; more = s.next(']') {
		s.path[at].index = span.n
		span.n++
		switch {
		case s.peek() == 'n' && m.typ.shape == shapePrimitive:
			if !s.literal() {
				return false
			}
			span.nulls = true
		case !s.value(m):
			return false
		}
	}
	if s.failed != nil {
		return false
	}
	s.path[at].index = -1
	if span.n == 0 {
		s.report(span.off, "structure", "an array may not be empty")
	}
	if m.typ.shape == shapePrimitive {
		s.lists = append(s.lists, span)
	}
	return true
}

// pairLists checks each array of primitives against its _x sibling: equal
// length, and nowhere null in both (R4, JSON Representation, null).
func (s *scanner) pairLists(lists []listSpan) {
	for i, a := range lists {
		partner := -1
		for j, b := range lists {
			if b.field == a.field && j != i {
				partner = j
			}
		}
		var problem string
		switch {
		case partner >= 0 && partner < i: // looked at already
		case partner < 0 && a.nulls:
			problem = "null stands for nothing: the sibling array is missing"
		case partner >= 0 && lists[partner].n != a.n:
			problem = "array and its underscore sibling differ in length"
		case partner >= 0 && a.nulls && lists[partner].nulls && s.bothNull(a.off, lists[partner].off):
			problem = "null in an array and in its underscore sibling at the same index"
		}
		if problem != "" {
			s.path = append(s.path, segment{a.field, -1})
			s.report(a.off, "structure", problem)
			s.path = s.path[:len(s.path)-1]
		}
	}
}

// bothNull walks two arrays of equal length side by side.
func (s *scanner) bothNull(x, y int) bool {
	a := lexer{src: s.src, pos: x, maxDepth: s.maxDepth}
	b := lexer{src: s.src, pos: y, maxDepth: s.maxDepth}
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
func (s *scanner) primitive(f *field) bool {
	off, want := s.pos, f.typ.prim.json()
	switch c := s.peek(); {
	case want == '"' && c == '"':
		t, ok := s.str()
		if ok {
			s.checkString(f, t, off)
		}
		return ok
	case want == '0' && (c == '-' || isDigit(c)):
		t, ok := s.number()
		if ok {
			if problem := f.typ.numberProblem(s.src[t.start:t.end]); problem != "" {
				s.report(off, "value", problem)
			}
		}
		return ok
	case want == 't' && (c == 't' || c == 'f'):
		return s.literal()
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
func (s *scanner) checkString(f *field, t token, off int) {
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
	case primID:
		s.noteID(f, v)
	}
}

// noteID keeps the id of the resource, and of those it contains.
func (s *scanner) noteID(f *field, v []byte) {
	n := len(s.path)
	switch {
	case f.json != "id":
	case n == 1:
		s.id = string(v)
	case s.path[n-2].name == "contained":
		if s.ids == nil {
			s.ids = map[string]struct{}{}
		}
		s.ids[string(v)] = struct{}{}
	}
}

// checkReference checks Reference.reference: a fragment must name a contained
// resource, and what has the form of a literal reference must be one (R4,
// References, literal references) to a type that the element allows.
func (s *scanner) checkReference(v []byte, off int) {
	if v[0] == '#' {
		if len(v) > 1 { // a lone # is the containing resource
			s.local = append(s.local, localReference{string(v[1:]), off, s.expression()})
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
