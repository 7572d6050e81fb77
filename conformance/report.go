package conformance

import "time"

// Outcome of a test.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped" // the server does not advertise what the test needs
)

// Report is a whole run.
type Report struct {
	Base    string         `json:"base"`
	Server  string         `json:"server"` // CapabilityStatement.software name and version
	Started time.Time      `json:"started"`
	Scripts []ScriptResult `json:"scripts"`
}

// ScriptResult is what one TestScript found.
type ScriptResult struct {
	Area           string         `json:"area"`
	Name           string         `json:"name"`
	File           string         `json:"file"`
	Title          string         `json:"title"`
	URL            string         `json:"url"`
	Started        time.Time      `json:"started"`
	Setup          []ActionResult `json:"setup,omitempty"`
	SetupExchanges []Exchange     `json:"setupExchanges,omitempty"` // if the setup failed
	Tests          []TestResult   `json:"tests"`
	Teardown       []ActionResult `json:"teardown,omitempty"`
}

// TestResult is what one test found.
type TestResult struct {
	Name        string         `json:"name"`
	Description string         `json:"description"` // begins with the section of the specification
	Spec        string         `json:"spec"`        // link to it
	Outcome     Outcome        `json:"outcome"`
	Details     []string       `json:"details,omitempty"` // what went wrong, or why it was skipped
	Warnings    []string       `json:"warnings,omitempty"`
	Actions     []ActionResult `json:"actions,omitempty"`
	Exchanges   []Exchange     `json:"exchanges,omitempty"`
	Seconds     float64        `json:"seconds"`
}

// ActionResult is one action of a script with a code of R4 valueset-report-action-result-codes.html.
type ActionResult struct {
	Kind    string `json:"kind"` // operation or assert
	Label   string `json:"label,omitempty"`
	Result  string `json:"result"` // pass, skip, fail, warning or error
	Message string `json:"message,omitempty"`
}

// Counts are the tests by outcome.
type Counts struct {
	Passed, Failed, Skipped, Warnings int
}

// All is the number of tests.
func (c Counts) All() int { return c.Passed + c.Failed + c.Skipped }

// Count counts the tests of a script.
func (s *ScriptResult) Count() Counts {
	var c Counts
	for i := range s.Tests {
		switch t := &s.Tests[i]; t.Outcome {
		case Passed:
			c.Passed++
		case Failed:
			c.Failed++
		case Skipped:
			c.Skipped++
		}
		c.Warnings += len(s.Tests[i].Warnings)
	}
	return c
}

// Count counts all tests.
func (r *Report) Count() Counts { return r.countArea("") }

func (r *Report) countArea(area string) Counts {
	var all Counts
	for i := range r.Scripts {
		if area != "" && r.Scripts[i].Area != area {
			continue
		}
		c := r.Scripts[i].Count()
		all.Passed += c.Passed
		all.Failed += c.Failed
		all.Skipped += c.Skipped
		all.Warnings += c.Warnings
	}
	return all
}

// areas lists the areas in the order of the report.
func (r *Report) areas() []string {
	var out []string
	for i := range r.Scripts {
		if a := r.Scripts[i].Area; len(out) == 0 || out[len(out)-1] != a {
			out = append(out, a)
		}
	}
	return out
}

func (t *TestResult) add(kind, label, result, text string) {
	if len(t.Actions) >= 2000 {
		return // a loop over everything: the first ones tell enough
	}
	t.Actions = append(t.Actions, ActionResult{Kind: kind, Label: label, Result: result, Message: text})
}

func (t *TestResult) fail(where string, err error) {
	if t.Outcome != Failed {
		t.Outcome, t.Details = Failed, nil
	}
	t.Details = appendBounded(t.Details, where+err.Error())
}

func appendBounded(list []string, s string) []string {
	if len(list) == maxDetails {
		return append(list, "…")
	}
	if len(list) > maxDetails {
		return list
	}
	return append(list, s)
}
