package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Errors that Run returns, wrapped. A nil error means that everything is on the server.
var (
	// ErrUsage: the call cannot work (no such path, nothing to load, a bad base URL). Exit code 2.
	ErrUsage = errors.New("usage")
	// ErrIncomplete: something is not on the server; Summary.Failures says what and why. Exit code 1.
	ErrIncomplete = errors.New("load is incomplete")
	// ErrUnauthorized: the server refused the token (401). The run stops at once. Exit code 1.
	ErrUnauthorized = errors.New("the server does not accept the token")
)

// Config says what to load and where to. Zero values mean the defaults.
type Config struct {
	Paths       []string  // files and folders; folders are walked for .json, .ndjson and .jsonl
	Base        string    // FHIR base URL, for example http://127.0.0.1:8080/fhir
	Token       string    // bearer token; empty: none is sent
	Concurrency int       // requests at once; default 8
	Out         io.Writer // notes and progress: a bar on a terminal, else a line now and then; nil: none

	MaxEntries int           // NDJSON resources in one transaction; default 200. Runs that differ here do not recognize each other
	MaxBytes   int           // NDJSON bytes in one transaction; default 1 MiB. As above
	MaxLine    int           // bytes of one NDJSON line; default 16 MiB. Memory is bounded by this and by MaxBytes × Concurrency
	Attempts   int           // per request; default 10, about a minute and a half of waiting in all
	Timeout    time.Duration // per attempt; default 2 minutes
	Client     *http.Client  // default: one of our own with enough kept connections
}

// Skip is a file that holds no FHIR data.
type Skip struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Summary is what a run did.
type Summary struct {
	Resources    int64          `json:"resources"`    // entries that the server reports as stored, by this run or an earlier one
	ByType       map[string]int `json:"byType"`       // the same for resources whose type the loader knows: single files and NDJSON
	Transactions int64          `json:"transactions"` // Bundles answered with success
	Replayed     int64          `json:"replayed"`     // of these, answered from an earlier run: nothing was stored again
	Requests     int64          `json:"requests"`     // HTTP requests, retries included
	Retries      int64          `json:"retries"`
	Bytes        int64          `json:"bytes"`   // input bytes dealt with
	Seconds      float64        `json:"seconds"` // planning included
	Failures     []Failure      `json:"failures"`
	Skipped      []Skip         `json:"skipped"`
}

// Run loads everything under cfg.Paths and says what became of it. It may be repeated, after a failure and after success, from any
// machine: see the package comment. Canceling ctx stops it; the Summary is valid in every case.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	start := time.Now()
	own := cfg.Client == nil
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Summary{}, err
	}
	if own {
		defer cfg.Client.CloseIdleConnections()
	}
	r := newRunner(cfg, pause)
	p, err := makePlan(ctx, cfg.Paths, cfg.MaxLine)
	if err != nil {
		return Summary{}, err
	}
	_, _ = fmt.Fprintf(cfg.Out, "%.1f MB to send, read in %.1f s\n", float64(p.bytes)/1e6, time.Since(start).Seconds()) // a note, no result
	err = r.run(ctx, p)
	s := r.summary()
	s.Seconds = time.Since(start).Seconds()
	if err == nil && len(s.Failures) > 0 {
		err = fmt.Errorf("%w: %d failures", ErrIncomplete, len(s.Failures))
	}
	return s, err
}

func (cfg Config) withDefaults() (Config, error) {
	u, err := url.Parse(cfg.Base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return cfg, fmt.Errorf("%w: the base must be an http or https URL", ErrUsage)
	}
	if len(cfg.Paths) == 0 {
		return cfg, fmt.Errorf("%w: no path given", ErrUsage)
	}
	cfg.Base = strings.TrimRight(cfg.Base, "/")
	for _, d := range []struct {
		field *int
		value int
	}{{&cfg.Concurrency, 8}, {&cfg.MaxEntries, 200}, {&cfg.MaxBytes, 1 << 20}, {&cfg.MaxLine, 16 << 20}, {&cfg.Attempts, 10}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Minute
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: cfg.Concurrency, IdleConnTimeout: time.Minute,
		}}
	}
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	return cfg, nil
}

// Write prints the summary as text.
func (s Summary) Write(w io.Writer) error {
	var b strings.Builder
	rate := 0.0
	if s.Seconds > 0 {
		rate = float64(s.Resources) / s.Seconds
	}
	fmt.Fprintf(&b, "%d resources in %d transactions, %.1f s, %.0f resources/s\n", s.Resources, s.Transactions, s.Seconds, rate)
	fmt.Fprintf(&b, "%d transactions had been stored before; %d requests, %d of them retries\n", s.Replayed, s.Requests, s.Retries)
	for _, k := range s.Skipped {
		fmt.Fprintf(&b, "skipped %s: %s\n", k.Path, k.Reason)
	}
	for _, f := range s.Failures {
		fmt.Fprintf(&b, "FAILED %s\n", f)
	}
	if len(s.Failures) > 0 {
		fmt.Fprintf(&b, "%d failures\n", len(s.Failures))
	}
	_, err := io.WriteString(w, b.String())
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}
