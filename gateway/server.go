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

	Origins        []string // that browsers may call from (CORS); default: any
	RequireIfMatch bool     // updates must say which version they replace
	DeleteMany     bool     // a conditional delete may take several resources; as the Records were told

	StrictReferences bool // literal references must lead somewhere; as the Records were told
}

// Server is the HTTP side of the gateway.
type Server struct {
	cfg     Config
	echo    *echo.Echo
	started time.Time
	metrics *metrics
	heavy   *semaphore.Weighted // bytes of large bodies being worked on
	jobs    *jobs
	// stillMay is the Records' StillMay.
	stillMay func(context.Context, *record.Caller, *record.Disclosure) (bool, error)
	stated   capabilities
}

// New wires the routes.
func New(cfg Config) *Server {
	if cfg.Limits.MaxBytes <= 0 {
		cfg.Limits.MaxBytes = fhir.DefaultLimits.MaxBytes
	}
	if len(cfg.Origins) == 0 {
		cfg.Origins = []string{"*"}
	}
	s := &Server{cfg: cfg, echo: echo.New(), started: cfg.Now(), metrics: newMetrics(cfg.Registry), heavy: semaphore.NewWeighted(heavyBytes)}
	s.jobs, s.stillMay = newJobs(cfg.Now), cfg.Records.StillMay
	e := s.echo
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.onError
	e.Pre(decodePath)
	e.Use(s.observe, s.options, s.cors(), checkRequest)
	e.GET("/healthz", s.health)
	e.GET("/readyz", s.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(cfg.Registry, promhttp.HandlerOpts{})))
	e.GET("/.well-known/openid-configuration", s.discovery)
	e.GET(smart.JWKSPath, s.keySet)
	s.register()
	return s
}

// Handler serves every route.
func (s *Server) Handler() http.Handler { return s.echo }

// Close ends the jobs that nobody waits for any more and returns when none runs.
func (s *Server) Close() { s.jobs.close() }
