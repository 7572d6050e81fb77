package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Write prints the report as a table.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s), %g s each", r.Base, r.Server, r.Duration)
	if r.Ack != "" {
		b.WriteString(", ack: " + r.Ack)
	}
	b.WriteByte('\n')
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', tabwriter.AlignRight)
	rows := []string{"operation\tc\trequests\terrors\trequests/s\tresources/s\tp50 ms\tp95 ms\tp99 ms\tmax ms\t\n"}
	for _, x := range r.Results {
		resources := "-"
		if x.Operation == Ingest {
			resources = fmt.Sprintf("%.0f", x.ResourcesPerSecond)
		}
		rows = append(rows, fmt.Sprintf("%s\t%d\t%d\t%d\t%.1f\t%s\t%.2f\t%.2f\t%.2f\t%.2f\t\n",
			x.Operation, x.Concurrency, x.Requests, x.Errors, x.PerSecond, resources, x.P50, x.P95, x.P99, x.Max))
	}
	_, err := io.WriteString(t, strings.Join(rows, ""))
	if err = errors.Join(err, t.Flush()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	for _, x := range r.Results {
		if x.Errors > 0 {
			fmt.Fprintf(&b, "%s, c = %d: errors %s\n", x.Operation, x.Concurrency, counts(x.Statuses))
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func counts(m map[string]int) string {
	var parts []string
	for status, n := range m {
		parts = append(parts, fmt.Sprintf("%s × %d", status, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// WriteJSON prints the report as one indented JSON document.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
