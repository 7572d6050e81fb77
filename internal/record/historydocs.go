package record

import (
	"context"
	"errors"

	"github.com/chartseal/chartseal/internal/index"
	"github.com/chartseal/chartseal/internal/store"
)

// documents walks index documents downwards, newest first. next is false when there is none left, or err tells why.
type documents interface {
	next(ctx context.Context) bool
	doc() store.DocID
	err() error
	close() error
}

// documents chooses the way through a history, from the highest document at or below a bound.
func (w *historyWalk) documents(ctx context.Context, below store.DocID) (documents, error) {
	switch {
	case w.q.ID != "":
		return w.versionDocs(ctx, below)
	case w.q.Type != "":
		return w.s.typeDocs(ctx, w.q.Type, below)
	}
	highest, err := w.s.store.MaxDoc(ctx)
	if err != nil {
		return nil, internalError("read documents", err)
	}
	return &allDocs{cur: min(highest, below) + 1}, nil
}

// versionDocs are those of one resource.
type versionDocs struct {
	s      *Service
	res    token
	left   uint64 // versions to look at
	cur    store.DocID
	failed error
}

func (w *historyWalk) versionDocs(ctx context.Context, below store.DocID) (documents, error) {
	res := w.s.resourceToken(w.q.Type, w.q.ID)
	h, err := w.s.visible(ctx, w.view, res)
	if err != nil {
		return nil, absentOr(err, "read head")
	}
	v := &versionDocs{s: w.s, res: res, left: h.Version}
	if below >= h.Doc {
		return v, nil
	}
	last, err := w.s.store.Doc(ctx, below+1) // where the page before ended
	if err != nil {
		return nil, internalError("read document", err)
	}
	v.left = last.Version - 1
	return v, nil
}

func (v *versionDocs) next(ctx context.Context) bool {
	for v.left > 0 {
		ver, err := v.s.store.Version(ctx, v.res, v.left)
		v.left--
		if errors.Is(err, store.ErrAbsent) {
			continue
		}
		if err != nil {
			v.failed = err
			return false
		}
		v.cur = ver.Doc
		return true
	}
	return false
}

func (v *versionDocs) doc() store.DocID { return v.cur }
func (v *versionDocs) err() error       { return v.failed }
func (v *versionDocs) close() error     { return nil }

// allDocs are all of the store.
type allDocs struct{ cur store.DocID }

func (a *allDocs) next(context.Context) bool {
	if a.cur > 0 {
		a.cur--
	}
	return a.cur > 0
}

func (a *allDocs) doc() store.DocID { return a.cur }
func (a *allDocs) err() error       { return nil }
func (a *allDocs) close() error     { return nil }

// mergedDocs unites posting lists.
type mergedDocs struct {
	lists []*descList
	cur   store.DocID
}

// descList is a posting list with the document that it stands at; 0 at its end.
type descList struct {
	store.PostingDescIter

	at store.DocID
}

func (l *descList) stand(ok bool) {
	l.at = 0
	if ok {
		l.at = l.Doc()
	}
}

func (s *Service) typeDocs(ctx context.Context, typ string, below store.DocID) (documents, error) {
	m := &mergedDocs{}
	for _, tok := range []token{index.AllToken(s.sealer, typ), index.DeletedToken(s.sealer, typ)} {
		it, err := s.store.PostingsDesc(ctx, tok)
		if err != nil {
			return nil, errors.Join(internalError("history", err), m.close())
		}
		l := &descList{PostingDescIter: it}
		l.stand(it.SeekLE(below))
		m.lists = append(m.lists, l)
	}
	return m, nil
}

func (m *mergedDocs) next(context.Context) bool {
	before := m.cur
	m.cur = 0
	for _, l := range m.lists {
		if l.at == before && before != 0 {
			l.stand(l.Next())
		}
		m.cur = max(m.cur, l.at)
	}
	return m.cur > 0 && m.err() == nil // a list that broke off must not look like one at its end
}

func (m *mergedDocs) doc() store.DocID { return m.cur }

func (m *mergedDocs) err() error {
	for _, l := range m.lists {
		if err := l.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (m *mergedDocs) close() error {
	var errs []error
	for _, l := range m.lists {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}
