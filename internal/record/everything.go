package record

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/index"
)

// EverythingQuery asks for the record of a Patient or an Encounter.
type EverythingQuery struct {
	Type, ID   string
	Since      time.Time // updated at or after it; zero: all
	Types      []string  // of resources; none: all
	Start, End time.Time // of care, [Start, End); zero: open
	Count      int       // of a page, without what it includes
}

// Everything returns a Patient or an Encounter, what is in its compartment, and what that refers to (R4
// OperationDefinition Patient-everything, Encounter-everything). What is referred to is included on the page that
// refers to it, so that it may come once on each of several pages.
func (s *Service) Everything(ctx context.Context, c *Caller, q EverythingQuery) (*SearchPage, error) {
	if q.Count <= 0 {
		q.Count = DefaultCount
	}
	plain, err := json.Marshal(q)
	if err != nil {
		return nil, internalError("encode query", err)
	}
	return s.everythingFrom(ctx, c, q, &cursor{Kind: "everything", Type: q.Type, ID: q.ID, Query: string(plain), View: s.view()})
}

// EverythingNext continues at a cursor.
func (s *Service) EverythingNext(ctx context.Context, c *Caller, typ, id, sealed string) (*SearchPage, error) {
	cur, err := s.openCursor(c, "everything", typ, id, sealed)
	if err != nil {
		return nil, err
	}
	var q EverythingQuery
	if err := json.Unmarshal([]byte(cur.Query), &q); err != nil {
		return nil, internalError("decode query", err)
	}
	return s.everythingFrom(ctx, c, q, cur)
}

func (s *Service) everythingFrom(ctx context.Context, c *Caller, q EverythingQuery, cur *cursor) (*SearchPage, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.SearchTimeout)
	defer cancel()
	w := &everythingWalk{s: s, c: c, g: s.guard(c), q: &q, page: &SearchPage{Type: q.Type, Total: -1}, seen: map[string]bool{}}
	if err := w.focus(ctx, cur.Later); err != nil {
		return nil, err
	}
	sc := &scan{
		s: s, g: w.g, view: cur.View, pinned: cur.Later, whole: !q.Start.IsZero() || !q.End.IsZero(),
		plan: index.TokenPlan(index.CompartmentTokens(s.sealer, q.Type, q.ID, q.Types)...),
	}
	more := false
	err := sc.run(ctx, cur.After+1, func(h *hit) (bool, error) {
		if !q.wants(h.row) || !c.Allows(h.row.Type, MayRead) {
			return true, nil
		}
		if more = w.full(); more {
			return false, nil
		}
		r, err := s.openHit(ctx, h)
		if err != nil {
			return false, err
		}
		cur.After = h.doc.Doc
		return true, w.add(ctx, r)
	})
	if err != nil {
		return nil, err
	}
	page := w.page
	switch {
	case more:
		page.Next, err = s.sealCursor(c, cur)
	case !cur.Later:
		page.Total = len(page.Matches)
	}
	return page, err
}

// everythingWalk gathers one page.
type everythingWalk struct {
	s    *Service
	c    *Caller
	g    *guard
	q    *EverythingQuery
	page *SearchPage
	size int             // bytes on the page
	seen map[string]bool // Type/id of what is on the page, or was looked for
}

// focus puts the resource itself first. Later pages are for who may still see it.
func (w *everythingWalk) focus(ctx context.Context, later bool) error {
	r, err := w.s.Read(ctx, w.c, w.q.Type, w.q.ID)
	if err != nil {
		return err
	}
	w.seen[r.Type+"/"+r.ID] = true
	if later || !w.q.wantsType(r.Type) || r.LastUpdated.Before(w.q.Since) {
		return nil
	}
	return w.add(ctx, r)
}

// maxIncluded ends a page early.
const maxIncluded = 1000

func (w *everythingWalk) full() bool {
	return len(w.page.Matches) >= w.q.Count || len(w.page.Included) >= maxIncluded || w.size >= maxPage
}

// add puts a match on the page, and what it refers to outside of the compartment. What lies in the compartment of a
// Patient comes by itself, and what lies in that of another one stays away.
func (w *everythingWalk) add(ctx context.Context, r *Result) error {
	name := r.Type + "/" + r.ID
	w.page.Included = slices.DeleteFunc(w.page.Included, func(in *Result) bool { return in.Type+"/"+in.ID == name })
	w.page.Matches = append(w.page.Matches, r)
	w.size += len(r.JSON)
	w.seen[name] = true
	return fhir.EachReference(r.JSON, func(ref string) error {
		_, typ, id, _, ok := fhir.SplitReference(strings.TrimPrefix(ref, w.s.cfg.Base+"/"))
		if !ok || w.seen[typ+"/"+id] || !w.q.wantsType(typ) {
			return nil
		}
		if w.q.Type == "Patient" && (typ == "Patient" || fhir.CompartmentParams("Patient", typ) != nil) {
			return nil
		}
		w.seen[typ+"/"+id] = true
		included, err := w.referred(ctx, typ, id)
		if included != nil {
			w.page.Included = append(w.page.Included, included)
			w.size += len(included.JSON)
		}
		return err
	})
}

// referred opens the target of a reference; nil if it is not there for this caller, or is not asked for.
func (w *everythingWalk) referred(ctx context.Context, typ, id string) (*Result, error) {
	if !w.c.Allows(typ, MayRead) {
		return nil, nil //nolint:nilnil // documented
	}
	res := w.s.resourceToken(typ, id)
	h, err := w.s.visible(ctx, w.s.view(), res)
	if err != nil || h.Deleted {
		return nil, ignoreAbsent(err)
	}
	if ok, err := w.s.mayVersion(ctx, w.g, h.Doc, h.Handle); err != nil || !ok {
		return nil, err
	}
	r, err := w.s.before(ctx, typ, id, &h)
	if err != nil || r.LastUpdated.Before(w.q.Since) {
		return nil, err
	}
	discloseHead(ctx, res, &h)
	return r, nil
}

func (q *EverythingQuery) wantsType(typ string) bool {
	return len(q.Types) == 0 || slices.Contains(q.Types, typ)
}

// wants decides by the row. The focus is on the first page already. A resource without a date of care is in any range.
func (q *EverythingQuery) wants(row *index.Row) bool {
	if row.Type == q.Type && row.ID == q.ID || row.LastUpdated.Before(q.Since) {
		return false
	}
	dated := false
	for i := range row.Values {
		v := &row.Values[i]
		if v.Kind != fhir.ValueDate || slices.Contains(notOfCare, v.Param.Code) {
			continue
		}
		dated = true
		if (q.End.IsZero() || v.Low.IsZero() || v.Low.Before(q.End)) && (q.Start.IsZero() || v.High.IsZero() || v.High.After(q.Start)) {
			return true
		}
	}
	return !dated
}

// notOfCare are search parameters whose dates do not say when care was given.
var notOfCare = []string{"_lastUpdated", "birthdate", "death-date", "value-date"}
