package gateway

import "github.com/labstack/echo/v4"

// create answers POST Type (R4 section 3.1.0.8), with If-None-Exist on condition (section 3.1.0.8.1).
func (s *Server) create(c echo.Context) error {
	typ, err := resourceType(c)
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
	r, err := s.cfg.Records.Create(c.Request().Context(), caller(c), typ, raw, opt)
	if err != nil {
		return err
	}
	return s.sendWritten(c, r, &opt)
}

// resourceBody is the resource that a write sends. A Binary may come as its bare content.
func (s *Server) resourceBody(c echo.Context, typ, id string) ([]byte, error) {
	if typ == "Binary" {
		return s.binaryBody(c, id)
	}
	return s.body(c)
}
