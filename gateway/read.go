package gateway

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// read answers GET Type/id (R4 section 3.1.0.1).
func (s *Server) read(c echo.Context) error {
	typ, id, err := instance(c)
	if err != nil {
		return err
	}
	if own := ownDefinition(typ, id); own != nil {
		return s.sendDefinition(c, own)
	}
	r, err := s.cfg.Records.Read(c.Request().Context(), caller(c), typ, id)
	if err != nil {
		return err
	}
	return s.sendRead(c, r)
}

// vread answers GET Type/id/_history/vid (R4 section 3.1.0.2).
func (s *Server) vread(c echo.Context) error {
	typ, id, err := instance(c)
	if err != nil {
		return err
	}
	version, err := versionID(c)
	if err != nil {
		return err
	}
	r, err := s.cfg.Records.VRead(c.Request().Context(), caller(c), typ, id, version)
	if err != nil {
		return err
	}
	return s.sendRead(c, r)
}

func (s *Server) sendRead(c echo.Context, r *record.Result) error {
	if r.Type == "Binary" {
		return s.sendBinary(c, r)
	}
	return s.sendResource(c, r)
}

// versionID is the version in the path; 0 if the path has none. What cannot be a version of ours is not found.
func versionID(c echo.Context) (uint64, error) {
	p := c.Param("vid")
	if p == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(p, 10, 64)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != p {
		return 0, &record.Error{Kind: record.Absent, Msg: "not found"}
	}
	return n, nil
}
