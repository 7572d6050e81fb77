package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/chartseal/chartseal/abci/receipt"
	"github.com/chartseal/chartseal/fhir"
)

// exitCommitted: valid, but nothing proved about time.
const exitCommitted = 3

// checkedReceipt is the verdict on one file.
type checkedReceipt struct {
	File string `json:"file"`
	*receipt.Report
}

// verify checks receipts offline: it reads files and opens no socket.
func verify(_ context.Context, args []string, out, messages io.Writer) error {
	fs := newFlags("verify", messages)
	trustFile := fs.String("trust", "", "the consortium's trust file, obtained out of band")
	resourceFile := fs.String("resource", "", "FHIR JSON that the receipt should be of")
	format := fs.String("output", "text", "text, json or csv")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 || *trustFile == "" {
		return usageError("usage: chartseal verify FILE… or DIR --trust F [--resource F] [--output json or csv]")
	}
	trusted, err := os.ReadFile(*trustFile)
	if err != nil {
		return usageError("trust file: %w; a member of the consortium prints it: chartseal trust > trust.json", err)
	}
	opts := receipt.Options{Canonical: fhir.Canonical, Now: time.Now()}
	if *resourceFile != "" {
		if opts.Resource, err = os.ReadFile(*resourceFile); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	files, err := receiptFiles(rest)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	var checked []checkedReceipt
	for _, f := range files {
		raw, err := os.ReadFile(f) //nolint:gosec // the user names the files
		if err != nil {
			return &exitError{exitUsage, err}
		}
		checked = append(checked, checkedReceipt{f, receipt.Verify(raw, trusted, opts)})
	}
	if err := printVerdicts(out, checked, *format); err != nil {
		return err
	}
	return verdictError(checked)
}

// receiptFiles expands folders to the .json files in them.
func receiptFiles(args []string) ([]string, error) {
	var files []string
	for _, a := range args {
		info, err := os.Stat(a)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, a)
			continue
		}
		in, err := filepath.Glob(filepath.Join(a, "*.json"))
		if err != nil {
			return nil, err
		}
		slices.Sort(in)
		files = append(files, in...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no receipt (*.json) there; chartseal receipt TYPE/ID > FILE fetches one")
	}
	return files, nil
}

// verdictError gives the exit code: the worst of all verdicts.
func verdictError(checked []checkedReceipt) error {
	invalid, committed := 0, 0
	for _, c := range checked {
		switch c.Verdict {
		case receipt.Invalid:
			invalid++
		case receipt.Committed:
			committed++
		}
	}
	switch {
	case invalid > 0:
		return &exitError{exitFailed, fmt.Errorf("%d of %d receipts are invalid", invalid, len(checked))}
	case committed > 0:
		return &exitError{exitCommitted, fmt.Errorf("%d of %d receipts are committed only: nothing is proved about their time yet", committed, len(checked))}
	}
	return nil
}

func printVerdicts(out io.Writer, checked []checkedReceipt, format string) error {
	switch format {
	case "json":
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(checked)
	case "csv":
		return printCSV(out, checked)
	}
	for _, c := range checked {
		if err := printReport(out, &c); err != nil {
			return err
		}
	}
	return nil
}

func printCSV(out io.Writer, checked []checkedReceipt) error {
	w := csv.NewWriter(out)
	rows := [][]string{{"file", "verdict", "failed step", "reason"}}
	for _, c := range checked {
		row := []string{c.File, string(c.Verdict), "", ""}
		if f := c.Failed(); f != nil {
			row[2], row[3] = f.Name, f.Detail
		}
		rows = append(rows, row)
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return w.Error()
}

// printReport prints the check list, what is claimed, and the verdict.
func printReport(out io.Writer, c *checkedReceipt) error {
	p := &printer{w: out}
	p.line("%s", c.File)
	for _, s := range c.Steps {
		mark := "ok  "
		if !s.OK {
			mark = "FAIL"
		}
		p.line("  %s %-22s %s", mark, s.Name, s.Detail)
	}
	for _, s := range c.Claims.Statements {
		p.line("  %s", s)
	}
	for _, s := range c.Warnings {
		p.line("  warning: %s", s)
	}
	p.line("  trust file %s, checkpoint of %s", c.Trust.Fingerprint, c.Trust.CheckpointTime.UTC().Format(time.RFC3339))
	p.line("  verdict: %s", c.Verdict)
	return p.err
}

// printer keeps the first error of many writes.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
