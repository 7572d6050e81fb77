package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// kinds is the one table from the kind of an error to its status and issue code.
var kinds = map[record.Kind]struct {
	status int
	code   string
}{
	record.Internal:        {http.StatusInternalServerError, "exception"},
	record.Invalid:         {http.StatusBadRequest, "invalid"},
	record.Unauthenticated: {http.StatusUnauthorized, "login"},
	record.Forbidden:       {http.StatusForbidden, "forbidden"},
	record.Absent:          {http.StatusNotFound, "not-found"},
	record.Gone:            {http.StatusGone, "deleted"},
	record.Conflict:        {http.StatusConflict, "conflict"},
	record.Precondition:    {http.StatusPreconditionFailed, "conflict"},
	record.TooLarge:        {http.StatusRequestEntityTooLarge, "too-long"},
	record.Throttled:       {http.StatusTooManyRequests, "throttled"},
	record.Unavailable:     {http.StatusServiceUnavailable, "transient"},
	record.NotSupported:    {http.StatusBadRequest, "not-supported"},
	record.Unprocessable:   {http.StatusUnprocessableEntity, "business-rule"},
}

// problem is an error on its way to the client.
type problem struct {
	status   int
	issues   []fhir.Issue
	location string
	header   [][2]string
}

// toProblem keeps what a client may know and drops the rest.
func toProblem(err error) problem {
	var no *refusal
	if errors.As(err, &no) {
		return problem{status: no.status, header: no.header, issues: []fhir.Issue{{Severity: "error", Code: no.code, Diagnostics: no.text}}}
	}
	var he *echo.HTTPError
	if errors.As(err, &he) {
		return httpProblem(he.Code)
	}
	var e *record.Error
	if !errors.As(err, &e) {
		e = &record.Error{Kind: record.Internal}
	}
	k := kinds[e.Kind]
	p := problem{status: k.status, issues: e.Issues, location: e.Location}
	if len(p.issues) == 0 {
		code, text := e.Code, e.Msg
		if code == "" {
			code = k.code
		}
		if e.Kind == record.Internal {
			text = "internal error; the log has the details under this request's id"
		}
		p.issues = []fhir.Issue{{Severity: "error", Code: code, Diagnostics: text}}
	}
	for i := range p.issues {
		if p.issues[i].Code == "" {
			p.issues[i].Code = k.code
		}
	}
	return p
}

// httpProblem renders what the router refuses.
func httpProblem(status int) problem {
	code, text := "invalid", http.StatusText(status)
	switch status {
	case http.StatusNotFound:
		code, text = "not-found", "not found"
	case http.StatusMethodNotAllowed:
		code, text = "not-supported", "this interaction is not supported here; see the Allow header and /metadata"
	case http.StatusRequestEntityTooLarge:
		code, text = "too-long", "the request body is too large"
	case http.StatusUnsupportedMediaType:
		code, text = "not-supported", "send application/fhir+json"
	case http.StatusNotAcceptable:
		code, text = "not-supported", "only application/fhir+json can be had"
	}
	return problem{status: status, issues: []fhir.Issue{{Severity: "error", Code: code, Diagnostics: text}}}
}

// outcomeJSON is the OperationOutcome of some issues (R4 section 2.36).
func outcomeJSON(issues []fhir.Issue) []byte {
	type extension struct {
		URL   string `json:"url"`
		Value int    `json:"valueInteger"`
	}
	type issue struct {
		Extension   []extension `json:"extension,omitempty"`
		Severity    string      `json:"severity"`
		Code        string      `json:"code"`
		Diagnostics string      `json:"diagnostics,omitempty"`
		Expression  []string    `json:"expression,omitempty"`
	}
	const structure = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-"
	doc := struct {
		Type  string  `json:"resourceType"`
		Issue []issue `json:"issue"`
	}{Type: "OperationOutcome"}
	for _, i := range issues {
		out := issue{Severity: i.Severity, Code: i.Code, Diagnostics: i.Diagnostics, Expression: i.Expression}
		if i.Line > 0 {
			out.Extension = []extension{{structure + "line", i.Line}, {structure + "col", i.Column}}
		}
		doc.Issue = append(doc.Issue, out)
	}
	return marshal(doc)
}

// marshal encodes what always encodes, without HTML escapes.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte(`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception"}]}`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// onError is echo's error handler: every error leaves as an OperationOutcome.
func (s *Server) onError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	if errors.Is(err, echo.ErrMethodNotAllowed) || errors.Is(err, echo.ErrNotFound) {
		err = unroutable(c)
	}
	p := toProblem(err)
	exchangeOf(c).note(err, p.status)
	p.headers(c.Response().Header())
	if err := sendJSON(c, p.status, outcomeJSON(p.issues)); err != nil {
		exchangeOf(c).note(err, p.status)
	}
}

// headers sets what belongs to the problem's status.
func (p *problem) headers(h http.Header) {
	switch p.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="chartseal"`)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		h.Set("Retry-After", "1")
	}
	if p.location != "" {
		h.Set("Content-Location", p.location)
	}
	for _, kv := range p.header {
		h.Set(kv[0], kv[1])
	}
}
