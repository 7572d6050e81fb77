package record

import (
	"context"
	"errors"
	"sync"

	"github.com/chartseal/chartseal/internal/store"
)

// Disclosure collects what a request opened for its caller. An answer that is kept before it is given out is decided
// about again then: consent may have been withdrawn, or a label added, meanwhile.
type Disclosure struct {
	mu   sync.Mutex
	seen map[store.DocID]disclosed // guarded by mu
}

// disclosed is one version of a resource.
type disclosed struct {
	resource token
	handle   store.Handle
}

type disclosureKey struct{}

// WithDisclosure has the requests under the context collect what they open; nil ends that.
func WithDisclosure(ctx context.Context, d *Disclosure) context.Context {
	return context.WithValue(ctx, disclosureKey{}, d)
}

// disclose notes a version that was opened for the caller of a request.
func disclose(ctx context.Context, v *store.Version) {
	d, ok := ctx.Value(disclosureKey{}).(*Disclosure)
	if !ok || d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil {
		d.seen = map[store.DocID]disclosed{}
	}
	d.seen[v.Doc] = disclosed{v.Resource, v.Handle}
}

// discloseHead notes the newest version of a resource, which an answer rests on.
func discloseHead(ctx context.Context, res token, h *store.Head) {
	disclose(ctx, &store.Version{Resource: res, Doc: h.Doc, Handle: h.Handle})
}

// StillMay tells whether the caller may see all of it now: each version, and the current one of its resource.
func (s *Service) StillMay(ctx context.Context, c *Caller, d *Disclosure) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := s.guard(c)
	for doc, v := range d.seen {
		if ok, err := s.mayVersion(ctx, g, doc, v.handle); err != nil || !ok {
			return false, err
		}
		now, err := s.visible(ctx, s.view(), v.resource)
		if err != nil && !errors.Is(err, store.ErrAbsent) {
			return false, internalError("read head", err)
		}
		if err != nil || now.Doc == doc {
			continue
		}
		if ok, err := s.mayVersion(ctx, g, now.Doc, now.Handle); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}
