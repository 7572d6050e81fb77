package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/chartseal/chartseal/gateway/smart"
)

// token prints one access token and nothing else.
func token(ctx context.Context, args []string, out, messages io.Writer) error {
	fs := newFlags("token", messages)
	dir := fs.String("data-dir", defaultConfig().DataDir, "data directory of the running server")
	var g smart.Grant
	fs.StringVar(&g.Scope, "scope", "", "SMART v2 scopes, such as 'system/*.cruds' or 'user/Observation.rs'")
	fs.StringVar(&g.Patient, "patient", "", "id of the launch patient")
	fs.StringVar(&g.User, "user", "", "who asks: Practitioner/id, Patient/id, Organization/id …")
	fs.StringVar(&g.Client, "client", "operator", "OAuth client id")
	fs.StringVar(&g.Purpose, "purpose", "", "purpose of use, a v3-ActReason code such as TREAT or HPAYMT")
	fs.DurationVar(&g.TTL, "ttl", time.Hour, "time to live")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 || g.Scope == "" {
		return usageError("usage: chartseal token --scope SCOPE [--patient ID] [--user REF] [--client ID] [--purpose CODE] [--ttl 1h]")
	}
	b, err := askAdmin(ctx, *dir, http.MethodPost, "/token", g)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, string(b))
	return err
}

// trust prints the consortium's trust file.
func trust(ctx context.Context, args []string, out, messages io.Writer) error {
	fs := newFlags("trust", messages)
	dir := fs.String("data-dir", defaultConfig().DataDir, "data directory of the running server")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usageError("unexpected argument %q", rest[0])
	}
	b, err := askAdmin(ctx, *dir, http.MethodGet, "/trust", nil)
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}

// receiptTarget is TYPE/ID or TYPE/ID/_history/V.
var receiptTarget = regexp.MustCompile(`^[A-Za-z]+/[A-Za-z0-9.-]{1,64}(/_history/[0-9]+)?$`)

// fetchReceipt fetches a receipt from a server.
func fetchReceipt(ctx context.Context, args []string, out, messages io.Writer) error {
	fs := newFlags("receipt", messages)
	base, tok := remoteFlags(fs)
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 || !receiptTarget.MatchString(rest[0]) {
		return usageError("usage: chartseal receipt [--base URL] [--token T] TYPE/ID[/_history/V] > FILE")
	}
	target, err := url.JoinPath(*base, rest[0], "$receipt")
	if err != nil {
		return usageError("--base: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	if *tok != "" {
		req.Header.Set("Authorization", "Bearer "+*tok)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%w; is the server running, and does --base name it?", err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to the end below
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("the server answered %s: give --token; on the server's machine chartseal token --scope 'system/*.rs' prints one", resp.Status)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answered %s: %s", resp.Status, strings.TrimSpace(string(b)))
	}
	_, err = out.Write(b)
	return err
}
