package record

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/chartseal/chartseal/consent"
	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/index"
	"github.com/chartseal/chartseal/internal/store"
)

// SearchPage is one page of matches.
type SearchPage struct {
	Type     string
	Matches  []*Result
	Included []*Result  // what the matches refer to (search mode include)
	Total    int        // matches that the caller may see; -1 if the page does not hold them all
	Used     url.Values // parameters that were understood, for the self link
	Ignored  []string   // parameters that were not
	Next     string     // cursor of the next page, empty if there is none
}

// maxPage ends a page early, in bytes of resources: it is held in memory.
const maxPage = 16 << 20

// DefaultCount is the page size when the client names none.
const DefaultCount = 50

// Search finds resources of a type (R4 section 3.1.1). What the caller may not see is neither returned nor counted.
func (s *Service) Search(ctx context.Context, c *Caller, typ string, values url.Values, strict bool) (*SearchPage, error) {
	if err := c.permit(typ, MaySearch); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.SearchTimeout)
	defer cancel()
	return s.searchFrom(ctx, c, &cursor{Type: typ, Query: values.Encode(), View: s.view()}, strict)
}

// SearchNext continues a search at a cursor: as of the state that the first page saw, without what was deleted
// or withdrawn from this caller since.
func (s *Service) SearchNext(ctx context.Context, c *Caller, typ, sealed string) (*SearchPage, error) {
	cur, err := s.openCursor(c, "", typ, "", sealed)
	if err != nil {
		return nil, err
	}
	if err := c.permit(cur.Type, MaySearch); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.SearchTimeout)
	defer cancel()
	return s.searchFrom(ctx, c, cur, false)
}

func (s *Service) searchFrom(ctx context.Context, c *Caller, cur *cursor, strict bool) (*SearchPage, error) {
	values, err := url.ParseQuery(cur.Query)
	if err != nil {
		return nil, internalError("decode query", err)
	}
	q, err := s.parseQuery(cur.Type, values, strict)
	if err != nil {
		return nil, err
	}
	count := q.Count
	if count < 0 {
		count = DefaultCount
	}
	page := &SearchPage{Type: cur.Type, Total: -1, Used: q.Used, Ignored: q.Ignored}
	first := !cur.Later
	more, counted, size := false, 0, 0
	sc := &scan{s: s, g: s.guard(c), view: cur.View, plan: q.Plan(s.sealer), pinned: !first}
	err = sc.run(ctx, cur.After+1, func(h *hit) (bool, error) {
		counted++
		if count == 0 {
			return true, nil // _count=0 asks for the number alone
		}
		if len(page.Matches) >= count || size >= maxPage {
			more = true
			return false, nil
		}
		r, err := s.openHit(ctx, h)
		if err != nil {
			return false, err
		}
		page.Matches = append(page.Matches, r)
		size += len(r.JSON)
		cur.After = h.doc.Doc
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	switch {
	case more:
		if page.Next, err = s.sealCursor(c, cur); err != nil {
			return nil, err
		}
	case first:
		page.Total = counted
	}
	return page, nil
}

func (s *Service) parseQuery(typ string, values url.Values, strict bool) (*index.Query, error) {
	q, err := index.ParseQuery(typ, values, index.Options{Base: s.cfg.Base, Location: time.UTC, Strict: strict})
	var qe *index.QueryError
	if errors.As(err, &qe) {
		return nil, fail(Invalid, "%s", qe.Error())
	}
	return q, err
}

// hit is a version that matches and that the caller may see.
type hit struct {
	doc *store.Doc
	row *index.Row
}

// scan runs a plan and keeps what is visible, newest, permitted and matching.
type scan struct {
	s      *Service
	g      *guard // nil: all data, for conditions of the custodian's own clients
	view   view
	plan   *index.Plan
	pinned bool // a later page: also check the state of now
	whole  bool // open rows with their search values
}

// Postings and VisibleDoc make a scan the source of its plan.
func (sc *scan) Postings(ctx context.Context, t store.Token) (store.PostingIter, error) {
	return sc.s.store.Postings(ctx, t)
}

// VisibleDoc is the document of the newest version that this search sees.
func (sc *scan) VisibleDoc(ctx context.Context, res store.Token) (store.DocID, error) {
	h, err := sc.s.visible(ctx, sc.view, res)
	return h.Doc, err
}

func (sc *scan) run(ctx context.Context, from store.DocID, f func(*hit) (bool, error)) (err error) {
	it, err := sc.plan.Run(ctx, sc)
	if err != nil {
		return internalError("search", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.Seek(from) {
		from = it.Doc() + 1
		if err := ctx.Err(); err != nil {
			return &Error{Kind: Unavailable, Msg: "the search took too long; narrow it", err: err}
		}
		h, err := sc.look(ctx, it.Doc())
		if err != nil {
			return err
		}
		if h == nil {
			continue
		}
		if more, err := f(h); err != nil || !more {
			return err
		}
	}
	if err := it.Err(); err != nil {
		return internalError("search", err)
	}
	return nil
}

// look decides on one candidate; nil if it is not a match for this caller.
func (sc *scan) look(ctx context.Context, d store.DocID) (*hit, error) {
	doc, err := sc.s.store.Doc(ctx, d)
	if err != nil {
		return nil, internalError("read document", err)
	}
	if !sc.view.sees(doc.Pos) || doc.Deleted {
		return nil, nil //nolint:nilnil // documented
	}
	newest, err := sc.s.visible(ctx, sc.view, doc.Resource)
	if err != nil {
		return nil, internalError("read head", err)
	}
	if newest.Version != doc.Version {
		return nil, nil //nolint:nilnil // documented
	}
	h := &hit{doc: doc}
	open := sc.s.openWholeRow
	if sc.plan.Exact() && !sc.whole {
		open = sc.s.openRow
	}
	if h.row, err = open(doc); err != nil {
		return nil, internalError("open row", err)
	}
	if !sc.plan.Exact() && !sc.plan.Matches(h.row) {
		return nil, nil //nolint:nilnil // documented
	}
	ok, err := sc.permitted(ctx, h)
	if err != nil || !ok {
		return nil, err
	}
	return h, nil
}

func (sc *scan) permitted(ctx context.Context, h *hit) (bool, error) {
	if sc.g == nil {
		return true, nil
	}
	ok, err := sc.g.may(ctx, h.doc.Handle, func() (consent.Resource, error) { return rowAttributes(h.row), nil })
	if err != nil || !ok || !sc.pinned {
		return ok, err
	}
	now, err := sc.s.visible(ctx, sc.s.view(), h.doc.Resource)
	if err != nil {
		return false, internalError("read head", err)
	}
	if now.Deleted {
		return false, nil
	}
	if now.Version == h.doc.Version {
		return true, nil
	}
	return sc.s.mayVersion(ctx, sc.g, now.Doc, now.Handle) // it changed since the first page
}

// rowAttributes are what a consent may ask of a resource.
func rowAttributes(r *index.Row) consent.Resource {
	out := consent.Resource{
		Ref: r.Type + "/" + r.ID, Type: r.Type, Authors: r.Authors, RelatedTo: r.Related,
		Created: r.Created, LastUpdated: r.LastUpdated,
		Security: consentCodings(r.Security), Codes: consentCodings(r.Codes), Classes: consentCodings(r.Classes),
	}
	return out
}

func consentCodings(list []fhir.Coding) []consent.Coding {
	if len(list) == 0 {
		return nil
	}
	out := make([]consent.Coding, len(list))
	for i, c := range list {
		out[i] = consent.Coding(c)
	}
	return out
}

func (s *Service) openHit(ctx context.Context, h *hit) (*Result, error) {
	v, err := s.store.Version(ctx, h.doc.Resource, h.doc.Version)
	if err != nil {
		return nil, internalError("read version", err)
	}
	disclose(ctx, v)
	r, err := s.openVersion(h.row.Type, h.row.ID, v)
	if err != nil {
		return nil, internalError("open version", err)
	}
	return r, nil
}

// MaxCount is the largest page.
const MaxCount = index.MaxCount

// SearchParams lists the search parameters of a type that are indexed.
func SearchParams(typ string) []*fhir.Param { return index.Params(typ) }
