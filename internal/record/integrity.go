package record

import (
	"context"
	"errors"
	"strings"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/index"
	"github.com/chartseal/chartseal/internal/store"
)

// refers enforces referential integrity where the configuration asks for it (CapabilityStatement
// rest.resource.referencePolicy "enforced"): a literal reference of ours leads to something that is there, and what is
// referred to stays. Two requests that break it together, each alone being right, are not noticed.
func (w *work) refers(ctx context.Context, c *change) error {
	switch {
	case !w.s.cfg.StrictReferences:
		return nil
	case c.res == nil:
		return w.unreferenced(ctx, c)
	}
	return fhir.EachReference(c.res.JSON, func(ref string) error {
		base, typ, id, _, ok := fhir.SplitReference(strings.TrimPrefix(ref, w.s.cfg.Base+"/"))
		if !ok || base != "" || typ == c.typ && id == c.id {
			return nil
		}
		if o := w.about[typ+"/"+id]; o != nil && o.verb != "DELETE" {
			return nil // it is there when this is
		} else if o == nil {
			if there, err := w.has(ctx, typ, id); there || err != nil {
				return err
			}
		}
		return fail(Unprocessable, "a reference leads to a %s that this server does not have", typ)
	})
}

// has tells whether a resource is there, for this caller: a reference must not find out what a read does not tell.
func (w *work) has(ctx context.Context, typ, id string) (bool, error) {
	h, err := w.s.visible(ctx, w.s.view(), w.s.resourceToken(typ, id))
	switch {
	case errors.Is(err, store.ErrAbsent):
		return false, nil
	case err != nil:
		return false, internalError("read head", err)
	case h.Deleted || w.c.staff():
		return !h.Deleted, nil
	}
	return w.s.mayVersion(ctx, w.s.guard(w.c), h.Doc, h.Handle)
}

// unreferenced refuses to delete what others refer to by a search parameter.
func (w *work) unreferenced(ctx context.Context, c *change) error {
	for _, tok := range index.ReferrerTokens(w.s.sealer, c.typ, c.id) {
		sc := &scan{s: w.s, view: w.s.view(), plan: index.TokenPlan(tok)}
		referred := false
		err := sc.run(ctx, 1, func(h *hit) (bool, error) {
			own := h.row.Type == c.typ && h.row.ID == c.id
			referred = !own && w.about[h.row.Type+"/"+h.row.ID] == nil // what this unit changes is asked then
			return !referred, nil
		})
		if err != nil {
			return err
		}
		if referred {
			return fail(Conflict, "other resources refer to this one; delete or change them first, or all together in a transaction")
		}
	}
	return nil
}
