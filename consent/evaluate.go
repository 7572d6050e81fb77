package consent

import (
	"slices"
	"time"
)

// outcome is what one provision, one consent, or all consents say. The order is
// the rule for conflicts: a deny beats a permit, among siblings and among
// consents. [choice: PCF leaves both to the deployment (V:344); its residual
// list would let a permit override, which leaks.]
type outcome uint8

const (
	none outcome = iota
	permit
	deny
	denyNamed // a deny confined to named actors: it holds against delegates too
)

// outcomes is a set of possible outcomes; with the data at hand it has one.
type outcomes uint8

func only(o outcome) outcomes { return 1 << o }

func (s outcomes) has(o outcome) bool { return s&only(o) != 0 }

// single reports whether the set holds just o.
func (s outcomes) single(o outcome) bool { return s == only(o) }

// join combines what two siblings, or two consents, may say: the stronger wins.
func (s outcomes) join(t outcomes) outcomes {
	if s == only(none) {
		return t
	}
	if t == only(none) {
		return s
	}
	var joined outcomes
	for o := none; o <= denyNamed; o++ {
		upTo := only(o)<<1 - 1
		if s.has(o) && t&upTo != 0 || t.has(o) && s&upTo != 0 {
			joined |= only(o)
		}
	}
	return joined
}

// truth is the match of a provision: depends means that the data decides.
type truth uint8

const (
	no truth = iota
	depends
	yes
)

// evaluator holds what one evaluation looks at. Everything is held by value:
// pointers to the inputs would move them to the heap.
type evaluator struct {
	env     Environment
	req     Request
	res     Resource
	known   bool     // res is the data; otherwise it is not known yet
	labels  labelSet // of res
	nowUS   int64
	action  Coding
	purpose purpose
	cells   []bool // what the request side of each provision gave; nil: not prepared
	base    int    // index in cells of the root of the policy at hand
}

func newEvaluator(env Environment, req Request, now time.Time) evaluator {
	return evaluator{env: env, req: req, nowUS: now.UnixMicro(), action: parseToken(req.Action, systemAction)}
}

// look gives the evaluator the data.
func (e *evaluator) look(res Resource) {
	e.res, e.known = res, true
	e.labels.read(res.Security)
}

// provision evaluates nodes[i] and all below it. parent is the match of the
// node's parent, barrier that of the nearest provision above that is no permit.
// The second result is the node that decided, if the set holds one outcome.
func (e *evaluator) provision(p *Policy, i int32, parent, barrier truth) (outcomes, int32) {
	n := &p.nodes[i]
	m := e.match(n, i)
	switch {
	case n.ctx < 0:
	case n.effect == permit:
		m = min(m, barrier)
	default:
		m = min(m, parent)
	}
	if n.effect != permit {
		barrier = m
	}
	below, by := only(none), i
	for c := i + 1; c < n.end; c = p.nodes[c].end {
		said, sayer := e.provision(p, c, m, barrier)
		joined := below.join(said)
		if joined != below {
			by = sayer
		}
		below = joined
	}
	if below.single(permit) || below.single(denyNamed) {
		return below, by
	}
	own := n.effect
	if own == deny && n.named {
		own = denyNamed
	}
	return below.over(own, m), by
}

// over gives what a provision says, if s is what those below it say: they
// replace its own outcome, except that a deny below does not weaken a deny that
// names the caller.
func (s outcomes) over(own outcome, m truth) outcomes {
	result := s &^ only(none) &^ only(deny)
	for _, below := range [...]outcome{none, deny} {
		if !s.has(below) {
			continue
		}
		if m != yes {
			result |= only(below)
		}
		if m != no {
			if below == deny {
				own = max(own, deny)
			}
			result |= only(own)
		}
	}
	return result
}

// match tells whether the elements of a provision fit: AND over the elements.
func (e *evaluator) match(n *node, i int32) truth {
	var asked bool
	if e.cells != nil {
		asked = e.cells[e.base+int(i)]
	} else {
		asked = e.asked(n)
	}
	switch {
	case !asked:
		return no
	case !n.ofData:
		return yes
	case !e.known:
		return depends
	case e.held(n):
		return yes
	}
	return no
}

// asked matches what the request decides.
func (e *evaluator) asked(n *node) bool {
	denies := n.effect >= deny
	if !n.period.contains(e.nowUS) {
		return false
	}
	if len(n.actors) > 0 && !n.actor(&e.req.Actor) {
		return false
	}
	if !covered(n.purposes, e.purpose) && !(denies && unknownRequestMeetsDeny && !e.purpose.stated()) {
		return false
	}
	if len(n.actions) == 0 {
		return true
	}
	if e.action.Code == "" {
		return denies && unknownRequestMeetsDeny
	}
	return slices.ContainsFunc(n.actions, func(r codeRule) bool { return r.matches(e.action) })
}

// actor reports whether the caller is one of the provision's actors.
func (n *node) actor(a *Actor) bool {
	for i := range n.actors {
		if n.actors[i].matches(a, n.effect >= deny) {
			return true
		}
	}
	return false
}

// held matches what the data decides.
func (e *evaluator) held(n *node) bool {
	denies := n.effect >= deny
	if n.dataPeriod != nil && !e.inDataPeriod(*n.dataPeriod, denies) {
		return false
	}
	if n.labels.listed() {
		if denies && !n.labels.denies(&e.labels, e.res.Security) || !denies && !n.labels.permits(&e.labels, e.res.Security) {
			return false
		}
	}
	if len(n.data) > 0 && !slices.ContainsFunc(n.data, func(r dataRule) bool { return r.matches(&e.res) }) {
		return false
	}
	if len(n.classes) > 0 && !e.inClass(n.classes) {
		return false
	}
	return len(n.codes) == 0 || anyCoding(n.codes, e.res.Codes)
}

// inDataPeriod: created or last updated inside (V:199, P:482).
func (e *evaluator) inDataPeriod(span interval, denies bool) bool {
	if e.res.Created.IsZero() && e.res.LastUpdated.IsZero() {
		return denies && unknownTimeMeetsDeny
	}
	return span.containsTime(e.res.Created) || span.containsTime(e.res.LastUpdated)
}

func (e *evaluator) inClass(classes []codeRule) bool {
	typ := Coding{systemResourceTypes, e.res.typeName()}
	for _, r := range classes {
		if r.matches(typ) {
			return true
		}
	}
	return anyCoding(classes, e.res.Classes)
}
