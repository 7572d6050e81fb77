package record

import "context"

// Create stores a new resource under an id that the server makes (R4 section 3.1.0.8). With If-None-Exist it
// stores nothing when exactly one resource matches, and returns that one.
func (s *Service) Create(ctx context.Context, c *Caller, typ string, raw []byte, opt WriteOptions) (*Result, error) {
	if err := c.permit(typ, MayCreate); err != nil {
		return nil, err
	}
	r, err := s.parse(typ, raw)
	if err != nil {
		return nil, invalid(err)
	}
	cond, err := s.conditional(c, typ, opt.IfNoneExist)
	if err != nil {
		return nil, err
	}
	return s.one(ctx, c, &op{verb: "POST", typ: typ, id: newID(), fresh: true, cond: cond, res: r}, &opt, s.idempotency(c, &opt, "POST "+typ, raw))
}

// one runs a single interaction that has at most one result.
func (s *Service) one(ctx context.Context, c *Caller, o *op, opt *WriteOptions, idem *idempotency) (*Result, error) {
	o.ifMatch, o.ifNoneMatch = opt.IfMatch, opt.IfNoneMatch
	if err := s.do(ctx, c, o, opt, idem); err != nil {
		return nil, err
	}
	return o.result(), nil
}
