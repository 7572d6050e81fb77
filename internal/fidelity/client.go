package fidelity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// key is the Idempotency-Key that the loader gives a Bundle: SHA-256 over a tag and the bytes. It is written down twice on purpose: a
// change on one side alone would make loaded data look unloaded.
func key(body []byte) string {
	h := sha256.New()
	h.Write([]byte("chartseal/load/1\n"))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

const attempts = 6

// client talks to the server.
type client struct {
	http     *http.Client
	base     string
	token    string
	requests atomic.Int64
}

type answer struct {
	status   int
	replayed bool
	body     []byte
}

// do sends a request, again after 429, 502, 503 and 504: this package measures content, not availability. All that it sends may be
// repeated: GET, PUT, and POST under a key.
func (c *client) do(ctx context.Context, method, path, idempotencyKey string, body []byte) (*answer, error) {
	for attempt := 1; ; attempt++ {
		ans, wait, err := c.once(ctx, method, path, idempotencyKey, body)
		if err == nil && ans.status != http.StatusTooManyRequests && (ans.status < http.StatusBadGateway || ans.status > http.StatusGatewayTimeout) {
			return ans, nil
		}
		if err == nil {
			err = fmt.Errorf("status %d", ans.status)
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", method, context.Cause(ctx))
		}
		if attempt == attempts {
			return nil, fmt.Errorf("%s: no answer after %d attempts: %w", method, attempt, err)
		}
		timer := time.NewTimer(max(wait, 100*time.Millisecond<<attempt))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (c *client) once(ctx context.Context, method, path, idempotencyKey string, body []byte) (*answer, time.Duration, error) {
	url := c.base
	if path != "" {
		url += "/" + path
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, errors.New("the address cannot be requested") // the cause would quote it, identifiers included
	}
	req.Header.Set("Accept", "application/fhir+json")
	if body != nil {
		req.Header.Set("Content-Type", "application/fhir+json")
		req.Header.Set("Prefer", "return=minimal")
	}
	if idempotencyKey != "" {
		req.Header.Set("Idempotency-Key", idempotencyKey)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	c.requests.Add(1)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("send: %w", errors.Unwrap(err)) // without the address
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("read answer: %w", err)
	}
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil {
		seconds = 0
	}
	wait := time.Duration(min(max(seconds, 0), 60)) * time.Second
	return &answer{status: res.StatusCode, replayed: res.Header.Get("Idempotency-Replayed") == "true", body: text}, wait, nil
}

// get reads a resource or a Bundle as a tree.
func (c *client) get(ctx context.Context, path string) (map[string]any, error) {
	ans, err := c.do(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return nil, err
	}
	if ans.status != http.StatusOK {
		return nil, fmt.Errorf("GET answered %d", ans.status)
	}
	return parse(ans.body)
}
