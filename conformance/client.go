package conformance

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxBody    = 64 << 20 // of an answer
	maxClipped = 4 << 10  // of a body in a report
)

// Header is one header line of an exchange.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Exchange is a request and its answer as a report shows them: bodies clipped, the token left out.
type Exchange struct {
	Label          string   `json:"label,omitempty"`
	Method         string   `json:"method"`
	URL            string   `json:"url"`
	RequestHeader  []Header `json:"requestHeader,omitempty"`
	RequestBody    string   `json:"requestBody,omitempty"`
	Status         int      `json:"status,omitempty"`
	ResponseHeader []Header `json:"responseHeader,omitempty"`
	ResponseBody   string   `json:"responseBody,omitempty"`
	Error          string   `json:"error,omitempty"`
	Seconds        float64  `json:"seconds"`
}

// message is a request or a response, as assertions and variables see it.
type message struct {
	status int // 0: a request
	method string
	url    string
	header http.Header
	body   []byte // decoded, if Content-Encoding was gzip
}

// client sends requests exactly as they are: no redirect is followed, nothing is decompressed unasked.
type client struct {
	http    *http.Client
	base    string
	token   string
	timeout time.Duration
}

func newClient(opt *Options) *client {
	hc := &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 16, DisableCompression: true,
	}}
	if opt.Client != nil {
		own := *opt.Client
		hc = &own
	}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{http: hc, base: strings.TrimRight(opt.Base, "/"), token: opt.Token, timeout: opt.Timeout}
}

// authorize adds the token, to requests of the server under test only: links that it gives may lead elsewhere.
func (c *client) authorize(m *message) {
	base, err := url.Parse(c.base)
	to, err2 := url.Parse(m.url)
	if c.token != "" && err == nil && err2 == nil && to.Scheme == base.Scheme && to.Host == base.Host {
		m.header.Set("Authorization", "Bearer "+c.token)
	}
}

// send performs one request. The exchange is there even if there is an error.
func (c *client) send(ctx context.Context, req *message) (*message, *Exchange, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	x := &Exchange{Method: req.method, URL: c.hide(req.url), RequestBody: c.clip(req.body)}
	start := time.Now()
	res, err := c.exchange(ctx, req)
	x.Seconds = time.Since(start).Seconds()
	x.RequestHeader = c.headers(req.header)
	if err != nil {
		x.Error = c.hide(err.Error())
		return nil, x, err
	}
	x.Status, x.ResponseHeader, x.ResponseBody = res.status, c.headers(res.header), c.clip(res.body)
	return res, x, nil
}

func (c *client) exchange(ctx context.Context, m *message) (*message, error) {
	if u, err := url.Parse(m.url); err != nil || u.Host == "" {
		return nil, fmt.Errorf("the URL cannot be used: %s", m.url)
	}
	var body io.Reader
	if m.body != nil {
		body = bytes.NewReader(m.body)
	}
	req, err := http.NewRequestWithContext(ctx, m.method, m.url, body)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req.Header = m.header
	if req.Header.Get("Accept-Encoding") == "" {
		req.Header.Set("Accept-Encoding", "identity") // or else a client that was handed in may add gzip
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	defer res.Body.Close()
	out := &message{status: res.StatusCode, method: m.method, url: m.url, header: res.Header}
	if out.body, err = io.ReadAll(io.LimitReader(res.Body, maxBody)); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") && len(out.body) > 0 {
		if out.body, err = gunzip(out.body); err != nil {
			return nil, fmt.Errorf("the answer says Content-Encoding: gzip: %w", err)
		}
	}
	return out, nil
}

func gunzip(raw []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(out) > maxBody {
		err = errors.New("too much")
	}
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return out, nil
}

func compress(raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(raw) // a Buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// hide leaves the token out of what a report shows.
func (c *client) hide(s string) string {
	if c.token == "" {
		return s
	}
	return strings.ReplaceAll(s, c.token, "[token]")
}

func (c *client) clip(body []byte) string {
	s := string(body)
	if len(body) > maxClipped {
		s = string(body[:maxClipped]) + fmt.Sprintf(" … (%d bytes)", len(body))
	}
	return c.hide(strings.ToValidUTF8(s, "\uFFFD"))
}

// headers lists header lines by name. Credentials of any kind stay out.
func (c *client) headers(h http.Header) []Header {
	var out []Header
	for _, name := range sortedKeys(h) {
		for _, v := range h[name] {
			if name == "Authorization" || name == "Cookie" || name == "Set-Cookie" {
				v = "[credentials]"
			}
			out = append(out, Header{name, c.hide(v)})
		}
	}
	return out
}
