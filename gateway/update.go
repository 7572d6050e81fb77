package gateway

import (
	"github.com/labstack/echo/v4"
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
