package gateway

import (
	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// update answers PUT Type/id (R4 section 3.1.0.5).
func (s *Server) update(c echo.Context) error {
	typ, id, err := instance(c)
	if err == nil {
		err = changeable(c, typ, id)
	}
	if err != nil {
		return err
	}
	raw, err := s.resourceBody(c, typ, id)
	if err != nil {
		return err
	}
	opt, err := s.writeOptions(c)
	if err == nil {
		err = s.requireMatch(c, typ, id, &opt)
	}
	if err != nil {
		return err
	}
	r, err := s.cfg.Records.Update(c.Request().Context(), caller(c), typ, id, raw, opt)
	if err != nil {
		return err
	}
	return s.sendWritten(c, r, &opt)
}

// updateWhere answers PUT Type?… (R4 section 3.1.0.5.3).
func (s *Server) updateWhere(c echo.Context) error {
	typ, query, err := conditionalTarget(c)
	if err != nil {
		return err
	}
	raw, err := s.resourceBody(c, typ, "")
	if err != nil {
		return err
	}
	opt, err := s.writeOptions(c)
	if err != nil {
		return err
	}
	r, err := s.cfg.Records.UpdateWhere(c.Request().Context(), caller(c), typ, query, raw, opt)
	if err != nil {
		return err
	}
	return s.sendWritten(c, r, &opt)
}

// conditionalTarget is the type and the query of a conditional interaction.
func conditionalTarget(c echo.Context) (typ, query string, err error) {
	if typ, err = resourceType(c); err != nil {
		return "", "", err
	}
	query, err = criteria(c)
	return typ, query, err
}

// requireMatch refuses an update that does not say which version it replaces, where the configuration asks for it
// (R4 http.html#concurrency). One that creates needs no condition; If-None-Match: * then keeps it from replacing what
// another request creates in the meantime.
func (s *Server) requireMatch(c echo.Context, typ, id string, opt *record.WriteOptions) error {
	if !s.cfg.RequireIfMatch || opt.IfMatch != "" || opt.IfNoneMatch != "" {
		return nil
	}
	switch _, err := s.cfg.Records.Read(c.Request().Context(), caller(c), typ, id); record.KindOf(err) {
	case record.Absent, record.Gone:
		opt.IfNoneMatch = "*"
		return nil
	}
	return &refusal{status: 400, code: "required", text: "this server takes updates only with If-Match: the ETag of the version that they replace"}
}
