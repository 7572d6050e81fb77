package gateway

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

func newStatusID() string { return rand.Text() }

func etag(version uint64) string { return `W/"` + strconv.FormatUint(version, 10) + `"` }

// versionHeaders sets ETag and Last-Modified (R4 section 3.1.0.1.7).
func versionHeaders(c echo.Context, r *record.Result) {
	h := c.Response().Header()
	h.Set("ETag", etag(r.Version))
	h.Set(echo.HeaderLastModified, r.LastUpdated.UTC().Format(http.TimeFormat))
}

// versionURL is where a version can be read.
func (s *Server) versionURL(r *record.Result) string {
	return s.cfg.Base + "/" + r.Type + "/" + r.ID + "/_history/" + strconv.FormatUint(r.Version, 10)
}

// sendResource answers a read, or 304 when the client has that version already (R4 section 3.1.0.1.8).
func sendResource(c echo.Context, r *record.Result) error {
	versionHeaders(c, r)
	if notModified(c, r) {
		return c.NoContent(http.StatusNotModified)
	}
	return sendJSON(c, http.StatusOK, r.JSON)
}

func notModified(c echo.Context, r *record.Result) bool {
	if tag := c.Request().Header.Get("If-None-Match"); tag != "" {
		v, ok := record.ParseETag(tag)
		return ok && v == r.Version
	}
	since, err := http.ParseTime(c.Request().Header.Get("If-Modified-Since"))
	return err == nil && !r.LastUpdated.Truncate(time.Second).After(since)
}

// sendWritten answers a create or update as Prefer asks (R4 section 3.1.0.1.4).
func (s *Server) sendWritten(c echo.Context, r *record.Result, opt *record.WriteOptions) error {
	h := c.Response().Header()
	versionHeaders(c, r)
	h.Set(echo.HeaderLocation, s.versionURL(r))
	if r.Replayed {
		h.Set("Idempotency-Replayed", "true")
	}
	h.Add("Link", "<"+s.versionURL(r)+`/$receipt>; rel="describedby"; title="receipt"`)
	status := http.StatusOK
	if r.Created {
		status = http.StatusCreated
	}
	if r.Early {
		h.Set("Content-Location", s.cfg.Base+"/$write-status/"+opt.StatusID)
		return sendJSON(c, http.StatusAccepted, outcomeJSON([]fhir.Issue{{
			Severity: "information", Code: "informational",
			Diagnostics: "the write is durable; it becomes visible when the ledger has committed it: ask at Content-Location",
		}}))
	}
	switch wish := prefer(c, "return"); {
	case wish == "minimal" || r.JSON == nil || !caller(c).Allows(r.Type, record.MayRead):
		h.Set(echo.HeaderContentLength, "0")
		return c.NoContent(status)
	case wish == "OperationOutcome":
		return sendJSON(c, status, outcomeJSON([]fhir.Issue{{
			Severity: "information", Code: "informational", Diagnostics: "stored as version " + strconv.FormatUint(r.Version, 10),
		}}))
	}
	return sendJSON(c, status, r.JSON)
}
