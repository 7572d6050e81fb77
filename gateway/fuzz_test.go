package gateway

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// fuzzed is a server without records, for parsers that need one.
func fuzzed(f testing.TB) *Server {
	f.Helper()
	s := New(Config{Log: quiet, Registry: newRegistry(), Base: "http://localhost/fhir", Now: time.Now})
	f.Cleanup(s.Close)
	return s
}

// exchangeFor is a context as observe leaves it.
func exchangeFor(s *Server, r *http.Request) (echo.Context, *httptest.ResponseRecorder) {
	rec := httptest.NewRecorder()
	c := s.echo.NewContext(r, rec)
	c.Set(exchangeKey, &exchange{})
	return c, rec
}

// clientError wants an error to be one that a client is told, and of its making.
func clientError(t *testing.T, err error) {
	t.Helper()
	if p := toProblem(err); p.status < 400 || p.status >= 500 || len(p.issues) == 0 {
		t.Fatalf("%d for what a client sent: %v", p.status, err)
	}
}

func FuzzNotModified(f *testing.F) {
	f.Add(`W/"3"`, "")
	f.Add(`"3", W/"4",*`, "Fri, 31 Dec 9999 23:59:59 GMT")
	f.Add(`W/W/"\"`, "Sunday, 06-Nov-94 08:49:37 GMT")
	f.Add("", "Sun Nov  6 08:49:37 1994")
	r := &record.Result{Version: 3, LastUpdated: time.Unix(1e9, 5e8)}
	s := fuzzed(f)
	f.Fuzz(func(t *testing.T, tags, since string) {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header["If-Modified-Since"] = []string{since}
		c, _ := exchangeFor(s, req)
		byTime := notModified(c, r)
		if at, err := http.ParseTime(since); byTime && (err != nil || at.Before(r.LastUpdated.Truncate(time.Second))) {
			t.Fatalf("not modified since %q", since)
		}
		req.Header["If-None-Match"] = []string{tags}
		alone := notModified(c, r)
		delete(req.Header, "If-Modified-Since")
		if notModified(c, r) != alone {
			t.Fatal("If-Modified-Since counts beside If-None-Match")
		}
		req.Header["If-None-Match"] = []string{tags, `"3"`}
		if !notModified(c, r) {
			t.Fatalf("%q keeps the next line from being read", tags)
		}
	})
}

func FuzzAcceptsGzip(f *testing.F) {
	for _, seed := range []string{"gzip", "br;q=1, *;q=0.1", "gzip;q=0", "identity, x-gzip ; Q=0.5", `"gzip`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if acceptsGzip([]string{"gzip;q=0", in}) || !acceptsGzip([]string{"gzip", in}) {
			t.Fatalf("%q overrules what was said before", in)
		}
		if acceptsGzip([]string{in}) && !strings.Contains(strings.ToLower(in), "gzip") && !strings.Contains(in, "*") {
			t.Fatalf("gzip for %q", in)
		}
	})
}

// FuzzReadBinary: whatever is asked for, what comes is part of the content, or a refusal.
func FuzzReadBinary(f *testing.F) {
	f.Add("*/*", "bytes=0-1,5-", "text/plain", []byte("some content"))
	f.Add("application/fhir+json", "bytes=-3", "application/pdf", []byte("%PDF"))
	f.Add("text/plain;q=0, */*", "bytes=9-1", "text/plain; charset=x", []byte(""))
	f.Add("", "bytes=0-,0-,0-", "no media type", []byte("abcdef"))
	s := fuzzed(f)
	f.Fuzz(func(t *testing.T, accept, ranges, media string, content []byte) {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header["Accept"], req.Header["Range"] = []string{accept}, []string{ranges}
		c, rec := exchangeFor(s, req)
		x := exchangeOf(c)
		x.contentType, x.exact, _ = acceptJSON(req.Header["Accept"])
		b := binary{Type: "Binary", ContentType: strings.ToValidUTF8(media, ""), Data: base64.StdEncoding.EncodeToString(content)}
		if err := s.sendBinary(c, &record.Result{Type: "Binary", ID: "1", Version: 1, JSON: marshal(b)}); err != nil {
			clientError(t, err)
			return
		}
		got := rec.Body.Bytes()
		switch {
		case strings.HasPrefix(rec.Header().Get("Content-Type"), "multipart/byteranges"):
			if limit := 3*len(content) + 400*(strings.Count(ranges, ",")+2) + len(media)*(strings.Count(ranges, ",")+1); len(got) > limit {
				t.Fatalf("%d bytes of answer to %d of content", len(got), len(content))
			}
		case rec.Code == http.StatusOK && x.exact && json.Valid(got):
		case rec.Code == http.StatusOK && !bytes.Equal(got, content):
			t.Fatalf("read %q of %q", got, content)
		case rec.Code == http.StatusPartialContent && !bytes.Contains(content, got):
			t.Fatalf("%q is no part of %q", got, content)
		case rec.Code != http.StatusOK && rec.Code != http.StatusPartialContent:
			t.Fatalf("status %d", rec.Code)
		}
	})
}

// FuzzQuery: a query gives a form that this server has, or a refusal, and no parameter gets lost.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"_format=json&_pretty=true", "_summary=text&_elements=a,b", "_format=xml", "name=%zz", "a;b", "_elements=&_elements=name", "_format=application/fhir+json;fhirVersion=4.0"} {
		f.Add(seed)
	}
	s := fuzzed(f)
	f.Fuzz(func(t *testing.T, raw string) {
		c, _ := exchangeFor(s, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/fhir/Patient", RawQuery: raw}, Header: http.Header{}})
		c.SetPath("/fhir/:type")
		c.SetParamNames("type")
		c.SetParamValues("Patient")
		find, show := withoutPresentation(c.QueryParams())
		if len(find)+len(show) != len(c.QueryParams()) {
			t.Fatal("a parameter got lost")
		}
		if query, err := criteria(c); err == nil {
			back, err := url.ParseQuery(query)
			if err != nil || len(back) != len(find) {
				t.Fatalf("%q is searched as %q", raw, query)
			}
		}
		err := s.negotiate(func(c echo.Context) error {
			if got := exchangeOf(c).contentType; checkMedia(got) != nil || got == "" {
				t.Fatalf("answered as %q", got)
			}
			return nil
		})(c)
		if err != nil {
			clientError(t, err)
		}
	})
}

// FuzzInput: an operation gets values that are JSON, whatever the body is.
func FuzzInput(f *testing.F) {
	for _, seed := range []string{
		`{"resourceType":"Parameters","parameter":[{"name":"a","valueString":"x"},{"name":"b","valueMeta":{"tag":[]}},{"name":"c","resource":{}}]}`,
		`{"resourceType":"Parameters","parameter":[null,{},{"name":null},{"name":"a","value":1},{"name":"a","valueX":[1]}]}`,
		`{"resourceType":"Patient"}`, `[`, ``, `{"RESOURCETYPE":"Parameters"}`, `{"resourceType":"Parameters","parameter":[{"name":"type","valueCodeableConcept":{"coding":[{"system":"a|b","code":"c,d"}]}}]}`,
	} {
		f.Add([]byte(seed))
	}
	s := fuzzed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/fhir/Patient/$x?a=1", nil)
		r.Body, r.ContentLength = &bytesBody{b: body}, int64(len(body))
		c, _ := exchangeFor(s, r)
		in, err := s.input(c)
		if err != nil {
			clientError(t, err)
			return
		}
		for name, v := range in.complex {
			if !json.Valid(v) {
				t.Fatalf("%s is no JSON", name)
			}
			if _, err := in.codings(name); err != nil {
				clientError(t, err)
			}
		}
		for name, v := range in.resources {
			if !json.Valid(v) {
				t.Fatalf("%s is no JSON", name)
			}
		}
		if err := in.only("a"); err != nil {
			clientError(t, err)
		} else if len(in.values) > 1 {
			t.Fatal("a parameter that is not known is let through")
		}
	})
}

// FuzzEntry: an entry of a Bundle reaches routes below the base, and no others.
func FuzzEntry(f *testing.F) {
	for _, seed := range []string{
		`{"method":"GET","url":"Patient/1?_summary=true","ifNoneMatch":"W/\"1\""}`, `{"method":"GET","url":"../metrics"}`, `{"method":"GET","url":"//metrics"}`, `{"method":"GET","url":"http://localhost/fhir/Patient"}`,
		`{"method":"DELETE","url":"Patient?x=%zz"}`, `{"method":"HEAD","url":"?#","ifModifiedSince":"2020-01-01T00:00:00Z"}`, `{"method":"GET","url":"Patient/%2e%2e/%2f"}`,
	} {
		f.Add([]byte(seed), []byte(nil))
	}
	f.Add([]byte(`{"method":"PATCH","url":"Patient/1"}`), []byte(`{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="}`))
	f.Add([]byte(`{"method":"POST","url":"Patient","ifNoneExist":"Patient?identifier=1"}`), []byte(`{"resourceType":"Patient"}`))
	s := fuzzed(f)
	f.Fuzz(func(t *testing.T, request, resource []byte) {
		raw := append([]byte(`{"resourceType":"Bundle","type":"batch","entry":[{"request":`), request...)
		if len(resource) > 0 {
			raw = append(append(raw, `,"resource":`...), resource...)
		}
		b, err := fhir.ParseBundle(append(raw, "}]}"...), fhir.DefaultLimits)
		if err != nil {
			clientError(t, record.FromParser(err))
			return
		}
		for i := range b.Entries {
			e := &b.Entries[i]
			in, err := s.entryRequest(e)
			if err != nil {
				clientError(t, err)
				continue
			}
			targetOf(in)
			u, err := url.Parse(fhirPath + "/" + strings.TrimPrefix(in.target, "/"))
			if err != nil {
				continue // ask refuses it
			}
			if u.Host != "" {
				t.Fatalf("%q leads to the host %q", e.URL, u.Host)
			}
			c, _ := exchangeFor(s, &http.Request{Method: in.method, URL: u, Header: in.header})
			routable(c.Request())
			s.echo.Router().Find(in.method, echo.GetPath(c.Request()), c)
			if path := c.Path(); path != "" && path != fhirPath && !strings.HasPrefix(path, fhirPath+"/") {
				t.Fatalf("%s %q leads to %s", in.method, e.URL, path)
			}
		}
	})
}

// FuzzTarget: a request line leads to what it spells or to nothing, and a refusal comes with what is there.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"/fhir/Patient/1", "/fhir/../metrics", "/fhir/%2e%2e/metrics", "/fhir/Patient%2f1", "//fhir", "http://a/fhir/Patient", "*", "/fhir/Patint/1", "/metrics", "/fhir/$meta", "/fhir/Patient/a%00b", "/fhir/Patient/1/"} {
		f.Add("GET", seed)
	}
	f.Add("PATCH", "/fhir/Binary/1")
	f.Add("get", "/fhir/Medications")
	s := fuzzed(f)
	f.Fuzz(func(t *testing.T, method, target string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n")))
		if err != nil {
			return // net/http refuses it
		}
		c, _ := exchangeFor(s, r)
		routable(r)
		s.echo.Router().Find(r.Method, echo.GetPath(r), c)
		switch c.Path() {
		case "/metrics", "/healthz", "/readyz":
			if r.URL.Path != c.Path() {
				t.Fatalf("%q leads to %s", target, c.Path())
			}
		}
		if err := unroutable(c); !errors.Is(err, echo.ErrNotFound) {
			clientError(t, err)
		}
		path, _ := belowBase(c)
		for _, m := range allowed(path) {
			if m == strings.ToLower(m) {
				t.Fatalf("the method %q is allowed", m)
			}
		}
	})
}
