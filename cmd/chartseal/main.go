// Command chartseal is the whole of Chartseal in one binary: the gateway, and the tools of operators, integrators
// and insurers. This package holds flags and wiring only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// version is set by the build.
var version = "dev"

// Exit codes of the command line contract.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// command is one subcommand. run gets the arguments after its name.
type command struct {
	name, usage string
	run         func(ctx context.Context, args []string, out, messages io.Writer) error
}

func commands() []command {
	return []command{
		{"serve", "run the gateway", serve},
		{"token", "print an access token of the server that runs on this data directory", token},
		{"load", "load Bundles and NDJSON into a FHIR server", loadFiles},
		{"receipt", "fetch the receipt of a resource", fetchReceipt},
		{"trust", "print the consortium's trust file", trust},
		{"verify", "check receipts offline", verify},
		{"bench", "load-test any FHIR server", benchmark},
		{"conformance", "run the black-box suite against any FHIR server", conform},
		{"consent", "consent decide: test a policy against access stories", consentCommand},
		{"version", "print the version", printVersion},
	}
}

// exitError ends the process with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, messages io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		printUsage(messages)
		return exitUsage
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], out, messages)
		if err == nil || errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		fmt.Fprintln(messages, "chartseal "+c.name+": "+err.Error())
		var e *exitError
		if errors.As(err, &e) {
			return e.code
		}
		return exitFailed
	}
	fmt.Fprintf(messages, "chartseal: there is no command %q\n", args[0])
	printUsage(messages)
	return exitUsage
}

func printUsage(w io.Writer) {
	fmt.Fprintln(w, "Usage: chartseal COMMAND [flags]; chartseal COMMAND -h tells its flags.")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-12s %s\n", c.name, c.usage)
	}
}

func printVersion(_ context.Context, _ []string, out, _ io.Writer) error {
	_, err := fmt.Fprintln(out, version)
	return err
}

// newFlags makes a flag set whose flags can also be set as CHARTSEAL_… environment variables.
func newFlags(name string, messages io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet("chartseal "+name, flag.ContinueOnError)
	fs.SetOutput(messages)
	return fs
}

// parseFlags reads flags that may stand before and after the other arguments, then fills unset ones from the
// environment. It returns the other arguments.
func parseFlags(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, &exitError{exitUsage, err}
		}
		args = fs.Args()
		if len(args) == 0 {
			break
		}
		rest = append(rest, args[0])
		args = args[1:]
	}
	set := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	var err error
	fs.VisitAll(func(f *flag.Flag) {
		name := "CHARTSEAL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := os.LookupEnv(name)
		if ok && !set[f.Name] && err == nil {
			if e := fs.Set(f.Name, v); e != nil {
				err = usageError("environment variable %s: %w", name, e)
			}
		}
	})
	return rest, err
}
