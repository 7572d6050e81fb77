package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Errors that Run returns, wrapped.
var (
	// ErrUsage: the call cannot work (unknown operation, bad URL, no data). Exit code 2.
	ErrUsage = errors.New("usage")
	// ErrSetup: the server did not get into a state in which a measurement means anything.
	ErrSetup = errors.New("bench setup")
)

// The operations, in the order in which they run.
const (
	Create = "create" // POST Patient
	Read   = "read"   // GET Type/id
	Search = "search" // GET Observation?patient=…&code=…
	Ingest = "ingest" // POST of a patient's whole transaction Bundle
)

// Operations lists them all.
func Operations() []string { return []string{Create, Read, Search, Ingest} }

// AckDurable is the Config.Ack that asks our server to answer writes when they are durable (202) instead of committed.
const AckDurable = "durable"

// Config says what to measure. Zero values mean the defaults.
type Config struct {
	Base        string        // FHIR base URL
	Token       string        // bearer token; empty: none is sent
	DataDir     string        // folder with transaction Bundles, one patient each (Synthea); not needed for read and search on a filled server
	Concurrency []int         // default 1, 8, 64
	Duration    time.Duration // of each measurement; default 10 s
	WarmUp      time.Duration // before each; default a fifth of Duration, at most 2 s
	Only        []string      // operations; default all
	Ack         string        // AckDurable, or empty for the server's default
	Out         io.Writer     // one line per step; nil: none
}

// Result is one measurement. Latencies are milliseconds, of successful requests only.
type Result struct {
	Operation          string         `json:"operation"`
	Concurrency        int            `json:"concurrency"`
	Requests           int64          `json:"requests"` // with errors
	Errors             int64          `json:"errors"`
	Statuses           map[string]int `json:"statuses,omitempty"` // errors by HTTP status; "transport": no answer; "entries": an ingest answered in part
	Seconds            float64        `json:"seconds"`            // until the last answer
	PerSecond          float64        `json:"perSecond"`          // successful requests
	Resources          int64          `json:"resources,omitempty"`
	ResourcesPerSecond float64        `json:"resourcesPerSecond,omitempty"`
	P50                float64        `json:"p50"`
	P95                float64        `json:"p95"`
	P99                float64        `json:"p99"`
	Max                float64        `json:"max"`
}

// Report is a whole run.
type Report struct {
	Base     string    `json:"base"`
	Server   string    `json:"server"` // CapabilityStatement.software name and version
	Started  time.Time `json:"started"`
	Duration float64   `json:"duration"` // seconds of each measurement as asked for
	Ack      string    `json:"ack,omitempty"`
	Patients int       `json:"patients"` // whose data read and search used
	Results  []Result  `json:"results"`
}

// Run measures. On an error the report holds what was measured before.
func Run(ctx context.Context, cfg Config) (Report, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Report{}, err
	}
	c := newClient(cfg)
	defer c.transport.CloseIdleConnections()
	report := Report{Base: cfg.Base, Started: time.Now().UTC(), Duration: cfg.Duration.Seconds(), Ack: cfg.Ack}
	if report.Server, err = c.software(ctx); err != nil {
		return report, fmt.Errorf("%w: %w", ErrSetup, err)
	}
	w, err := prepare(ctx, cfg, c)
	if err != nil {
		return report, err
	}
	report.Patients = len(w.patients)
	for _, name := range cfg.Only {
		for _, n := range cfg.Concurrency {
			say(cfg.Out, "%s, concurrency %d, %s", name, n, cfg.Duration)
			r, err := measure(ctx, cfg, c, w.source(name), name, n)
			if err != nil {
				return report, err
			}
			report.Results = append(report.Results, r)
		}
	}
	return report, nil
}

func (cfg Config) withDefaults() (Config, error) {
	u, err := url.Parse(cfg.Base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return cfg, fmt.Errorf("%w: the base must be an http or https URL", ErrUsage)
	}
	cfg.Base = strings.TrimRight(cfg.Base, "/")
	if len(cfg.Concurrency) == 0 {
		cfg.Concurrency = []int{1, 8, 64}
	}
	if slices.Min(cfg.Concurrency) < 1 {
		return cfg, fmt.Errorf("%w: concurrency must be at least 1", ErrUsage)
	}
	if cfg.Duration <= 0 {
		cfg.Duration = 10 * time.Second
	}
	if cfg.WarmUp <= 0 {
		cfg.WarmUp = min(cfg.Duration/5, 2*time.Second)
	}
	if cfg.Ack != "" && cfg.Ack != AckDurable {
		return cfg, fmt.Errorf("%w: unknown acknowledgement %q", ErrUsage, cfg.Ack)
	}
	for _, name := range cfg.Only {
		if !slices.Contains(Operations(), name) {
			return cfg, fmt.Errorf("%w: unknown operation %q, there are %s", ErrUsage, name, strings.Join(Operations(), ", "))
		}
	}
	wanted := cfg.Only
	cfg.Only = nil
	for _, name := range Operations() {
		if len(wanted) == 0 || slices.Contains(wanted, name) {
			cfg.Only = append(cfg.Only, name)
		}
	}
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	return cfg, nil
}

func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...) // notes that cannot be shown do not stop a measurement
}

// success says which answers count: 2xx, and among them 202 only where it was asked for, since elsewhere it means "not done yet".
func success(ack string, status int) bool {
	return status >= 200 && status <= 299 && (status != http.StatusAccepted || ack == AckDurable)
}
