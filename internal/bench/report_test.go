package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReportForms(t *testing.T) {
	r := Report{Base: "http://x/fhir", Server: "S 1", Duration: 10, Ack: AckDurable, Results: []Result{
		{Operation: Read, Concurrency: 8, Requests: 1000, PerSecond: 99.96, P50: 1, P95: 2.5, P99: 3, Max: 4.126},
		{Operation: Ingest, Concurrency: 64, Requests: 10, Errors: 3, Statuses: map[string]int{"503": 1, "entries": 2}, PerSecond: 1, ResourcesPerSecond: 812.4, P50: 1200},
	}}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := `http://x/fhir (S 1), 10 s each, ack: durable
  operation   c  requests  errors  requests/s  resources/s   p50 ms  p95 ms  p99 ms  max ms
       read   8      1000       0       100.0            -     1.00    2.50    3.00    4.13
     ingest  64        10       3         1.0          812  1200.00    0.00    0.00    0.00
ingest, c = 64: errors 503 × 1, entries × 2
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Error(diff)
	}
}

// BenchmarkExchange is the client's share of a measurement, with the cheapest possible server beside it.
func BenchmarkExchange(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 2000)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	defer web.Close()
	c := newClient(Config{Base: web.URL, Concurrency: []int{1}})
	u, err := url.Parse(web.URL + "/Patient/1")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if status, err := c.exchange(request(context.Background(), http.MethodGet, u, c.get, nil), nil); err != nil || status != 200 {
			b.Fatal(status, err)
		}
	}
}
