package record

import (
	"context"

	"github.com/chartseal/chartseal/fhir"
)

// EditMeta adds profiles, tags and security labels to a resource, or takes them away ($meta-add and $meta-delete, R4
// section 2.26). What changes nothing makes no version: the result is then the current one.
func (s *Service) EditMeta(ctx context.Context, c *Caller, typ, id string, meta []byte, remove bool, opt WriteOptions) (*Result, error) {
	if err := c.permitPatch(typ); err != nil {
		return nil, err
	}
	change, target := fhir.AddMeta, "META+ "
	if remove {
		change, target = fhir.RemoveMeta, "META- "
	}
	o := &op{verb: "PATCH", typ: typ, id: id, edit: func(before []byte) ([]byte, error) {
		after, _, err := change(before, meta)
		if err != nil {
			return nil, invalid(err)
		}
		return after, nil
	}}
	return s.one(ctx, c, o, &opt, s.idempotency(c, &opt, target+typ+"/"+id, meta))
}
