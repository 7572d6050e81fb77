package conformance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Errors that Run returns, wrapped.
var (
	// ErrUsage: the call cannot work. Exit code 2.
	ErrUsage = errors.New("usage")
	// ErrFailed: at least one test failed; the report says which. Exit code 1.
	ErrFailed = errors.New("not conformant")
)

// Options says what to test, and how.
type Options struct {
	Base          string
	Token         string                          // bearer token with full access; empty: none is sent
	Areas         []string                        // empty: all, see Areas
	Client        *http.Client                    // default: one of our own. Redirects are never followed
	Concurrency   int                             // scripts at a time; default 4
	Timeout       time.Duration                   // of one request; default 30 s
	StopOnFailure bool                            // end the run after the first failure; what did not run is not in the report
	Scripts       fs.FS                           // default: those of the suite, see Scripts
	Progress      func(script string, failed int) // called after each script, one call at a time
}

// suite is one run.
type suite struct {
	opt  Options
	c    *client
	caps []byte   // the CapabilityStatement
	said sync.Map // []string by FHIRPath, see values
}

// Run executes the suite. The report is valid with ErrFailed too.
func Run(ctx context.Context, opt Options) (*Report, error) {
	if err := opt.complete(); err != nil {
		return nil, err
	}
	scripts, err := load(opt.Scripts, opt.Areas)
	if err != nil {
		return nil, err
	}
	s := &suite{opt: opt, c: newClient(&opt)}
	if opt.Client == nil {
		defer s.c.http.CloseIdleConnections()
	}
	report := &Report{Base: s.c.base, Started: time.Now().UTC()}
	if err := s.readCapabilities(ctx, report); err != nil {
		return report, err
	}
	for _, r := range s.runAll(ctx, scripts) {
		if r != nil {
			report.Scripts = append(report.Scripts, *r)
		}
	}
	if err := ctx.Err(); err != nil {
		return report, fmt.Errorf("conformance: %w", context.Cause(ctx))
	}
	if n := report.Count().Failed; n > 0 {
		return report, fmt.Errorf("%w: %d of %d tests failed", ErrFailed, n, report.Count().All())
	}
	return report, nil
}

func (opt *Options) complete() error {
	u, err := url.Parse(opt.Base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" {
		return fmt.Errorf("%w: the base must be an http or https URL", ErrUsage)
	}
	if opt.Concurrency < 0 || opt.Timeout < 0 {
		return fmt.Errorf("%w: concurrency and time-out must be positive", ErrUsage)
	}
	if opt.Concurrency == 0 {
		opt.Concurrency = 4
	}
	if opt.Timeout == 0 {
		opt.Timeout = 30 * time.Second
	}
	if opt.Scripts == nil {
		opt.Scripts = Scripts()
	}
	return nil
}

// readCapabilities asks for the statement that decides what is tested (R4 http.html#capabilities).
func (s *suite) readCapabilities(ctx context.Context, report *Report) error {
	res, _, err := s.c.send(ctx, &message{method: http.MethodGet, url: s.c.base + "/metadata", header: http.Header{"Accept": {fhirJSON}}})
	if err != nil {
		return fmt.Errorf("%w: no CapabilityStatement: %w", ErrFailed, err)
	}
	if res.status != http.StatusOK || memberText(res.body, "resourceType") != "CapabilityStatement" {
		return fmt.Errorf("%w: no CapabilityStatement: GET metadata answered %d", ErrFailed, res.status)
	}
	s.caps = res.body
	name, err := evaluate(res.body, "(software.name | software.version).join(' ')")
	if err == nil && len(name) == 1 {
		report.Server = name[0].String()
	}
	return nil
}

// runAll runs the scripts, several at a time. One that did not run is nil in the result.
func (s *suite) runAll(ctx context.Context, scripts []*script) []*ScriptResult {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	out := make([]*ScriptResult, len(scripts))
	slots := make(chan struct{}, s.opt.Concurrency)
	var group sync.WaitGroup
	var mu sync.Mutex
	for i, sc := range scripts {
		slots <- struct{}{}
		if ctx.Err() != nil {
			<-slots
			break
		}
		group.Go(func() {
			defer func() { <-slots }()
			result := newScriptRun(s, sc).run(ctx)
			mu.Lock()
			defer mu.Unlock()
			out[i] = result
			failed := result.Count().Failed
			if s.opt.Progress != nil {
				s.opt.Progress(sc.area+"/"+sc.file, failed)
			}
			if s.opt.StopOnFailure && failed > 0 {
				stop()
			}
		})
	}
	group.Wait()
	return out
}

// missing says which requirement the server does not advertise; empty if it advertises all.
func (s *suite) missing(requirements []string) (string, error) {
	for _, expr := range requirements {
		found, err := s.values(expr)
		if err != nil {
			return "", err
		}
		if len(found) != 1 || found[0] != "true" {
			return expr, nil
		}
	}
	return "", nil
}

// values evaluates FHIRPath on the CapabilityStatement. Statements are large, and the scripts ask the same again and
// again: what was found is kept.
func (s *suite) values(expr string) ([]string, error) {
	if found, ok := s.said.Load(expr); ok {
		return found.([]string), nil
	}
	found, err := evaluate(s.caps, expr)
	if err != nil {
		return nil, err
	}
	values := make([]string, len(found))
	for i, v := range found {
		values[i] = v.String()
	}
	s.said.Store(expr, values)
	return values, nil
}

// each lists the values of nested loops.
func (r *scriptRun) each(loops []loop, do func()) error {
	if len(loops) == 0 {
		do()
		return nil
	}
	expr, err := r.fill(loops[0].in, asIs)
	if err != nil {
		return err
	}
	found, err := r.suite.values(expr)
	if err != nil {
		return err
	}
	defer delete(r.loop, loops[0].name)
	for _, v := range found {
		r.loop[loops[0].name] = v
		if err := r.each(loops[1:], do); err != nil {
			return err
		}
	}
	return nil
}

// where names the values of the loops, for messages.
func (r *scriptRun) where(loops []loop) string {
	var out []string
	for _, l := range loops {
		out = append(out, l.name+" "+r.loop[l.name])
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, ", ") + ": "
}
