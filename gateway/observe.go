package gateway

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts requests by route, method and status; labels hold no values of a request.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(r *prometheus.Registry) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chartseal_http_requests_total", Help: "Requests by route, method and status class.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chartseal_http_request_seconds", Help: "Time to answer by route and method.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}, []string{"route", "method"}),
	}
	r.MustRegister(m.requests, m.seconds)
	return m
}

var statusClass = [...]string{"", "1xx", "2xx", "3xx", "4xx", "5xx"}

// observe makes the exchange, gives the request its id, measures it and writes its log line.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := &exchange{id: rand.Text()}
		c.Set(exchangeKey, x)
		c.Response().Header().Set(echo.HeaderXRequestID, x.id)
		if sent := c.Request().Header.Get(echo.HeaderXRequestID); harmless(sent) {
			c.Response().Header().Set(echo.HeaderXRequestID, sent)
			c.Response().Header().Set(ownIDHeader, x.id)
		}
		defer func() { s.heavy.Release(x.weight) }() // also of a connection that is dropped by panic
		begin := time.Now()
		if err := recovered(next, c); err != nil {
			c.Error(err)
		}
		took := time.Since(begin)
		route, method, status := c.Path(), methodLabel(c.Request().Method), c.Response().Status
		if route == "" {
			route = "unknown"
		}
		s.metrics.requests.WithLabelValues(route, method, statusClass[min(max(status/100, 0), 5)]).Inc()
		s.metrics.seconds.WithLabelValues(route, method).Observe(took.Seconds())
		s.log(c, x, route, method, took)
		return nil
	}
}

// methodLabel keeps clients from choosing labels and words of the log: HTTP allows any token as a method.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

func (s *Server) log(c echo.Context, x *exchange, route, method string, took time.Duration) {
	level, status := slog.LevelDebug, c.Response().Status
	var p *panicError
	if errors.As(x.err, &p) || status >= 500 {
		level = slog.LevelError
	}
	ctx := c.Request().Context()
	if !s.cfg.Log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request", x.id), slog.String("method", method), slog.String("route", route),
		slog.Int("status", status), slog.Duration("took", took), slog.Int64("bytes", c.Response().Size),
		slog.String("client", x.client),
	}
	if x.err != nil { // errors of this project never quote values
		attrs = append(attrs, slog.String("error", x.err.Error()))
	}
	if p != nil {
		attrs = append(attrs, slog.Any("stack", p.stack))
	}
	s.cfg.Log.LogAttrs(ctx, level, "request", attrs...)
}

// ownIDHeader carries the id of the log line when X-Request-Id gives back the client's own. No id of a client enters
// the log: it could be a patient's.
const ownIDHeader = "Chartseal-Request-Id"

// harmless tells whether a client's id may go back to it in a header: visible ASCII, and not much of it.
func harmless(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 0x7f {
			return false
		}
	}
	return len(id) > 0 && len(id) <= 64
}
