// Command fidelitycheck compares what a FHIR server returns with the files that were loaded into it. It shares no
// parser with the server: encoding/json with number literals kept.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/chartseal/chartseal/internal/fidelity"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx))
}

func run(ctx context.Context) int {
	var cfg fidelity.Config
	var loaded, examples, invalid string
	flag.StringVar(&cfg.Base, "base", "http://127.0.0.1:8080/fhir", "FHIR base URL")
	flag.StringVar(&cfg.Token, "token", "", "access token")
	flag.StringVar(&loaded, "loaded", "", "files and folders that were loaded with chartseal load, separated by commas")
	flag.StringVar(&examples, "examples", "", "folders of single resources to put and read back, separated by commas")
	flag.StringVar(&invalid, "known-invalid", "", "names of examples that must be refused, separated by commas")
	flag.Parse()
	cfg.Loaded, cfg.Examples, cfg.KnownInvalid = list(loaded), list(examples), list(invalid)
	report, err := fidelity.Run(ctx, cfg)
	if e := report.Write(os.Stdout); e != nil {
		err = e
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fidelitycheck:", err)
		return 1
	}
	return 0
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
