package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/chartseal/chartseal/internal/load"
)

// loadFiles loads Bundles and NDJSON into a FHIR server.
func loadFiles(ctx context.Context, args []string, out, messages io.Writer) error {
	fs := newFlags("load", messages)
	cfg := load.Config{Out: messages}
	base, tok := remoteFlags(fs)
	fs.IntVar(&cfg.Concurrency, "concurrency", 8, "requests at once")
	format := fs.String("output", "text", "text or json")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return usageError("usage: chartseal load PATH… --base URL --token T [--concurrency N]")
	}
	cfg.Paths, cfg.Base, cfg.Token = rest, *base, *tok
	sum, err := load.Run(ctx, cfg)
	if *format == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if e := enc.Encode(sum); e != nil {
			return e
		}
		return err
	}
	if e := sum.Write(out); e != nil {
		return e
	}
	return err
}
