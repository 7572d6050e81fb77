package gateway

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// inner is a request that the gateway makes to its own router: an entry of a Bundle, or what a job runs. Whatever
// can be asked for alone can be asked for so, by the same code; only who asks is settled already.
type inner struct {
	method, target string // relative to the FHIR base, such as Patient/1?_summary=true
	header         http.Header
	body           []byte
	entry          bool
	caller         *record.Caller
}

// answer takes what a handler answers to an inner request.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	problem *problem       // instead of a body, if the request was refused
	shown   *record.Result // the version that the answer is about
	cause   error          // of a failure of the server, for the log

	disclosure *record.Disclosure // of a job: what the answer shows
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.body = append(a.body, b...)
	return len(b), nil
}

// ask runs an inner request. It returns when the handler has, whatever that does.
func (s *Server) ask(ctx context.Context, in *inner) *answer {
	a := &answer{header: http.Header{}}
	u, err := url.Parse(fhirPath + "/" + strings.TrimPrefix(in.target, "/"))
	if err != nil {
		p := toProblem(badRequest("the URL is not well-formed"))
		a.status, a.problem = p.status, &p
		return a
	}
	r := (&http.Request{
		Method: in.method, URL: u, Header: in.header, Body: &bytesBody{b: in.body}, ContentLength: int64(len(in.body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	routable(r)
	c := s.echo.NewContext(r, a)
	x := &exchange{caller: in.caller, inner: a, entry: in.entry}
	c.Set(exchangeKey, x)
	s.echo.Router().Find(in.method, echo.GetPath(r), c)
	if err := recovered(checkRequest(c.Handler()), c); err != nil {
		a.refuse(c, err)
	}
	a.shown, a.cause = x.shown, x.err
	return a
}

// refuse keeps an error's issues apart from a body, so that they can be located in a Bundle.
func (a *answer) refuse(c echo.Context, err error) {
	if errors.Is(err, echo.ErrMethodNotAllowed) || errors.Is(err, echo.ErrNotFound) {
		err = unroutable(c)
	}
	p := toProblem(err)
	exchangeOf(c).note(err, p.status)
	p.headers(a.header)
	a.status, a.problem, a.body = p.status, &p, nil
}

// outcome tells whether the body is an OperationOutcome about the request, and not one that was read. The gateway
// writes resourceType first in what it makes.
func (a *answer) outcome(method string) bool {
	return (a.shown == nil || phase(method) != lastPhase) && strings.HasPrefix(string(a.body[:min(len(a.body), 40)]), `{"resourceType":"OperationOutcome"`)
}

// resource is the body as a Bundle can hold it: what is no resource is wrapped in a Binary.
func (a *answer) resource() []byte {
	if ct := a.header.Get(echo.HeaderContentType); ct == otherJSON[0] {
		return marshal(binary{Type: "Binary", ContentType: ct, Data: base64.StdEncoding.EncodeToString(a.body)})
	}
	return a.body
}
