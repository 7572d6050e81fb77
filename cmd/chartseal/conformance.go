package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/chartseal/chartseal/conformance"
)

// conform runs the black-box suite against any FHIR server.
func conform(ctx context.Context, args []string, out, messages io.Writer) error {
	fs := newFlags("conformance", messages)
	cfg := conformance.Config{}
	base, tok := remoteFlags(fs)
	area := fs.String("area", "", "run one area only")
	dir := fs.String("report", "", "folder for the report")
	format := fs.String("output", "text", "text or json")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usageError("unexpected argument %q", rest[0])
	}
	cfg.Base, cfg.Token = *base, *tok
	if *area != "" {
		cfg.Areas = []string{*area}
	}
	report, err := conformance.Run(ctx, cfg)
	if errors.Is(err, conformance.ErrUsage) {
		return &exitError{exitUsage, err}
	}
	if *dir != "" {
		if e := report.Save(*dir); e != nil {
			return errors.Join(err, e)
		}
	}
	if *format == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return errors.Join(err, enc.Encode(report))
	}
	return errors.Join(err, report.Write(out))
}
