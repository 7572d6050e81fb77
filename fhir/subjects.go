package fhir

import (
	"maps"
	"slices"
	"strings"

	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
)

// Subjects says whose data a resource is.
type Subjects struct {
	// Patients are the ids of the local patients, sorted, without repeats.
	// Several: the consent of each counts.
	Patients []string
	// Unresolved: the resource is, or for its type can be, about somebody whom
	// Patients does not name. Only the custodian's staff may see it.
	Unresolved bool
	// Via are local references, Type/id, sorted, to resources whose subjects
	// are this one's too: the Observation that a Provenance or an AuditEvent is
	// about, the Device that was measured. Reading them is the caller's part,
	// see Follow.
	Via []string
	// ViaSettles: it is Unresolved only because all depends on Via.
	ViaSettles bool
}

// SubjectsOf reads the subjects off a resource by the table of consent.md,
// section 2: those of the Patient compartment, and of some types outside it.
// bases are the server's own base URLs: absolute references below them are
// local. r.ID must be the id that the server gave or accepted, because a
// Patient is its own subject.
//
// Unresolved are contained patients, subjects given by identifier, display,
// urn: or a foreign URL, groups, and the absence of any subject where the type
// can have one. Subjects that are known not to be patients (a location, a
// practitioner's schedule) are none.
func SubjectsOf(r *Resource, bases ...string) Subjects {
	w := subjectWalk{patients: map[string]bool{}, via: map[string]bool{}}
	for _, b := range bases {
		if b = strings.TrimSuffix(b, "/"); b != "" {
			w.bases = append(w.bases, b)
		}
	}
	if r.Proto == nil {
		return Subjects{Unresolved: true}
	}
	w.resource(r.Proto, origin{id: r.ID, local: true})
	return Subjects{
		Patients:   slices.Sorted(maps.Keys(w.patients)),
		Unresolved: w.unresolved || w.open,
		Via:        slices.Sorted(maps.Keys(w.via)),
		ViaSettles: w.open && !w.unresolved,
	}
}

// maxFollowed bounds how many resources Follow asks for.
const maxFollowed = 1000

// Follow completes the subjects with those of Via, and of theirs in turn.
// lookup returns the subjects of a local reference; ok is false if there is no
// such resource, which leaves the result unresolved. An error of lookup is
// returned as it is.
func (s Subjects) Follow(lookup func(ref string) (found Subjects, ok bool, err error)) (Subjects, error) {
	unresolved := s.Unresolved && !s.ViaSettles
	patients := slices.Clone(s.Patients)
	queue, seen := slices.Clone(s.Via), map[string]bool{}
	for len(queue) > 0 {
		ref := queue[0]
		queue = queue[1:]
		if seen[ref] {
			continue
		}
		seen[ref] = true
		if len(seen) > maxFollowed {
			unresolved = true
			break
		}
		found, ok, err := lookup(ref)
		if err != nil {
			return Subjects{}, err
		}
		unresolved = unresolved || !ok || found.Unresolved && !found.ViaSettles
		patients = append(patients, found.Patients...)
		queue = append(queue, found.Via...)
	}
	slices.Sort(patients)
	return Subjects{Patients: slices.Compact(patients), Unresolved: unresolved}, nil
}

// SecurityLabels returns the codings of meta.security, and those of contained
// resources and of a Bundle's entries too, because who reads the whole reads
// them.
func SecurityLabels(r *Resource) []Coding {
	if r.Proto == nil {
		return nil
	}
	var out []Coding
	for m := range withInner(r.Proto, 0) {
		res, ok := m.(interface{ GetMeta() *dt.Meta })
		if !ok {
			continue
		}
		for _, c := range res.GetMeta().GetSecurity() {
			if label := (Coding{System: c.GetSystem().GetValue(), Code: c.GetCode().GetValue()}); label.Code != "" {
				out = append(out, label)
			}
		}
	}
	return out
}

// AuthorsOf returns the local references, Type/id, sorted, to whoever produced
// the data: its author, performer, recorder, asserter, requester and the like.
// Authors of contained resources and of a Bundle's entries are not among them.
func AuthorsOf(r *Resource) []string {
	get := personPathsOf()[r.Type]
	if get == nil || r.Proto == nil {
		return nil
	}
	var out []string
	for _, ref := range collectReferences(r.Proto, get().authors) {
		if l := literalOf(ref); l.typ != "" {
			out = append(out, l.typ+"/"+l.id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// collectReferences evaluates paths that end at references.
func collectReferences(m element, paths []branch) []*dt.Reference {
	if len(paths) == 0 {
		return nil
	}
	c := newEvaluation(m)
	defer c.release()
	from, to := c.collect(paths, m)
	out := make([]*dt.Reference, 0, to-from)
	for _, item := range c.items[from:to] {
		if ref, ok := item.(*dt.Reference); ok {
			out = append(out, ref)
		}
	}
	return out
}
