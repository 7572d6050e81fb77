package record

import (
	"context"
	"errors"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/fhir/patch"
)

// Patch is a change to a resource: JSON Patch (RFC 6902), or FHIRPath Patch in a Parameters resource.
type Patch struct {
	FHIRPath bool
	Body     []byte
}

// Patch changes a resource in part (R4 section 3.1.0.6). It is decided like a read and an update.
func (s *Service) Patch(ctx context.Context, c *Caller, typ, id string, p Patch, opt WriteOptions) (*Result, error) {
	if err := c.permitPatch(typ); err != nil {
		return nil, err
	}
	o := &op{verb: "PATCH", typ: typ, id: id, edit: s.patching(p)}
	return s.one(ctx, c, o, &opt, s.idempotency(c, &opt, "PATCH "+typ+"/"+id, p.Body))
}

// PatchWhere patches the one resource that matches a query and that the caller sees.
func (s *Service) PatchWhere(ctx context.Context, c *Caller, typ, query string, p Patch, opt WriteOptions) (*Result, error) {
	if err := c.permitPatch(typ); err != nil {
		return nil, err
	}
	cond, err := s.where(c, typ, query)
	if err != nil {
		return nil, err
	}
	o := &op{verb: "PATCH", typ: typ, cond: cond, edit: s.patching(p)}
	return s.one(ctx, c, o, &opt, s.idempotency(c, &opt, "PATCH "+typ+"?"+query, p.Body))
}

// patching turns a patch into an edit.
func (s *Service) patching(p Patch) edit {
	return func(before []byte) ([]byte, error) {
		if !p.FHIRPath {
			after, err := patch.JSON(before, p.Body)
			return after, patchError(err)
		}
		params, err := fhir.Parse(p.Body, s.cfg.Limits)
		if err != nil {
			return nil, invalid(err)
		}
		if params.Type != "Parameters" {
			return nil, fail(Invalid, "a FHIRPath Patch is a Parameters resource")
		}
		after, err := patch.FHIRPath(before, params.JSON)
		return after, patchError(err)
	}
}

var patchKinds = map[patch.Kind]Kind{
	patch.Malformed: Invalid, patch.Failed: Unprocessable, patch.Test: Precondition, patch.TooLarge: TooLarge,
}

func patchError(err error) error {
	var e *patch.Error
	if !errors.As(err, &e) {
		return err
	}
	return &Error{Kind: patchKinds[e.Kind], Msg: e.Error()}
}
