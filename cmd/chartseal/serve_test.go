package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a self-signed certificate and its key.
func writePair(t *testing.T, certFile, keyFile, name string, modified time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
}

// A certificate is replaced while the server runs; until the new pair is whole, the old one serves.
func TestCertificateReload(t *testing.T) {
	dir, at := t.TempDir(), time.Now().Add(-time.Hour)
	c := &certificate{certFile: filepath.Join(dir, "c.pem"), keyFile: filepath.Join(dir, "k.pem")}
	serves := func(step, want string) {
		t.Helper()
		pair, err := c.get(nil)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		if got := pair.Leaf.Subject.CommonName; got != want {
			t.Errorf("%s: serves %s, want %s", step, got, want)
		}
	}
	if _, err := c.get(nil); err == nil {
		t.Error("nothing is there, and it is served")
	}
	writePair(t, c.certFile, c.keyFile, "one", at)
	serves("first", "one")
	if err := os.Remove(c.certFile); err != nil {
		t.Fatal(err)
	}
	serves("removed", "one")
	if err := os.WriteFile(c.certFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	serves("half-written", "one")
	writePair(t, c.certFile, c.keyFile, "two", at.Add(time.Minute))
	serves("replaced", "two")
	writePair(t, c.certFile, filepath.Join(dir, "other.pem"), "three", at.Add(2*time.Minute))
	serves("without its key", "two")
	if err := os.Rename(filepath.Join(dir, "other.pem"), c.keyFile); err != nil {
		t.Fatal(err)
	}
	serves("with its key", "three")
}

// The gate waits for handlers under way and admits none afterwards.
func TestGate(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	g := &gate{next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(inside); <-leave })}
	go g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	<-inside
	closed := make(chan struct{})
	go func() { g.close(); close(closed) }()
	// As soon as the gate is closing, nobody gets in; before, a second request would panic in close(inside).
	for g.mu.TryRLock() {
		g.mu.RUnlock()
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d while closing", w.Code)
	}
	select {
	case <-closed:
		t.Error("closed with a handler inside")
	default:
	}
	close(leave)
	<-closed
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
}

// /readyz answers 503 as soon as a chain cannot go on.
func TestNotReadyWithoutChain(t *testing.T) {
	ctx := context.Background()
	cfg := defaultConfig()
	cfg.DataDir, cfg.KeyFile = filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "root.key")
	n, err := openNode(ctx, &cfg, "http://localhost", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close(ctx) //nolint:errcheck // the ledger is closed before its time
	ready := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		n.server.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w
	}
	if w := ready(); w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := n.ledger.Close(); err != nil {
		t.Fatal(err)
	}
	if w := ready(); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "restart") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
