package gateway

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

func newStatusID() string { return rand.Text() }

func etag(version uint64) string { return `W/"` + strconv.FormatUint(version, 10) + `"` }

// versionHeaders sets ETag and Last-Modified (R4 http.html#metadata).
func versionHeaders(c echo.Context, r *record.Result) {
	h := c.Response().Header()
	h["Etag"] = []string{etag(r.Version)}
	h[echo.HeaderLastModified] = []string{r.LastUpdated.UTC().Format(http.TimeFormat)}
	exchangeOf(c).shown = r
}

// versionURL is where a version can be read.
func (s *Server) versionURL(r *record.Result) string {
	return s.cfg.Base + "/" + r.Type + "/" + r.ID + "/_history/" + strconv.FormatUint(r.Version, 10)
}

// sendResource answers a read, or 304 when the client has that version already.
func (s *Server) sendResource(c echo.Context, r *record.Result) error {
	versionHeaders(c, r)
	if notModified(c, r) {
		return c.NoContent(http.StatusNotModified)
	}
	c.Response().Header().Set("Content-Location", s.versionURL(r))
	return sendJSON(c, http.StatusOK, shownJSON(c, r))
}

// sendWritten answers a create, update or patch as Prefer asks (R4 http.html#ops).
func (s *Server) sendWritten(c echo.Context, r *record.Result, opt *record.WriteOptions) error {
	h := c.Response().Header()
	versionHeaders(c, r)
	h.Set(echo.HeaderLocation, s.versionURL(r))
	if r.Replayed {
		h.Set("Idempotency-Replayed", "true")
	}
	h.Add("Link", "<"+s.versionURL(r)+`/$receipt>; rel="describedby"; title="receipt"`)
	if r.Early {
		return s.sendEarly(c, opt)
	}
	status := http.StatusOK
	if r.Created {
		status = http.StatusCreated
	}
	x := exchangeOf(c)
	wished := x.prefer.returns
	if wished != "" && !x.silent {
		applied(c, "return="+wished)
	}
	switch {
	case wished == returnOutcome:
		return sendJSON(c, status, storedOutcome(r))
	case wished == returnMinimal || r.JSON == nil || !caller(c).Allows(r.Type, record.MayRead):
		h.Set(echo.HeaderContentLength, "0")
		return c.NoContent(status)
	}
	h.Set("Content-Location", s.versionURL(r))
	return sendJSON(c, status, shownJSON(c, r))
}

func storedOutcome(r *record.Result) []byte {
	text := "stored as version " + strconv.FormatUint(r.Version, 10)
	if r.Deleted {
		text = "deleted; the history has it as version " + strconv.FormatUint(r.Version, 10)
	}
	return outcomeJSON([]fhir.Issue{{Severity: "information", Code: "informational", Diagnostics: text}})
}

// sendEarly answers a write that is durable and not committed yet.
func (s *Server) sendEarly(c echo.Context, opt *record.WriteOptions) error {
	c.Response().Header().Set("Content-Location", s.cfg.Base+"/$write-status/"+opt.StatusID)
	return sendJSON(c, http.StatusAccepted, outcomeJSON([]fhir.Issue{{
		Severity: "information", Code: "informational",
		Diagnostics: "the write is durable; it becomes visible when the ledger has committed it: ask at Content-Location",
	}}))
}

// Headers that are the same on every answer share their values, which nobody changes.
var (
	// What is read needs a token, and may change or be withdrawn at any time: nobody answers for us out of a cache.
	neverStale   = []string{"private, no-cache"}
	noSniffing   = []string{"nosniff"}
	negotiated   = []string{"Accept, Accept-Encoding"}
	contentTypes = map[string][]string{"": {mimeFHIR}, mimeFHIR: {mimeFHIR}, mimeJSON: {mimeJSON}, mimeText: {mimeText}}
)

// standing sets them, for whatever is answered below the base.
func standing(h http.Header) {
	h[echo.HeaderCacheControl] = neverStale
	h[echo.HeaderXContentTypeOptions] = noSniffing
	if vary := h[echo.HeaderVary]; len(vary) > 0 {
		h[echo.HeaderVary] = append(vary, negotiated...)
	} else {
		h[echo.HeaderVary] = negotiated
	}
}

// sendJSON is how every FHIR answer leaves: indented if wished, compressed if accepted, with its length. A HEAD
// request gets the headers alone. The body is not changed and not kept by the caller.
func sendJSON(c echo.Context, status int, body []byte) error {
	x, h := exchangeOf(c), c.Response().Header()
	if ct, ok := contentTypes[x.contentType]; ok {
		h[echo.HeaderContentType] = ct
	} else {
		h[echo.HeaderContentType] = []string{x.contentType}
	}
	if x.inner != nil {
		c.Response().WriteHeader(status)
		x.inner.body = body
		return nil
	}
	if x.pretty {
		body = indented(body)
	}
	standing(h)
	body, done := compressed(c, body)
	defer done()
	h[echo.HeaderContentLength] = []string{strconv.Itoa(len(body))}
	c.Response().WriteHeader(status)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, err := c.Response().Write(body)
	return err
}

// indented keeps every digit: white space is all that changes.
func indented(body []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(body) + len(body)/2)
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return body
	}
	return b.Bytes()
}
