package fhirfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault spoils one request. The zero value does nothing.
type Fault struct {
	Status     int           // answer this without processing
	RetryAfter string        // with Status
	Drop       bool          // close the connection without processing
	DropAfter  bool          // process, send half of the answer, close the connection: the write stands, its answer is lost
	Delay      time.Duration // answer late
}

// Server is the fake. Set the fields before it serves.
type Server struct {
	Token         string                        // required bearer token; empty: none
	NoIdempotency bool                          // ignore Idempotency-Key, as other servers do
	Spoil         func(*http.Request) *Fault    // may be nil
	Invalid       func(res map[string]any) bool // resources to reject with 422; may be nil

	mu       sync.Mutex
	data     *data               // guarded by mu
	outcomes map[string]*outcome // guarded by mu: answers by Idempotency-Key
	requests int                 // guarded by mu
}

// outcome is an answer before it is written.
type outcome struct {
	status int
	header http.Header
	body   []byte
}

// Handler makes a fake that does not listen.
func Handler(configure func(*Server)) *Server {
	s := &Server{data: newData(), outcomes: map[string]*outcome{}}
	if configure != nil {
		configure(s)
	}
	return s
}

// New starts a fake; base is its FHIR base URL.
func New(configure func(*Server)) (s *Server, base string, stop func()) {
	s = Handler(configure)
	web := httptest.NewServer(s)
	return s, web.URL + "/fhir", web.Close
}

// Requests counts what arrived, spoiled requests included.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Count counts current resources of a type; Versions counts all versions of all types.
func (s *Server) Count(typ string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for ref, vs := range s.data.versions {
		if strings.HasPrefix(ref, typ+"/") && !vs[len(vs)-1].deleted {
			n++
		}
	}
	return n
}

// Versions counts all versions of all resources.
func (s *Server) Versions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.data.log)
}

// Get returns the current content of Type/id, nil if there is none.
func (s *Server) Get(ref string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.data.current(ref); v != nil {
		return v.body
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if s.Spoil != nil {
		if p := s.Spoil(r); p != nil {
			f = *p
		}
	}
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	if f.Drop {
		panic(http.ErrAbortHandler)
	}
	var o *outcome
	if f.Status != 0 {
		o = failure(f.Status, "transient", "spoiled")
		o.header.Set("Retry-After", f.RetryAfter)
	} else {
		o = s.answer(r)
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
		}
	}
	for k, v := range o.header {
		w.Header()[k] = v
	}
	w.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id"))
	if f.DropAfter {
		w.Header().Set("Content-Length", strconv.Itoa(len(o.body)+1))
		w.WriteHeader(o.status)
		_, _ = w.Write(o.body[:len(o.body)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(o.status)
	_, _ = w.Write(o.body)
}

func (s *Server) answer(r *http.Request) *outcome {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return failure(400, "invalid", "body")
	}
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, "/fhir"), "/")
	if path != "metadata" && s.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.Token {
		o := failure(401, "login", "no valid token")
		o.header.Set("WWW-Authenticate", "Bearer")
		return o
	}
	if !acceptable(r) {
		return failure(406, "not-supported", "not served in this form")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost || s.NoIdempotency {
		key = ""
	}
	if o := s.outcomes[key]; key != "" && o != nil {
		again := &outcome{status: o.status, header: o.header.Clone(), body: o.body}
		again.header.Set("Idempotency-Replayed", "true")
		return again
	}
	o := s.route(&request{
		method: r.Method, path: path, query: r.URL.Query(), header: r.Header, body: body,
		base: "http://" + r.Host + "/fhir",
	})
	if key != "" && o.status < 300 {
		s.outcomes[key] = o
	}
	return o
}

// acceptable checks the format and version that the client asks for; _format beats Accept.
func acceptable(r *http.Request) bool {
	query, accept := r.URL.Query(), r.Header.Get("Accept")
	_, version, ok := strings.Cut(accept, "fhirVersion=")
	if !ok {
		version = query.Get("fhirVersion")
	}
	if version != "" && version != "4.0" {
		return false
	}
	if f := query.Get("_format"); f != "" {
		accept = f
	}
	return !strings.Contains(accept, "xml") || strings.Contains(accept, "json")
}

// reply makes an answer with a resource in it; nil means no body.
func reply(status int, res map[string]any) *outcome {
	o := &outcome{status: status, header: http.Header{}}
	if res != nil {
		o.header.Set("Content-Type", "application/fhir+json; charset=utf-8")
		o.body = encode(res)
	}
	return o
}

// failure makes an OperationOutcome.
func failure(status int, code, text string, expression ...string) *outcome {
	issue := map[string]any{"severity": "error", "code": code, "diagnostics": text}
	if len(expression) > 0 {
		issue["expression"] = expression
	}
	return reply(status, map[string]any{"resourceType": "OperationOutcome", "issue": []any{issue}})
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("fhirfake: encode: %v", err)) // only decoded JSON is encoded
	}
	return bytes.TrimSpace(b.Bytes())
}
