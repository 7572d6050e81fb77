package conformance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Errors that Run returns, wrapped.
var (
	// ErrUsage: the call cannot work. Exit code 2.
	ErrUsage = errors.New("usage")
	// ErrFailed: at least one check failed; the report says which. Exit code 1.
	ErrFailed = errors.New("not conformant")
)

// Config says what to test.
type Config struct {
	Base   string
	Token  string       // bearer token with full access; empty: none is sent
	Areas  []string     // empty: all, see Areas
	Client *http.Client // default: one of our own
}

// Outcome of a check.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped" // the server does not advertise what the check needs
)

// Check is the result of one check.
type Check struct {
	Area    string   `json:"area"`
	Name    string   `json:"name"`
	Spec    string   `json:"spec"` // page and anchor of FHIR R4
	Outcome Outcome  `json:"outcome"`
	Details []string `json:"details,omitempty"` // what went wrong, or why it was skipped
	Seconds float64  `json:"seconds"`
}

// Report is a whole run.
type Report struct {
	Base    string    `json:"base"`
	Server  string    `json:"server"` // CapabilityStatement.software name and version
	Started time.Time `json:"started"`
	Checks  []Check   `json:"checks"`
}

// check is one entry of the suite.
type check struct {
	area, name, spec string
	needs            []string // advertised features, see capabilities.has
	run              func(ctx context.Context, t *trial)
}

// Areas lists what Config.Areas may name, in the order in which they run.
func Areas() []string {
	return []string{"capabilities", "create", "read", "vread", "update", "delete", "history", "search", "batch", "transaction", "errors"}
}

// Run executes the suite. The report is valid with ErrFailed too.
func Run(ctx context.Context, cfg Config) (Report, error) {
	u, err := url.Parse(cfg.Base)
	if err != nil || u.Host == "" {
		return Report{}, fmt.Errorf("%w: the base must be an http or https URL", ErrUsage)
	}
	for _, area := range cfg.Areas {
		if !slices.Contains(Areas(), area) {
			return Report{}, fmt.Errorf("%w: unknown area %q, there are %s", ErrUsage, area, strings.Join(Areas(), ", "))
		}
	}
	s, err := newSession(cfg)
	if err != nil {
		return Report{}, err
	}
	if cfg.Client == nil {
		defer s.client.CloseIdleConnections()
	}
	report := Report{Base: s.base, Started: time.Now().UTC()}
	if err := s.readCapabilities(ctx); err != nil {
		return report, fmt.Errorf("%w: no CapabilityStatement: %w", ErrFailed, err)
	}
	report.Server = s.caps.software()
	defer s.clean(context.WithoutCancel(ctx)) // also after an interruption
	failed := 0
	for _, c := range s.suite() {
		if len(cfg.Areas) > 0 && !slices.Contains(cfg.Areas, c.area) {
			continue
		}
		if ctx.Err() != nil {
			return report, fmt.Errorf("conformance: %w", context.Cause(ctx))
		}
		result := s.execute(ctx, c)
		if result.Outcome == Failed {
			failed++
		}
		report.Checks = append(report.Checks, result)
	}
	if failed > 0 {
		return report, fmt.Errorf("%w: %d of %d checks failed", ErrFailed, failed, len(report.Checks))
	}
	return report, nil
}

// suite lists all checks, area by area.
func (s *session) suite() []check {
	return slices.Concat(s.capabilityChecks(), createChecks(), readChecks(), updateChecks(), deleteChecks(), historyChecks(), searchChecks(), batchChecks(),
		transactionChecks(), errorChecks())
}

func (s *session) execute(ctx context.Context, c check) Check {
	result := Check{Area: c.area, Name: c.name, Spec: c.spec, Outcome: Passed}
	for _, need := range c.needs {
		if !s.caps.has(need) {
			result.Outcome = Skipped
			result.Details = append(result.Details, "not advertised: "+need)
		}
	}
	if result.Outcome == Skipped {
		return result
	}
	start := time.Now()
	t := &trial{s: s}
	c.run(ctx, t)
	result.Seconds = time.Since(start).Seconds()
	if len(t.failures) > 0 {
		result.Outcome, result.Details = Failed, t.failures
	} else if t.skipped != "" {
		result.Outcome, result.Details = Skipped, []string{t.skipped}
	}
	return result
}

func newSession(cfg Config) (*session, error) {
	random := make([]byte, 6)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("run id: %w", err)
	}
	client := cfg.Client
	if client == nil {
		client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute}, Timeout: time.Minute}
	}
	return &session{client: client, base: strings.TrimRight(cfg.Base, "/"), token: cfg.Token, run: hex.EncodeToString(random)}, nil
}

// Write prints the report as a table, failures with their details.
func (r Report) Write(w io.Writer) error {
	var rows strings.Builder
	count := map[Outcome]int{}
	for _, c := range r.Checks {
		count[c.Outcome]++
		fmt.Fprintf(&rows, "%s\t%s\t%s\t%s\n", c.Outcome, c.Area, c.Name, c.Spec)
		if c.Outcome == Failed {
			for _, d := range c.Details {
				fmt.Fprintf(&rows, "\t\t  - %s\n", d)
			}
		}
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	_, err := io.WriteString(t, rows.String())
	if err = errors.Join(err, t.Flush()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s (%s): %d passed, %d failed, %d skipped\n", r.Base, r.Server, count[Passed], count[Failed], count[Skipped])
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Save writes report.json and report.txt into dir, which it makes if need be.
func (r Report) Save(dir string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("save report: %w", err)
	}
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a report is not secret
		return fmt.Errorf("save report: %w", err)
	}
	for name, content := range map[string]string{"report.json": string(raw) + "\n", "report.txt": text.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil { //nolint:gosec // a report is not secret
			return fmt.Errorf("save report: %w", err)
		}
	}
	return nil
}
