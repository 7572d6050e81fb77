package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/chartseal/chartseal/consent/stories"
)

// errStories says that a decision is not the expected one.
var errStories = errors.New("some decisions differ from what the stories expect")

// consentCommand decides access stories offline.
func consentCommand(_ context.Context, args []string, out, messages io.Writer) error {
	fs := newFlags("consent", messages)
	dir := fs.String("data", "", "folder with the Consents and the resources that they cite")
	format := fs.String("output", "text", "text or json")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) != 2 || rest[0] != "decide" || *dir == "" {
		return usageError("usage: chartseal consent decide STORIES --data DIR [--output json]")
	}
	file, err := os.ReadFile(rest[1])
	if err != nil {
		return err
	}
	results, err := stories.Run(*dir, file)
	if err != nil {
		return err
	}
	if err := printStories(out, results, *format == "json"); err != nil {
		return err
	}
	for _, r := range results {
		if r.Differs() {
			return errStories
		}
	}
	return nil
}

func printStories(out io.Writer, results []stories.Result, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(results)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "STORY\tDECISION\tEXPECTED\tWHY") //nolint:errcheck // Flush reports it
	for _, r := range results {
		why := ""
		if len(r.Reasons) > 0 {
			why = r.Reasons[0]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, r.Decision, r.Expect, why) //nolint:errcheck // Flush reports it
	}
	return w.Flush()
}
