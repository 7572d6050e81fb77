package fhir

import "reflect"

// object scans an object of a known type, from brace to brace, into the message
// that m points to. Without one it only checks.
func (s *scanner) object(t *typ, m reflect.Value) bool {
	start, seen, halves := s.pos, len(s.seen), len(s.halves)
	for range (t.bits + 63) / 64 {
		s.seen = append(s.seen, 0)
	}
	n := 0
	for more := s.open('}'); more; more = s.next('}') {
		if n++; !s.member(t, s.seen[seen:], m) {
			return false
		}
	}
	if s.failed != nil {
		return false
	}
	if n == 0 {
		s.report(start, "invariant", "ele-1: an object may not be empty")
	} else {
		s.complete(t, s.seen[seen:], start, n)
		if len(s.halves) > halves {
			s.pair(s.halves[halves:], s.seen[seen:], m)
			clear(s.halves[halves:])
		}
	}
	s.seen, s.halves = s.seen[:seen], s.halves[:halves]
	return s.failed == nil
}

// member scans one member of an object of type t, whose message is parent.
func (s *scanner) member(t *typ, seen []uint64, parent reflect.Value) bool {
	off := s.pos
	k, ok := s.key()
	if !ok {
		return false
	}
	name := s.text(k, s.buf)
	slot := t.names.find(name)
	if slot == nil {
		s.report(off, "structure", "unknown element"+printableName(name))
		return s.skip()
	}
	s.path = append(s.path, segment{slot.field, -1})
	if !s.known(slot.member, seen, off, parent) {
		return false // with the path, which tells where the JSON broke
	}
	s.path = s.path[:len(s.path)-1]
	return true
}

// known scans the value of a member that the type has, unless it had it before.
func (s *scanner) known(m member, seen []uint64, off int, parent reflect.Value) bool {
	bit, other := m.bit, m.bit+1
	if m.sibling {
		bit, other = other, bit
	}
	switch {
	case has(seen, bit):
		s.report(off, "structure", "element occurs twice")
		return s.skip()
	case m.group >= 0 && has(seen, m.group) && !has(seen, other):
		s.report(off, "structure", "only one type of the choice may be used")
		return s.skip()
	case s.inside && m.name == "contained":
		s.report(off, "invariant", "dom-2: a contained resource may not contain resources")
		return s.skip()
	}
	if s.inside && !has(seen, other) {
		s.checkHeldMeta(m, off)
	}
	set(seen, bit)
	if m.group >= 0 {
		set(seen, m.group)
	}
	if m.list {
		return s.list(m, parent)
	}
	message := s.messageOf(m, parent, has(seen, other))
	if m.sibling {
		s.halves = append(s.halves, half{member: m, off: s.pos, message: message})
	}
	return s.value(m, message)
}

// value scans a value that is not in an array, or an element of one, into the
// message of the element.
func (s *scanner) value(m member, message reflect.Value) bool {
	c := s.peek()
	switch {
	case c == '[':
		return s.mismatch("element does not repeat: no array here")
	case c == 'n':
		return s.mismatch("null is not allowed here")
	case m.typ.shape == shapePrimitive && !m.sibling:
		return s.primitive(m.field, message)
	case c != '{':
		return s.mismatch("expected an object")
	}
	start := s.pos
	if m.typ.shape != shapeAnyResource {
		ok := s.object(m.typ, message)
		if ok && m.concept != nil {
			s.checkConcept(m.concept, start)
		}
		return ok && s.failed == nil
	}
	if s.entries != nil && len(s.path) == 2 && s.path[0].name == "entry" {
		ok := s.skip()
		*s.entries = append(*s.entries, span{start, s.pos})
		return ok
	}
	s.resource(message)
	return s.failed == nil
}

// mismatch reports a value of the wrong kind and goes past it.
func (s *scanner) mismatch(text string) bool {
	off := s.pos
	if !s.skip() {
		return false
	}
	s.report(off, "structure", text)
	return true
}

// complete checks what only the whole object shows: ele-1, ext-1 and the
// required elements (R4, Element and Extensibility).
func (s *scanner) complete(t *typ, seen []uint64, start, n int) {
	if t.shape == shapeComplex && n == 1 && has(seen, t.members["id"].bit) {
		s.report(start, "invariant", "ele-1: an object needs more than an id")
	}
	for _, f := range t.required {
		if f.group >= 0 && !has(seen, f.group) || f.group < 0 && !has(seen, f.bit) && !has(seen, f.bit+1) {
			s.report(start, "required", "missing required element "+f.name)
		}
	}
	if t.extension {
		nested, value := t.members["extension"], t.members["valueString"]
		if has(seen, nested.bit) == has(seen, value.group) {
			s.report(start, "invariant", "ext-1: an extension has either a value or extensions")
		}
	}
}

// printableName quotes an unknown member name if it looks like an element name,
// and could hardly be data.
func printableName(name []byte) string {
	if len(name) == 0 || len(name) > 40 {
		return ""
	}
	for i, c := range name {
		if !isLetter(c) && (i > 0 || c != '_') {
			return ""
		}
	}
	return " " + string(name)
}

func has(set []uint64, bit int) bool { return set[bit/64]>>(bit%64)&1 != 0 }
func set(set []uint64, bit int)      { set[bit/64] |= 1 << (bit % 64) }
