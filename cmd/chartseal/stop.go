package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// endpoint is an HTTP server that knows when none of its handlers runs any more.
type endpoint struct {
	*http.Server
	gate *gate
}

// newEndpoint bounds what a slow or hostile client can hold. Contexts of requests end with handling.
func newEndpoint(handling context.Context, cfg *config, h http.Handler, log *slog.Logger) *endpoint {
	g := &gate{next: h}
	return &endpoint{gate: g, Server: &http.Server{
		Handler: g, ReadHeaderTimeout: cfg.HeaderTimeout, ReadTimeout: cfg.ReadTimeout, WriteTimeout: cfg.WriteTimeout,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return handling },
	}}
}

// stop lets requests under way finish within the grace, then closes their connections and ends their contexts. When
// it returns, no handler runs: what they use can be closed. A request that had to be ended is no error.
func stop(grace time.Duration, end context.CancelFunc, endpoints ...*endpoint) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(endpoints))
	for i, e := range endpoints {
		wg.Go(func() {
			err := e.Shutdown(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				err = e.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	end()
	for _, e := range endpoints {
		e.gate.close()
	}
	return errors.Join(errs...)
}

// gate lets requests in until it is closed.
type gate struct {
	next http.Handler
	mu   sync.RWMutex // held for reading by every handler, and for writing once closed
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.mu.TryRLock() {
		http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
		return
	}
	defer g.mu.RUnlock()
	g.next.ServeHTTP(w, r)
}

// close returns when the last handler has. It is called once.
func (g *gate) close() { g.mu.Lock() }
