package gateway

import "github.com/labstack/echo/v4"

// update answers PUT Type/id (R4 section 3.1.0.5).
func (s *Server) update(c echo.Context) error {
	typ, id, err := instance(c)
	if err != nil {
		return err
	}
	raw, err := s.body(c)
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
