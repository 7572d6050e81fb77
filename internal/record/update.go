package record

import (
	"context"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// Update stores a new version under the id of the URL, and creates the resource if there is none (R4 section
// 3.1.0.5). A caller outside the custodian's workforce updates only what it sees.
func (s *Service) Update(ctx context.Context, c *Caller, typ, id string, raw []byte, opt WriteOptions) (*Result, error) {
	o, err := s.putOp(c, typ, raw)
	if err != nil {
		return nil, err
	}
	o.id = id
	if err := checkBodyID(o.res, id); err != nil {
		return nil, err
	}
	return s.one(ctx, c, o, &opt, s.idempotency(c, &opt, "PUT "+typ+"/"+id, raw))
}

// UpdateWhere updates the one resource that matches a query, and creates one if none does (R4 section 3.1.0.5.3).
func (s *Service) UpdateWhere(ctx context.Context, c *Caller, typ, query string, raw []byte, opt WriteOptions) (*Result, error) {
	o, err := s.putOp(c, typ, raw)
	if err != nil {
		return nil, err
	}
	o.sent = o.res.ID
	if o.cond, err = s.where(c, typ, query); err != nil {
		return nil, err
	}
	return s.one(ctx, c, o, &opt, s.idempotency(c, &opt, "PUT "+typ+"?"+query, raw))
}

func (s *Service) putOp(c *Caller, typ string, raw []byte) (*op, error) {
	if err := c.permit(typ, MayUpdate); err != nil {
		return nil, err
	}
	r, err := s.parse(typ, raw)
	if err != nil {
		return nil, invalid(err)
	}
	return &op{verb: "PUT", typ: typ, res: r}, nil
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

// ownConsent lets a patient withdraw its own consent, and nobody else's.
func (s *Service) ownConsent(c *Caller, h *store.Head) error {
	if who := c.own(); who != "" && h.Handle == s.sealer.PatientHandle(who) {
		return nil
	}
	return fail(Forbidden, "only the patient and the custodian's staff may withdraw a consent")
}
