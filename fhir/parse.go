package fhir

import "slices"

// Parse checks one resource and reads it. A refused input gives *Invalid, whose
// issues are those found, at most 100, in document order. Any other error is a fault
// of this program. Nothing in the result shares memory with raw. It is safe for
// concurrent use.
func Parse(raw []byte, lim Limits) (*Resource, error) {
	s, err := newScanner(raw, lim)
	if err != nil {
		return nil, err
	}
	s.compact = true
	s.out = make([]byte, 0, len(raw))
	start := s.pos
	t := s.document()
	if t != nil && !Storable(t.name) {
		s.issues = append(s.issues, located{start, Issue{
			Severity: "error", Code: "not-supported",
			Diagnostics: t.name + " cannot be stored", Expression: []string{t.name},
		}})
	}
	if err := s.invalid(); err != nil {
		return nil, err
	}
	res := &Resource{Type: t.name, ID: s.id, JSON: s.compacted()}
	res.Proto, err = decode(t, res.JSON)
	if err != nil {
		return nil, err
	}
	return res, nil
}

// compacted ends the scan and gives the text without white space.
func (s *scanner) compacted() []byte {
	out := append(s.out, s.src[s.run:s.pos]...)
	if len(out) < cap(out)*3/4 {
		return slices.Clone(out) // do not hold twice the memory for pretty-printed input
	}
	return out
}
