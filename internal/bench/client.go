package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// client sends requests with as little work of its own as net/http allows: it shares the machine with the server it measures. It calls the
// transport directly (no redirects, no cookies) and shares header maps between requests, which RoundTripper promises not to change.
type client struct {
	transport *http.Transport
	base      string
	get       http.Header
	post      http.Header // writes that are measured
	ingest    http.Header
	load      http.Header // writes of the setup, which must be committed before they are read
}

func newClient(cfg Config) *client {
	head := func(pairs ...string) http.Header {
		h := http.Header{"Accept": {"application/fhir+json"}}
		if cfg.Token != "" {
			h.Set("Authorization", "Bearer "+cfg.Token)
		}
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				h.Set(pairs[i], pairs[i+1])
			}
		}
		return h
	}
	const body = "application/fhir+json"
	return &client{
		transport: &http.Transport{
			MaxIdleConnsPerHost: slices.Max(cfg.Concurrency),
			DisableCompression:  true,
			WriteBufferSize:     64 << 10,
			ReadBufferSize:      64 << 10,
		},
		base:   cfg.Base,
		get:    head(),
		post:   head("Content-Type", body, "Chartseal-Ack", cfg.Ack),
		ingest: head("Content-Type", body, "Prefer", "return=minimal", "Chartseal-Ack", cfg.Ack),
		load:   head("Content-Type", body, "Prefer", "return=minimal"),
	}
}

// exchange sends one request and reads the whole answer, into buf if it is not nil.
func (c *client) exchange(req *http.Request, buf *bytes.Buffer) (status int, err error) {
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return 0, fmt.Errorf("send: %w", err)
	}
	to := io.Discard
	if buf != nil {
		buf.Reset()
		to = buf
	}
	_, err = io.Copy(to, res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	return res.StatusCode, nil
}

// request builds a request without parsing anything.
func request(ctx context.Context, method string, u *url.URL, header http.Header, body []byte) *http.Request {
	req := (&http.Request{
		Method: method, URL: u, Host: u.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if body != nil {
		req.ContentLength = int64(len(body))
		req.Body = io.NopCloser(bytes.NewReader(body))
		// Lets the transport take another connection if the server had closed the idle one before a byte was sent.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return req
}

// fetch reads a JSON answer in the setup; address is absolute or relative to the base.
func (c *client) fetch(ctx context.Context, address string, into any) error {
	u, err := url.Parse(address)
	if err == nil && !u.IsAbs() {
		u, err = url.Parse(c.base + "/" + address)
	}
	if err != nil {
		return errors.New("the server's link cannot be parsed") // the cause would quote it
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var buf bytes.Buffer
	status, err := c.exchange(request(ctx, http.MethodGet, u, c.get, nil), &buf)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET answered %d", status)
	}
	if err := json.Unmarshal(buf.Bytes(), into); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// software names the server.
func (c *client) software(ctx context.Context) (string, error) {
	var cs struct {
		Software struct{ Name, Version string }
	}
	if err := c.fetch(ctx, "metadata", &cs); err != nil {
		return "", fmt.Errorf("metadata: %w", err)
	}
	if cs.Software.Version == "" {
		return cs.Software.Name, nil
	}
	return cs.Software.Name + " " + cs.Software.Version, nil
}
