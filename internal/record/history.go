package record

import (
	"context"
)

// HistoryPage is one page of a resource's versions, newest first, deletions included.
type HistoryPage struct {
	Versions []*Result
	Methods  []string // how each came about: POST, PUT or DELETE
	Total    int      // versions that the caller may see; set on a page that holds them all, else -1
	Next     uint64   // version at which the next page starts; 0: none
}

// History lists the versions of one resource (R4 section 3.1.0.14), at most count, from version `from` downwards
// (0: from the newest).
func (s *Service) History(ctx context.Context, c *Caller, typ, id string, from uint64, count int) (*HistoryPage, error) {
	_, head, err := s.readVersion(ctx, c, typ, id, 0)
	if err != nil {
		return nil, err
	}
	if from == 0 || from > head.Version {
		from = head.Version
	}
	page := &HistoryPage{Total: -1}
	g := s.guard(c)
	for n := from; n > 0; n-- {
		if len(page.Versions) == count {
			page.Next = n
			return page, nil
		}
		if err := s.historyEntry(ctx, g, typ, id, n, page); err != nil {
			return nil, err
		}
	}
	if from == head.Version {
		page.Total = len(page.Versions)
	}
	return page, nil
}

func (s *Service) historyEntry(ctx context.Context, g *guard, typ, id string, n uint64, page *HistoryPage) error {
	v, err := s.store.Version(ctx, s.resourceToken(typ, id), n)
	if err != nil {
		return internalError("read version", err)
	}
	ok, err := s.mayVersion(ctx, g, v.Doc, v.Handle)
	if err != nil || !ok {
		return err
	}
	r, err := s.openVersion(typ, id, v)
	if err != nil {
		return internalError("open version", err)
	}
	method := "PUT"
	switch {
	case v.Deleted:
		method = "DELETE"
	case n == 1:
		method = "POST"
	}
	page.Versions = append(page.Versions, r)
	page.Methods = append(page.Methods, method)
	return nil
}
