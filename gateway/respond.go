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
	h := c.Response().Header()
	h["Content-Location"] = []string{s.versionURL(r)}
	if notModified(c, r) {
		caching(h) // RFC 9110 section 15.4.5: a 304 has what the 200 would have
		return c.NoContent(http.StatusNotModified)
	}
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
	// What is read needs a token, and may be withdrawn at any time: no cache keeps it, neither a browser's on its disk
	// nor one on the way. A client that keeps a version itself asks with If-None-Match.
	neverKept = []string{"no-store"}
	// What any client may know is kept, and asked about each time.
	alwaysAsked  = []string{"no-cache"}
	negotiated   = []string{"Accept, Accept-Encoding"}
	contentTypes = map[string][]string{"": {mimeFHIR}, mimeFHIR: {mimeFHIR}, mimeJSON: {mimeJSON}, mimeText: {mimeText}}
)

// caching says what a cache may do with the answer, where the handler has not.
func caching(h http.Header) {
	if h[echo.HeaderCacheControl] == nil {
		h[echo.HeaderCacheControl] = neverKept
	}
}

// sendJSON is how every FHIR answer leaves, in the content type that was negotiated. The body is not changed and not
// kept by the caller.
func sendJSON(c echo.Context, status int, body []byte) error {
	x := exchangeOf(c)
	ct, ok := contentTypes[x.contentType]
	if !ok {
		ct = []string{x.contentType}
	}
	return send(c, status, ct, body)
}

// sendOther answers with JSON that is no resource: a receipt, a report.
func sendOther(c echo.Context, body []byte) error { return send(c, http.StatusOK, otherJSON, body) }

// otherJSON is the content type of JSON that is no resource.
var otherJSON = []string{echo.MIMEApplicationJSON}

// send writes a body: indented if wished, compressed if accepted, with its length. A HEAD request gets the headers
// alone.
func send(c echo.Context, status int, contentType []string, body []byte) error {
	x, h := exchangeOf(c), c.Response().Header()
	h[echo.HeaderContentType] = contentType
	if x.inner != nil {
		c.Response().WriteHeader(status)
		x.inner.body = body
		return nil
	}
	if x.pretty {
		body = indented(body)
	}
	caching(h)
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
