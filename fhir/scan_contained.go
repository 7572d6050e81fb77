package fhir

import (
	"reflect"
	"slices"
)

// heldResource is a contained resource (R4, References, contained resources).
type heldResource struct {
	segment        // its place in the container
	id      string // empty without one
	off     int
	upward  bool // refers to its container, by a lone #
}

// localReference is a reference to a contained resource. Its expression is not
// kept: a small input can hold very many of them in a deep place.
type localReference struct {
	id  string
	off int // noPlace when it need not lead anywhere
}

// noPlace is for fragments of a canonical, uri or url, which may mean an element
// of the resource itself, and for what has been looked at.
const noPlace = -1

// container scans a resource that may contain others, and then knows whether its
// references to them lead anywhere, and whether they are referred to.
func (s *scanner) container(t *typ, m reflect.Value) {
	local, held, texts, ids := len(s.local), len(s.held), len(s.texts), s.ids
	s.ids = nil
	if !s.object(t, m) {
		return
	}
	for i := local; i < len(s.local); i++ {
		ref := &s.local[i]
		if !s.refer(ref.id) && ref.off != noPlace {
			s.reportFragment(ref.off)
		}
		ref.off = noPlace
	}
	s.checkHeld(s.held[held:], s.texts[texts:])
	clear(s.held[held:])
	s.held, s.ids = s.held[:held], ids
	if s.inside { // a Bundle is contained: what is in its entries may count further out
		return
	}
	clear(s.local[local:])
	s.local, s.texts = s.local[:local], s.texts[:texts]
}

// refer marks that something refers to a contained resource, if there is one.
func (s *scanner) refer(id string) bool {
	_, ok := s.ids[id]
	if ok {
		s.ids[id] = true
	}
	return ok
}

// checkHeld checks dom-3: each contained resource is referred to from anywhere in
// its container, or refers to the container. The expression of R4 counts
// Reference.reference and what is a canonical, uri or url; as for the reference
// validator, the links and images of narratives do as well. A resource without
// id cannot be referred to: the expression of R4 is empty for it and so lets it
// pass, that of R4B asks for the id.
func (s *scanner) checkHeld(held []heldResource, texts []token) {
	alone := func(h heldResource) bool { return !h.upward && !s.ids[h.id] }
	if !slices.ContainsFunc(held, alone) {
		return
	}
	s.followLinks(texts)
	for _, h := range held {
		if alone(h) {
			s.path = append(s.path, h.segment)
			s.report(h.off, "invariant", "dom-3: nothing refers to this contained resource, and it does not refer to its container")
			s.path = s.path[:len(s.path)-1]
		}
	}
}

// followLinks takes what narratives refer to for referred to.
func (s *scanner) followLinks(texts []token) {
	for _, t := range texts {
		if !s.spend(t.start, t.end) {
			return
		}
		div := s.text(t, nil)
		r := xhtmlReader{v: div}
		r.attribute = func(name []byte, value span) {
			if string(name) != "href" && string(name) != "src" {
				return
			}
			if link := decodeEntities(div[value.start:value.end]); len(link) > 1 && link[0] == '#' {
				s.refer(string(link[1:]))
			}
		}
		r.document() // was judged when it was scanned
	}
}

// noteFragment keeps what begins with # for when the container has been scanned.
func (s *scanner) noteFragment(v []byte, off int) {
	switch {
	case len(v) > 1:
		s.local = append(s.local, localReference{string(v[1:]), off})
	case s.inside:
		s.held[len(s.held)-1].upward = true
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
			s.ids = map[string]bool{}
		}
		id := string(v)
		s.ids[id], s.held[len(s.held)-1].id = false, id
	}
}

// checkHeldMeta checks dom-4 and dom-5 at a member of a contained resource, which
// has no life of its own and so no version, and shares the labels of its container.
func (s *scanner) checkHeldMeta(m member, off int) {
	n := len(s.path)
	if n < 3 || s.path[n-2].name != "meta" || s.path[n-3].name != "contained" {
		return
	}
	switch m.name {
	case "versionId", "lastUpdated":
		s.report(off, "invariant", "dom-4: a contained resource may have neither versionId nor lastUpdated")
	case "security":
		s.report(off, "invariant", "dom-5: a contained resource may not have security labels")
	}
}
