package gateway

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// remove answers DELETE Type/id (R4 section 3.1.0.7). It is idempotent.
func (s *Server) remove(c echo.Context) error {
	typ, id, err := instance(c)
	if err != nil {
		return err
	}
	opt, err := s.writeOptions(c)
	if err != nil {
		return err
	}
	r, err := s.cfg.Records.Delete(c.Request().Context(), caller(c), typ, id, opt)
	if err != nil {
		return err
	}
	if r == nil {
		return c.NoContent(http.StatusNoContent)
	}
	versionHeaders(c, r)
	if r.Early {
		c.Response().Header().Set("Content-Location", s.cfg.Base+"/$write-status/"+opt.StatusID)
		return c.NoContent(http.StatusAccepted)
	}
	return c.NoContent(http.StatusNoContent)
}
