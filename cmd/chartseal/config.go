package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/chartseal/chartseal/consent"
	"github.com/chartseal/chartseal/fhir"
)

// config is what `chartseal serve` can be told, by a strict YAML file, CHARTSEAL_… variables and flags, in rising
// order of precedence. Nothing has to be given.
type config struct {
	DataDir     string `yaml:"data_dir"`     // default ./chartseal-data
	Listen      string `yaml:"listen"`       // default 127.0.0.1:8080
	KeyFile     string `yaml:"key_file"`     // default in the user's configuration directory, named after the data directory's identity
	BaseURL     string `yaml:"base_url"`     // public origin, used in every link and as issuer; default http(s)://LISTEN
	TLSCert     string `yaml:"tls_cert"`     // PEM file; reloaded when it changes
	TLSKey      string `yaml:"tls_key"`      // PEM file
	BehindProxy bool   `yaml:"behind_proxy"` // plain HTTP on a non-loopback address: a proxy ends TLS

	Organization   string        `yaml:"organization"`    // custodian, a reference; default Organization/home
	ImplicitPolicy string        `yaml:"implicit_policy"` // home-treatment, deny, break-glass-only, basic-normal or all-normal
	TimeZone       string        `yaml:"time_zone"`       // of dates without one; default UTC
	Ack            string        `yaml:"ack"`             // committed (default) or durable
	LogLevel       string        `yaml:"log_level"`       // debug, info (default), warn or error
	AnchorInterval time.Duration `yaml:"anchor_interval"` // at most one anchor in this time; default 1s
	MaxBodyBytes   int           `yaml:"max_body_bytes"`  // default 16 MiB
	BundleEntries  int           `yaml:"bundle_entries"`  // default 10,000
	CommitTimeout  time.Duration `yaml:"commit_timeout"`  // how long a write waits for the ledger; default 15s
	HeaderTimeout  time.Duration `yaml:"header_timeout"`  // how long the header of a request may take; default 10s
	ReadTimeout    time.Duration `yaml:"read_timeout"`    // how long a whole request may take to arrive; default 2m
	WriteTimeout   time.Duration `yaml:"write_timeout"`   // how long a request may take from its header to the end of its answer; default 5m
	ShutdownGrace  time.Duration `yaml:"shutdown_grace"`  // how long a stop waits for requests under way; default 10s

	CORSOrigin        string `yaml:"cors_origin"`        // origins that browsers may call from, separated by commas; default *
	RequireIfMatch    bool   `yaml:"require_if_match"`   // updates must name the version that they replace
	ConditionalDelete string `yaml:"conditional_delete"` // single (default) or multiple
	References        string `yaml:"references"`         // accept (default) or enforce
}

func (c *config) flags(fs *flag.FlagSet) {
	fs.StringVar(&c.DataDir, "data-dir", c.DataDir, "data directory")
	fs.StringVar(&c.Listen, "listen", c.Listen, "address to listen on")
	fs.StringVar(&c.KeyFile, "key-file", c.KeyFile, "root key file, outside the data directory")
	fs.StringVar(&c.BaseURL, "base-url", c.BaseURL, "public URL of this server, without /fhir")
	fs.StringVar(&c.TLSCert, "tls-cert", c.TLSCert, "certificate file (PEM)")
	fs.StringVar(&c.TLSKey, "tls-key", c.TLSKey, "private key file (PEM)")
	fs.BoolVar(&c.BehindProxy, "behind-proxy", c.BehindProxy, "allow plain HTTP on a non-loopback address")
	fs.StringVar(&c.Organization, "organization", c.Organization, "custodian of the records, Organization/id")
	fs.StringVar(&c.ImplicitPolicy, "implicit-policy", c.ImplicitPolicy, "what holds for a patient without a consent")
	fs.StringVar(&c.TimeZone, "time-zone", c.TimeZone, "zone of dates without one")
	fs.StringVar(&c.Ack, "ack", c.Ack, "when a write is answered: committed or durable")
	fs.StringVar(&c.LogLevel, "log-level", c.LogLevel, "debug, info, warn or error")
	fs.DurationVar(&c.AnchorInterval, "anchor-interval", c.AnchorInterval, "at most one anchor in this time")
	fs.IntVar(&c.MaxBodyBytes, "max-body-bytes", c.MaxBodyBytes, "largest request body, in bytes")
	fs.IntVar(&c.BundleEntries, "bundle-entries", c.BundleEntries, "most entries of a Bundle")
	fs.DurationVar(&c.CommitTimeout, "commit-timeout", c.CommitTimeout, "how long a write waits for the ledger")
	fs.DurationVar(&c.HeaderTimeout, "header-timeout", c.HeaderTimeout, "how long the header of a request may take to arrive")
	fs.DurationVar(&c.ReadTimeout, "read-timeout", c.ReadTimeout, "how long a whole request may take to arrive")
	fs.DurationVar(&c.WriteTimeout, "write-timeout", c.WriteTimeout, "how long a request may take until its answer is sent")
	fs.StringVar(&c.CORSOrigin, "cors-origin", c.CORSOrigin, "origins that browsers may call from, separated by commas")
	fs.BoolVar(&c.RequireIfMatch, "require-if-match", c.RequireIfMatch, "take updates only with If-Match")
	fs.StringVar(&c.References, "references", c.References, "literal references to what is not there: accept or enforce")
	fs.StringVar(&c.ConditionalDelete, "conditional-delete", c.ConditionalDelete, "what a conditional delete may take: single or multiple")
	fs.DurationVar(&c.ShutdownGrace, "shutdown-grace", c.ShutdownGrace, "how long a stop waits for requests under way")
}

func defaultConfig() config {
	return config{
		DataDir: "./chartseal-data", Listen: "127.0.0.1:8080", Organization: "Organization/home",
		ImplicitPolicy: consent.HomeTreatment.String(), TimeZone: "UTC", Ack: "committed", LogLevel: "info",
		AnchorInterval: time.Second, MaxBodyBytes: fhir.DefaultLimits.MaxBytes, BundleEntries: 10_000, CommitTimeout: 15 * time.Second,
		HeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 5 * time.Minute,
		ShutdownGrace: 10 * time.Second, CORSOrigin: "*", ConditionalDelete: "single", References: "accept",
	}
}

// readConfig reads the file named by --config, then the environment and flags.
func readConfig(args []string, messages io.Writer) (config, error) {
	cfg := defaultConfig()
	var file string
	scout := newFlags("serve", io.Discard)
	scout.StringVar(&file, "config", "", "")
	throwaway := cfg
	throwaway.flags(scout)
	if _, err := parseFlags(scout, args); err == nil && file != "" {
		if err := readConfigFile(file, &cfg); err != nil {
			return cfg, err
		}
	}
	fs := newFlags("serve", messages)
	fs.StringVar(&file, "config", file, "configuration file (YAML)")
	cfg.flags(fs)
	rest, err := parseFlags(fs, args)
	if err != nil {
		return cfg, err
	}
	if len(rest) > 0 {
		return cfg, usageError("unexpected argument %q", rest[0])
	}
	return cfg, cfg.check()
}

func readConfigFile(path string, cfg *config) error {
	b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(cfg); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("configuration %s: %w", path, err)
	}
	return nil
}

func (c *config) check() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return usageError("--tls-cert and --tls-key belong together")
	}
	if c.Ack != "committed" && c.Ack != "durable" {
		return usageError("--ack takes committed or durable")
	}
	if _, err := consent.ParseImplicitPolicy(c.ImplicitPolicy); err != nil {
		return usageError("--implicit-policy: %w", err)
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return usageError("--time-zone: %w", err)
	}
	if _, err := parseLevel(c.LogLevel); err != nil {
		return err
	}
	if c.ConditionalDelete != "single" && c.ConditionalDelete != "multiple" {
		return usageError("--conditional-delete takes single or multiple")
	}
	if c.References != "accept" && c.References != "enforce" {
		return usageError("--references takes accept or enforce")
	}
	if err := c.checkOrigins(); err != nil {
		return err
	}
	if err := c.checkLimits(); err != nil {
		return err
	}
	if c.BaseURL != "" {
		c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
		u, err := url.Parse(c.BaseURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
			return usageError("--base-url must be an origin such as https://fhir.example.org")
		}
	}
	return c.checkListen()
}

// origins are those of --cors-origin.
func (c *config) origins() []string {
	var out []string
	for o := range strings.SplitSeq(c.CORSOrigin, ",") {
		if o = strings.TrimSpace(o); o != "" {
			out = append(out, o)
		}
	}
	return out
}

// checkOrigins wants what a browser sends as Origin, or * alone.
func (c *config) checkOrigins() error {
	list := c.origins()
	for _, o := range list {
		if o == "*" && len(list) == 1 {
			return nil
		}
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) || strings.Contains(o, "*") {
			return usageError("--cors-origin takes * or origins such as https://app.example.org, separated by commas")
		}
	}
	if len(list) == 0 {
		return usageError("--cors-origin must not be empty; name an origin that is not there to allow none")
	}
	return nil
}

// checkLimits refuses what would turn a limit off by accident.
func (c *config) checkLimits() error {
	for _, l := range []struct {
		flag string
		ok   bool
	}{
		{"anchor-interval", c.AnchorInterval > 0},
		{"max-body-bytes", c.MaxBodyBytes > 0},
		{"bundle-entries", c.BundleEntries > 0},
		{"commit-timeout", c.CommitTimeout > 0},
		{"header-timeout", c.HeaderTimeout > 0},
		{"read-timeout", c.ReadTimeout > 0},
		{"write-timeout", c.WriteTimeout > 0},
	} {
		if !l.ok {
			return usageError("--%s must be greater than zero", l.flag)
		}
	}
	if c.ShutdownGrace < 0 {
		return usageError("--shutdown-grace must not be negative")
	}
	return nil
}

// checkListen refuses plain HTTP where others could listen in.
func (c *config) checkListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return usageError("--listen: %w", err)
	}
	ip := net.ParseIP(host)
	loopback := host == "localhost" || (ip != nil && ip.IsLoopback())
	if !loopback && c.TLSCert == "" && !c.BehindProxy {
		return usageError("plain HTTP on %s would expose tokens and records: give --tls-cert and --tls-key, or --behind-proxy if a proxy ends TLS", c.Listen)
	}
	return nil
}
