package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"time"

	"github.com/chartseal/chartseal/gateway/smart"
)

// adminSocket is where operator commands reach the running server; only its own user can.
const adminSocket = "admin.sock"

// socketPath reaches the socket through an open directory, because a Unix socket's path is limited to some 100
// bytes and a data directory's is not. The caller closes dir when the connection is made.
func socketPath(dataDir string) (path string, dir *os.File, err error) {
	path = filepath.Join(dataDir, adminSocket)
	if len(path) < 100 {
		return path, nil, nil
	}
	if dir, err = os.Open(dataDir); err != nil { //nolint:gosec // the operator names the directory
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), adminSocket), dir, nil
}

// listenAdmin opens the socket. One that a crash left behind is removed: the store's lock has shown by now that no
// other server runs on this directory.
func listenAdmin(dataDir string) (net.Listener, error) {
	path, dir, err := socketPath(dataDir)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if dir != nil {
		defer dir.Close() //nolint:errcheck // opened for its name only
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if dir != nil {
		l.SetUnlinkOnClose(false) // the name is only valid while dir is open
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("admin socket: %w", err), l.Close())
	}
	return l, nil
}

// adminHandler answers operator commands.
func (n *node) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		var g smart.Grant
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&g); err != nil {
			http.Error(w, "malformed request", http.StatusBadRequest)
			return
		}
		t, err := n.issuer.Mint(r.Context(), g, time.Now())
		adminAnswer(w, []byte(t), err)
	})
	mux.HandleFunc("GET /trust", func(w http.ResponseWriter, _ *http.Request) {
		t, err := n.ledger.Trust()
		adminAnswer(w, t, err)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		b, err := json.Marshal(n.ledger.Status())
		adminAnswer(w, b, err)
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	return mux
}

func adminAnswer(w http.ResponseWriter, body []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = w.Write(body) // the operator's command went away
}

// askAdmin sends one request to the server that runs on a data directory.
func askAdmin(ctx context.Context, dataDir, method, path string, body any) ([]byte, error) {
	var payload bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			return nil, err
		}
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			path, dir, err := socketPath(dataDir)
			if err != nil {
				return nil, err
			}
			if dir != nil {
				defer dir.Close() //nolint:errcheck // opened for its name only
			}
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
	req, err := http.NewRequestWithContext(ctx, method, "http://admin"+path, &payload)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%s is closed to this user: %w; run the command as the user that runs the server", dataDir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("no server answers on %s: %w; start it with: chartseal serve --data-dir %s", dataDir, err, dataDir)
	}
	defer resp.Body.Close() //nolint:errcheck // read to the end below
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(string(bytes.TrimSpace(b)))
	}
	return b, nil
}
