package defects

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// answer is a response that is held back until it has been changed.
type answer struct {
	status int
	header http.Header
	body   []byte // unpacked
	packed bool   // gzip was agreed on
}

// Header, WriteHeader and Write make it an http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader keeps the first status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, b...)
	return len(b), nil
}

// ask gets the answer of the server. A HEAD is asked as a GET, so that what changes the body changes its length too.
func ask(next http.Handler, r *http.Request) *answer {
	if r.Method == http.MethodHead {
		r = r.Clone(r.Context())
		r.Method = http.MethodGet
	}
	a := &answer{header: http.Header{}}
	next.ServeHTTP(a, r)
	a.WriteHeader(http.StatusOK)
	if a.header.Get("Content-Encoding") == "gzip" {
		if z, err := gzip.NewReader(bytes.NewReader(a.body)); err == nil {
			if plain, err := io.ReadAll(z); err == nil {
				a.body, a.packed = plain, true
			}
		}
	}
	return a
}

// send passes the answer on to the client.
func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	body := a.body
	if a.packed {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body) // a Buffer takes everything
		_ = z.Close()
		body = b.Bytes()
	}
	if len(body) > 0 || a.header.Get("Content-Length") != "" {
		a.header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	for name, lines := range a.header {
		w.Header()[name] = lines
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead && a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		_, _ = w.Write(body)
	}
}

func (a *answer) ok() bool { return a.status >= 200 && a.status < 300 }

// edit changes the body if it is a resource in JSON. An indented body is indented again.
func (a *answer) edit(path []string, change func(json.RawMessage) json.RawMessage) {
	if !json.Valid(a.body) || text(a.body, "resourceType") == "" {
		return
	}
	was := a.body
	a.body = edited(was, change, path...)
	if bytes.HasPrefix(was, []byte("{\n")) {
		var b bytes.Buffer
		if json.Indent(&b, a.body, "", "  ") == nil {
			a.body = b.Bytes()
		}
	}
}

// fail makes it an error with an outcome.
func (a *answer) fail(status int, code string) {
	a.status = status
	a.header.Del("ETag")
	a.header.Del("Last-Modified")
	a.header.Set("Content-Type", "application/fhir+json; charset=utf-8")
	a.body = []byte(`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"` + code + `","diagnostics":"the request failed"}]}`)
}

// answered changes the answers to requests of some kind.
func answered(when func(*http.Request) bool, change func(r *http.Request, a *answer)) func(http.Handler) http.Handler {
	return replaced(when, func(next http.Handler, r *http.Request) *answer {
		a := ask(next, r)
		change(r, a)
		return a
	})
}

// asked changes requests of some kind before the server sees them.
func asked(when func(*http.Request) bool, change func(r *http.Request)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if when(r) {
				change(r)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// replaced answers requests of some kind in its own way.
func replaced(when func(*http.Request) bool, instead func(next http.Handler, r *http.Request) *answer) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !when(r) {
				next.ServeHTTP(w, r)
				return
			}
			instead(next, r).send(w, r)
		})
	}
}

// bodyOf reads the body of a request and leaves it there for the server.
func bodyOf(r *http.Request) []byte {
	if r.Body == nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = nil // the server will complain about what is missing
	}
	setBody(r, body)
	return body
}

func setBody(r *http.Request, body []byte) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if r.Header.Get("Content-Length") != "" {
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
}

// editBody changes the body of a request if it is JSON.
func editBody(r *http.Request, change func(json.RawMessage) json.RawMessage, path ...string) {
	if body := bodyOf(r); json.Valid(body) {
		setBody(r, edited(body, change, path...))
	}
}

// another is a request of the same client, without the conditions and preferences of the first.
func another(r *http.Request, method, target string, body []byte) *http.Request {
	out := r.Clone(r.Context())
	u, err := url.Parse(target)
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	out.Method, out.URL, out.RequestURI = method, u, u.RequestURI()
	for _, name := range []string{"If-Match", "If-None-Match", "If-None-Exist", "If-Modified-Since", "Prefer", "Content-Length", "Accept-Encoding", "Range"} {
		out.Header.Del(name)
	}
	out.Header.Set("Accept", "application/fhir+json")
	setBody(out, body)
	return out
}
