package consent

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Decide answers whether the request may have the resource, now, under all of
// the patient's policies. It is total and deterministic: any input has an
// answer, the order of the policies does not matter, and policies of other
// patients are ignored.
func Decide(policies []*Policy, env Environment, req Request, res Resource, now time.Time) Decision {
	e := newEvaluator(env, req, now)
	e.look(res)
	return e.decide(policies)
}

// Prepared is a request whose own side has been evaluated. It is safe for
// concurrent use and valid only for the instant that it was prepared for.
type Prepared struct {
	evaluator evaluator // without data; copied for each resource
	policies  []*Policy // those that count
	needs     bool
}

// Prepare evaluates what does not depend on the data: who counts, actor,
// purpose, period, action. Its Decide gives the same as the function Decide. It
// keeps the slices of env and req, which must not change while it is in use.
func Prepare(policies []*Policy, env Environment, req Request, now time.Time) *Prepared {
	p := &Prepared{evaluator: newEvaluator(env, req, now)}
	e := &p.evaluator
	nodes := 0
	for _, policy := range policies {
		if policy.reads(&env, req.Subject, e.nowUS) != ignored {
			p.policies = append(p.policies, policy)
			nodes += len(policy.nodes)
		}
	}
	cells := make([]bool, 0, nodes*max(1, len(req.Purposes)))
	for e.purpose = range e.purposes {
		for _, policy := range p.policies {
			for i := range policy.nodes {
				cells = append(cells, e.asked(&policy.nodes[i]))
			}
		}
	}
	e.cells = cells
	permitted, _ := e.effect(p.policies, false)
	p.needs = permitted == depends
	return p
}

// NeedsResource reports whether the effect depends on the data. If not, it is
// the same for every Resource, the zero one included; reasons and obligations
// may still differ.
func (p *Prepared) NeedsResource() bool { return p.needs }

// Decide answers for one resource.
func (p *Prepared) Decide(res Resource) Decision {
	e := p.evaluator
	e.look(res)
	return e.decide(p.policies)
}

// decide is Decide once the evaluator knows everything.
func (e *evaluator) decide(policies []*Policy) Decision {
	var d Decision
	permitted, reasons := e.effect(policies, true)
	d.Reasons = reasons
	if permitted == yes {
		d.Effect = Permit
		d.Obligations = handling(e.res.Security)
	}
	if len(d.Reasons) > 1 {
		slices.SortFunc(d.Reasons, func(a, b Reason) int {
			return cmp.Or(strings.Compare(a.Consent, b.Consent), strings.Compare(a.Provision, b.Provision),
				strings.Compare(a.Purpose, b.Purpose), strings.Compare(a.Text, b.Text))
		})
		d.Reasons = slices.Compact(d.Reasons)
	}
	return d
}

// effect evaluates the rules that no consent can override, then each purpose:
// all must be permitted. Without data it may answer depends. Reasons are given
// only if wanted, which needs the data.
func (e *evaluator) effect(policies []*Policy, wanted bool) (truth, []Reason) {
	if granted, text := e.business(); text != "" {
		if !wanted {
			return granted, nil
		}
		return granted, []Reason{{Text: text}}
	}
	delegate := slices.Contains(e.req.Actor.DelegateFor, e.req.Subject)
	all := yes
	e.base = 0
	var reasons []Reason
	for e.purpose = range e.purposes {
		permitted, why := e.onePurpose(policies, delegate, wanted)
		switch {
		case len(reasons) == 0, permitted == no && all != no:
			reasons = why // a refusal is explained by what refuses
		case permitted == no || all != no:
			reasons = append(reasons, why...)
		}
		all = min(all, permitted)
	}
	return all, reasons
}

// purposes yields what must be permitted. Break-glass governs alone. A request
// without a purpose has one that states nothing.
func (e *evaluator) purposes(yield func(purpose) bool) {
	glass := marks().breakGlass
	for _, text := range e.req.Purposes {
		if p := parsePurpose(text); p.id == glass {
			yield(p)
			return
		}
	}
	if len(e.req.Purposes) == 0 {
		yield(purpose{id: noTerm})
		return
	}
	for _, text := range e.req.Purposes {
		if !yield(parsePurpose(text)) {
			return
		}
	}
}

// business applies the rules that no consent can override. An empty text means
// that they leave the decision to consent.
func (e *evaluator) business() (truth, string) {
	switch subject, actor := e.req.Subject, &e.req.Actor; {
	case subject == "" && actor.Workforce:
		return yes, textHomeOnly
	case subject == "":
		return no, textNoSubject
	case actor.Patient == subject:
		return yes, textSelf
	}
	return no, ""
}
