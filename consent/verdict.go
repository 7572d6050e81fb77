package consent

// Texts of reasons.
const (
	textSelf       = "patients always have access to their own data; no consent can take it away"
	textDelegate   = "the caller is a confirmed delegate of the patient"
	textHomeOnly   = "whose data this is could not be resolved: the custodian's own staff may have it"
	textNoSubject  = "whose data this is could not be resolved: only the custodian's own staff may have it"
	textPermits    = "this provision permits the access"
	textDenies     = "this provision denies the access, and an explicit denial wins"
	textUnreadable = "this consent could not be understood, so nobody but the patient has access"
	textCloses     = "this provision grants the purpose under conditions that the access does not meet"
	textOverrides  = "a consent is on file and does not grant this purpose"
	textImplicit   = "no consent speaks about this access, so the implicit policy decides: "
)

var implicitTexts = [...]string{
	HomeTreatment:  textImplicit + "home-treatment",
	DenyAll:        textImplicit + "deny",
	BreakGlassOnly: textImplicit + "break-glass-only",
	BasicNormal:    textImplicit + "basic-normal",
	AllNormal:      textImplicit + "all-normal",
}

// onePurpose is section 4 for e.purpose. Reasons are given only if wanted and
// the data is known.
func (e *evaluator) onePurpose(policies []*Policy, delegate, wanted bool) (truth, []Reason) {
	var reasons []Reason
	said, strongest, onFile := only(none), none, false
	for _, p := range policies {
		read := p.reads(&e.env, e.req.Subject, e.nowUS)
		if read == ignored {
			continue
		}
		onFile = true
		says, by := e.provision(p, 0, yes, yes)
		if e.cells != nil {
			e.base += len(p.nodes)
		}
		if read == deniesOnly && says.has(permit) {
			says = says&^only(permit) | only(none)
		}
		said = said.join(says)
		if wanted {
			strongest, reasons = e.explain(p, says, by, strongest, reasons)
		}
	}
	if delegate {
		return e.delegated(said, reasons)
	}
	low, high := yes, no
	if said.has(deny) || said.has(denyNamed) {
		low = no
	}
	if said.has(permit) {
		high = yes
	}
	if said.has(none) {
		rest, why := e.unspoken(policies, onFile, wanted)
		low, high = min(low, rest), max(high, rest)
		if len(reasons) == 0 {
			reasons = why
		}
	}
	if low == high {
		return low, reasons
	}
	return depends, reasons
}

// explain keeps the reasons of the strongest outcome so far.
func (e *evaluator) explain(p *Policy, says outcomes, by int32, strongest outcome, reasons []Reason) (outcome, []Reason) {
	for o := denyNamed; o > none; o-- {
		if !says.has(o) {
			continue
		}
		if o < strongest {
			return strongest, reasons
		}
		if o > strongest {
			reasons = reasons[:0]
		}
		why := Reason{Text: textDenies, Consent: p.consent, Provision: p.nodes[by].path, Purpose: e.purpose.text}
		switch {
		case p.unreadable:
			why.Text, why.Provision = textUnreadable, ""
		case o == permit:
			why.Text = textPermits
		}
		return o, append(reasons, why)
	}
	return strongest, reasons
}

// delegated: the access of a confirmed delegate stands as the patient's own
// does, unless a deny names the delegate, which withdraws the confirmation.
func (e *evaluator) delegated(said outcomes, reasons []Reason) (truth, []Reason) {
	switch {
	case said.single(denyNamed):
		return no, reasons
	case said.has(denyNamed):
		return depends, nil
	}
	return yes, append(reasons[:0], Reason{Text: textDelegate})
}

// unspoken decides where no consent permits or denies: a consent that grants
// the purpose under conditions has closed it for the rest; else the implicit
// policy decides, which a consent on file confines to treatment, payment and
// operations.
func (e *evaluator) unspoken(policies []*Policy, onFile, wanted bool) (truth, []Reason) {
	var reasons []Reason
	closed := false
	for _, p := range policies {
		if p.reads(&e.env, e.req.Subject, e.nowUS) == ignored {
			continue
		}
		if n := e.closer(p); n != nil {
			closed = true
			if wanted {
				reasons = append(reasons, Reason{Text: textCloses, Consent: p.consent, Provision: n.path, Purpose: e.purpose.text})
			}
		}
	}
	if closed {
		return no, reasons
	}
	granted, text := no, textOverrides
	if !onFile || !recordedConsentOverrides || e.purpose.core() {
		granted, text = e.implicit(), implicitTexts[DenyAll]
		if int(e.env.Implicit) < len(implicitTexts) {
			text = implicitTexts[e.env.Implicit]
		}
	}
	if wanted {
		reasons = append(reasons, Reason{Text: text, Purpose: e.purpose.text})
	}
	return granted, reasons
}

// closer is the first provision of p that closes e.purpose, or nil.
func (e *evaluator) closer(p *Policy) *node {
	for i := range p.nodes {
		if e.closes(&p.nodes[i]) {
			return &p.nodes[i]
		}
	}
	return nil
}

// closes reports whether a provision grants e.purpose, to somebody or under
// conditions, so that what it does not grant is refused.
func (e *evaluator) closes(n *node) bool {
	if n.effect != permit && (n.effect == none || !confinedDenyCloses) {
		return false
	}
	if !n.period.contains(e.nowUS) || e.purpose.stated() && !covered(n.purposes, e.purpose) {
		return false
	}
	home := e.req.Actor.Workforce && e.purpose.core()
	return len(n.actors) == 0 || n.actor(&e.req.Actor) || !home || namedPermitClosesHome
}

// implicit applies the implicit policy of the deployment.
func (e *evaluator) implicit() truth {
	actor := &e.req.Actor
	reach := noLevel
	switch e.env.Implicit {
	case HomeTreatment:
		if actor.Workforce && e.purpose.within(marks().treatment) {
			reach = homeLevel
		}
	case BreakGlassOnly:
		if actor.BreakGlass && e.purpose.id == marks().breakGlass {
			reach = pcfImplicitLevel
		}
	case BasicNormal:
		// "Clinicians that have authorization for Treatment": patients have not.
		if actor.Patient == "" && e.purpose.within(marks().treatment) {
			reach = pcfImplicitLevel
		}
	case AllNormal:
		if e.purpose.stated() {
			reach = pcfImplicitLevel
		}
	case DenyAll:
	}
	switch {
	case reach == noLevel:
		return no
	case reach == levelVery:
		return yes
	case !e.known:
		return depends
	case e.labels.level <= reach:
		return yes
	}
	return no
}
