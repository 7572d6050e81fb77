package fhir

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
)

// Parse checks one resource and reads it. A refused input gives *Invalid, whose
// issues are those found, at most 100, in document order. Any other error is a fault
// of this program. Nothing in the result shares memory with raw. It is safe for
// concurrent use.
//
// Parameters is read like the others, for operations take it; who keeps resources
// has to ask Storable.
func Parse(raw []byte, lim Limits) (*Resource, error) {
	s, err := newScanner(raw, lim)
	if err != nil {
		return nil, err
	}
	defer s.release()
	s.build, s.compact = true, true
	if s.out == nil || cap(s.out) < len(raw) {
		s.out = make([]byte, 0, len(raw))
	}
	t := s.document()
	if err := s.invalid(); err != nil {
		return nil, err
	}
	if s.fault != nil {
		return nil, fmt.Errorf("make message of %s: %w", t.name, s.fault)
	}
	m, ok := s.message.Interface().(proto.Message)
	if !ok {
		return nil, fmt.Errorf("make message of %s: it is a %s", t.name, s.message.Type())
	}
	return &Resource{Type: t.name, ID: s.id, JSON: s.compacted(), Proto: m}, nil
}

// compacted ends the scan and gives a copy of the text without white space.
func (s *scanner) compacted() []byte {
	if s.run == 0 {
		return slices.Clone(s.src[:s.pos])
	}
	s.out = append(s.out, s.src[s.run:s.pos]...)
	return slices.Clone(s.out)
}
