package gateway

import (
	"log/slog"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chartseal/chartseal/internal/record"
)

var quiet = slog.New(slog.DiscardHandler)

func newRegistry() *prometheus.Registry { return prometheus.NewRegistry() }

// anyone is a caller that may do everything.
func anyone(client string) *record.Caller {
	return &record.Caller{Client: client, Workforce: true, Allows: func(string, record.Interaction) bool { return true }}
}

// authenticated is a server without records that takes every request as one of a client that may do everything. The
// header Client names it.
func authenticated(t *testing.T, more ...func(*Config)) *Server {
	t.Helper()
	cfg := Config{Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Base: "http://localhost/fhir", Now: time.Now}
	for _, f := range more {
		f(&cfg)
	}
	s := New(cfg)
	t.Cleanup(s.Close)
	s.echo.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			exchangeOf(c).caller = anyone(c.Request().Header.Get("Client"))
			return next(c)
		}
	})
	return s
}
