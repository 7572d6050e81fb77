package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// watched is a server without records, for what happens before them, and its log.
func watched(t *testing.T) (*Server, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	return New(Config{
		Log:      slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Registry: prometheus.NewRegistry(), Base: "http://localhost/fhir", Now: time.Now,
	}), &log
}

func ask(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// A client chooses neither labels nor words of the log.
func TestClientChoosesNoLabel(t *testing.T) {
	s, log := watched(t)
	const secret = "Testperson"
	for _, r := range []*http.Request{
		httptest.NewRequest(secret, "/healthz", nil),
		httptest.NewRequest(secret, "/fhir/Patient/1", nil),
		httptest.NewRequest(http.MethodGet, "/"+secret, nil),
		httptest.NewRequest(http.MethodGet, "/fhir/"+secret+"/"+secret, nil),
		httptest.NewRequest(http.MethodGet, "/fhir/Patient?name="+secret, nil),
		httptest.NewRequest(http.MethodPatch, "/fhir/Patient/"+secret, nil),
	} {
		r.Header.Set("X-Request-Id", secret)
		r.Header.Set("Authorization", "Bearer") // refused before the verifier, which is not there
		ask(s, r)
	}
	metrics := ask(s, httptest.NewRequest(http.MethodGet, "/metrics", nil)).Body.String()
	if strings.Contains(metrics, secret) {
		t.Errorf("the metrics show what a client sent: %s", metrics)
	}
	for _, want := range []string{`method="other"`, `method="PATCH"`, `route="unknown"`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the log shows what a client sent: %s", log)
	}
	if !strings.Contains(log.String(), `"method":"other"`) {
		t.Errorf("the log lacks the method: %s", log)
	}
}

func TestRequestIDs(t *testing.T) {
	const uuid = "0e8c6b2c-9d33-4f6f-a7d5-3f6f0e1d2c3b"
	for _, tc := range []struct {
		sent            string
		echoed          bool
		alsoOwnInHeader bool
	}{
		{sent: ""},
		{sent: uuid, echoed: true, alsoOwnInHeader: true},
		{sent: "conformance-1", echoed: true, alsoOwnInHeader: true},
		{sent: "Testperson, Erika"},
		{sent: strings.Repeat("a", 65)},
	} {
		s, log := watched(t)
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.Header.Set("X-Request-Id", tc.sent)
		h := ask(s, r).Header()
		var line struct{ Request string }
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if got := h.Get("X-Request-Id"); (got == tc.sent && got != "") != tc.echoed || got == "" {
			t.Errorf("%q came back as %q", tc.sent, got)
		}
		if line.Request == tc.sent || line.Request == "" {
			t.Errorf("%q is %q in the log", tc.sent, line.Request)
		}
		if own := h.Get("Chartseal-Request-Id"); (own == line.Request) != tc.alsoOwnInHeader {
			t.Errorf("%q: %s is %q, the log has %q", tc.sent, "Chartseal-Request-Id", own, line.Request)
		}
		if !tc.alsoOwnInHeader && h.Get("X-Request-Id") != line.Request {
			t.Errorf("%q: the client cannot name its line of the log", tc.sent)
		}
	}
}

// A handler that panics answers 500, and only the log learns why.
func TestPanicIsAnswered(t *testing.T) {
	s, log := watched(t)
	const secret = "Testperson"
	s.echo.GET("/index", func(echo.Context) error { _ = make([]int, 3)[len(secret)]; return nil })
	s.echo.GET("/word", func(echo.Context) error { panic("cannot treat " + secret) })
	s.echo.GET("/error", func(echo.Context) error { panic(errors.New(secret)) })
	s.echo.GET("/late", func(c echo.Context) error { c.Response().WriteHeader(http.StatusOK); panic(secret) })
	for _, tc := range []struct {
		path   string
		status int
		logged string
	}{
		{"/index", http.StatusInternalServerError, "index out of range [10] with length 3"},
		{"/word", http.StatusInternalServerError, "string"},
		{"/error", http.StatusInternalServerError, "*errors.errorString"},
		{"/late", http.StatusOK, "string"},
	} {
		log.Reset()
		w := ask(s, httptest.NewRequest(http.MethodGet, tc.path, nil))
		if w.Code != tc.status {
			t.Fatalf("%s: status %d", tc.path, w.Code)
		}
		body := w.Body.String()
		if tc.status == http.StatusInternalServerError && !strings.Contains(body, `"resourceType":"OperationOutcome"`) {
			t.Errorf("%s: no OperationOutcome: %s", tc.path, body)
		}
		if strings.Contains(body, "panic") || strings.Contains(body, ".go") || strings.Contains(body, secret) {
			t.Errorf("%s: the answer tells what happened: %s", tc.path, body)
		}
		line := log.String()
		for _, want := range []string{`"level":"ERROR"`, "panic: ", tc.logged, `"stack":`, "observe_test.go:", `"route":"` + tc.path + `"`} {
			if !strings.Contains(line, want) {
				t.Errorf("%s: the log lacks %s: %s", tc.path, want, line)
			}
		}
		if strings.Contains(line, secret) {
			t.Errorf("%s: the log shows a value: %s", tc.path, line)
		}
	}
	metrics := ask(s, httptest.NewRequest(http.MethodGet, "/metrics", nil)).Body.String()
	if !strings.Contains(metrics, `chartseal_http_requests_total{method="GET",route="/index",status="5xx"} 1`) {
		t.Errorf("the panic was not counted: %s", metrics)
	}
}
