package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	backoffFirst  = 250 * time.Millisecond
	backoffMost   = 30 * time.Second
	retryAfterMax = 5 * time.Minute
	answerMax     = 256 << 20 // bytes; a transaction-response for 10,000 entries with bodies stays below
)

// sender posts Bundles and keeps trying while trying can help.
type sender struct {
	client   *http.Client
	base     string
	token    string
	attempts int
	timeout  time.Duration
	wait     func(ctx context.Context, d time.Duration) error // pause; tests replace it
	requests atomic.Int64
	retries  atomic.Int64
	answered atomic.Int64 // answers of any status that was not worth a retry
}

// answer is a final response.
type answer struct {
	status   int
	replayed bool
	body     []byte
}

// post sends one Bundle under its key and returns the final answer, or errUnavailable (wrapped) when the server could not be made to
// give one. Every attempt carries the same key, so an attempt whose answer was lost is not repeated in effect.
func (s *sender) post(ctx context.Context, body []byte) (*answer, error) {
	key := Key(body)
	for attempt := 1; ; attempt++ {
		ans, after, err := s.once(ctx, key, body)
		if err == nil && !again(ans.status, after) {
			s.answered.Add(1)
			return ans, nil
		}
		if err == nil {
			err = fmt.Errorf("status %d", ans.status)
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("post: %w", context.Cause(ctx))
		}
		if attempt == s.attempts {
			return nil, fmt.Errorf("%w after %d attempts: %w", errUnavailable, attempt, err)
		}
		s.retries.Add(1)
		if err := s.wait(ctx, max(after, backoff(attempt))); err != nil {
			return nil, fmt.Errorf("post: %w", err)
		}
	}
}

var errUnavailable = errors.New("server unavailable")

// again lists the statuses after which the same request may succeed: throttled, or a server or proxy that is not up. 409 is final unless it
// says when to come back, as for a key whose first request is still being worked on.
func again(status int, after time.Duration) bool {
	switch status {
	case http.StatusConflict:
		return after > 0
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// backoff doubles with each attempt, half of it random, so that many loaders do not come back at once.
func backoff(attempt int) time.Duration {
	d := backoffMost
	if attempt < 8 {
		d = min(d, backoffFirst<<(attempt-1))
	}
	return d/2 + rand.N(d/2) //nolint:gosec // jitter, not a secret
}

// once sends one request. after is what Retry-After asks for.
func (s *sender) once(ctx context.Context, key string, body []byte) (*answer, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base, bytes.NewReader(body))
	if err != nil {
		return nil, 0, fmt.Errorf("request: %w", err)
	}
	// Without GetBody net/http does not repeat the request on its own; repeats are counted here.
	req.GetBody = nil
	req.Header.Set("Content-Type", "application/fhir+json")
	req.Header.Set("Accept", "application/fhir+json")
	req.Header.Set("Prefer", "return=minimal")
	req.Header.Set("Idempotency-Key", key)
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	s.requests.Add(1)
	res, err := s.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, answerMax))
	if err != nil {
		return nil, 0, fmt.Errorf("read answer: %w", err)
	}
	replayed := res.Header.Get("Idempotency-Replayed") == "true"
	return &answer{status: res.StatusCode, replayed: replayed, body: text}, retryAfter(res.Header.Get("Retry-After"), time.Now()), nil
}

// retryAfter reads seconds or an HTTP date (RFC 9110, 10.2.3), within reason.
func retryAfter(value string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.Atoi(value); err == nil {
		d = time.Duration(min(max(n, 0), int(retryAfterMax/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), retryAfterMax)
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
