package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const fhirJSON = "application/fhir+json"

// session is what the checks of one run share.
type session struct {
	client  *http.Client
	base    string
	token   string
	run     string // part of every identifier that this run writes
	serial  int
	caps    capabilities
	created []string // Type/id, to delete at the end
}

// trial is one running check. Its methods record failures like testing.T; those that return false have done so.
type trial struct {
	s        *session
	failures []string
	skipped  string
}

func (t *trial) errorf(format string, args ...any) bool {
	t.failures = append(t.failures, fmt.Sprintf(format, args...))
	return false
}

// answer is a response. Status 0: there was none, which do has recorded.
type answer struct {
	request string
	status  int
	header  http.Header
	body    []byte
	res     map[string]any // the body as JSON, nil if it is not an object
}

// do sends a request. body is a string or something to encode; headers are "Name: value".
func (t *trial) do(ctx context.Context, method, path string, body any, headers ...string) *answer {
	a, err := t.s.do(ctx, method, path, body, headers...)
	if err != nil {
		t.errorf("%s %s: %v", method, path, err)
	}
	return a
}

func (s *session) do(ctx context.Context, method, path string, body any, headers ...string) (*answer, error) {
	a := &answer{request: method + " " + path, header: http.Header{}}
	raw, err := encode(body)
	if err != nil {
		return a, err
	}
	address, err := s.address(path)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(raw))
	if err != nil {
		return a, fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Accept", fhirJSON)
	if raw != nil {
		req.Header.Set("Content-Type", fhirJSON)
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if req.Header.Del(name); value != "" {
			req.Header.Set(name, value)
		}
	}
	res, err := s.client.Do(req)
	if err != nil {
		return a, fmt.Errorf("send: %w", err)
	}
	defer res.Body.Close()
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, 64<<20)); err != nil {
		return a, fmt.Errorf("read answer: %w", err)
	}
	a.status, a.header = res.StatusCode, res.Header
	a.res = decode(a.body)
	if ref := a.id(); method != http.MethodGet && res.StatusCode == http.StatusCreated && ref != "" {
		s.created = append(s.created, ref)
	}
	return a, nil
}

// address completes what the checks write and what servers send: relative to the base, to the host, or absolute.
func (s *session) address(path string) (string, error) {
	if path == "" {
		return s.base, nil
	}
	base, err := url.Parse(s.base + "/")
	if err != nil {
		return "", fmt.Errorf("base: %w", err)
	}
	u, err := base.Parse(path)
	if err != nil {
		return "", fmt.Errorf("address: %w", err)
	}
	return u.String(), nil
}

func encode(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(b), nil
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return raw, nil
}

func decode(raw []byte) map[string]any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil
	}
	return m
}

// clean deletes what the run created, newest first, because older resources may be referred to.
func (s *session) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, ref := range slices.Backward(s.created) {
		_, _ = s.do(ctx, http.MethodDelete, ref, nil) // nothing can be done about a resource that stays
	}
}

// unique returns an identifier value that no other check uses.
func (t *trial) unique() string {
	t.s.serial++
	return t.s.run + "-" + strconv.Itoa(t.s.serial)
}

// want checks the status.
func (t *trial) want(a *answer, status ...int) bool {
	if a.status == 0 {
		return false
	}
	if !slices.Contains(status, a.status) {
		return t.errorf("%s: status %d, want %s", a.request, a.status, oneOf(status))
	}
	return true
}

func oneOf(list []int) string {
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, " or ")
}

// wantFailure checks the status and that an OperationOutcome explains it.
func (t *trial) wantFailure(a *answer, status ...int) bool {
	if !t.want(a, status...) {
		return false
	}
	if text(a.res, "resourceType") != "OperationOutcome" {
		return t.errorf("%s: status %d without an OperationOutcome", a.request, a.status)
	}
	for i, issue := range list(a.res, "issue") {
		severity := text(issue, "severity")
		if !slices.Contains([]string{"fatal", "error", "warning", "information"}, severity) || text(issue, "code") == "" {
			return t.errorf("%s: OperationOutcome.issue[%d] lacks severity or code", a.request, i)
		}
	}
	if len(list(a.res, "issue")) == 0 {
		return t.errorf("%s: an OperationOutcome without an issue", a.request)
	}
	return true
}

// equal checks a value.
func (t *trial) equal(what string, got, want any) bool {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return t.errorf("%s is %v, want %v", what, got, want)
	}
	return true
}

// ok checks a condition.
func (t *trial) ok(condition bool, format string, args ...any) bool {
	return condition || t.errorf(format, args...)
}

// id is Type/id from Location, or else from the body.
func (a *answer) id() string {
	if location := a.header.Get("Location"); location != "" {
		bare, _, _ := strings.Cut(location, "/_history")
		parts := strings.Split(strings.Trim(bare, "/"), "/")
		if len(parts) >= 2 {
			return strings.Join(parts[len(parts)-2:], "/")
		}
	}
	if text(a.res, "id") == "" {
		return ""
	}
	return text(a.res, "resourceType") + "/" + text(a.res, "id")
}

// at follows names and indexes into a decoded value; nil if there is nothing.
func at(v any, path ...any) any {
	for _, p := range path {
		switch key := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[key]
		case int:
			l, _ := v.([]any)
			if key >= len(l) {
				return nil
			}
			v = l[key]
		}
	}
	return v
}

func text(v any, path ...any) string {
	s, _ := at(v, path...).(string)
	return s
}

func list(v any, path ...any) []any {
	l, _ := at(v, path...).([]any)
	return l
}

// object is short for the JSON that the checks send.
type object = map[string]any

const identifierSystem = "urn:chartseal:conformance"

// patient makes a Patient with the given identifier value and further members.
func patient(identifier string, more ...object) object {
	p := object{"resourceType": "Patient", "identifier": []any{object{"system": identifierSystem, "value": identifier}}, "active": true}
	for _, m := range more {
		for k, v := range m {
			p[k] = v
		}
	}
	return p
}

func byIdentifier(value string) string { return "identifier=" + identifierSystem + "%7C" + value }

// create stores a resource and returns the answer; ok is false if that failed, which is recorded.
func (t *trial) create(ctx context.Context, res object) (a *answer, ok bool) {
	a = t.do(ctx, http.MethodPost, text(res, "resourceType"), res)
	return a, t.want(a, http.StatusCreated) && t.ok(a.id() != "", "%s: no Location", a.request)
}

// found counts the current Patients with an identifier.
func (t *trial) found(ctx context.Context, identifier string) int {
	a := t.do(ctx, http.MethodGet, "Patient?"+byIdentifier(identifier), nil)
	t.want(a, http.StatusOK)
	return len(list(a.res, "entry"))
}
