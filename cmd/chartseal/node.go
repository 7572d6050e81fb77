package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/chartseal/chartseal/consent"
	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/gateway"
	"github.com/chartseal/chartseal/gateway/smart"
	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/record"
	"github.com/chartseal/chartseal/internal/seal"
	"github.com/chartseal/chartseal/internal/store"
	"github.com/chartseal/chartseal/internal/store/pebble"
)

// node is one gateway with everything that it runs on, in the order in which it was opened.
type node struct {
	log     *slog.Logger
	store   store.Store
	sealer  *seal.Sealer
	ledger  *ledger.Ledger
	records *record.Service
	issuer  *smart.Issuer
	server  *gateway.Server
}

// openNode opens store, ledger and records below the data directory. origin is the public URL.
func openNode(ctx context.Context, cfg *config, origin string, log *slog.Logger) (n *node, err error) {
	n = &node{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close(ctx))
		}
	}()
	identity, fresh, err := openDataDir(cfg.DataDir)
	if err != nil {
		return n, err
	}
	root, err := openRoot(cfg, identity, fresh)
	if err != nil {
		return n, err
	}
	if fresh {
		if err := writeIdentity(cfg.DataDir, identity); err != nil {
			return n, err
		}
	}
	vault, err := seal.OpenVault(root, filepath.Join(cfg.DataDir, "keys"))
	if err != nil {
		return n, fmt.Errorf("open keys: %w", err)
	}
	if err := n.openStore(cfg, root, identity); err != nil {
		return n, err
	}
	n.ledger, err = ledger.Open(ctx, ledger.Config{
		Dir: cfg.DataDir, Organisation: cfg.Organization, Secrets: vault, Logger: log, AnchorInterval: cfg.AnchorInterval,
	})
	if err != nil {
		return n, fmt.Errorf("open ledger: %w", err)
	}
	if err := n.openRecords(ctx, cfg, origin); err != nil {
		return n, err
	}
	return n, n.openGateway(cfg, origin, vault)
}

func (n *node) openStore(cfg *config, root *seal.Root, tenant string) error {
	st, err := pebble.Open(pebble.Config{Dir: filepath.Join(cfg.DataDir, "store"), Logger: n.log})
	if errors.Is(err, syscall.EAGAIN) {
		return fmt.Errorf("another chartseal serve runs on %s, or is still stopping: %w", cfg.DataDir, err)
	}
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	n.store = st
	n.sealer, err = seal.New(seal.Config{Root: root, Tenant: tenant, Lookup: func(h seal.Handle) ([]byte, bool, error) {
		rec, err := st.Key(context.Background(), h)
		if errors.Is(err, store.ErrAbsent) {
			return nil, false, nil
		}
		return rec, err == nil, err
	}})
	if err != nil {
		return fmt.Errorf("open keyring: %w", err)
	}
	return nil
}

func (n *node) openRecords(ctx context.Context, cfg *config, origin string) error {
	policy, err := consent.ParseImplicitPolicy(cfg.ImplicitPolicy)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(cfg.TimeZone)
	if err != nil {
		return err
	}
	n.records, err = record.Open(ctx, record.Config{
		Store: n.store, Sealer: n.sealer, Chain: n.ledger, Consortium: n.ledger, Log: n.log, Base: origin + "/fhir",
		Custodian: cfg.Organization, Implicit: policy, Location: zone, Limits: cfg.limits(),
		BundleEntries: cfg.BundleEntries, CommitTimeout: cfg.CommitTimeout, DeleteMany: cfg.deleteMany(),
		RequireIfMatch: cfg.RequireIfMatch, StrictReferences: cfg.References == "enforce",
	})
	if err != nil {
		return fmt.Errorf("open records: %w", err)
	}
	return nil
}

func (c *config) limits() fhir.Limits {
	return fhir.Limits{MaxBytes: c.MaxBodyBytes, MaxDepth: fhir.DefaultLimits.MaxDepth}
}

func (c *config) deleteMany() bool { return c.ConditionalDelete == "multiple" }

func (n *node) openGateway(cfg *config, origin string, vault *seal.Vault) error {
	issuer, err := smart.NewIssuer(origin, origin+"/fhir", vault)
	if err != nil {
		return err
	}
	n.issuer = issuer
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	loop := &inProcess{}
	n.server = gateway.New(gateway.Config{
		Records: n.records, Issuer: issuer, Log: n.log, Registry: registry,
		Verifier: smart.NewVerifier(origin, origin+"/fhir", &http.Client{Transport: loop}, time.Now),
		Base:     origin + "/fhir", Custodian: cfg.Organization, Version: version, Limits: cfg.limits(),
		Durable: cfg.Ack == "durable", Ready: n.ready, Verify: n.verifyReceipt, Now: time.Now,
		Origins: cfg.origins(), RequireIfMatch: cfg.RequireIfMatch, DeleteMany: cfg.deleteMany(), StrictReferences: cfg.References == "enforce",
	})
	loop.handler = n.server.Handler()
	return nil
}

// ready tells whether both chains can go on. The cause is for the log: /readyz needs no token.
func (n *node) ready(context.Context) error {
	if cause := n.ledger.Status().Failure; cause != "" {
		return fmt.Errorf("%w: %s", &record.Error{Kind: record.Unavailable, Msg: "the ledger has stopped; restart the server"}, cause)
	}
	return nil
}

func (n *node) verifyReceipt(receipt, resource []byte) ([]byte, bool, error) {
	trust, err := n.ledger.Trust()
	if err != nil {
		return nil, false, err
	}
	return ledger.VerifyReceipt(receipt, trust, resource)
}

// closeTimeout bounds how long a stop waits for queued writes.
const closeTimeout = 20 * time.Second

// close stops in reverse order. It is safe on a node that was opened in part.
func (n *node) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	var errs []error
	if n.server != nil {
		n.server.Close() // jobs use the records
	}
	if n.records != nil {
		errs = append(errs, n.records.Close(ctx))
	}
	if n.ledger != nil {
		errs = append(errs, n.ledger.Close())
	}
	if n.sealer != nil {
		n.sealer.Close()
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	return errors.Join(errs...)
}
