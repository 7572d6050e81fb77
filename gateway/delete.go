package gateway

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// remove answers DELETE Type/id (R4 section 3.1.0.7). It is idempotent.
func (s *Server) remove(c echo.Context) error {
	typ, id, err := instance(c)
	if err == nil {
		err = changeable(c, typ, id)
	}
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
		return s.sendDeleted(c, nil, &opt)
	}
	versionHeaders(c, r)
	return s.sendDeleted(c, []*record.Result{r}, &opt)
}

// removeWhere answers DELETE Type?… (R4 section 3.1.0.7.1).
func (s *Server) removeWhere(c echo.Context) error {
	typ, query, err := conditionalTarget(c)
	if err != nil {
		return err
	}
	opt, err := s.writeOptions(c)
	if err != nil {
		return err
	}
	gone, err := s.cfg.Records.DeleteWhere(c.Request().Context(), caller(c), typ, query, opt)
	if err != nil {
		return err
	}
	if len(gone) == 1 {
		versionHeaders(c, gone[0])
	}
	return s.sendDeleted(c, gone, &opt)
}

// sendDeleted answers 204, or 200 with an OperationOutcome for who prefers one.
func (s *Server) sendDeleted(c echo.Context, gone []*record.Result, opt *record.WriteOptions) error {
	if slices.ContainsFunc(gone, func(r *record.Result) bool { return r.Early }) {
		c.Response().Header().Set("Content-Location", s.cfg.Base+"/$write-status/"+opt.StatusID)
		return c.NoContent(http.StatusAccepted)
	}
	if exchangeOf(c).prefer.returns != returnOutcome {
		return c.NoContent(http.StatusNoContent)
	}
	applied(c, "return="+returnOutcome)
	text := "nothing to delete"
	if len(gone) > 0 {
		text = "deleted " + strconv.Itoa(len(gone)) + "; the history keeps what was there"
	}
	return sendJSON(c, http.StatusOK, outcomeJSON([]fhir.Issue{{Severity: "information", Code: "informational", Diagnostics: text}}))
}
