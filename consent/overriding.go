package consent

import (
	"slices"
	"strings"
)

// Overriding names those of the other consents ("Consent/x", sorted) that can
// take away something which p permits, now or at another time, because an
// explicit denial wins. It is for the warning that answers the storing of a
// Consent: nothing supersedes in silence. It may name one whose denial never
// meets the permit in practice, but misses none, provided that two references
// to single persons of one type mean two persons.
func Overriding(p *Policy, others []*Policy) []string {
	var names []string
	for _, o := range others {
		if o.consent != p.consent && p.active && o.active && o.patient == p.patient && p.overriddenBy(o) {
			names = append(names, o.consent)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (p *Policy) overriddenBy(o *Policy) bool {
	if !shareCustodian(p, o) || !overlaps(p.nodes[0].period, o.nodes[0].period) {
		return false
	}
	for i := range p.nodes {
		for j := range o.nodes {
			if p.nodes[i].effect == permit && o.nodes[j].effect >= deny && meet(&p.nodes[i], &o.nodes[j]) {
				return true
			}
		}
	}
	return false
}

// shareCustodian: some custodian may be bound by both.
func shareCustodian(p, o *Policy) bool {
	if len(p.orgs) == 0 || len(o.orgs) == 0 || p.orgsVague || o.orgsVague || p.orgsBlind || o.orgsBlind {
		return true
	}
	return intersect(p.orgs, o.orgs)
}

func overlaps(a, b interval) bool {
	both := a.and(b)
	return both.from < both.until
}

func intersect[T comparable](a, b []T) bool {
	return slices.ContainsFunc(a, func(x T) bool { return slices.Contains(b, x) })
}

// meet reports whether some request for some data can match both a permit and a
// deny. Only what certainly keeps them apart counts.
func meet(a, b *node) bool {
	return overlaps(a.period, b.period) && purposesMeet(a.purposes, b.purposes) &&
		actorsMeet(a.actors, b.actors) && labelsMeet(&a.labels, &b.labels) && dataMeets(a.data, b.data)
}

func purposesMeet(a, b []purposeRule) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	for _, x := range a {
		for _, y := range b {
			if isA(reasonTerms[:], x.id, y.id) || isA(reasonTerms[:], y.id, x.id) ||
				x.plain == y.plain || x.plain.code == y.plain.code && y.plain.anySystem {
				return true
			}
		}
	}
	return false
}

// actorsMeet: different single persons or devices of one type stay apart;
// anything else (organizations, groups, roles, identifiers) may hold the same
// caller.
func actorsMeet(a, b []actorRule) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	for i := range a {
		for j := range b {
			x, y := a[i].single(), b[j].single()
			if x == "" || x != y || intersect(a[i].refs, b[j].refs) {
				return true
			}
		}
	}
	return false
}

// single is the type of the one person or device that the rule names by a
// literal reference and nothing else, or "".
func (r *actorRule) single() string {
	if len(r.refs) != 1 || len(r.roles) > 0 || r.logical {
		return ""
	}
	switch typ, _, _ := strings.Cut(r.refs[0], "/"); typ {
	case "Practitioner", "Patient", "RelatedPerson", "Device":
		return typ
	}
	return ""
}

// labelsMeet: a permit up to one level and a deny from a higher one stay apart.
func labelsMeet(a, b *labelRule) bool {
	plain := len(a.sens)+len(a.others)+len(b.sens)+len(b.others) == 0
	return !plain || a.level == noLevel || b.level == noLevel || a.level >= b.level
}

// dataMeets: two lists of different instances stay apart.
func dataMeets(a, b []dataRule) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	for _, x := range a {
		for _, y := range b {
			if x.meaning != instance || y.meaning != instance || x.ref == y.ref {
				return true
			}
		}
	}
	return false
}
