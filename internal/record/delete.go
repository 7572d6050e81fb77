package record

import "context"

// maxDeletes bounds what one conditional delete may take away.
const maxDeletes = 1000

// Delete marks a resource as deleted; its history stays (R4 section 3.1.0.7). Deleting what is not there is no
// error. The result is nil when nothing changed.
func (s *Service) Delete(ctx context.Context, c *Caller, typ, id string, opt WriteOptions) (*Result, error) {
	if err := c.permit(typ, MayDelete); err != nil {
		return nil, err
	}
	return s.one(ctx, c, &op{verb: "DELETE", typ: typ, id: id}, &opt, s.idempotency(c, &opt, "DELETE "+typ+"/"+id, nil))
}

// DeleteWhere deletes what matches a query (R4 section 3.1.0.7.1): one resource, or as many as match if the
// configuration allows several, all of them or none. Without a match nothing changes.
func (s *Service) DeleteWhere(ctx context.Context, c *Caller, typ, query string, opt WriteOptions) ([]*Result, error) {
	if err := c.permit(typ, MayDelete); err != nil {
		return nil, err
	}
	cond, err := s.where(c, typ, query)
	if err != nil {
		return nil, err
	}
	o := &op{verb: "DELETE", typ: typ, cond: cond, ifMatch: opt.IfMatch}
	err = s.do(ctx, c, o, &opt, s.idempotency(c, &opt, "DELETE "+typ+"?"+query, nil))
	return o.results, err
}
