package record

import (
	"context"
	"slices"
	"time"

	"github.com/chartseal/chartseal/consent"
	"github.com/chartseal/chartseal/internal/store"
)

// unresolvedSubject is the pseudo-patient under whose key a resource is sealed when its type can have a data
// subject and none can be resolved: only the custodian's own staff see it (consent design, section 2). No real id
// can equal it, because FHIR ids hold no NUL.
const unresolvedSubject = "\x00unresolved"

// guard decides what one caller may see, once per patient and request.
type guard struct {
	s      *Service
	c      *Caller
	now    time.Time
	self   store.Handle // of the patient that the caller is
	launch store.Handle // of the launch patient
	memo   map[store.Handle]*verdict
}

// verdict is the prepared decision on one patient's data, under each variant of its policies: all must permit.
type verdict struct {
	all      bool // everything of this patient, whatever the resource
	none     bool // nothing of this patient
	variants []*consent.Prepared
}

// needsResource tells whether any variant looks at the resource itself.
func (v *verdict) needsResource() bool {
	return slices.ContainsFunc(v.variants, (*consent.Prepared).NeedsResource)
}

func (s *Service) guard(c *Caller) *guard {
	g := &guard{s: s, c: c, now: s.now()}
	if c.Self != "" {
		g.self = s.sealer.PatientHandle(c.Self)
	}
	if c.Patient != "" {
		g.launch = s.sealer.PatientHandle(c.Patient)
	}
	return g
}

// may decides on one version. attrs is asked only when a policy looks at the resource itself.
func (g *guard) may(ctx context.Context, h store.Handle, attrs func() (consent.Resource, error)) (bool, error) {
	var none store.Handle
	if h == none {
		return true, nil // belongs to no patient
	}
	if h == g.s.unresolved {
		return g.c.Workforce && !g.c.PatientOnly, nil
	}
	key, err := g.s.sealer.Key(h)
	if err != nil {
		return false, internalError("open key", err)
	}
	return g.mayAll(ctx, key.Members(), attrs)
}

// mayAll decides on data of several patients: all must permit.
func (g *guard) mayAll(ctx context.Context, patients []store.Handle, attrs func() (consent.Resource, error)) (bool, error) {
	for _, m := range patients {
		ok, err := g.mayPatient(ctx, m, attrs)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (g *guard) mayPatient(ctx context.Context, h store.Handle, attrs func() (consent.Resource, error)) (bool, error) {
	v, err := g.verdict(ctx, h)
	if err != nil || v.none {
		return false, err
	}
	if v.all {
		return true, nil
	}
	var res consent.Resource
	if v.needsResource() {
		if res, err = attrs(); err != nil {
			return false, err
		}
	}
	for _, p := range v.variants {
		if p.Decide(res).Effect != consent.Permit {
			return false, nil
		}
	}
	return true, nil
}

// verdict prepares the decision on one patient, once per request.
func (g *guard) verdict(ctx context.Context, h store.Handle) (*verdict, error) {
	if v, ok := g.memo[h]; ok {
		return v, nil
	}
	v, err := g.prepare(ctx, h)
	if err != nil {
		return nil, err
	}
	if g.memo == nil {
		g.memo = make(map[store.Handle]*verdict, 1)
	}
	g.memo[h] = v
	return v, nil
}

func (g *guard) prepare(ctx context.Context, h store.Handle) (*verdict, error) {
	var none store.Handle
	switch {
	case g.c.PatientOnly && h != g.launch:
		return &verdict{none: true}, nil
	case g.self != none && h == g.self:
		return &verdict{all: true}, nil // the patient's own access: no consent takes it away
	}
	set, err := g.s.policies.get(ctx, h)
	if err != nil {
		return nil, internalError("read consents", err)
	}
	if set.broken {
		return &verdict{none: true}, nil
	}
	v := &verdict{}
	for _, policies := range set.variants {
		v.variants = append(v.variants, g.decide(set.subject, policies))
	}
	return v, nil
}

// anyPatient stands for a data subject whose id is not at hand: only its handle is, and no consent names it.
const anyPatient = "Patient/-"

func (g *guard) decide(subject string, p []*consent.Policy) *consent.Prepared {
	if subject == "" {
		subject = anyPatient
	}
	env := consent.Environment{Custodian: g.s.cfg.Custodian, Implicit: g.s.cfg.Implicit}
	return consent.Prepare(p, env, consent.Request{
		Subject:  subject,
		Actor:    consent.Actor{Refs: g.c.Refs, Workforce: g.c.Workforce},
		Purposes: g.c.Purposes,
		Action:   consent.ActionAccess,
	}, g.now)
}
