package gateway

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chartseal/chartseal/internal/record"
)

// requestEvent is the one log line of a request, filled in as it proceeds. It holds the route, never the URL.
type requestEvent struct {
	id     string
	client string
	err    error
}

const eventKey = "chartseal.event"

func event(c echo.Context) *requestEvent {
	if e, ok := c.Get(eventKey).(*requestEvent); ok {
		return e
	}
	return &requestEvent{}
}

// note keeps the cause of a server-side failure for the log; what a client did wrong is not the server's log's.
func (e *requestEvent) note(err error, status int) {
	if status >= 500 {
		e.err = err
	}
}

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

// observe gives the request its id, measures it and writes its log line.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ev := &requestEvent{id: requestID(c.Request().Header.Get(echo.HeaderXRequestID))}
		c.Set(eventKey, ev)
		c.Response().Header().Set(echo.HeaderXRequestID, ev.id)
		begin := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		took := time.Since(begin)
		route, method, status := c.Path(), c.Request().Method, c.Response().Status
		if route == "" {
			route = "unknown"
		}
		s.metrics.requests.WithLabelValues(route, method, statusClass[min(max(status/100, 0), 5)]).Inc()
		s.metrics.seconds.WithLabelValues(route, method).Observe(took.Seconds())
		s.log(c, ev, route, status, took)
		return nil
	}
}

func (s *Server) log(c echo.Context, ev *requestEvent, route string, status int, took time.Duration) {
	level := slog.LevelDebug
	if status >= 500 {
		level = slog.LevelError
	}
	ctx := c.Request().Context()
	if !s.cfg.Log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request", ev.id), slog.String("method", c.Request().Method), slog.String("route", route),
		slog.Int("status", status), slog.Duration("took", took), slog.Int64("bytes", c.Response().Size),
		slog.String("client", ev.client),
	}
	if ev.err != nil {
		attrs = append(attrs, slog.String("error", cause(ev.err)))
	}
	s.cfg.Log.LogAttrs(ctx, level, "request", attrs...)
}

// cause gives the internal reason; errors of this project never quote values.
func cause(err error) string {
	var e *record.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return err.Error()
}

// requestID echoes a client's id if it is harmless, else makes one.
func requestID(sent string) string {
	if len(sent) == 0 || len(sent) > 64 {
		return rand.Text()
	}
	for i := range len(sent) {
		c := sent[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '.' && c != '_' {
			return rand.Text()
		}
	}
	return sent
}
