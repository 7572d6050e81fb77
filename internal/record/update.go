package record

import (
	"context"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// Update stores a new version under the id of the URL, and creates the resource if there is none (R4 section
// 3.1.0.5). A caller outside the custodian's workforce updates only what it sees.
func (s *Service) Update(ctx context.Context, c *Caller, typ, id string, raw []byte, opt WriteOptions) (*Result, error) {
	if err := c.permit(typ, MayUpdate); err != nil {
		return nil, err
	}
	r, err := s.parse(typ, raw)
	if err != nil {
		return nil, invalid(err)
	}
	if err := checkBodyID(r, id); err != nil {
		return nil, err
	}
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	idem := s.idempotency(c, &opt, "PUT "+typ+"/"+id, raw)
	u, err := s.begin(ctx, append(idem.keys(), s.resourceToken(typ, id))...)
	if err != nil {
		return nil, err
	}
	defer s.drop(u)
	if first, err := idem.replay(ctx); err != nil || first != nil {
		return first.single(), err
	}
	out, err := s.draftUpdate(ctx, u, c, r, id, opt.IfMatch)
	if err == nil {
		err = idem.record(u, outcome{Entries: []outcomeEntry{entryOf(out)}})
	}
	if err != nil {
		return nil, err
	}
	out.Early, err = s.commit(ctx, u, &opt, s.location(out))
	return out, err
}

// checkBodyID: the body must carry the id of the URL (R4 section 3.1.0.5).
func checkBodyID(r *fhir.Resource, id string) error {
	if r.ID == id {
		return nil
	}
	if r.ID == "" {
		return invalid(oneIssue("the resource has no id; it must be the one in the URL", r.Type+".id"))
	}
	return invalid(oneIssue("the resource's id is not the one in the URL", r.Type+".id"))
}

func (s *Service) draftUpdate(ctx context.Context, u *unit, c *Caller, r *fhir.Resource, id, ifMatch string) (*Result, error) {
	prev, err := s.current(ctx, c, s.resourceToken(r.Type, id))
	if err != nil {
		return nil, err
	}
	if err := checkMatch(ifMatch, prev); err != nil {
		return nil, err
	}
	if err := s.custody(ctx, c, r, id); err != nil {
		return nil, err
	}
	if prev != nil && r.Type == "Consent" && !c.staff() {
		if err := s.ownConsent(c, prev); err != nil {
			return nil, err
		}
	}
	activity := "update"
	if prev == nil || prev.Deleted {
		activity = "create"
	}
	return s.draft(ctx, u, c, &change{typ: r.Type, id: id, res: r, prev: prev, activity: activity, at: s.stamp()})
}

// Delete marks a resource as deleted; its history stays (R4 section 3.1.0.7). Deleting what is not there is no
// error. The result is nil when nothing changed.
func (s *Service) Delete(ctx context.Context, c *Caller, typ, id string, opt WriteOptions) (*Result, error) {
	if err := c.permit(typ, MayDelete); err != nil {
		return nil, err
	}
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	idem := s.idempotency(c, &opt, "DELETE "+typ+"/"+id, nil)
	u, err := s.begin(ctx, append(idem.keys(), s.resourceToken(typ, id))...)
	if err != nil {
		return nil, err
	}
	defer s.drop(u)
	if first, err := idem.replay(ctx); err != nil || first != nil {
		return first.single(), err
	}
	out, err := s.draftDelete(ctx, u, c, typ, id, opt.IfMatch)
	if err == nil && out != nil {
		err = idem.record(u, outcome{Entries: []outcomeEntry{entryOf(out)}})
	}
	if err != nil || out == nil {
		return nil, err
	}
	out.Early, err = s.commit(ctx, u, &opt, s.location(out))
	return out, err
}

func (s *Service) draftDelete(ctx context.Context, u *unit, c *Caller, typ, id, ifMatch string) (*Result, error) {
	prev, err := s.current(ctx, c, s.resourceToken(typ, id))
	if err != nil {
		return nil, err
	}
	if err := checkMatch(ifMatch, prev); err != nil {
		return nil, err
	}
	if prev == nil || prev.Deleted {
		return nil, nil //nolint:nilnil // documented: nothing changed
	}
	if typ == "Consent" && !c.staff() {
		if err := s.ownConsent(c, prev); err != nil {
			return nil, err
		}
	}
	return s.draft(ctx, u, c, &change{typ: typ, id: id, prev: prev, activity: "delete", at: s.stamp()})
}

// ownConsent lets a patient withdraw its own consent, and nobody else's.
func (s *Service) ownConsent(c *Caller, h *store.Head) error {
	if who := c.own(); who != "" && h.Handle == s.sealer.PatientHandle(who) {
		return nil
	}
	return fail(Forbidden, "only the patient and the custodian's staff may withdraw a consent")
}
