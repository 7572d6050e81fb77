package conformance

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitText `xml:"failure"`
	Skipped *junitText `xml:"skipped"`
	Out     string     `xml:"system-out,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report in the form that build servers read: a suite a script, a case a test.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := r.Count()
	out := junitSuites{Name: "FHIR R4 conformance of " + r.Base, Tests: all.All(), Failures: all.Failed, Skipped: all.Skipped}
	for i := range r.Scripts {
		s := &r.Scripts[i]
		c := s.Count()
		suite := junitSuite{
			Name: s.Area + "/" + s.File, Tests: c.All(), Failures: c.Failed, Skipped: c.Skipped, Timestamp: s.Started.Format("2006-01-02T15:04:05"),
		}
		var sum float64
		for j := range s.Tests {
			sum += s.Tests[j].Seconds
			suite.Cases = append(suite.Cases, junitCaseOf(s, &s.Tests[j]))
		}
		suite.Time = seconds(sum)
		out.Suites = append(out.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	return nil
}

func junitCaseOf(s *ScriptResult, t *TestResult) junitCase {
	c := junitCase{Class: s.Area + "." + s.File, Name: t.Name, Time: seconds(t.Seconds), Out: strings.Join(t.Warnings, "\n")}
	switch t.Outcome {
	case Failed:
		var b strings.Builder
		writeFailure(&b, s, t)
		c.Failure = &junitText{Message: t.Details[0], Text: b.String()}
	case Skipped:
		c.Skipped = &junitText{Message: strings.Join(t.Details, "; ")}
	case Passed:
	}
	return c
}

func seconds(f float64) string {
	return fmt.Sprintf("%.3f", time.Duration(f*float64(time.Second)).Seconds())
}
