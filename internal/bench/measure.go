package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// stuck is how long after the end of a measurement a request in flight may take.
const stuck = 2 * time.Minute

// job is one request to send. entries is the number of resources in it; keep asks for the body of the answer.
type job struct {
	req     *http.Request
	entries int64
}

// source makes a worker's stream of jobs.
type source func(worker int) func(ctx context.Context) job

// source returns the stream of an operation. Streams of two workers differ; those of two runs with the same data do not.
func (w *workload) source(name string) source {
	base, _ := url.Parse(w.client.base) // parsed before, by withDefaults
	var serial, nextBundle atomic.Int64
	return func(worker int) func(context.Context) job {
		rnd := rand.New(rand.NewPCG(uint64(worker), 1)) //nolint:gosec // a reproducible choice, not a secret
		switch name {
		case Read:
			return func(ctx context.Context) job {
				return job{req: request(ctx, http.MethodGet, w.reads[rnd.IntN(len(w.reads))], w.client.get, nil)}
			}
		case Search:
			return func(ctx context.Context) job {
				return job{req: request(ctx, http.MethodGet, w.searches[rnd.IntN(len(w.searches))], w.client.get, nil)}
			}
		case Ingest:
			return func(ctx context.Context) job {
				b := w.bundles[int(nextBundle.Add(1)-1)%len(w.bundles)]
				return job{req: request(ctx, http.MethodPost, base, w.client.ingest, b.raw), entries: int64(len(b.entries))}
			}
		}
		target := base.JoinPath("Patient")
		return func(ctx context.Context) job {
			identity := strconv.AppendInt(bytes.Clone(w.run), serial.Add(1), 10)
			body := w.fresh[rnd.IntN(len(w.fresh))].render(identity)
			return job{req: request(ctx, http.MethodPost, target, w.client.post, body)}
		}
	}
}

// tally is what one worker counted.
type tally struct {
	latency   histogram
	errors    int64
	statuses  map[string]int
	resources int64
	elapsed   time.Duration // until its last answer
}

// measure warms up, measures, and adds up.
func measure(ctx context.Context, cfg Config, c *client, src source, name string, n int) (Result, error) {
	next := make([]func(context.Context) job, n)
	for i := range next {
		next[i] = src(i)
	}
	if _, err := phase(ctx, cfg, c, next, cfg.WarmUp); err != nil {
		return Result{}, err
	}
	tallies, err := phase(ctx, cfg, c, next, cfg.Duration)
	if err != nil {
		return Result{}, err
	}
	return sum(name, n, tallies), nil
}

// phase lets all workers run for d and waits until the last has its answer.
func phase(ctx context.Context, cfg Config, c *client, next []func(context.Context) job, d time.Duration) ([]*tally, error) {
	limited, cancel := context.WithTimeout(ctx, d+stuck)
	defer cancel()
	tallies := make([]*tally, len(next))
	start := time.Now()
	var workers sync.WaitGroup
	for i := range next {
		t := &tally{statuses: map[string]int{}}
		tallies[i] = t
		workers.Go(func() { t.work(limited, cfg.Ack, c, next[i], start, d) })
	}
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("bench: %w", context.Cause(ctx))
	}
	return tallies, nil
}

func (t *tally) work(ctx context.Context, ack string, c *client, next func(context.Context) job, start time.Time, d time.Duration) {
	var buf bytes.Buffer
	for before := start; before.Sub(start) < d && ctx.Err() == nil; {
		j := next(ctx)
		body := &buf
		if j.entries == 0 {
			body = nil
		}
		before = time.Now()
		status, err := c.exchange(j.req, body)
		after := time.Now()
		t.elapsed = after.Sub(start)
		switch {
		case err != nil:
			t.fail("transport")
			idle(ctx) // a server that refuses connections must not be hammered
		case !success(ack, status):
			t.fail(strconv.Itoa(status))
		default:
			t.count(after.Sub(before), status, j.entries, buf.Bytes())
		}
		before = after
	}
}

// count takes a successful answer. Of an ingest it counts the entries that were stored; a 202 has no response Bundle yet.
func (t *tally) count(latency time.Duration, status int, entries int64, body []byte) {
	if entries > 0 && status != http.StatusAccepted {
		stored := storedEntries(body)
		t.resources += stored
		if stored < entries {
			t.fail("entries")
			return
		}
	} else {
		t.resources += entries
	}
	t.latency.add(latency)
}

func (t *tally) fail(what string) {
	t.errors++
	t.statuses[what]++
}

// storedEntries counts the statuses 2xx in a transaction-response. Decoding a megabyte of JSON would take the client longer than a fast
// server needs to store it.
func storedEntries(body []byte) int64 {
	return int64(bytes.Count(body, []byte(`"status":"2`)) + bytes.Count(body, []byte(`"status": "2`)) + bytes.Count(body, []byte(`"status" : "2`)))
}

func idle(ctx context.Context) {
	timer := time.NewTimer(20 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func sum(name string, n int, tallies []*tally) Result {
	r := Result{Operation: name, Concurrency: n, Statuses: map[string]int{}}
	var all histogram
	var last time.Duration
	for _, t := range tallies {
		all.merge(&t.latency)
		r.Errors += t.errors
		r.Resources += t.resources
		last = max(last, t.elapsed)
		for s, c := range t.statuses {
			r.Statuses[s] += c
		}
		if t.elapsed > 0 {
			r.PerSecond += float64(t.latency.total) / t.elapsed.Seconds()
			r.ResourcesPerSecond += float64(t.resources) / t.elapsed.Seconds()
		}
	}
	r.Requests = int64(all.total) + r.Errors
	r.Seconds = last.Seconds()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	r.P50, r.P95, r.P99, r.Max = ms(all.quantile(.5)), ms(all.quantile(.95)), ms(all.quantile(.99)), ms(all.max)
	return r
}
