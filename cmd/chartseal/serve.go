package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// serve runs the gateway until ctx ends, then stops it without losing an acknowledged write.
func serve(ctx context.Context, args []string, _, messages io.Writer) error {
	cfg, err := readConfig(args, messages)
	if err != nil {
		return err
	}
	log, err := newLogger(messages, cfg.LogLevel)
	if err != nil {
		return err
	}
	closeNewFiles()
	begin := time.Now()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --listen", err)
	}
	origin := cfg.BaseURL
	if origin == "" {
		origin = cfg.scheme() + "://" + listener.Addr().String()
	}
	n, err := openNode(ctx, &cfg, origin, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	err = serveNode(ctx, &cfg, n, listener, func() {
		log.Info("ready", "listen", listener.Addr().String(), "base", origin+"/fhir", "took", time.Since(begin))
	})
	return errors.Join(err, n.close(ctx))
}

func (c *config) scheme() string {
	if c.TLSCert != "" {
		return "https"
	}
	return "http"
}

// serveNode answers on the listener and on the admin socket until ctx ends.
func serveNode(ctx context.Context, cfg *config, n *node, listener net.Listener, ready func()) error {
	admin, err := listenAdmin(cfg.DataDir)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if cfg.TLSCert != "" {
		loader := &certificate{certFile: cfg.TLSCert, keyFile: cfg.TLSKey}
		if _, err := loader.get(nil); err != nil {
			return errors.Join(fmt.Errorf("TLS: %w", err), listener.Close(), admin.Close())
		}
		listener = tls.NewListener(listener, &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: loader.get,
		})
	}
	handler, err := served(n.server.Handler())
	if err != nil {
		return errors.Join(err, listener.Close(), admin.Close())
	}
	handling, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	public, private := newEndpoint(handling, cfg, handler, n.log), newEndpoint(handling, cfg, n.adminHandler(), n.log)
	failed := make(chan error, 2)
	go func() { failed <- public.Serve(listener) }()
	go func() { failed <- private.Serve(admin) }()
	ready()
	select {
	case err = <-failed:
	case <-ctx.Done():
		n.log.Info("stopping")
	}
	return errors.Join(err, stop(cfg.ShutdownGrace, end, public, private))
}

func newLogger(w io.Writer, level string) (*slog.Logger, error) {
	l, err := parseLevel(level)
	if err != nil {
		return nil, err
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l})), nil
}

func parseLevel(level string) (l slog.Level, err error) {
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return l, usageError("--log-level takes debug, info, warn or error: %w", err)
	}
	return l, nil
}

// certificate reads its files again when they change.
type certificate struct {
	certFile, keyFile string

	mu       sync.Mutex
	loaded   *tls.Certificate
	modified time.Time
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.reload(); err != nil && c.loaded == nil {
		return nil, err
	}
	return c.loaded, nil // if the files are gone or half-written, the old pair until the new one is whole
}

// reload reads the files if they have changed. The caller holds mu.
func (c *certificate) reload() error {
	info, err := os.Stat(c.certFile)
	if err != nil {
		return err
	}
	if c.loaded != nil && info.ModTime().Equal(c.modified) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.loaded, c.modified = &pair, info.ModTime()
	return nil
}
