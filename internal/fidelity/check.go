package fidelity

import (
	"context"
	"fmt"
	"net/http"
)

// stored is a resource that was sent, and where it should be.
type stored struct {
	source  string
	sent    map[string]any
	ref     string // Type/id
	checkID bool
	target  func(string) (string, bool)
}

// check reads a resource and compares it; if the current version differs, its history decides.
func (r *runner) check(ctx context.Context, s stored) {
	got, err := r.client.get(ctx, s.ref)
	var c *comparison
	if err == nil {
		if c = r.compare(ctx, s, got); len(c.findings) == 0 {
			r.count(c)
			return
		}
	}
	if older := r.inHistory(ctx, s); older != nil {
		r.superseded.Add(1)
		r.count(older)
		return
	}
	if err != nil {
		r.problem(s.source, 0, err.Error())
		return
	}
	r.count(c)
	r.differ(s.source, s.ref, c.findings)
}

func (r *runner) count(c *comparison) {
	r.resources.Add(1)
	r.references.Add(int64(c.refs))
}

// compare compares two trees and then asks the server about conditional references.
func (r *runner) compare(ctx context.Context, s stored, got map[string]any) *comparison {
	c := &comparison{target: s.target, checkID: s.checkID}
	c.compare(s.sent, got)
	for _, x := range c.conditions {
		if err := r.conditions.meets(ctx, x.criteria, x.got); err != nil {
			c.findings = append(c.findings, finding{path: x.path + " (" + err.Error() + ")", kind: Reference, sent: show(x.criteria), got: show(x.got)})
		}
	}
	return c
}

// inHistory looks for the version that was sent among the older ones; nil if there is none. The newest does not count: a read that
// shows it otherwise than the history does is not faithful.
func (r *runner) inHistory(ctx context.Context, s stored) *comparison {
	history, err := r.client.get(ctx, s.ref+"/_history?_count=1000")
	if err != nil {
		return nil
	}
	entries, _ := history["entry"].([]any)
	if len(entries) < 2 {
		return nil
	}
	for _, e := range entries[1:] {
		entry, _ := e.(map[string]any)
		res, ok := entry["resource"].(map[string]any)
		if !ok {
			continue
		}
		if c := r.compare(ctx, s, res); len(c.findings) == 0 {
			return c
		}
	}
	return nil
}

// example stores one resource under its own id and compares what comes back.
func (r *runner) example(ctx context.Context, path string) {
	raw, sent, err := readTree(path)
	if err != nil {
		r.problem(path, 0, err.Error())
		return
	}
	typ, id := identity(sent)
	if typ == "" || typ == "Parameters" {
		r.skip(path)
		return
	}
	if id == "" {
		r.problem(path, 0, "the example has no id")
		return
	}
	ref := typ + "/" + id
	ans, err := r.client.do(ctx, http.MethodPut, ref, "", raw)
	switch {
	case err != nil:
		r.problem(path, 0, err.Error())
	case ans.status == http.StatusOK || ans.status == http.StatusCreated:
		r.check(ctx, stored{source: path, sent: sent, ref: ref, checkID: true, target: unlinked})
	case r.knownInvalid(ref) && (ans.status == http.StatusBadRequest || ans.status == http.StatusUnprocessableEntity):
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Rejected = append(r.report.Rejected, Problem{Source: path, Status: ans.status, Reason: "known to be invalid"})
	default:
		r.problem(path, ans.status, fmt.Sprintf("PUT answered %d", ans.status))
	}
}

func (r *runner) knownInvalid(ref string) bool {
	for _, k := range r.cfg.KnownInvalid {
		if k == ref {
			return true
		}
	}
	return false
}

func identity(res map[string]any) (typ, id string) {
	typ, _ = res["resourceType"].(string)
	id, _ = res["id"].(string)
	return typ, id
}
