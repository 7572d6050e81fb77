package record

import (
	"context"
	"strings"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/index"
)

// Labels unites the profiles, tags and security labels of all resources of a type that the caller sees; of all types
// for an empty one ($meta, R4 OperationDefinition Resource-meta). The result is the JSON of a Meta.
func (s *Service) Labels(ctx context.Context, c *Caller, typ string) ([]byte, error) {
	types := []string{typ}
	if typ == "" {
		types = fhir.StorableTypes()
	} else {
		for _, i := range []Interaction{MaySearch, MayRead} {
			if err := c.permit(typ, i); err != nil {
				return nil, err
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.SearchTimeout)
	defer cancel()
	u := labelUnion{s: s, seen: map[string]bool{}}
	g := s.guard(c)
	for _, t := range types {
		if !c.Allows(t, MaySearch) || !c.Allows(t, MayRead) {
			continue
		}
		sc := &scan{s: s, g: g, view: s.view(), plan: index.TokenPlan(index.AllToken(s.sealer, t)), whole: true}
		if err := sc.run(ctx, 1, func(h *hit) (bool, error) { return true, u.add(ctx, h) }); err != nil {
			return nil, err
		}
	}
	if u.meta == nil {
		return []byte(`{}`), nil
	}
	return u.meta, nil
}

// labelUnion opens only those resources whose index rows have a label that no other had: most have the same ones.
type labelUnion struct {
	s    *Service
	seen map[string]bool
	meta []byte
}

func (u *labelUnion) add(ctx context.Context, h *hit) error {
	fresh := false
	for i := range h.row.Values {
		v := &h.row.Values[i]
		if code := v.Param.Code; code != "_tag" && code != "_security" && code != "_profile" {
			continue
		}
		key := strings.Join([]string{v.Param.Code, v.System, v.Code, v.Text, v.URI}, "\x00")
		fresh = fresh || !u.seen[key]
		u.seen[key] = true
	}
	if !fresh {
		return nil
	}
	r, err := u.s.openHit(ctx, h)
	if err != nil {
		return err
	}
	u.meta = fhir.MergeMeta(u.meta, fhir.MetaOf(r.JSON))
	return nil
}
