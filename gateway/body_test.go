package gateway

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chartseal/chartseal/fhir"
)

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// mirror is a server that answers a body with itself, and takes 1 MiB.
func mirror(t *testing.T) *Server {
	t.Helper()
	s := New(Config{
		Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Base: "http://localhost/fhir", Now: time.Now, Limits: fhir.Limits{MaxBytes: 1 << 20},
	})
	s.echo.POST("/mirror", func(c echo.Context) error {
		b, err := s.body(c)
		if err != nil {
			return err
		}
		return c.Blob(http.StatusOK, "text/plain", b)
	})
	return s
}

func TestBody(t *testing.T) {
	s := mirror(t)
	plain := []byte(`{"resourceType":"Patient"}`)
	large := bytes.Repeat([]byte("x"), 1<<20)
	for _, tc := range []struct {
		name, coding string
		body         []byte
		chunked      bool
		status       int
	}{
		{"plain", "", plain, false, 200},
		{"identity", "identity", plain, false, 200},
		{"gzip", "gzip", zipped(t, plain), false, 200},
		{"gzip, chunked", "GZIP", zipped(t, plain), true, 200},
		{"x-gzip", "x-gzip", zipped(t, plain), false, 200},
		{"two members", "gzip", append(zipped(t, plain[:5]), zipped(t, plain[5:])...), false, 200},
		{"as large as can be", "", large, false, 200},
		{"too large", "", append(large, 'x'), false, 413},
		{"too large, chunked", "", append(large, 'x'), true, 413},
		{"unpacks to the limit", "gzip", zipped(t, large), false, 200},
		{"unpacks to more", "gzip", zipped(t, append(large, 'x')), false, 413},
		{"not gzip", "gzip", plain, false, 400},
		{"cut off", "gzip", zipped(t, plain)[:20], false, 400},
		{"empty", "gzip", nil, false, 400},
		{"deflate", "deflate", plain, false, 415},
		{"br", "br", plain, false, 415},
		{"twice", "gzip, gzip", zipped(t, zipped(t, plain)), false, 415},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var body io.Reader = bytes.NewReader(tc.body)
			if tc.chunked {
				body = io.MultiReader(body)
			}
			r := httptest.NewRequest(http.MethodPost, "/mirror", body)
			if tc.coding != "" {
				r.Header.Set("Content-Encoding", tc.coding)
			}
			w := ask(s, r)
			if w.Code != tc.status {
				t.Fatalf("got %d %.200s, want %d", w.Code, w.Body, tc.status)
			}
			switch {
			case tc.status == 200 && len(tc.body) < 1000 && w.Body.String() != string(plain):
				t.Errorf("got %q", w.Body)
			case tc.status == 415 && !strings.Contains(w.Header().Get("Accept-Encoding"), "gzip"):
				t.Error("415 does not say which codings are taken")
			}
		})
	}
}

// A small body that unpacks to 64 MiB costs about what the largest honest one does.
func TestBombIsBounded(t *testing.T) {
	s := mirror(t)
	var bomb bytes.Buffer
	w, zeros := gzip.NewWriter(&bomb), make([]byte, 1<<20)
	for range 64 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if bomb.Len() > 1<<20 {
		t.Fatalf("the bomb is %d bytes, larger than the limit", bomb.Len())
	}
	r := httptest.NewRequest(http.MethodPost, "/mirror", &bomb)
	r.Header.Set("Content-Encoding", "gzip")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := ask(s, r)
	runtime.ReadMemStats(&after)
	if got.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", got.Code)
	}
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 16<<20 {
		t.Errorf("%d bytes were allocated", spent)
	}
}

func TestMissingAndWrongContentType(t *testing.T) {
	s := mirror(t)
	for contentType, status := range map[string]int{"": 200, "application/fhir+json": 200, "application/fhir+json; charset=latin1": 415, "application/fhir+json; fhirVersion=5.0": 415, "text/plain": 415} {
		r := httptest.NewRequest(http.MethodPost, "/mirror", strings.NewReader("{}"))
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		w := ask(s, r)
		if w.Code != status {
			t.Errorf("%q: %d", contentType, w.Code)
		}
		if status == 415 && w.Header().Get("Accept") == "" {
			t.Errorf("%q: 415 does not say what to send", contentType)
		}
	}
}
