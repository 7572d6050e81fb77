package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every source sets every field, and the nearer one to the command line wins.
func TestConfigPrecedence(t *testing.T) {
	file := writeFile(t, "c.yaml", "listen: 127.0.0.1:1\ncommit_timeout: 1s\nmax_body_bytes: 1001\nbundle_entries: 11\nanchor_interval: 1ms\nshutdown_grace: 0s\n")
	for _, tc := range []struct {
		name string
		args []string
		env  map[string]string
		want func(*config)
	}{
		{"defaults", nil, nil, func(*config) {}},
		{"file", []string{"--config", file}, nil, func(c *config) {
			c.Listen, c.CommitTimeout, c.MaxBodyBytes, c.BundleEntries = "127.0.0.1:1", time.Second, 1001, 11
			c.AnchorInterval, c.ShutdownGrace = time.Millisecond, 0
		}},
		{"file named by the environment", nil, map[string]string{"CHARTSEAL_CONFIG": file, "CHARTSEAL_MAX_BODY_BYTES": "1002"}, func(c *config) {
			c.Listen, c.CommitTimeout, c.MaxBodyBytes, c.BundleEntries = "127.0.0.1:1", time.Second, 1002, 11
			c.AnchorInterval, c.ShutdownGrace = time.Millisecond, 0
		}},
		{"environment over file", []string{"--config", file}, map[string]string{
			"CHARTSEAL_LISTEN": "127.0.0.1:2", "CHARTSEAL_COMMIT_TIMEOUT": "2s", "CHARTSEAL_BUNDLE_ENTRIES": "12",
			"CHARTSEAL_ANCHOR_INTERVAL": "2ms", "CHARTSEAL_SHUTDOWN_GRACE": "2s",
		}, func(c *config) {
			c.Listen, c.CommitTimeout, c.MaxBodyBytes, c.BundleEntries = "127.0.0.1:2", 2*time.Second, 1001, 12
			c.AnchorInterval, c.ShutdownGrace = 2*time.Millisecond, 2*time.Second
		}},
		{
			"flag over environment",
			[]string{"--config", file, "--listen", "127.0.0.1:3", "--commit-timeout=3s", "--max-body-bytes", "1003"},
			map[string]string{"CHARTSEAL_LISTEN": "127.0.0.1:2", "CHARTSEAL_COMMIT_TIMEOUT": "2s", "CHARTSEAL_MAX_BODY_BYTES": "1002"},
			func(c *config) {
				c.Listen, c.CommitTimeout, c.MaxBodyBytes, c.BundleEntries = "127.0.0.1:3", 3*time.Second, 1003, 11
				c.AnchorInterval, c.ShutdownGrace = time.Millisecond, 0
			},
		},
		{"a flag equal to the default", []string{"--config", file, "--listen", "127.0.0.1:8080"}, map[string]string{"CHARTSEAL_LISTEN": "127.0.0.1:2"}, func(c *config) {
			c.Listen, c.CommitTimeout, c.MaxBodyBytes, c.BundleEntries = "127.0.0.1:8080", time.Second, 1001, 11
			c.AnchorInterval, c.ShutdownGrace = time.Millisecond, 0
		}},
		{"an empty file", []string{"--config", writeFile(t, "empty.yaml", "")}, nil, func(*config) {}},
		{"a base URL with a slash", []string{"--base-url", "https://fhir.example.org/"}, nil, func(c *config) { c.BaseURL = "https://fhir.example.org" }},
		{"a proxy before all addresses", []string{"--listen", "0.0.0.0:80", "--behind-proxy"}, nil, func(c *config) { c.Listen, c.BehindProxy = "0.0.0.0:80", true }},
		{"TLS on all addresses", []string{"--listen", ":443", "--tls-cert", "c", "--tls-key", "k"}, nil, func(c *config) { c.Listen, c.TLSCert, c.TLSKey = ":443", "c", "k" }},
		{"loopback of version 6", []string{"--listen", "[::1]:80"}, nil, func(c *config) { c.Listen = "[::1]:80" }},
		{"loopback by name", []string{"--listen", "localhost:80"}, nil, func(c *config) { c.Listen = "localhost:80" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			want := defaultConfig()
			tc.want(&want)
			got, err := readConfig(tc.args, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// What is refused, and that the message names what to change.
func TestConfigRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		args       []string
		env        map[string]string
		mentions   string
		code       int
	}{
		{name: "unknown key", file: "lisen: 127.0.0.1:1\n", mentions: "lisen"},
		{name: "key twice", file: "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n", mentions: "listen"},
		{name: "wrong type", file: "bundle_entries: many\n", mentions: "line 1"},
		{name: "not YAML", file: "\t:\n", mentions: "c.yaml"},
		{name: "no such file", args: []string{"--config", "/nonexistent/c.yaml"}, mentions: "/nonexistent/c.yaml"},
		{name: "zero in the file", file: "commit_timeout: 0s\n", mentions: "--commit-timeout", code: exitUsage},
		{name: "commit timeout", args: []string{"--commit-timeout", "-1s"}, mentions: "--commit-timeout", code: exitUsage},
		{name: "body bytes", args: []string{"--max-body-bytes", "0"}, mentions: "--max-body-bytes", code: exitUsage},
		{name: "body bytes in the environment", env: map[string]string{"CHARTSEAL_MAX_BODY_BYTES": "-5"}, mentions: "--max-body-bytes", code: exitUsage},
		{name: "bundle entries", args: []string{"--bundle-entries=-1"}, mentions: "--bundle-entries", code: exitUsage},
		{name: "anchor interval", args: []string{"--anchor-interval", "0s"}, mentions: "--anchor-interval", code: exitUsage},
		{name: "shutdown grace", args: []string{"--shutdown-grace", "-1s"}, mentions: "--shutdown-grace", code: exitUsage},
		{name: "environment", env: map[string]string{"CHARTSEAL_BEHIND_PROXY": "perhaps"}, mentions: "CHARTSEAL_BEHIND_PROXY", code: exitUsage},
		{name: "unknown flag", args: []string{"--lisen", "x"}, mentions: "lisen", code: exitUsage},
		{name: "argument", args: []string{"now"}, mentions: "now", code: exitUsage},
		{name: "certificate alone", args: []string{"--tls-cert", "c"}, mentions: "--tls-key", code: exitUsage},
		{name: "key alone", args: []string{"--tls-key", "k"}, mentions: "--tls-cert", code: exitUsage},
		{name: "ack", args: []string{"--ack", "soon"}, mentions: "durable", code: exitUsage},
		{name: "policy", args: []string{"--implicit-policy", "some"}, mentions: "--implicit-policy", code: exitUsage},
		{name: "zone", args: []string{"--time-zone", "Nowhere/City"}, mentions: "--time-zone", code: exitUsage},
		{name: "log level", args: []string{"--log-level", "loud"}, mentions: "--log-level", code: exitUsage},
		{name: "no port", args: []string{"--listen", "127.0.0.1"}, mentions: "--listen", code: exitUsage},
		{name: "open address", args: []string{"--listen", "0.0.0.0:80"}, mentions: "--behind-proxy", code: exitUsage},
		{name: "all addresses", args: []string{"--listen", ":80"}, mentions: "--behind-proxy", code: exitUsage},
		{name: "another host", args: []string{"--listen", "fhir.example.org:80"}, mentions: "--behind-proxy", code: exitUsage},
		{name: "base URL with path", args: []string{"--base-url", "https://example.org/fhir"}, mentions: "--base-url", code: exitUsage},
		{name: "base URL without scheme", args: []string{"--base-url", "example.org"}, mentions: "--base-url", code: exitUsage},
		{name: "base URL of another scheme", args: []string{"--base-url", "ftp://example.org"}, mentions: "--base-url", code: exitUsage},
		{name: "base URL with query", args: []string{"--base-url", "https://example.org?"}, mentions: "--base-url", code: exitUsage},
		{name: "base URL with fragment", args: []string{"--base-url", "https://example.org#a"}, mentions: "--base-url", code: exitUsage},
		{name: "base URL with a user", args: []string{"--base-url", "https://me:pass@example.org"}, mentions: "--base-url", code: exitUsage},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			if tc.file != "" {
				tc.args = append(tc.args, "--config", writeFile(t, "c.yaml", tc.file))
			}
			_, err := readConfig(tc.args, io.Discard)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tc.mentions) {
				t.Errorf("%q does not mention %s", err, tc.mentions)
			}
			code := 0
			if e := (*exitError)(nil); errors.As(err, &e) {
				code = e.code
			}
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
		})
	}
}
