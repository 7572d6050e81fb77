package consent

import (
	"math"
	"slices"
	"strings"
	"time"
)

// codeRule is a listed coding that is compared plainly. The zero rule matches
// nothing: it stands for a coding that we cannot read, in a permit.
type codeRule struct {
	system, code string
	anySystem    bool // a deny listed the code without a system
}

func (r codeRule) matches(c Coding) bool {
	return r.code != "" && r.code == c.Code && (r.anySystem || r.system == canonicalSystem(c.System))
}

// anyCoding reports whether a rule matches a coding.
func anyCoding(rules []codeRule, codings []Coding) bool {
	for _, r := range rules {
		if slices.ContainsFunc(codings, r.matches) {
			return true
		}
	}
	return false
}

// purposeRule is one listed purpose: a subtree of v3-ActReason, or a plain code.
type purposeRule struct {
	id    termID // noTerm: plain only
	plain codeRule
}

// purpose is the requested purpose that is being decided.
type purpose struct {
	text   string // as requested
	coding Coding
	id     termID // place in v3-ActReason, or noTerm
}

// parseToken reads "code" or "system|code"; bare codes are of the given system.
func parseToken(text, system string) Coding {
	if i := strings.LastIndexByte(text, '|'); i >= 0 {
		return Coding{canonicalSystem(text[:i]), text[i+1:]}
	}
	return Coding{system, text}
}

func parsePurpose(text string) purpose {
	p := purpose{text: text, coding: parseToken(text, systemReason), id: noTerm}
	if p.coding.System == systemReason {
		p.id = reason(p.coding.Code)
	}
	return p
}

// stated: the purpose says something (see unknownRequestMeetsDeny).
func (p purpose) stated() bool { return p.coding.Code != "" && p.id != marks().anyPurpose }

// within reports whether the purpose is a or below a in v3-ActReason.
func (p purpose) within(a termID) bool { return isA(reasonTerms[:], p.id, a) }

// core: treatment, payment or operations.
func (p purpose) core() bool {
	m := marks()
	return p.within(m.treatment) || p.within(m.payment) || p.within(m.operations)
}

func (r purposeRule) matches(p purpose) bool {
	return p.within(r.id) || r.plain.matches(p.coding)
}

// covered reports whether p is under one of the rules; without rules nothing is
// constrained.
func covered(rules []purposeRule, p purpose) bool {
	return len(rules) == 0 || slices.ContainsFunc(rules, func(r purposeRule) bool { return r.matches(p) })
}

// actorRule is one provision.actor.
type actorRule struct {
	refs    []string   // literal reference and "system|value", either is enough
	logical bool       // the caller is named by identifier only
	roles   []codeRule // empty: the role filters nothing
}

// matches: the reference is the caller or something that it belongs to, and the
// role, if it filters, is held.
func (r *actorRule) matches(a *Actor, deny bool) bool {
	if len(r.roles) > 0 && !anyCoding(r.roles, a.Roles) {
		if !deny || len(a.Roles) > 0 || !unknownCallerMeetsDeny {
			return false
		}
	}
	if len(r.refs) == 0 {
		return len(r.roles) > 0
	}
	for _, ref := range r.refs {
		if slices.Contains(a.Refs, ref) || ref == a.Patient {
			return true
		}
	}
	return deny && r.logical && unknownCallerMeetsDeny && !slices.ContainsFunc(a.Refs, isIdentifier)
}

// isIdentifier tells "system|value" from a literal reference.
func isIdentifier(ref string) bool { return strings.IndexByte(ref, '|') >= 0 }

// interval is a half-open span of time in microseconds since 1970.
type interval struct{ from, until int64 }

// always is the interval of an absent period.
var always = interval{math.MinInt64, math.MaxInt64}

func (i interval) contains(us int64) bool { return i.from <= us && us < i.until }

func (i interval) and(j interval) interval {
	return interval{max(i.from, j.from), min(i.until, j.until)}
}

// containsTime is false for the zero time, which means unknown.
func (i interval) containsTime(t time.Time) bool { return !t.IsZero() && i.contains(t.UnixMicro()) }

// meaning is provision.data.meaning (R4 consent-data-meaning).
type meaning uint8

const (
	instance   meaning = iota // the resource itself, in any version
	dependents                // it and what refers to it; PCF's "related" means the same
	authoredBy                // what the referenced actor wrote
)

// dataRule is one provision.data. An empty reference matches nothing.
type dataRule struct {
	meaning meaning
	ref     string
}

func (r dataRule) matches(res *Resource) bool {
	switch {
	case r.ref == "":
		return false
	case r.meaning == authoredBy:
		if len(res.Authors) == 0 {
			return unknownAuthorMatches
		}
		return slices.Contains(res.Authors, r.ref)
	case r.ref == res.Ref:
		return true
	}
	return r.meaning == dependents && slices.Contains(res.RelatedTo, r.ref)
}
