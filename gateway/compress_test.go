package gateway

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestAcceptsGzip(t *testing.T) {
	for in, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "gzip, deflate, br": true, "br;q=1.0, gzip;q=0.8, *;q=0.1": true, "gzip;q=0": false, "gzip;q=0.000, *": false, "*": true, "*;q=0": false,
		"identity": false, "deflate": false, "gzip;q=x": false, "gzip ; q=0.5": true, "x-gzip": true,
	} {
		if got := acceptsGzip([]string{in}); got != want {
			t.Errorf("%q: %t", in, got)
		}
	}
}

func TestCompressed(t *testing.T) {
	large := `{"resourceType":"Bundle","entry":[` + strings.Repeat(`{"resource":{"resourceType":"Patient"}},`, 100) + `{}]}`
	s, _ := watched(t)
	s.echo.GET("/large", func(c echo.Context) error {
		c.Response().Header().Set("ETag", `W/"1"`)
		return sendJSON(c, http.StatusOK, []byte(large))
	})
	s.echo.HEAD("/large", func(c echo.Context) error { return sendJSON(c, http.StatusOK, []byte(large)) })
	s.echo.GET("/small", func(c echo.Context) error { return sendJSON(c, http.StatusOK, []byte(`{"resourceType":"Patient"}`)) })
	get := func(method, path, coding string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		if coding != "" {
			r.Header.Set("Accept-Encoding", coding)
		}
		return ask(s, r)
	}
	w := get(http.MethodGet, "/large", "gzip")
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) || w.Header().Get("ETag") != `W/"1"` {
		t.Fatalf("headers %v, %d bytes", w.Header(), w.Body.Len())
	}
	length := w.Header().Get("Content-Length")
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != large {
		t.Errorf("%v: %d bytes, want %d", err, len(got), len(large))
	}
	if h := get(http.MethodHead, "/large", "gzip"); h.Body.Len() != 0 || h.Header().Get("Content-Length") != length {
		t.Errorf("HEAD: %d bytes, %v", h.Body.Len(), h.Header())
	}
	for path, coding := range map[string]string{"/large": "", "/small": "gzip"} {
		if w := get(http.MethodGet, path, coding); w.Header().Get("Content-Encoding") != "" || w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%s: %v", path, w.Header())
		}
	}
}

func TestPretty(t *testing.T) {
	s, _ := watched(t)
	s.echo.GET("/one", s.negotiate(func(c echo.Context) error { return sendJSON(c, http.StatusOK, []byte(`{"a":1.50,"b":[1e3]}`)) }))
	w := ask(s, httptest.NewRequest(http.MethodGet, "/one?_pretty=true", nil))
	if want := "{\n  \"a\": 1.50,\n  \"b\": [\n    1e3\n  ]\n}"; w.Body.String() != want || w.Header().Get("Content-Length") != strconv.Itoa(len(want)) {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	if w := ask(s, httptest.NewRequest(http.MethodGet, "/one?_pretty=false", nil)); w.Body.String() != `{"a":1.50,"b":[1e3]}` {
		t.Errorf("%s", w.Body)
	}
}
