package record

import (
	"context"

	"github.com/chartseal/chartseal/consent"
	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// Create stores a new resource under an id that the server makes (R4 section 3.1.0.8). With If-None-Exist it
// stores nothing when exactly one resource matches, and returns that one.
func (s *Service) Create(ctx context.Context, c *Caller, typ string, raw []byte, opt WriteOptions) (*Result, error) {
	if err := c.permit(typ, MayCreate); err != nil {
		return nil, err
	}
	r, err := s.parse(typ, raw)
	if err != nil {
		return nil, invalid(err)
	}
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	cond, err := s.conditional(c, typ, opt.IfNoneExist)
	if err != nil {
		return nil, err
	}
	idem := s.idempotency(c, &opt, "POST "+typ, raw)
	u, err := s.begin(ctx, append(cond.keys(), idem.keys()...)...)
	if err != nil {
		return nil, err
	}
	defer s.drop(u)
	if first, err := idem.replay(ctx); err != nil || first != nil {
		return first.single(), err
	}
	return s.createLocked(ctx, u, c, r, cond, idem, &opt)
}

func (s *Service) createLocked(ctx context.Context, u *unit, c *Caller, r *fhir.Resource, cond *condition, idem *idempotency, opt *WriteOptions) (*Result, error) {
	found, err := cond.find(ctx)
	if err != nil || found != nil {
		return found, err
	}
	id := newID()
	if err := s.custody(ctx, c, r, id); err != nil {
		return nil, err
	}
	out, err := s.draft(ctx, u, c, &change{typ: r.Type, id: id, res: r, activity: "create", at: s.stamp()})
	if err == nil {
		err = idem.record(u, outcome{Entries: []outcomeEntry{entryOf(out)}})
	}
	if err != nil {
		return nil, err
	}
	out.Early, err = s.commit(ctx, u, opt, s.location(out))
	return out, err
}

// condition is a conditional criterion: who asks, what for, and the lock that keeps two equal ones apart.
type condition struct {
	s     *Service
	c     *Caller
	query *conditionQuery
	lock  store.Token
}

func (k *condition) keys() []store.Token {
	if k == nil {
		return nil
	}
	return []store.Token{k.lock}
}

// find returns the one match; nil if there is none; Precondition if there are several.
func (k *condition) find(ctx context.Context) (*Result, error) {
	if k == nil {
		return nil, nil //nolint:nilnil // documented: no match
	}
	hits, err := k.s.matches(ctx, k.c, k.query, 2)
	if err != nil || len(hits) == 0 {
		return nil, err
	}
	if len(hits) > 1 {
		return nil, fail(Precondition, "several resources match the condition")
	}
	r, err := k.s.openHit(ctx, &hits[0])
	if err != nil {
		return nil, err
	}
	h := &hits[0]
	ok, err := k.s.guard(k.c).may(ctx, h.doc.Handle, func() (consent.Resource, error) { return rowAttributes(h.row), nil })
	if err != nil {
		return nil, err
	}
	if !ok || !k.c.Allows(r.Type, MayRead) {
		r.JSON = nil // the match may be known, its content not
	}
	return r, nil
}
