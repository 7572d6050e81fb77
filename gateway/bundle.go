package gateway

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// bundle answers POST to the base: transaction and batch Bundles (R4 section 3.1.0.11).
func (s *Server) bundle(c echo.Context) error {
	if exchangeOf(c).entry {
		return badRequest("a batch or transaction cannot be an entry of another")
	}
	raw, err := s.body(c)
	if err != nil {
		return err
	}
	opt, err := s.writeOptions(c)
	if err != nil {
		return err
	}
	if err := s.weigh(c.Request().Context(), exchangeOf(c), len(raw)); err != nil {
		return err
	}
	b, err := fhir.ParseBundle(raw, s.cfg.Limits)
	if err != nil {
		return record.FromParser(err)
	}
	switch b.Type {
	case "transaction":
		return s.transaction(c, b, opt)
	case "batch":
		return s.batch(c, b, opt.IdempotencyKey)
	}
	return badRequest("Bundle.type must be transaction or batch here; POST other Bundles to Bundle")
}

// batch answers 200 whatever became of the entries.
func (s *Server) batch(c echo.Context, b *fhir.Bundle, key string) error {
	answers := s.runner(c, key).batch(c.Request().Context(), b)
	w := newBundle("batch-response", -1)
	w.room(len(answers), sizeOf(answers))
	for i, a := range answers {
		if a.header.Get("Idempotency-Replayed") != "" {
			c.Response().Header().Set("Idempotency-Replayed", "true")
		}
		exchangeOf(c).note(a.cause, a.status)
		s.writeEntry(w, &b.Entries[i], a)
		answers[i] = nil
	}
	return sendJSON(c, http.StatusOK, w.finish())
}

// sizeOf is the length of the answers' bodies.
func sizeOf(answers []*answer) (n int) {
	for _, a := range answers {
		if a != nil {
			n += len(a.body)
		}
	}
	return n
}

// transaction commits the writes as a whole; then the reads see what it wrote.
func (s *Server) transaction(c echo.Context, b *fhir.Bundle, opt record.WriteOptions) error {
	ctx := c.Request().Context()
	entries, err := s.cfg.Records.Transaction(ctx, caller(c), b, opt)
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
		return sendJSON(c, http.StatusAccepted, s.writtenBundle(caller(c), entries))
	}
	reads := s.readEntries(ctx, c, b)
	return sendJSON(c, http.StatusOK, s.transactionResponse(exchangeOf(c), b, entries, reads))
}

// readEntries runs the GET and HEAD entries of a transaction that is committed: each reports for itself.
func (s *Server) readEntries(ctx context.Context, c echo.Context, b *fhir.Bundle) []*answer {
	answers := make([]*answer, len(b.Entries))
	s.runner(c, "").phase(ctx, b, answers, lastPhase)
	for _, a := range answers {
		if a != nil {
			exchangeOf(c).note(a.cause, a.status)
		}
	}
	return answers
}

// transactionResponse renders the answers in the order of the entries.
func (s *Server) transactionResponse(x *exchange, b *fhir.Bundle, entries []record.EntryResult, reads []*answer) []byte {
	w := newBundle("transaction-response", -1)
	w.room(len(reads), sizeOf(reads))
	for i := range entries {
		if reads[i] != nil {
			s.writeEntry(w, &b.Entries[i], reads[i])
			reads[i] = nil
			continue
		}
		s.writeWritten(w, x.caller, &entries[i], x.prefer.returns)
	}
	return w.finish()
}

// writtenBundle renders writes alone.
func (s *Server) writtenBundle(k *record.Caller, entries []record.EntryResult) []byte {
	w := newBundle("transaction-response", -1)
	for i := range entries {
		s.writeWritten(w, k, &entries[i], returnMinimal)
	}
	return w.finish()
}

// writeWritten renders one write of a transaction as Prefer asks.
func (s *Server) writeWritten(w *bundleWriter, k *record.Caller, e *record.EntryResult, returns string) {
	w.open()
	defer w.close()
	var outcome []byte
	r := e.Result
	switch {
	case r == nil:
	case returns == returnRepresentation && r.JSON != nil && k.Allows(r.Type, record.MayRead):
		w.fullURL(s.cfg.Base, r)
		w.comma()
		w.resource(r.JSON)
		w.comma()
	case returns == returnOutcome:
		outcome = storedOutcome(r)
	}
	w.response(e.Status, r, true, outcome)
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
	return sendJSON(c, http.StatusOK, s.writtenBundle(caller(c), entries))
}
