package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// asyncStatus is below the base; the id of a job follows.
const asyncStatus = "/$async-status/"

// deferrable lets a GET or POST run in the background when the client prefers that (R4 async.html). The answer comes
// as a Bundle: R4 defines the form of the result for bulk data only, and R5 (async-bundle.html) this one for the rest.
func (s *Server) deferrable(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x, r := exchangeOf(c), c.Request()
		switch {
		case !x.prefer.async || x.inner != nil:
			return next(c)
		case r.Method != http.MethodGet && r.Method != http.MethodPost:
			return next(c) // a preference may be ignored (RFC 7240)
		case strings.HasPrefix(c.Path(), fhirPath+asyncStatus) || strings.HasPrefix(c.Path(), fhirPath+"/$write-status/"):
			return next(c)
		}
		in, err := s.deferred(c)
		if err != nil {
			return err
		}
		one, err := s.jobs.start(owner(x.caller), r.Method, int64(len(in.body)), s.job(x.id, in))
		if err != nil {
			return err
		}
		applied(c, "respond-async")
		c.Response().Header().Set("Content-Location", s.cfg.Base+asyncStatus+one.id)
		return sendJSON(c, http.StatusAccepted, outcomeJSON([]fhir.Issue{{
			Severity: "information", Code: "informational", Diagnostics: "accepted; ask for the answer at Content-Location",
		}}))
	}
}

// job runs a request in the background. id is of the log line of who asked for it.
func (s *Server) job(id string, in *inner) func(context.Context) *answer {
	return func(ctx context.Context) *answer {
		shown, own := &record.Disclosure{}, &exchange{}
		if err := s.weigh(ctx, own, max(len(in.body), 1)); err != nil {
			p := toProblem(err)
			return &answer{status: p.status, header: http.Header{}, problem: &p, disclosure: shown}
		}
		defer s.heavy.Release(own.weight)
		a := s.ask(record.WithDisclosure(ctx, shown), in)
		a.disclosure = shown
		if a.cause != nil {
			s.cfg.Log.Error("asynchronous request", "request", id, "status", a.status, "error", a.cause)
		}
		return a
	}
}

// notForJobs are headers of the connection and of the form of the answer, which a job's Bundle has of its own.
var notForJobs = []string{"Authorization", "Accept", "Accept-Encoding", "Content-Encoding", "Content-Length", "Prefer", ackHeader}

// deferred is the request as a job makes it.
func (s *Server) deferred(c echo.Context) (*inner, error) {
	r, x := c.Request(), exchangeOf(c)
	body, err := s.rawBody(c)
	if err != nil {
		return nil, err
	}
	in := &inner{method: r.Method, target: strings.TrimPrefix(r.URL.EscapedPath(), fhirPath), header: r.Header.Clone(), body: body, caller: x.caller}
	if r.URL.RawQuery != "" {
		in.target += "?" + r.URL.RawQuery
	}
	for _, name := range notForJobs {
		in.header.Del(name)
	}
	in.header.Set("Accept", "application/fhir+json")
	if x.prefer.returns != "" {
		in.header.Add("Prefer", "return="+x.prefer.returns)
	}
	if x.prefer.handling != "" {
		in.header.Add("Prefer", "handling="+x.prefer.handling)
	}
	return in, nil
}

// owner names the caller that a job is bound to.
func owner(k *record.Caller) string {
	return strings.Join([]string{k.Client, k.User, k.Org, k.Patient}, "\x00")
}

// jobStatus answers GET $async-status/id: 202 while the job runs, then 200 with its answer in a Bundle. What went
// wrong within is in the entry.
func (s *Server) jobStatus(c echo.Context) error {
	one, err := s.jobs.find(owner(caller(c)), c.Param("job"))
	if err != nil {
		return err
	}
	h := c.Response().Header()
	if one.answer == nil {
		took := s.cfg.Now().Sub(one.begun)
		h.Set("X-Progress", fmt.Sprintf("running for %d s", int(took.Seconds())))
		h.Set("Retry-After", strconv.Itoa(1+min(int(took/(4*time.Second)), 30)))
		return c.NoContent(http.StatusAccepted)
	}
	// Consent may have been withdrawn since. Who may not see it any more learns no more than that of an expired one.
	may, err := s.stillMay(c.Request().Context(), caller(c), one.answer.disclosure)
	if err != nil {
		return err
	}
	if !may {
		return errNoJob
	}
	h.Set("Expires", one.expires.UTC().Format(http.TimeFormat))
	w := newBundle("batch-response", -1)
	var issues []fhir.Issue
	if one.answer.problem != nil {
		issues = one.answer.problem.issues
	}
	s.writeAnswer(w, one.method, one.answer, issues)
	return sendJSON(c, http.StatusOK, w.finish())
}

// jobCancel answers DELETE $async-status/id: the job ends, and is not there any more.
func (s *Server) jobCancel(c echo.Context) error {
	if err := s.jobs.cancel(owner(caller(c)), c.Param("job")); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}
