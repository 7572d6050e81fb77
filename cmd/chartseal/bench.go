package main

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/chartseal/chartseal/internal/bench"
)

// benchmark measures any FHIR server.
func benchmark(ctx context.Context, args []string, out, messages io.Writer) error {
	fs := newFlags("bench", messages)
	cfg := bench.Config{Out: messages}
	base, tok := remoteFlags(fs)
	fs.StringVar(&cfg.DataDir, "data", "", "folder with transaction Bundles, one patient each")
	fs.DurationVar(&cfg.Duration, "duration", 10*time.Second, "of each measurement")
	fs.StringVar(&cfg.Ack, "ack", "", "durable: writes are answered before the ledger commits")
	concurrency := fs.String("concurrency", "1,8,64", "requests at once, a list")
	only := fs.String("only", "", "operations: create,read,search,ingest")
	format := fs.String("output", "text", "text or json")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usageError("unexpected argument %q", rest[0])
	}
	cfg.Base, cfg.Token = *base, *tok
	for f := range strings.SplitSeq(*concurrency, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(f))
		if err != nil || n < 1 {
			return usageError("--concurrency takes numbers such as 1,8,64")
		}
		cfg.Concurrency = append(cfg.Concurrency, n)
	}
	if *only != "" {
		cfg.Only = strings.Split(*only, ",")
	}
	report, err := bench.Run(ctx, cfg)
	if err != nil {
		return err
	}
	if *format == "json" {
		return report.WriteJSON(out)
	}
	return report.Write(out)
}
