package gateway

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/chartseal/chartseal/internal/record"
)

// discarded is a response that costs nothing.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(int)             {}
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkAnswer is a read without its record: routing, middleware, negotiation, headers.
func BenchmarkAnswer(b *testing.B) {
	s := New(Config{Log: quiet, Registry: newRegistry(), Base: "http://localhost/fhir", Now: time.Now})
	r := &record.Result{Type: "Patient", ID: "1", Version: 1, LastUpdated: time.Now(), JSON: []byte(`{"resourceType":"Patient","id":"1","name":[{"family":"` + strings.Repeat("x", 900) + `"}]}`)}
	s.echo.GET("/fhir/answer/:id", s.negotiate(func(c echo.Context) error { return s.sendResource(c, r) }))
	req := httptest.NewRequest(http.MethodGet, "/fhir/answer/1", nil)
	req.Header.Set("Accept", "application/fhir+json")
	b.ReportAllocs()
	for b.Loop() {
		s.echo.ServeHTTP(&discarded{http.Header{}}, req)
	}
}

// BenchmarkCompress compares the ways to compress an answer of a search page.
func BenchmarkCompress(b *testing.B) {
	page := []byte(`{"resourceType":"Bundle","entry":[` + strings.Repeat(`{"fullUrl":"http://localhost/fhir/Observation/5f4dcc3b-5aa7-4e61-8d2b-1f3c5b7a9d0e","resource":`+benchObservation+`},`, 50) + `{}]}`)
	plain := func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderContentType, mimeFHIR)
		c.Response().WriteHeader(http.StatusOK)
		_, err := c.Response().Write(page)
		return err
	}
	for name, handler := range map[string]func() http.Handler{
		"here": func() http.Handler {
			e := echo.New()
			e.GET("/", func(c echo.Context) error { return sendJSON(c, http.StatusOK, page) })
			return e
		},
		"gzhttp": func() http.Handler {
			e := echo.New()
			e.GET("/", plain)
			wrap, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(1), gzhttp.MinSize(compressFrom), gzhttp.ContentTypes([]string{"application/fhir+json"}))
			if err != nil {
				b.Fatal(err)
			}
			return wrap(e)
		},
		"echo": func() http.Handler {
			e := echo.New()
			e.Use(middleware.GzipWithConfig(middleware.GzipConfig{Level: 1, MinLength: compressFrom}))
			e.GET("/", plain)
			return e
		},
		"none": func() http.Handler {
			e := echo.New()
			e.GET("/", plain)
			return e
		},
	} {
		b.Run(name, func(b *testing.B) {
			h := handler()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Encoding", "gzip")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			b.ReportMetric(float64(w.Body.Len()), "bytes")
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(&discarded{http.Header{}}, r)
			}
		})
	}
}

const benchObservation = `{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}]},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2024-02-29T08:00:00+01:00","valueQuantity":{"value":72.0,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}}`

// What a client has been told of a version does not hang on how its bytes travel.
func TestSendResource(t *testing.T) {
	r := &record.Result{Type: "Patient", ID: "1", Version: 7, LastUpdated: time.Date(2024, 2, 29, 12, 0, 0, 123e6, time.UTC), JSON: []byte(`{"resourceType":"Patient","id":"1","active":true}`)}
	s := authenticated(t)
	s.echo.GET("/fhir/answer/:id", s.negotiate(func(c echo.Context) error { return s.sendResource(c, r) }))
	get := func(query string) *httptest.ResponseRecorder {
		return ask(s, httptest.NewRequest(http.MethodGet, "/fhir/answer/1"+query, nil))
	}
	for query, body := range map[string]string{
		"":                  `{"resourceType":"Patient","id":"1","active":true}`,
		"?_elements=active": `"active":true`,
		"?_pretty=true":     "\n  \"active\": true",
	} {
		w := get(query)
		h := w.Header()
		if w.Code != 200 || !bytes.Contains(w.Body.Bytes(), []byte(body)) || h.Get("ETag") != `W/"7"` || h.Get("Last-Modified") != "Thu, 29 Feb 2024 12:00:00 GMT" ||
			h.Get("Content-Location") != "http://localhost/fhir/Patient/1/_history/7" || h.Get("Cache-Control") != "no-store" || len(h) > 8 {
			t.Errorf("%s: %d %v %s", query, w.Code, h, w.Body)
		}
		if strings.Contains(w.Body.String(), "SUBSETTED") != strings.Contains(query, "_elements") {
			t.Errorf("%s: %s", query, w.Body)
		}
	}
}
