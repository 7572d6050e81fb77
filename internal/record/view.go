package record

import (
	"context"
	"errors"

	"github.com/chartseal/chartseal/internal/store"
)

// view is the published seq of every writer, read once per request: a version is visible if and only if its
// batch is covered. Index is the writer's ordinal.
type view []uint64

func (v view) sees(p store.Pos) bool { return int(p.Writer) < len(v) && p.Seq <= v[p.Writer] }

// with returns a copy in which the writer has published up to seq.
func (v view) with(writer uint32, seq uint64) view {
	n := make(view, max(len(v), int(writer)+1))
	copy(n, v)
	n[writer] = max(n[writer], seq)
	return n
}

// visible finds the newest version of a resource that the view covers; store.ErrAbsent if there is none.
// Staged versions above it are walked over: there are few, and only until their batch is published.
func (s *Service) visible(ctx context.Context, v view, res store.Token) (store.Head, error) {
	h, err := s.store.Head(ctx, res)
	if err != nil || v.sees(h.Pos) {
		return h, err
	}
	for n := h.Version - 1; n > 0; n-- {
		ver, err := s.store.Version(ctx, res, n)
		if err != nil {
			if errors.Is(err, store.ErrAbsent) {
				continue
			}
			return store.Head{}, err
		}
		if v.sees(ver.Pos) {
			return headOf(ver), nil
		}
	}
	return store.Head{}, store.ErrAbsent
}

func headOf(v *store.Version) store.Head {
	return store.Head{Version: v.Version, Doc: v.Doc, Pos: v.Pos, Deleted: v.Deleted, Handle: v.Handle, Commitment: v.Commitment}
}
