package gateway

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// bundle answers POST to the base: transaction and batch Bundles (R4 section 3.1.0.11).
func (s *Server) bundle(c echo.Context) error {
	raw, err := s.body(c)
	if err != nil {
		return err
	}
	opt, err := s.writeOptions(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	weight := min(int64(len(raw)), heavyBytes)
	if err := s.heavy.Acquire(ctx, weight); err != nil {
		return &record.Error{Kind: record.Unavailable, Msg: "the server is busy; nothing was stored, try again"}
	}
	defer s.heavy.Release(weight)
	b, err := fhir.ParseBundle(raw, s.cfg.Limits)
	if err != nil {
		return record.FromParser(err)
	}
	var entries []record.EntryResult
	switch b.Type {
	case "transaction":
		entries, err = s.cfg.Records.Transaction(ctx, caller(c), b, opt)
	case "batch":
		opt.Durable, opt.StatusID = false, ""
		entries, err = s.cfg.Records.BatchEntries(ctx, caller(c), b, opt)
	default:
		return &record.Error{Kind: record.Invalid, Msg: "Bundle.type must be transaction or batch here; POST other Bundles to Bundle"}
	}
	if err != nil {
		return err
	}
	early := false
	for i := range entries {
		if r := entries[i].Result; r != nil {
			early = early || r.Early
			if r.Replayed {
				c.Response().Header().Set("Idempotency-Replayed", "true")
			}
		}
	}
	if early {
		c.Response().Header().Set("Content-Location", s.cfg.Base+"/$write-status/"+opt.StatusID)
		return sendJSON(c, http.StatusAccepted, s.responseBundle(b.Type, entries, false))
	}
	full := prefer(c, "return") == "representation"
	return sendJSON(c, http.StatusOK, s.responseBundle(b.Type, entries, full))
}

// responseBundle renders the answers in the order of the entries. full adds the resources of writes.
func (s *Server) responseBundle(kind string, entries []record.EntryResult, full bool) []byte {
	w := newBundle(kind+"-response", -1)
	for i := range entries {
		s.responseEntry(w, &entries[i], full)
	}
	return w.finish()
}

func (s *Server) responseEntry(w *bundleWriter, e *record.EntryResult, full bool) {
	w.open()
	defer w.close()
	switch {
	case e.Err != nil:
		p := toProblem(e.Err)
		w.response(p.status, nil, false, outcomeJSON(p.issues))
		return
	case e.Search != nil:
		w.resource(s.searchBundle(e.Search))
		w.comma()
	case e.Result != nil && e.Result.JSON != nil && (full || e.Read):
		w.fullURL(s.cfg.Base, e.Result)
		w.comma()
		w.resource(e.Result.JSON)
		w.comma()
	}
	w.response(e.Status, e.Result, !e.Read, nil)
}

// writeStatus answers a client that did not wait for the ledger.
func (s *Server) writeStatus(c echo.Context) error {
	entries, err := s.cfg.Records.Status(c.Request().Context(), caller(c), c.Param("status"))
	if err != nil {
		return err
	}
	if entries == nil {
		h := c.Response().Header()
		h.Set("Retry-After", "1")
		h.Set("X-Progress", "waiting for the ledger")
		return c.NoContent(http.StatusAccepted)
	}
	return sendJSON(c, http.StatusOK, s.responseBundle("transaction", entries, false))
}
