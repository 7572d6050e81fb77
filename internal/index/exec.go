package index

import (
	"context"
	"errors"

	"github.com/chartseal/chartseal/internal/store"
)

// Source is what a plan reads: postings, and which version of a resource the reader sees.
type Source interface {
	Postings(ctx context.Context, token store.Token) (store.PostingIter, error)
	// VisibleDoc is the document of the newest version that this reader sees, or store.ErrAbsent.
	VisibleDoc(ctx context.Context, resource store.Token) (store.DocID, error)
}

// Candidates walks the documents of a plan upwards. A document may be superseded, invisible or denied: the
// caller looks, and asks Matches unless the plan is exact.
type Candidates struct{ it iterator }

// Run opens the postings of the plan. The caller closes the result.
func (p *Plan) Run(ctx context.Context, src Source) (*Candidates, error) {
	it, err := open(ctx, src, p.root)
	if err != nil {
		return nil, err
	}
	return &Candidates{it}, nil
}

// Seek moves to the first candidate at or above doc; false: there is none, or Err tells why.
func (c *Candidates) Seek(doc store.DocID) bool { return c.it.seek(doc) }

// Doc is the current candidate; valid after a true Seek.
func (c *Candidates) Doc() store.DocID { return c.it.doc() }

// Err tells why the walk ended early, if it did.
func (c *Candidates) Err() error { return c.it.err() }

// Close releases the postings.
func (c *Candidates) Close() error { return c.it.close() }

// iterator walks documents upwards. seek never moves back.
type iterator interface {
	seek(store.DocID) bool
	doc() store.DocID
	err() error
	close() error
}

func open(ctx context.Context, src Source, n node) (iterator, error) {
	switch n := n.(type) {
	case tokenNode:
		it, err := src.Postings(ctx, n.token)
		if err != nil {
			return nil, err
		}
		return &postingIter{it: it}, nil
	case resourceNode:
		d, err := src.VisibleDoc(ctx, n.resource)
		if err != nil && !errors.Is(err, store.ErrAbsent) {
			return nil, err
		}
		return &oneIter{only: d}, nil
	case orNode:
		children, err := openAll(ctx, src, n.children)
		return &orIter{children: children}, err
	case andNode:
		children, err := openAll(ctx, src, n.children)
		return &andIter{children: children}, err
	}
	return nil, errors.New("index: unknown plan node")
}

func openAll(ctx context.Context, src Source, nodes []node) ([]iterator, error) {
	out := make([]iterator, 0, len(nodes))
	for _, n := range nodes {
		it, err := open(ctx, src, n)
		if err != nil {
			return nil, errors.Join(err, closeAll(out))
		}
		out = append(out, it)
	}
	return out, nil
}

func closeAll(its []iterator) error {
	var errs []error
	for _, it := range its {
		errs = append(errs, it.close())
	}
	return errors.Join(errs...)
}

func firstErr(its []iterator) error {
	for _, it := range its {
		if err := it.err(); err != nil {
			return err
		}
	}
	return nil
}

// postingIter adapts a posting list; it does not seek when it stands far enough already.
type postingIter struct {
	it  store.PostingIter
	cur store.DocID
}

func (p *postingIter) seek(d store.DocID) bool {
	if p.cur >= d && p.cur != 0 {
		return true
	}
	ok := false
	if p.cur != 0 && d == p.cur+1 {
		ok = p.it.Next()
	} else {
		ok = p.it.SeekGE(d)
	}
	if ok {
		p.cur = p.it.Doc()
	}
	return ok
}

func (p *postingIter) doc() store.DocID { return p.cur }
func (p *postingIter) err() error       { return p.it.Err() }
func (p *postingIter) close() error     { return p.it.Close() }

// oneIter holds at most one document; 0 is none.
type oneIter struct{ only store.DocID }

func (o *oneIter) seek(d store.DocID) bool { return o.only != 0 && o.only >= d }
func (o *oneIter) doc() store.DocID        { return o.only }
func (o *oneIter) err() error              { return nil }
func (o *oneIter) close() error            { return nil }

// andIter intersects by leapfrogging: whichever child is ahead pulls the others.
type andIter struct {
	children []iterator
	cur      store.DocID
}

func (a *andIter) seek(d store.DocID) bool {
	for agreed := 0; agreed < len(a.children); {
		for _, c := range a.children {
			if !c.seek(d) {
				return false
			}
			if c.doc() != d {
				d, agreed = c.doc(), 0
			}
			agreed++
			if agreed == len(a.children) {
				break
			}
		}
	}
	a.cur = d
	return true
}

func (a *andIter) doc() store.DocID { return a.cur }
func (a *andIter) err() error       { return firstErr(a.children) }
func (a *andIter) close() error     { return closeAll(a.children) }

// orIter unites: the lowest document of any child. Children that are exhausted stay so.
type orIter struct {
	children []iterator
	done     []bool
	cur      store.DocID
}

func (o *orIter) seek(d store.DocID) bool {
	if o.done == nil {
		o.done = make([]bool, len(o.children))
	}
	found := false
	for i, c := range o.children {
		if o.done[i] {
			continue
		}
		if !c.seek(d) {
			if c.err() != nil {
				return false // it must not look like one at its end: the others would go on without it
			}
			o.done[i] = true
			continue
		}
		if !found || c.doc() < o.cur {
			o.cur, found = c.doc(), true
		}
	}
	return found
}

func (o *orIter) doc() store.DocID { return o.cur }
func (o *orIter) err() error       { return firstErr(o.children) }
func (o *orIter) close() error     { return closeAll(o.children) }
