package fhir

import "reflect"

// resource scans an object whose type its resourceType tells. Its message goes
// into the container that into points to, or is the message of the whole.
func (s *scanner) resource(into reflect.Value) *typ {
	t := s.findType()
	if len(s.path) == 0 && t != nil {
		s.root = t.name
	}
	if t == nil {
		s.skip()
		return nil
	}
	var m reflect.Value
	if s.build {
		m = reflect.New(t.structure)
	}
	if n := len(s.path); n > 0 && s.path[n-1].name == "contained" {
		s.held = append(s.held, heldResource{segment: s.path[n-1], off: s.pos})
		s.inside = true
		s.object(t, m)
		s.inside = false
	} else {
		s.container(t, m)
	}
	switch {
	case !s.build:
	case len(s.path) == 0:
		s.message = m
	case into.IsValid():
		s.contain(into, t, m)
	}
	return t
}

// findType finds the type of the object that begins here, or reports why it
// has none, unless the JSON is broken: that shows later.
func (s *scanner) findType() *typ {
	l := s.lookAhead()
	off, t, ok := l.findMember("resourceType")
	switch {
	case l.failed != nil || !s.spend(s.pos, l.pos):
	case off < 0:
		s.report(s.pos, "required", "resourceType is missing")
	case !ok:
		s.report(off, "structure", "resourceType must be a string")
	default:
		if t := s.schema.resources[string(l.text(t, nil))]; t != nil {
			return t
		}
		s.report(off, "not-supported", "resourceType is not a FHIR R4 resource type")
	}
	return nil
}
