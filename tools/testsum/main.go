// Command testsum reads what `go test -json` prints and tells it to people: a line for each package, the output of
// what failed, every skipped test with its reason, and at the end one line of counts. It exits with 1 if anything
// failed, or if CI is true and anything was skipped: there, a skipped test is one that nobody runs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// event is one line of `go test -json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build output
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// key names a test, or a package (with no test).
type key struct{ pkg, test string }

type summary struct {
	out                     io.Writer
	passed, failed, skipped int
	output                  map[key][]string
	builds                  map[string][]string
	failures, skips         []string
	packages                map[string]bool // packages with at least one test that ended
}

func main() {
	start := time.Now()
	s := summary{out: os.Stdout, output: map[key][]string{}, builds: map[string][]string{}, packages: map[string]bool{}}
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
	if !s.report(os.Getenv("CI") == "true", time.Since(start)) {
		os.Exit(1)
	}
}

func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil && e.Action != "" {
				s.take(e)
			} else {
				fmt.Fprintf(s.out, "%s", line) // not an event: from the go command itself
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (s *summary) take(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		s.builds[e.ImportPath] = append(s.builds[e.ImportPath], e.Output)
	case "output":
		s.output[k] = append(s.output[k], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(e.Action, k)
		}
		delete(s.output, k)
	}
}

func (s *summary) endTest(action string, k key) {
	s.packages[k.pkg] = true
	switch action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
		s.failures = append(s.failures, fmt.Sprintf("--- %s %s\n%s", k.pkg, k.test, strings.Join(s.output[k], "")))
	case "skip":
		s.skipped++
		s.skips = append(s.skips, fmt.Sprintf("%s %s: %s", k.pkg, k.test, reason(s.output[k])))
	}
}

// endPackage counts a package as a failed test if it failed without one: it did not build, or it died.
func (s *summary) endPackage(e event) {
	verdict := map[string]string{"pass": "ok", "fail": "FAIL", "skip": "no tests"}[e.Action]
	fmt.Fprintf(s.out, "%-8s %s %.1fs\n", verdict, e.Package, e.Elapsed)
	if e.Action != "fail" {
		return
	}
	text := strings.Join(s.builds[e.FailedBuild], "") + strings.Join(s.output[key{e.Package, ""}], "")
	for k, out := range s.output { // tests that had not ended when the package died
		if k.pkg == e.Package && k.test != "" {
			text += strings.Join(out, "")
		}
	}
	prefix := "--- " + e.Package + " "
	if !slices.ContainsFunc(s.failures, func(f string) bool { return strings.HasPrefix(f, prefix) }) {
		s.failed++
		s.failures = append(s.failures, prefix+"\n"+text)
	} else if strings.Contains(text, "panic:") {
		s.failures = append(s.failures, prefix+"\n"+text)
	}
}

var (
	frame    = regexp.MustCompile(`^\s*(===|---) `)
	position = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: `)
)

// reason is what a skipped test said.
func reason(output []string) string {
	var said []string
	for _, line := range output {
		if !frame.MatchString(line) {
			said = append(said, strings.TrimSpace(position.ReplaceAllString(line, "")))
		}
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// report prints the end and says whether all is well.
func (s *summary) report(ci bool, took time.Duration) bool {
	for _, f := range s.failures {
		fmt.Fprintf(s.out, "\n%s", f)
	}
	if len(s.skips) > 0 {
		slices.Sort(s.skips)
		fmt.Fprintf(s.out, "\nSkipped:\n  %s\n", strings.Join(s.skips, "\n  "))
	}
	good := s.failed == 0
	if ci && s.skipped > 0 {
		good = false
		fmt.Fprintln(s.out, "CI is true: a skipped test is a failure. Install what the reasons above name.")
	}
	if s.passed+s.failed+s.skipped == 0 {
		good = false
		fmt.Fprintln(s.out, "No test was run.")
	}
	fmt.Fprintf(s.out, "\n%d packages with tests, %s\n", len(s.packages), took.Round(time.Second))
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	return good
}
