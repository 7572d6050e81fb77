package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/semaphore"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/gateway/smart"
	"github.com/chartseal/chartseal/internal/record"
)

// Config is what a Server needs. All fields are required unless they say otherwise.
type Config struct {
	Records   *record.Service
	Issuer    *smart.Issuer
	Verifier  *smart.Verifier
	Log       *slog.Logger
	Registry  *prometheus.Registry
	Base      string // public FHIR base URL, without a slash at the end
	Custodian string // Organization/… whose records these are
	Version   string // of the software, for /metadata
	Limits    fhir.Limits
	Durable   bool                        // answer writes when they are durable, before the ledger commits
	Ready     func(context.Context) error // further conditions of /readyz
	Verify    func(receipt, resource []byte) (report []byte, valid bool, err error)
	Now       func() time.Time
}

// Server is the HTTP side of the gateway.
type Server struct {
	cfg     Config
	echo    *echo.Echo
	started time.Time
	metrics *metrics
	heavy   *semaphore.Weighted // bytes of Bundles being worked on
}

// heavyBytes bounds the Bundles that are worked on at once: parsed, one takes some twenty times its size.
const heavyBytes = 16 << 20

// New wires the routes.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, echo: echo.New(), started: cfg.Now(), metrics: newMetrics(cfg.Registry), heavy: semaphore.NewWeighted(heavyBytes)}
	e := s.echo
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.onError
	e.Use(s.observe)
	e.GET("/healthz", s.health)
	e.GET("/readyz", s.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(cfg.Registry, promhttp.HandlerOpts{})))
	e.GET("/.well-known/openid-configuration", s.discovery)
	e.GET(smart.JWKSPath, s.keySet)
	e.GET("/fhir/.well-known/smart-configuration", s.smartConfiguration)
	e.GET("/fhir/metadata", s.metadata)
	for _, r := range routes { // not a group: its middleware would turn every 405 into 404
		h := s.authenticate(r.handler(s))
		e.Add(r.method, "/fhir"+r.path, h)
		if r.method == http.MethodGet {
			e.Add(http.MethodHead, "/fhir"+r.path, h)
		}
	}
	return s
}

// Handler serves every route.
func (s *Server) Handler() http.Handler { return s.echo }

// Routes lists what is served below the FHIR base, for tests that walk all of it.
func Routes() []string {
	out := make([]string, 0, len(routes))
	for _, r := range routes {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// route is one FHIR interaction. The table registers the routes and writes /metadata, so the two cannot differ.
type route struct {
	method, path string
	level        string // type, system or operation
	code         string // of the CapabilityStatement
	handler      func(*Server) echo.HandlerFunc
}

var routes = []route{
	{http.MethodGet, "/:type/:id", "type", "read", method((*Server).read)},
	{http.MethodGet, "/:type/:id/_history/:vid", "type", "vread", method((*Server).vread)},
	{http.MethodPut, "/:type/:id", "type", "update", method((*Server).update)},
	{http.MethodDelete, "/:type/:id", "type", "delete", method((*Server).remove)},
	{http.MethodGet, "/:type/:id/_history", "type", "history-instance", method((*Server).history)},
	{http.MethodPost, "/:type", "type", "create", method((*Server).create)},
	{http.MethodGet, "/:type", "type", "search-type", method((*Server).search)},
	{http.MethodPost, "/:type/_search", "type", "", method((*Server).searchPost)},
	{http.MethodPost, "", "system", "transaction", method((*Server).bundle)},
	{http.MethodPost, "/", "system", "", method((*Server).bundle)},
	{http.MethodGet, "/:type/:id/$receipt", "operation", "receipt", method((*Server).receipt)},
	{http.MethodGet, "/:type/:id/_history/:vid/$receipt", "operation", "", method((*Server).receipt)},
	{http.MethodPost, "/$verify-receipt", "operation", "verify-receipt", method((*Server).verifyReceipt)},
	{http.MethodGet, "/$write-status/:status", "operation", "write-status", method((*Server).writeStatus)},
}

func method(f func(*Server, echo.Context) error) func(*Server) echo.HandlerFunc {
	return func(s *Server) echo.HandlerFunc { return func(c echo.Context) error { return f(s, c) } }
}
