package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/chartseal/chartseal/conformance"
)

// conform runs the black-box suite against any FHIR server.
func conform(ctx context.Context, args []string, out, messages io.Writer) error {
	fs := newFlags("conformance", messages)
	base, tok := remoteFlags(fs)
	areas := fs.String("area", "", "areas to run, separated by commas: "+strings.Join(conformance.Areas(), ", "))
	dir := fs.String("report", "", "folder for the reports: report.html, report.txt, report.json, junit.xml, testreport/")
	format := fs.String("output", "text", "text or json")
	concurrency := fs.Int("concurrency", 4, "scripts at a time")
	timeout := fs.Duration("timeout", 30*time.Second, "longest wait for an answer")
	stop := fs.Bool("fail-fast", false, "end after the first failure")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usageError("unexpected argument %q", rest[0])
	}
	if *format != "text" && *format != "json" {
		return usageError("--output takes text or json")
	}
	opt := conformance.Options{Base: *base, Token: *tok, Concurrency: *concurrency, Timeout: *timeout, StopOnFailure: *stop}
	opt.Progress = func(script string, failed int) {
		if failed > 0 {
			fmt.Fprintf(messages, "%s: %d failed\n", script, failed)
		}
	}
	if *areas != "" {
		opt.Areas = strings.Split(*areas, ",")
	}
	report, err := conformance.Run(ctx, opt)
	if errors.Is(err, conformance.ErrUsage) {
		return &exitError{exitUsage, err}
	}
	if report == nil || len(report.Scripts) == 0 {
		return err
	}
	if *dir != "" {
		err = errors.Join(err, report.Save(*dir))
	}
	if *format == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return errors.Join(err, enc.Encode(report))
	}
	return errors.Join(err, report.Write(out))
}
