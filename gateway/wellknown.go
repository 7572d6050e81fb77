package gateway

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// health says that the process runs.
func (s *Server) health(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// ready says that writes are taken.
func (s *Server) ready(c echo.Context) error {
	err := s.cfg.Records.Ready()
	if err == nil && s.cfg.Ready != nil {
		err = s.cfg.Ready(c.Request().Context())
	}
	if err != nil {
		exchangeOf(c).note(err, http.StatusServiceUnavailable)
		return c.String(http.StatusServiceUnavailable, toProblem(err).issues[0].Diagnostics+"\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

func (s *Server) discovery(c echo.Context) error {
	b, err := s.cfg.Issuer.Discovery()
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, b)
}

func (s *Server) keySet(c echo.Context) error {
	return c.JSONBlob(http.StatusOK, s.cfg.Issuer.KeySet())
}

func (s *Server) smartConfiguration(c echo.Context) error {
	b, err := s.cfg.Issuer.Configuration()
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, b)
}
