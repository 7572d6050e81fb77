package fhir

import (
	"iter"
	"slices"
	"strings"

	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	r4 "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
)

// subjectWalk gathers the subjects of a resource and of what is inside it.
type subjectWalk struct {
	bases      []string
	patients   map[string]bool
	via        map[string]bool
	unresolved bool // somebody is meant who cannot be named
	open       bool // some part has nothing but via
}

// origin is where a resource stands, which decides what its references mean.
type origin struct {
	id     string // as the server knows it; empty inside a foreign Bundle entry
	local  bool   // Type/id means this server
	within bool   // contained: its container has the subject, if it has none
	// base and entries resolve references inside a Bundle: the base of the
	// entry's fullUrl, and the entries by fullUrl and by Type/id.
	base    string
	entries map[string]element
	// contained are the container's resources by id.
	contained map[string]element
	depth     int
}

// maxInner bounds the recursion over Bundles in Bundles.
const maxInner = 64

// tally is what the references of one resource came to.
type tally struct{ patients, via, others, unnamed int }

func (w *subjectWalk) resource(m element, at origin) {
	typ := typeNameOf(m)
	if at.depth++; at.depth > maxInner {
		w.unresolved = true
		return
	}
	if bundle, ok := m.(*r4.Bundle); ok {
		w.bundle(bundle, at)
		return
	}
	inner := containedIn(m)
	if !at.within {
		at.contained = map[string]element{}
		for _, c := range inner {
			at.contained[idOf(c)] = c
		}
	}
	for _, c := range inner {
		within := at
		within.within, within.id = true, ""
		w.resource(c, within)
	}
	switch {
	case typ == "Patient" && at.id != "" && !at.within:
		w.patients[at.id] = true
	case typ == "Patient", typ == "Parameters": // Parameters inside a Bundle can hold anything
		w.unresolved = true
	default:
		w.byRule(m, typ, at)
	}
}

// byRule applies the table to one resource.
func (w *subjectWalk) byRule(m element, typ string, at origin) {
	rule, ok := subjectRules[typ]
	if !ok {
		return
	}
	paths := personPathsOf()[typ]()
	var also, t tally
	for _, ref := range collectReferences(m, paths.also) {
		w.count(&also, ref, at, false)
	}
	for _, ref := range collectReferences(m, paths.subject) {
		w.count(&t, ref, at, true)
	}
	switch {
	case t.unnamed > 0 && (t.patients == 0 || !rule.many):
		w.unresolved = true
	case at.within:
	case t.via > 0 && t.patients == 0:
		w.open = true
	case t.patients+t.others+also.patients == 0:
		w.unresolved = true
	}
}

// count sorts one reference into the tally. Outside the subject only references
// that are surely to patients count.
func (w *subjectWalk) count(t *tally, ref *dt.Reference, at origin, subject bool) {
	typ, id, local := w.target(ref, at)
	switch {
	case typ == "Patient" && local:
		w.patients[id] = true
		t.patients++
	case typ == "Patient":
		w.unresolved = true
	case !subject:
	case typ == "":
		if !at.container(ref) {
			t.unnamed++
		}
	case !hasSubject(typ):
		t.others++
	case local:
		w.via[typ+"/"+id] = true
		t.via++
	case at.inside(ref):
		t.others++ // the entry it points to is looked at itself
	default:
		t.unnamed++
	}
}

// hasSubject reports whether a type can be about somebody.
func hasSubject(typ string) bool {
	_, ok := subjectRules[typ]
	return ok || typ == "Bundle"
}

// target says what a reference points to: the type as far as known, and the id
// if it is a resource of this server that is not part of the Bundle at hand.
func (w *subjectWalk) target(ref *dt.Reference, at origin) (typ, id string, local bool) {
	l := literalOf(ref)
	switch {
	case l.isFragment:
		if m := at.contained[l.fragment]; m != nil {
			return typeNameOf(m), "", false
		}
		return "", "", false
	case l.typ != "" && at.local:
		return l.typ, l.id, at.entries[l.typ+"/"+l.id] == nil || l.typ == "Patient"
	case l.typ != "":
		return l.typ, "", false
	case l.url == "":
		return typeOfURI(ref.GetType().GetValue()), "", false
	}
	if m := at.entries[l.url]; m != nil {
		typ = typeNameOf(m)
		if base, _, id, _, _ := SplitReference(l.url); typ == "Patient" && slices.Contains(w.bases, base) {
			return typ, id, true
		}
		return typ, "", false
	}
	base, typ, id, _, ok := SplitReference(l.url)
	if !ok {
		return typeOfURI(ref.GetType().GetValue()), "", false
	}
	return typ, id, slices.Contains(w.bases, base)
}

// container reports whether a contained resource refers to its container, whose
// subjects are found anyway.
func (at origin) container(ref *dt.Reference) bool {
	l := literalOf(ref)
	return at.within && l.isFragment && l.fragment == ""
}

// inside reports whether a reference points to an entry of the same Bundle.
func (at origin) inside(ref *dt.Reference) bool {
	l := literalOf(ref)
	switch {
	case l.typ != "" && at.local:
		return at.entries[l.typ+"/"+l.id] != nil
	case l.typ != "":
		return at.entries[at.base+"/"+l.typ+"/"+l.id] != nil
	}
	return at.entries[l.url] != nil
}

// bundle looks at each entry of a stored Bundle. An entry whose fullUrl is on
// another server speaks of that server's resources.
func (w *subjectWalk) bundle(b *r4.Bundle, at origin) {
	at.entries = map[string]element{}
	type part struct {
		m  element
		at origin
	}
	var parts []part
	for _, entry := range b.GetEntry() {
		m := unwrap(entry.GetResource())
		if m == nil {
			continue
		}
		p := part{m: m, at: at}
		url := entry.GetFullUrl().GetValue()
		at.entries[url] = m
		base, _, id, _, restful := SplitReference(url)
		p.at.id, p.at.base = id, base
		p.at.local = at.local && (!restful || slices.Contains(w.bases, base))
		switch {
		case !p.at.local || strings.HasPrefix(url, "urn:"):
			p.at.id = ""
		case url == "":
			p.at.id = idOf(m)
		}
		if p.at.local && p.at.id != "" {
			at.entries[typeNameOf(m)+"/"+p.at.id] = m
		}
		parts = append(parts, p)
	}
	delete(at.entries, "")
	for _, p := range parts {
		w.resource(p.m, p.at)
	}
}

// withInner yields a resource, its contained resources and the entries of a
// Bundle, to any depth.
func withInner(m element, depth int) iter.Seq[element] {
	return func(yield func(element) bool) {
		eachInner(m, depth, yield)
	}
}

func eachInner(m element, depth int, yield func(element) bool) bool {
	if !yield(m) {
		return false
	}
	if depth > maxInner { // deeper than any accepted JSON nests
		return true
	}
	inner := containedIn(m)
	if bundle, ok := m.(*r4.Bundle); ok {
		for _, entry := range bundle.GetEntry() {
			if res := unwrap(entry.GetResource()); res != nil {
				inner = append(inner, res)
			}
		}
	}
	for _, res := range inner {
		if !eachInner(res, depth+1, yield) {
			return false
		}
	}
	return true
}
