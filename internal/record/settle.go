package record

import (
	"context"

	"github.com/chartseal/chartseal/internal/store"
)

// settle decides which resource an op is about, by what its condition found under lock.
func (w *work) settle(ctx context.Context, o *op) error {
	if o.cond == nil {
		return nil // the id is the URL's, or new
	}
	switch o.verb {
	case "POST":
		return w.settlePost(ctx, o)
	case "PUT":
		return w.settlePut(o)
	case "PATCH":
		if len(o.hits) == 0 {
			return fail(Absent, "no resource matches the condition")
		}
		if len(o.hits) > 1 {
			return errSeveral
		}
		o.id = o.hits[0]
	default:
		if len(o.hits) > 1 && !w.s.cfg.DeleteMany {
			return errSeveral
		}
		if len(o.hits) > maxDeletes {
			return fail(TooLarge, "the condition matches more than %d resources; narrow it", maxDeletes)
		}
	}
	return nil
}

var errSeveral = &Error{Kind: Precondition, Code: "multiple-matches", Msg: "several resources match the condition"}

// settlePost implements If-None-Exist (R4 section 3.1.0.8.1): the one match is the answer.
func (w *work) settlePost(ctx context.Context, o *op) error {
	if len(o.hits) > 1 {
		return errSeveral
	}
	if len(o.hits) == 0 {
		return nil
	}
	h, err := w.s.visible(ctx, w.s.view(), w.s.resourceToken(o.typ, o.hits[0]))
	if err != nil {
		return internalError("read head", err)
	}
	if o.exists, err = w.s.before(ctx, o.typ, o.hits[0], &h); err != nil {
		return err
	}
	o.id = o.hits[0]
	return w.veil(ctx, o.exists, &h)
}

// settlePut implements the cases of a conditional update (R4 section 3.1.0.5.3).
func (w *work) settlePut(o *op) error {
	switch {
	case len(o.hits) > 1:
		return errSeveral
	case len(o.hits) == 1 && o.sent != "" && o.sent != o.hits[0]:
		return fail(Invalid, "the resource's id is not that of the resource that matches the condition")
	case len(o.hits) == 1:
		o.id = o.hits[0]
		return nil
	case o.sent != "":
		o.id = o.sent
		return nil
	}
	o.id, o.fresh = newID(), true
	return w.c.permit(o.typ, MayCreate)
}

// veil takes the content from a result that rests on what is stored, for a caller who may not see that.
func (w *work) veil(ctx context.Context, r *Result, h *store.Head) error {
	ok := w.c.Allows(r.Type, MayRead)
	if ok {
		var err error
		if ok, err = w.s.mayVersion(ctx, w.s.guard(w.c), h.Doc, h.Handle); err != nil {
			return err
		}
	}
	if !ok {
		r.JSON = nil
		return nil
	}
	discloseHead(ctx, w.s.resourceToken(r.Type, r.ID), h)
	return nil
}
