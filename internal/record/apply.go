package record

import (
	"context"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// apply drafts one op.
func (w *work) apply(ctx context.Context, o *op) error {
	if o.exists != nil {
		o.status = 200
		return nil
	}
	if w.ready != nil {
		if err := w.ready(ctx, o); err != nil {
			return err
		}
	}
	switch o.verb {
	case "POST":
		return w.create(ctx, o)
	case "PUT":
		return w.put(ctx, o)
	case "PATCH":
		return w.patch(ctx, o)
	}
	return w.remove(ctx, o)
}

func (w *work) create(ctx context.Context, o *op) error {
	if err := w.s.custody(ctx, w.c, o.res, o.id); err != nil {
		return err
	}
	o.status = 201
	return w.draft(ctx, o, &change{typ: o.typ, id: o.id, res: o.res, activity: "create", method: o.verb})
}

// draft adds a version to the unit and to the op's results.
func (w *work) draft(ctx context.Context, o *op, c *change) error {
	c.at = w.at
	if err := w.refers(ctx, c); err != nil {
		return err
	}
	r, err := w.s.draft(ctx, w.u, w.c, c)
	if err != nil {
		return err
	}
	o.results = append(o.results, r)
	if o.entry != nil {
		o.res = nil // ten thousand entries are not kept parsed
	}
	return nil
}

func (w *work) put(ctx context.Context, o *op) error {
	if o.cond == nil {
		if err := checkBodyID(o.res, o.id); err != nil {
			return err
		}
	}
	if fhir.Subsetted(o.res.JSON) {
		return fail(Unprocessable, "the resource is marked SUBSETTED: it is a summary, and would overwrite what it leaves out")
	}
	var prev *store.Head
	if !o.fresh {
		var err error
		if prev, err = w.s.current(ctx, w.c, w.s.resourceToken(o.typ, o.id)); err != nil {
			return err
		}
	}
	if o.cond != nil && len(o.hits) == 0 && prev != nil && !prev.Deleted {
		return fail(Conflict, "the resource with this id exists and does not match the condition")
	}
	if err := w.preconditions(o, prev); err != nil {
		return err
	}
	return w.replace(ctx, o, prev)
}

// replace drafts a whole new version. Tags and security labels of the one before survive an update that omits them
// (facade design; R4 section 2.26.3.2): only $meta-delete and a patch take them away.
func (w *work) replace(ctx context.Context, o *op, prev *store.Head) error {
	c := &change{typ: o.typ, id: o.id, res: o.res, prev: prev, activity: "update", method: o.verb}
	o.status = 200
	if prev == nil || prev.Deleted {
		c.activity, o.status = "create", 201
	}
	if err := w.keepLabels(ctx, c); err != nil {
		return err
	}
	if err := w.s.custody(ctx, w.c, c.res, o.id); err != nil {
		return err
	}
	if prev != nil && o.typ == "Consent" && !w.c.staff() {
		if err := w.s.ownConsent(w.c, prev); err != nil {
			return err
		}
	}
	if err := w.draft(ctx, o, c); err != nil || prev == nil {
		return err
	}
	return w.veil(ctx, o.result(), prev) // labels may have come from what the caller may not see
}

func (w *work) keepLabels(ctx context.Context, c *change) error {
	if c.prev == nil {
		return nil
	}
	before, err := w.s.before(ctx, c.typ, c.id, c.prev)
	if err != nil {
		return err
	}
	merged, kept := fhir.KeepLabels(c.res.JSON, before.JSON)
	if !kept {
		return nil
	}
	if c.res, err = w.s.parse(c.typ, merged); err != nil {
		return unprocessable(err) // the labels bring it over a limit
	}
	return nil
}

// before is the newest version that has content: for a deleted resource the one that was deleted.
func (s *Service) before(ctx context.Context, typ, id string, h *store.Head) (*Result, error) {
	n := h.Version
	if h.Deleted {
		n--
	}
	v, err := s.store.Version(ctx, s.resourceToken(typ, id), n)
	if err != nil {
		return nil, internalError("read version", err)
	}
	r, err := s.openVersion(typ, id, v)
	if err != nil {
		return nil, internalError("open version", err)
	}
	return r, nil
}

// remove marks what the op names as deleted. What is not there is no error (R4 section 3.1.0.7).
func (w *work) remove(ctx context.Context, o *op) error {
	ids := o.hits
	if o.cond == nil {
		ids = []string{o.id}
	}
	o.status = 204
	for _, id := range ids {
		prev, err := w.s.current(ctx, w.c, w.s.resourceToken(o.typ, id))
		if err != nil {
			return err
		}
		if err := w.preconditions(o, prev); err != nil {
			return err
		}
		if prev == nil || prev.Deleted {
			continue
		}
		if o.typ == "Consent" && !w.c.staff() {
			if err := w.s.ownConsent(w.c, prev); err != nil {
				return err
			}
		}
		if err := w.draft(ctx, o, &change{typ: o.typ, id: id, prev: prev, activity: "delete", method: "DELETE"}); err != nil {
			return err
		}
	}
	return nil
}
