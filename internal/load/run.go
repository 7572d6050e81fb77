package load

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sort"
	"sync"
	"time"
)

// runner carries out a plan.
type runner struct {
	cfg      Config
	send     *sender
	flight   *inFlight
	progress *progress

	mu  sync.Mutex
	sum Summary // guarded by mu
}

func newRunner(cfg Config, wait func(context.Context, time.Duration) error) *runner {
	return &runner{
		cfg:    cfg,
		send:   &sender{client: cfg.Client, base: cfg.Base, token: cfg.Token, attempts: cfg.Attempts, timeout: cfg.Timeout, wait: wait},
		flight: newInFlight(),
		sum:    Summary{ByType: map[string]int{}},
	}
}

// run returns an error only if the run had to stop; what merely failed is in the summary.
func (r *runner) run(ctx context.Context, p *plan) error {
	r.sum.Skipped, r.sum.Failures = p.skipped, p.failed
	r.progress = startProgress(r.cfg.Out, p.bytes)
	defer r.progress.stop()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for _, level := range p.levels {
		if err := r.level(ctx, stop, level); err != nil {
			return err
		}
	}
	return nil
}

// level sends the nodes of one level over a bounded number of workers and waits for all of them.
func (r *runner) level(ctx context.Context, stop context.CancelCauseFunc, nodes []*node) error {
	jobs := make(chan func(context.Context) error)
	var workers sync.WaitGroup
	for range r.cfg.Concurrency {
		workers.Go(func() {
			for job := range jobs {
				if err := job(ctx); err != nil {
					stop(err) // the first cause counts; the others find ctx done
				}
			}
		})
	}
	submit := func(job func(context.Context) error) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case jobs <- job:
			return nil
		}
	}
	for _, n := range nodes {
		if err := r.feed(ctx, n, submit); err != nil {
			break // ctx is done; its cause is returned below
		}
	}
	close(jobs)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// feed turns a node into jobs. It returns an error only when ctx is done.
func (r *runner) feed(ctx context.Context, n *node, submit func(func(context.Context) error) error) error {
	if n.kind != ndjsonNode {
		return submit(func(ctx context.Context) error { return r.file(ctx, n) })
	}
	c := &chunker{typ: n.typ, maxEntries: r.cfg.MaxEntries, maxBytes: r.cfg.MaxBytes, maxLine: r.cfg.MaxLine, fail: r.fail}
	c.emit = func(c *chunk) error {
		r.flight.acquire(c)
		done := make(chan struct{})
		err := submit(func(ctx context.Context) error {
			defer close(done)
			defer r.flight.release(c)
			return r.chunk(ctx, c)
		})
		if err != nil {
			r.flight.release(c)
			return err
		}
		if n.serial {
			<-done
		}
		return nil
	}
	for _, path := range n.files {
		err := c.run(path)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			r.fail(Failure{Source: path, Error: err.Error()})
		}
	}
	return nil
}

// file sends one .json file. It is read again here: the plan keeps no content.
func (r *runner) file(ctx context.Context, n *node) error {
	raw, text, err := readFile(n.path)
	if err == nil && !json.Valid(text) {
		err = errNotJSON
	}
	if err != nil {
		r.fail(Failure{Source: n.path, Error: err.Error()})
		return nil //nolint:nilerr // what failed is in the summary; an error would stop the run
	}
	h := headerOf(text)
	body, entries := raw, 0
	if n.kind == singleNode {
		body, entries = wrap([]item{{raw: text, typ: h.Type, id: h.ID}}), 1
	} else {
		eachElement(h.Entries, func([]byte) { entries++ })
	}
	before := r.send.answered.Load()
	ans, err := r.send.post(ctx, body)
	if err != nil {
		return r.unsent(n.path, before, err)
	}
	if ans.status == http.StatusUnauthorized {
		return ErrUnauthorized
	}
	stored, failures := judge(n.path, ans, entries)
	types := map[string]int{}
	if n.kind == singleNode && stored == 1 {
		types[h.Type]++
	}
	r.done(ans, stored, n.size, types, failures)
	return nil
}

// chunk sends one transaction of NDJSON lines, and its halves if the server rejects it.
func (r *runner) chunk(ctx context.Context, c *chunk) error {
	before := r.send.answered.Load()
	ans, err := r.send.post(ctx, wrap(c.items))
	if err != nil {
		return r.unsent(c.source(), before, err)
	}
	if ans.status == http.StatusUnauthorized {
		return ErrUnauthorized
	}
	if blamesContent(ans.status) && len(c.items) > 1 {
		for _, half := range c.halves() {
			if err := r.chunk(ctx, half); err != nil {
				return err
			}
		}
		return nil
	}
	stored, failures := judge(c.source(), ans, len(c.items))
	types := map[string]int{}
	size := 0
	for _, it := range c.items {
		size += len(it.raw)
		if len(failures) == 0 {
			types[it.typ]++
		}
	}
	r.done(ans, stored, int64(size), types, failures)
	return nil
}

// blamesContent tells the rejections that a single resource may have caused from those that all of them would meet (no permission, a
// server without transactions).
func blamesContent(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// unsent records something that no attempt got an answer for. If nothing else got one in all that time either, the server is gone, and
// going on would only wait as long again for every file.
func (r *runner) unsent(source string, before int64, err error) error {
	r.fail(Failure{Source: source, Error: err.Error()})
	if errors.Is(err, errUnavailable) && r.send.answered.Load() != before {
		return nil
	}
	return err
}

func (r *runner) fail(f Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Failures = append(r.sum.Failures, f)
}

func (r *runner) done(ans *answer, stored int, size int64, types map[string]int, failures []Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Failures = append(r.sum.Failures, failures...)
	r.sum.Resources += int64(stored)
	r.sum.Bytes += size
	for typ, n := range types {
		r.sum.ByType[typ] += n
	}
	if ans.status >= 200 && ans.status <= 299 {
		r.sum.Transactions++
		if ans.replayed {
			r.sum.Replayed++
		}
	}
	r.progress.add(size, int64(stored), int64(len(failures)))
}

func (r *runner) summary() Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sum
	s.Requests, s.Retries = r.send.requests.Load(), r.send.retries.Load()
	sort.SliceStable(s.Failures, func(i, j int) bool { return s.Failures[i].Source < s.Failures[j].Source })
	return s
}
