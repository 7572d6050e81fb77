package record

import (
	"context"
	"strings"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/index"
)

// rewrite resolves the references of an entry's resource: to a fullUrl of the Bundle (R4 section 3.1.0.11.2), and
// conditional ones (section 3.1.0.11.3), which must match exactly one resource.
func (t *transaction) rewrite(ctx context.Context, e *txEntry) ([]byte, error) {
	root := rootOf(e.in.FullURL)
	out, err := fhir.RewriteReferences(e.in.Resource, func(ref string) (string, bool, error) {
		if target, ok := t.targets[ref]; ok {
			return target, true, nil
		}
		if target, ok := t.targets[root+ref]; ok && root != "" {
			return target, true, nil
		}
		if typ, query, ok := strings.Cut(ref, "?"); ok && fhir.Storable(typ) {
			target, err := t.conditionalReference(ctx, ref, typ, query)
			return target, err == nil, err
		}
		return "", false, nil
	})
	return out, err
}

// rootOf is the base that relative references of an entry resolve against: its fullUrl without Type/id.
func rootOf(fullURL string) string {
	if !strings.HasPrefix(fullURL, "http://") && !strings.HasPrefix(fullURL, "https://") {
		return ""
	}
	for range 2 {
		i := strings.LastIndexByte(fullURL, '/')
		if i < 0 {
			return ""
		}
		fullURL = fullURL[:i]
	}
	return fullURL + "/"
}

// conditionalReference finds the one resource that a reference such as Practitioner?identifier=… means, among
// what is stored and what this Bundle creates.
func (t *transaction) conditionalReference(ctx context.Context, ref, typ, query string) (string, error) {
	if target, ok := t.found[ref]; ok {
		return target, nil
	}
	if err := ctx.Err(); err != nil {
		return "", &Error{Kind: Unavailable, Msg: "the Bundle takes too long; nothing was stored: send it in parts", err: err}
	}
	if len(t.found) >= maxConditional {
		return "", fail(TooLarge, "the Bundle has more than %d different conditional references; send it in parts", maxConditional)
	}
	k, err := t.s.conditional(t.c, typ, query)
	if err != nil {
		return "", err
	}
	if k == nil {
		return "", fail(Invalid, "a conditional reference has no criterion")
	}
	matches, err := t.matchesInBundle(k.query.q)
	if err != nil {
		return "", err
	}
	hits, err := t.s.matches(ctx, t.c, k.query, 2)
	if err != nil {
		return "", err
	}
	for i := range hits {
		matches[typ+"/"+hits[i].row.ID] = true
	}
	if len(matches) != 1 {
		return "", fail(Precondition, "a conditional reference must match exactly one resource, and matches %s", countWord(len(matches)))
	}
	for target := range matches {
		t.found[ref] = target
	}
	return t.found[ref], nil
}

// maxConditional bounds the different conditional references of a Bundle: each is a search.
const maxConditional = 2000

func countWord(n int) string {
	if n == 0 {
		return "none"
	}
	return "several"
}

// matchesInBundle evaluates a query on what the Bundle itself creates or updates.
func (t *transaction) matchesInBundle(q *index.Query) (map[string]bool, error) {
	out := map[string]bool{}
	for i := range t.entries {
		e := &t.entries[i]
		if e.typ != q.Type || e.exists != nil || (e.in.Method != "POST" && e.in.Method != "PUT") {
			continue
		}
		if e.row == nil {
			r, err := fhir.Parse(e.in.Resource, t.s.cfg.Limits)
			if err != nil {
				return nil, atEntry(err, e.in)
			}
			e.row = index.NewRow(r, t.s.cfg.Base, e.id, t.at)
		}
		if q.Matches(e.row) {
			out[e.typ+"/"+e.id] = true
		}
	}
	return out, nil
}

// BatchEntries runs the entries of a batch one by one; none affects another (R4 section 3.1.0.11.1).
func (s *Service) BatchEntries(ctx context.Context, c *Caller, b *fhir.Bundle, opt WriteOptions) ([]EntryResult, error) {
	if len(b.Entries) > s.cfg.BundleEntries {
		return nil, fail(TooLarge, "the Bundle has more than %d entries", s.cfg.BundleEntries)
	}
	out := make([]EntryResult, len(b.Entries))
	for i := range b.Entries {
		if err := ctx.Err(); err != nil {
			return nil, &Error{Kind: Unavailable, Msg: "the request was given up", err: err}
		}
		one := opt
		one.StatusID = ""
		if opt.IdempotencyKey != "" {
			one.IdempotencyKey = opt.IdempotencyKey + "#" + b.Entries[i].Path
		}
		single := &fhir.Bundle{Type: "transaction", Entries: b.Entries[i : i+1]}
		got, err := s.Transaction(ctx, c, single, one)
		if err != nil {
			out[i] = EntryResult{Err: err}
			continue
		}
		out[i] = got[0]
	}
	return out, nil
}
