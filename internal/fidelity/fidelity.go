package fidelity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Errors that Run returns, wrapped.
var (
	// ErrUsage: the call cannot work. Exit code 2.
	ErrUsage = errors.New("usage")
	// ErrDifferent: something came back other than it was sent, or could not be compared. The report says what. Exit code 1.
	ErrDifferent = errors.New("not faithful")
)

// Config says what to compare. Zero values mean the defaults.
type Config struct {
	Base         string
	Token        string
	Loaded       []string // files and folders that the loader has put on the server
	Examples     []string // files and folders of single resources to store, read back and compare
	KnownInvalid []string // examples that the server should reject, as Type/id; no failure if it does, and none if it keeps them faithfully
	Concurrency  int      // default 8
	MaxKept      int      // differences listed in the report; all are counted; default 1,000
	Values       bool     // put the values that differ into the report
	Out          io.Writer
	Client       *http.Client
}

// Difference is one element that came back other than it was sent.
type Difference struct {
	Source   string `json:"source"`   // file, file#entry[n] or file:line
	Resource string `json:"resource"` // Type/id on the server
	Path     string `json:"path"`     // Observation.component[2].valueQuantity.value
	Kind     string `json:"kind"`     // Missing, Added, Changed, Reference
	Sent     string `json:"sent,omitempty"`
	Got      string `json:"got,omitempty"`
}

// Problem is something that could not be compared. Reason holds no content.
type Problem struct {
	Source string `json:"source"`
	Status int    `json:"status,omitempty"`
	Reason string `json:"reason"`
}

// Report is the outcome.
type Report struct {
	Resources   int64        `json:"resources"`  // compared
	Superseded  int64        `json:"superseded"` // of these, found unchanged among older versions
	Existing    int64        `json:"existing"`   // entries that ifNoneExist answered with a resource of someone else: not compared
	References  int64        `json:"references"` // links checked that the server had to resolve
	Requests    int64        `json:"requests"`
	Total       int64        `json:"total"`       // differences
	Differences []Difference `json:"differences"` // the first MaxKept of them
	Problems    []Problem    `json:"problems"`
	Rejected    []Problem    `json:"rejected"` // examples of KnownInvalid that the server refused
	Skipped     []string     `json:"skipped"`  // files without a FHIR resource, and Parameters, which cannot be stored
	Seconds     float64      `json:"seconds"`
}

// runner holds what the comparisons of one Run share.
type runner struct {
	cfg                                         Config
	client                                      *client
	conditions                                  *conditions
	resources, superseded, existing, references atomic.Int64
	mu                                          sync.Mutex
	report                                      Report // guarded by mu
}

// Run compares everything and reports. The report is valid with ErrDifferent too.
func Run(ctx context.Context, cfg Config) (Report, error) {
	start := time.Now()
	u, err := url.Parse(cfg.Base)
	if err != nil || u.Host == "" {
		return Report{}, fmt.Errorf("%w: the base must be an http or https URL", ErrUsage)
	}
	r := newRunner(cfg)
	if cfg.Client == nil {
		defer r.client.http.CloseIdleConnections()
	}
	loaded, err := files(cfg.Loaded)
	if err != nil {
		return Report{}, err
	}
	examples, err := files(cfg.Examples)
	if err != nil {
		return Report{}, err
	}
	if len(loaded)+len(examples) == 0 {
		return Report{}, fmt.Errorf("%w: no .json or .ndjson file under the given paths", ErrUsage)
	}
	err = r.each(ctx, func(submit func(func())) {
		for _, path := range loaded {
			r.loaded(ctx, path, submit)
		}
		for _, path := range examples {
			submit(func() { r.example(ctx, path) })
		}
	})
	report := r.finish(start)
	if err == nil && (report.Total > 0 || len(report.Problems) > 0) {
		err = fmt.Errorf("%w: %d differences, %d problems", ErrDifferent, report.Total, len(report.Problems))
	}
	return report, err
}

func newRunner(cfg Config) *runner {
	cfg.Base = strings.TrimRight(cfg.Base, "/")
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = 8
	}
	if cfg.MaxKept <= 0 {
		cfg.MaxKept = 1000
	}
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: cfg.Concurrency, IdleConnTimeout: time.Minute,
		}}
	}
	c := &client{http: cfg.Client, base: cfg.Base, token: cfg.Token}
	return &runner{cfg: cfg, client: c, conditions: &conditions{client: c, results: map[[2]string]*result{}}}
}

// each runs what feed submits over a bounded number of workers.
func (r *runner) each(ctx context.Context, feed func(submit func(func()))) error {
	jobs := make(chan func())
	var workers sync.WaitGroup
	for range r.cfg.Concurrency {
		workers.Go(func() {
			for job := range jobs {
				job()
			}
		})
	}
	feed(func(job func()) {
		select {
		case <-ctx.Done():
		case jobs <- job:
		}
	})
	close(jobs)
	workers.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("compare: %w", context.Cause(ctx))
	}
	return nil
}

func (r *runner) problem(source string, status int, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Problems = append(r.report.Problems, Problem{Source: source, Status: status, Reason: reason})
}

func (r *runner) skip(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Skipped = append(r.report.Skipped, path)
}

func (r *runner) differ(source, ref string, findings []finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Total += int64(len(findings))
	for _, f := range findings {
		if len(r.report.Differences) == r.cfg.MaxKept {
			return
		}
		d := Difference{Source: source, Resource: ref, Path: f.path, Kind: f.kind}
		if r.cfg.Values {
			d.Sent, d.Got = f.sent, f.got
		}
		r.report.Differences = append(r.report.Differences, d)
	}
}

func (r *runner) finish(start time.Time) Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.report
	p.Resources, p.Superseded, p.Existing, p.References = r.resources.Load(), r.superseded.Load(), r.existing.Load(), r.references.Load()
	p.Requests = r.client.requests.Load()
	p.Seconds = time.Since(start).Seconds()
	slices.SortFunc(p.Differences, func(a, b Difference) int {
		return strings.Compare(a.Source+"\x00"+a.Path, b.Source+"\x00"+b.Path)
	})
	bySource := func(a, b Problem) int { return strings.Compare(a.Source, b.Source) }
	slices.SortFunc(p.Problems, bySource)
	slices.SortFunc(p.Rejected, bySource)
	slices.Sort(p.Skipped)
	return p
}

// Write prints the report as text.
func (p Report) Write(w io.Writer) error {
	var b strings.Builder
	for _, d := range p.Differences {
		fmt.Fprintf(&b, "%s %s: %s %s", d.Source, d.Resource, d.Kind, d.Path)
		if d.Sent != "" || d.Got != "" {
			fmt.Fprintf(&b, ": sent %s, got %s", d.Sent, d.Got)
		}
		b.WriteByte('\n')
	}
	if n := p.Total - int64(len(p.Differences)); n > 0 {
		fmt.Fprintf(&b, "and %d differences more\n", n)
	}
	for _, x := range p.Problems {
		fmt.Fprintf(&b, "%s: not compared: %s\n", x.Source, x.Reason)
	}
	for _, x := range p.Rejected {
		fmt.Fprintf(&b, "%s: rejected with %d, known to be invalid\n", x.Source, x.Status)
	}
	fmt.Fprintf(&b, "%d resources compared (%d in an older version), %d resolved references checked, %d differences, %d problems, %d skipped, %.1f s\n",
		p.Resources, p.Superseded, p.References, p.Total, len(p.Problems), len(p.Skipped), p.Seconds)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
