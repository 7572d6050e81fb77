package defects

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An effect is what a defect changes in an exchange with the scripted server: text that appears, text that vanishes.
type effect struct {
	requests          []string // "METHOD /path", header lines, an empty line, the body
	appears, vanishes []string
}

// transcript sends requests through a defect and writes down what the scripted server saw and what came back.
func transcript(t *testing.T, defect string, requests []string) string {
	t.Helper()
	var log strings.Builder
	h, err := Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&log, "  saw %s %s\n", r.Method, r.URL.RequestURI())
		note(&log, "  saw ", r.Header, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		world(w, r)
	}), defect)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range requests {
		head, body, _ := strings.Cut(text, "\n\n")
		lines := strings.Split(head, "\n")
		method, target, _ := strings.Cut(lines[0], " ")
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		for _, line := range lines[1:] {
			name, v, _ := strings.Cut(line, ": ")
			r.Header.Set(name, v)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Fprintf(&log, "got %d\n", w.Code)
		note(&log, "got ", w.Header(), w.Body.Bytes())
	}
	return log.String()
}

func note(log *strings.Builder, prefix string, h http.Header, body []byte) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		fmt.Fprintf(log, "%s%s: %s\n", prefix, name, strings.Join(h[name], ", "))
	}
	if h.Get("Content-Encoding") == "gzip" && bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		body = []byte("(gzip)")
	}
	fmt.Fprintf(log, "%s%s\n", prefix, body)
}

const (
	patient  = `{"resourceType":"Patient","id":"1","meta":{"versionId":"2","lastUpdated":"2026-01-02T03:04:05Z","tag":[{"code":"t"},{"code":"SUBSETTED"}],"security":[{"code":"R"}]},"contained":[{"resourceType":"Organization","id":"o"}],"extension":[{"url":"u","valueDecimal":70.50}],"birthDate":"1970-01-01","_birthDate":{"id":"b"},"name":[{"family":"😀"}]}`
	outcome  = `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"%s","diagnostics":"no"}]}`
	searched = `{"resourceType":"Bundle","type":"searchset","total":7,"link":[{"relation":"self","url":"http://example.com/fhir/Patient?a=1"},{"relation":"next","url":"http://example.com/fhir/Patient?_cursor=2"}],"entry":[{"fullUrl":"http://example.com/fhir/Patient/1","resource":{"resourceType":"Patient","id":"1"},"search":{"mode":"match"}},{"fullUrl":"http://example.com/fhir/Patient/2","resource":{"resourceType":"Patient","id":"2"},"search":{"mode":"match"}}]}`
	versions = `{"resourceType":"Bundle","type":"history","total":7,"entry":[{"request":{"method":"DELETE","url":"Patient/1"},"response":{"status":"204"}},{"resource":{"resourceType":"Patient","id":"1"},"request":{"method":"POST","url":"Patient"},"response":{"status":"201"}}]}`
	done     = `{"resourceType":"Bundle","type":"%s-response","entry":[{"response":{"status":"201 Created","location":"Patient/1/_history/1"}},{"response":{"status":"404 Not Found","outcome":{"resourceType":"OperationOutcome"}}}]}`
	metadata = `{"resourceType":"CapabilityStatement","date":"2026","fhirVersion":"4.0.1","rest":[{"resource":[{"type":"Patient","conditionalDelete":"single","searchParam":[{"name":"a"}]}],"interaction":[{"code":"batch"}]}]}`
	record   = `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Patient","id":"1"}},{"resource":{"resourceType":"Observation","id":"2"}}]}`
	observed = `{"resourceType":"Observation","id":"1","status":"final","code":{"text":"x"}}`
)

// page is an answer known by heart.
type page struct {
	status int
	body   string
	header string // name: value
}

// pages are what the scripted server says to requests that it does not have to look at.
var pages = map[string]page{
	"GET /healthz":                      {200, `{"a" : 1.50}`, "Content-Type: application/octet-stream"},
	"GET /fhir/Binary/1/blob":           {200, `{"a" : 1.50}`, "Content-Type: application/octet-stream"},
	"GET /fhir/Binary/1":                {200, "content", "Content-Type: text/plain"},
	"GET /fhir/Patient/1/_history/2":    {200, patient, `ETag: W/"2"`},
	"GET /fhir/Patient/gone/_history/1": {200, patient, `ETag: W/"2"`},
	"GET /fhir/Patient/gone":            {410, failed("deleted"), ""},
	"GET /fhir/Observation/1":           {200, observed, ""},
	"GET /fhir/Nonsense/1":              {404, failed("not-supported"), ""},
	"GET /fhir/_history":                {200, versions, ""},
	"GET /fhir/Patient/_history":        {200, versions, ""},
	"GET /fhir/Patient/1/_history":      {200, versions, ""},
	"GET /fhir/metadata":                {200, metadata, ""},
	"DELETE /fhir/metadata":             {405, failed("not-supported"), "Allow: GET"},
	"GET /fhir/$async-status/1":         {200, done, ""},
	"GET /fhir/Patient/1/$everything":   {200, record, ""},
	"POST /fhir/Patient/$validate":      {200, failed("structure"), ""},
	"GET /fhir/Patient/1/$meta":         {200, parameterless, ""},
	"POST /fhir/Patient/1/$meta-add":    {200, parameterless, ""},
	"POST /fhir/Patient/1/$meta-delete": {200, parameterless, ""},
	"GET /fhir/Observation/$lastn":      {200, parameterless, ""},
	"GET /fhir/Practitioner":            {200, `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Practitioner","id":"1"},"search":{"mode":"match"}}]}`, ""},
	"GET /fhir/Patient":                 {200, searched, ""},
	"POST /fhir/Patient/_search":        {200, searched, ""},
	"OPTIONS /fhir/Patient":             {204, "", "Allow: GET"},
	"POST /fhir/Parameters":             {404, failed("not-found"), ""},
	"PUT /fhir/Patient/new":             {201, patient, located},
	"DELETE /fhir/Patient/1":            {204, "", ""},
	"DELETE /fhir/Patient/2":            {204, "", ""},
	"DELETE /fhir/Patient/gone":         {204, "", ""},
}

const (
	parameterless = `{"resourceType":"Parameters"}`
	located       = "Location: http://example.com/fhir/Patient/1/_history/2"
)

func failed(code string) string { return fmt.Sprintf(outcome, code) }

// world is a server that knows its answers by heart. It looks at conditions and at words in the body, no more.
func world(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body) // it was read before
	h := w.Header()
	h.Set("Content-Type", "application/fhir+json; charset=utf-8")
	if r.Header.Get("Origin") != "" {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "ETag")
	}
	if v := r.Header.Get("X-Request-Id"); v != "" {
		h.Set("X-Request-Id", v)
	}
	p := choose(r, string(raw))
	if name, v, ok := strings.Cut(p.header, ": "); ok {
		h.Set(name, v)
	}
	if strings.HasPrefix(p.body, patient[:30]) || p.status == 304 {
		h.Set("ETag", `W/"2"`)
		h.Set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
	}
	body := []byte(p.body)
	if r.Header.Get("Accept-Encoding") == "gzip" {
		h.Set("Content-Encoding", "gzip")
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body)
		_ = z.Close()
		body = b.Bytes()
	}
	if p.status != 204 && p.status != 304 {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(p.status)
	if p.status != 204 && p.status != 304 && r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// choose finds the answer to a request.
func choose(r *http.Request, body string) page {
	where := strings.Replace(r.Method, "HEAD", "GET", 1) + " " + r.URL.Path
	known, ok := pages[where]
	switch {
	case strings.Contains(r.Header.Get("Prefer"), "respond-async"):
		return page{202, failed("informational"), "Content-Location: http://example.com/fhir/$async-status/1"}
	case where == "GET /fhir/Patient/1" && r.Header.Get("If-None-Match") != "":
		return page{304, "", ""}
	case where == "GET /fhir/Patient/1":
		return page{200, patient, ""}
	case where == "GET /fhir/Patient/later":
		return page{200, strings.Replace(strings.Replace(patient, `"id":"1"`, `"id":"later"`, 1), "2026-01-02", r.URL.Query().Get("day"), 1), ""}
	case ok:
		return known
	case strings.Contains(body, "refused"):
		return page{400, failed("invalid"), ""}
	case r.Header.Get("If-None-Exist") == "many", r.URL.RawQuery == "many", r.Header.Get("If-Match") == "old":
		return page{412, failed("conflict"), ""}
	case r.URL.RawQuery == "none":
		return page{404, failed("not-found"), ""}
	case r.Header.Get("Content-Type") == "application/xml":
		return page{415, failed("not-supported"), ""}
	case where == "POST /fhir":
		return page{200, fmt.Sprintf(done, text([]byte(body), "type")), ""}
	case r.Method == http.MethodPost:
		return page{201, patient, located}
	case r.Method == http.MethodPut, r.Method == http.MethodPatch:
		return page{200, patient, located}
	}
	return page{404, failed("not-found"), ""}
}
