package record

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/chartseal/chartseal/internal/index"
	"github.com/chartseal/chartseal/internal/store"
)

// HistoryQuery asks for versions: of one resource, of a type (no ID), or of all (no Type).
type HistoryQuery struct {
	Type, ID string
	Since    time.Time // made at or after it; zero: all
	// AtLow and AtHigh: current at some time in [AtLow, AtHigh); zero: open.
	AtLow, AtHigh time.Time
	Count         int // of a page; 0: DefaultCount
}

// HistoryPage is one page of versions, newest first, deletions included.
type HistoryPage struct {
	Versions []*Result
	Query    HistoryQuery
	Total    int    // versions that the caller may see; -1 if the page does not hold them all
	Next     string // cursor of the next page, empty if there is none
}

// History lists versions (R4 section 3.1.0.14).
func (s *Service) History(ctx context.Context, c *Caller, q HistoryQuery) (*HistoryPage, error) {
	if q.ID != "" {
		if _, _, err := s.readVersion(ctx, c, q.Type, q.ID, 0); err != nil {
			return nil, err
		}
	}
	if q.Count <= 0 {
		q.Count = DefaultCount
	}
	plain, err := json.Marshal(q)
	if err != nil {
		return nil, internalError("encode query", err)
	}
	return s.historyFrom(ctx, c, q, &cursor{Kind: "history", Type: q.Type, ID: q.ID, Query: string(plain), View: s.view()})
}

// HistoryNext continues a history at a cursor, as of the state that the first page saw.
func (s *Service) HistoryNext(ctx context.Context, c *Caller, typ, id, sealed string) (*HistoryPage, error) {
	cur, err := s.openCursor(c, "history", typ, id, sealed)
	if err != nil {
		return nil, err
	}
	var q HistoryQuery
	if err := json.Unmarshal([]byte(cur.Query), &q); err != nil {
		return nil, internalError("decode query", err)
	}
	if q.ID != "" {
		if _, _, err := s.readVersion(ctx, c, q.Type, q.ID, 0); err != nil {
			return nil, err // withdrawn since the page before
		}
	}
	return s.historyFrom(ctx, c, q, cur)
}

func (s *Service) historyFrom(ctx context.Context, c *Caller, q HistoryQuery, cur *cursor) (_ *HistoryPage, err error) {
	if q.Type != "" {
		if err := c.permit(q.Type, MayRead); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.SearchTimeout)
	defer cancel()
	walk := &historyWalk{s: s, c: c, g: s.guard(c), q: q, view: cur.View}
	below := ^store.DocID(0)
	if cur.Later {
		below = cur.After - 1
	}
	docs, err := walk.documents(ctx, below)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, docs.close()) }()
	page, size := &HistoryPage{Query: q, Total: -1}, 0
	for !walk.over && docs.next(ctx) {
		d := docs.doc()
		if err := ctx.Err(); err != nil {
			return nil, &Error{Kind: Unavailable, Msg: "the history took too long; narrow it with _since or a smaller _count", err: err}
		}
		r, err := walk.look(ctx, d)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		if len(page.Versions) == q.Count || size >= maxPage {
			page.Next, err = s.sealCursor(c, cur)
			return page, err
		}
		page.Versions = append(page.Versions, r)
		size += len(r.JSON)
		cur.After = d
	}
	if err := docs.err(); err != nil {
		return nil, internalError("history", err)
	}
	if !cur.Later {
		page.Total = len(page.Versions)
	}
	return page, nil
}

// historyWalk decides which documents belong to a history.
type historyWalk struct {
	s    *Service
	c    *Caller
	g    *guard
	q    HistoryQuery
	view view
	over bool // everything that is left is older than Since
}

// look opens the version of a document; nil if it is not for this history or this caller.
func (w *historyWalk) look(ctx context.Context, d store.DocID) (*Result, error) {
	doc, err := w.s.store.Doc(ctx, d)
	if err != nil || !w.view.sees(doc.Pos) {
		return nil, ignoreAbsent(err)
	}
	row, err := w.s.openRow(doc)
	if err != nil {
		return nil, internalError("open row", err)
	}
	if ok, err := w.wanted(ctx, doc, row); err != nil || !ok {
		return nil, err
	}
	if ok, err := w.permitted(ctx, doc, row); err != nil || !ok {
		return nil, err
	}
	v, err := w.s.store.Version(ctx, doc.Resource, doc.Version)
	if err != nil || v.Doc != d { // staged again by a later batch: that document counts
		return nil, ignoreAbsent(err)
	}
	disclose(ctx, v)
	r, err := w.s.openVersion(row.Type, row.ID, v)
	if err != nil {
		return nil, internalError("open version", err)
	}
	return r, nil
}

func ignoreAbsent(err error) error {
	if err == nil || errors.Is(err, store.ErrAbsent) {
		return nil
	}
	return internalError("read", err)
}

// wanted decides by time. Documents are in the order of staging, which a write reaches within its time-out, so that
// beyond twice that nothing newer than Since follows.
func (w *historyWalk) wanted(ctx context.Context, doc *store.Doc, row *index.Row) (bool, error) {
	if !w.q.Since.IsZero() && row.LastUpdated.Before(w.q.Since) {
		w.over = row.LastUpdated.Before(w.q.Since.Add(-2 * w.s.cfg.CommitTimeout))
		return false, nil
	}
	if w.q.AtLow.IsZero() && w.q.AtHigh.IsZero() {
		return true, nil
	}
	if !w.q.AtHigh.IsZero() && !row.LastUpdated.Before(w.q.AtHigh) {
		return false, nil
	}
	until, ended, err := w.replacedAt(ctx, doc)
	return err == nil && (!ended || until.After(w.q.AtLow)), err
}

// replacedAt is when the version ceased to be the current one.
func (w *historyWalk) replacedAt(ctx context.Context, doc *store.Doc) (at time.Time, ended bool, err error) {
	next, err := w.s.store.Version(ctx, doc.Resource, doc.Version+1)
	if err != nil || !w.view.sees(next.Pos) {
		return at, false, ignoreAbsent(err)
	}
	nextDoc, err := w.s.store.Doc(ctx, next.Doc)
	if err != nil {
		return at, false, internalError("read document", err)
	}
	row, err := w.s.openRow(nextDoc)
	if err != nil {
		return at, false, internalError("open row", err)
	}
	return row.LastUpdated, true, nil
}

// permitted: the caller sees this version and, as of now, the current one.
func (w *historyWalk) permitted(ctx context.Context, doc *store.Doc, row *index.Row) (bool, error) {
	if !w.c.Allows(row.Type, MayRead) || (w.q.ID == "" && !w.c.Allows(row.Type, MaySearch)) {
		return false, nil
	}
	ok, err := w.s.mayVersion(ctx, w.g, doc.Doc, doc.Handle)
	if err != nil || !ok {
		return false, err
	}
	now, err := w.s.visible(ctx, w.s.view(), doc.Resource)
	if err != nil {
		return false, internalError("read head", err)
	}
	if now.Doc == doc.Doc {
		return true, nil
	}
	return w.s.mayVersion(ctx, w.g, now.Doc, now.Handle)
}
