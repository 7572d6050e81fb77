package conformance

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Write prints the report: a line an area, then each failure with its section and the last exchange before it.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "AREA\tPASSED\tFAILED\tSKIPPED\tWARNINGS")
	row := func(name string, c Counts) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\n", name, c.Passed, c.Failed, c.Skipped, c.Warnings)
	}
	for _, area := range r.areas() {
		row(area, r.countArea(area))
	}
	row("all", r.Count())
	_ = t.Flush() // a Builder takes everything
	for i := range r.Scripts {
		s := &r.Scripts[i]
		for j := range s.Tests {
			if s.Tests[j].Outcome == Failed {
				writeFailure(&b, s, &s.Tests[j])
			}
		}
	}
	c := r.Count()
	fmt.Fprintf(&b, "\n%s (%s): %d tests, %d passed, %d failed, %d skipped, %d warnings\n", r.Base, r.Server, c.All(), c.Passed, c.Failed, c.Skipped, c.Warnings)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func writeFailure(b *strings.Builder, s *ScriptResult, t *TestResult) {
	fmt.Fprintf(b, "\nFAILED %s/%s: %s\n  %s\n", s.Area, s.File, t.Name, t.Description)
	if t.Spec != "" {
		fmt.Fprintf(b, "  %s\n", t.Spec)
	}
	for _, d := range t.Details {
		fmt.Fprintf(b, "  - %s\n", d)
	}
	list := t.Exchanges
	if len(list) == 0 {
		list = s.SetupExchanges
	}
	if len(list) == 0 {
		return
	}
	x := &list[len(list)-1]
	fmt.Fprintf(b, "  > %s %s\n", x.Method, x.URL)
	excerpt(b, "  > ", x.RequestBody)
	if x.Error != "" {
		fmt.Fprintf(b, "  < %s\n", oneLine(x.Error))
		return
	}
	fmt.Fprintf(b, "  < %d\n", x.Status)
	excerpt(b, "  < ", x.ResponseBody)
}

// excerpt prints the beginning of a body on one line.
func excerpt(b *strings.Builder, prefix, body string) {
	if body != "" {
		fmt.Fprintf(b, "%s%s\n", prefix, oneLine(body))
	}
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return s
}
