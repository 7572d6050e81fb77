package record

import (
	"context"
	"errors"

	"github.com/chartseal/chartseal/consent"
	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/store"
)

// Read returns the current version of a resource (R4 section 3.1.0.1). Absent, withheld and, for who may not
// know, deleted are one: errAbsent. A deleted one is Gone for who may see it.
func (s *Service) Read(ctx context.Context, c *Caller, typ, id string) (*Result, error) {
	v, _, err := s.readVersion(ctx, c, typ, id, 0)
	if err != nil {
		return nil, err
	}
	return s.opened(typ, id, v)
}

// VRead returns one version (R4 section 3.1.0.2); the caller must be allowed to see that version and the current
// one, so that a label that was raised later counts.
func (s *Service) VRead(ctx context.Context, c *Caller, typ, id string, version uint64) (*Result, error) {
	v, _, err := s.readVersion(ctx, c, typ, id, version)
	if err != nil {
		return nil, err
	}
	return s.opened(typ, id, v)
}

func (s *Service) opened(typ, id string, v *store.Version) (*Result, error) {
	if v.Deleted {
		return nil, errGone
	}
	r, err := s.openVersion(typ, id, v)
	if err != nil {
		return nil, internalError("open version", err)
	}
	return r, nil
}

// readVersion finds a version that the caller may see; version 0 is the current one.
func (s *Service) readVersion(ctx context.Context, c *Caller, typ, id string, version uint64) (*store.Version, *store.Head, error) {
	if err := c.permit(typ, MayRead); err != nil {
		return nil, nil, err
	}
	vec := s.view()
	res := s.resourceToken(typ, id)
	h, err := s.visible(ctx, vec, res)
	if err != nil {
		return nil, nil, absentOr(err, "read head")
	}
	g := s.guard(c)
	ok, err := s.mayVersion(ctx, g, h.Doc, h.Handle)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, errAbsent
	}
	if version == 0 {
		version = h.Version
	}
	v, err := s.store.Version(ctx, res, version)
	if err != nil {
		return nil, nil, absentOr(err, "read version")
	}
	if !vec.sees(v.Pos) {
		return nil, nil, errAbsent
	}
	if version != h.Version {
		if ok, err = s.mayVersion(ctx, g, v.Doc, v.Handle); err != nil {
			return nil, nil, err
		} else if !ok {
			return nil, nil, errAbsent
		}
	}
	disclose(ctx, v)
	return v, &h, nil
}

func absentOr(err error, step string) error {
	if errors.Is(err, store.ErrAbsent) {
		return errAbsent
	}
	return internalError(step, err)
}

// attributes gives what a consent may ask of a version, read from its index row only when asked.
func (s *Service) attributes(ctx context.Context, d store.DocID) func() (consent.Resource, error) {
	return func() (consent.Resource, error) {
		doc, err := s.store.Doc(ctx, d)
		if err != nil {
			return consent.Resource{}, internalError("read row", err)
		}
		row, err := s.openRow(doc)
		if err != nil {
			return consent.Resource{}, internalError("open row", err)
		}
		return rowAttributes(row), nil
	}
}

// Receipt proves a version: that it was recorded, by whom and when, and with which content. Giving it is a
// disclosure and is decided like a read.
func (s *Service) Receipt(ctx context.Context, c *Caller, typ, id string, version uint64) ([]byte, error) {
	v, _, err := s.readVersion(ctx, c, typ, id, version)
	if err != nil {
		return nil, err
	}
	key, err := s.sealer.Key(v.Handle)
	if err != nil {
		return nil, internalError("open key", err)
	}
	opening, err := s.openLeaf(key, v)
	if err != nil {
		return nil, internalError("open leaf", err)
	}
	b, err := s.store.Batch(ctx, v.Pos)
	if err != nil {
		return nil, internalError("read batch", err)
	}
	out, err := s.cfg.Chain.Receipt(ctx, ledger.ReceiptInput{
		Leaf: opening, Commitments: b.Commitments, Index: v.Index, Writer: s.cfg.Chain.Writer(), Seq: v.Pos.Seq, WithContent: true,
	})
	if err != nil {
		return nil, internalError("build receipt", err)
	}
	return out, nil
}
