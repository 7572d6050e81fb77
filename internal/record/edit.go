package record

import (
	"bytes"
	"context"
	"slices"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// patch edits the current version (R4 section 3.1.0.6). It reads, so it is for those who may see the resource.
func (w *work) patch(ctx context.Context, o *op) error {
	prev, err := w.s.current(ctx, w.c, w.s.resourceToken(o.typ, o.id))
	if err != nil {
		return err
	}
	if prev == nil {
		return errAbsent
	}
	if ok, err := w.s.mayVersion(ctx, w.s.guard(w.c), prev.Doc, prev.Handle); err != nil {
		return err
	} else if !ok {
		return errAbsent
	}
	if prev.Deleted {
		return errGone
	}
	discloseHead(ctx, w.s.resourceToken(o.typ, o.id), prev)
	if err := w.preconditions(o, prev); err != nil {
		return err
	}
	before, err := w.s.before(ctx, o.typ, o.id, prev)
	if err != nil {
		return err
	}
	after, err := o.edit(before.JSON)
	if err != nil {
		return err
	}
	o.status = 200
	if bytes.Equal(after, before.JSON) {
		o.exists = before // nothing to record
		return w.refers(ctx, &change{typ: o.typ, id: o.id, res: &fhir.Resource{Type: o.typ, JSON: after}})
	}
	if o.res, err = w.s.parse(o.typ, after); err != nil {
		return unprocessable(err)
	}
	if o.res.ID != o.id {
		return fail(Unprocessable, "the id of a resource cannot be changed")
	}
	if err := w.edited(ctx, o, prev); err != nil {
		return err
	}
	return w.draft(ctx, o, &change{typ: o.typ, id: o.id, res: o.res, prev: prev, activity: "update", method: "PUT"})
}

// edited decides whether the caller may record what its patch made.
func (w *work) edited(ctx context.Context, o *op, prev *store.Head) error {
	if err := w.s.custody(ctx, w.c, o.res, o.id); err != nil || w.c.staff() {
		return err
	}
	if o.typ == "Consent" {
		if err := w.s.ownConsent(w.c, prev); err != nil {
			return err
		}
	}
	doc, err := w.s.store.Doc(ctx, prev.Doc)
	if err != nil {
		return internalError("read row", err)
	}
	row, err := w.s.openRow(doc)
	if err != nil {
		return internalError("open row", err)
	}
	left := fhir.SecurityLabels(o.res)
	for _, label := range row.Security {
		if !slices.Contains(left, label) {
			return fail(Forbidden, "only the custodian's staff may take a security label away")
		}
	}
	return nil
}
