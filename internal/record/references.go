package record

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/index"
	"github.com/chartseal/chartseal/internal/store"
)

// rewrite resolves the references of an entry's resource: to a fullUrl of the Bundle (R4 section 3.1.0.11.2), and
// conditional ones (section 3.1.0.11.3), which must match exactly one resource.
func (t *transaction) rewrite(ctx context.Context, o *op) ([]byte, error) {
	root := rootOf(o.entry.FullURL)
	return fhir.RewriteReferences(o.entry.Resource, func(ref string) (string, bool, error) {
		if target, ok, err := t.target(ctx, root, ref); ok || err != nil {
			return target, ok, err
		}
		if typ, query, ok := strings.Cut(ref, "?"); ok && fhir.Storable(typ) {
			target, err := t.conditionalReference(ctx, ref, typ, query)
			return target, err == nil, err
		}
		return "", false, nil
	})
}

// target finds the entry that a reference means by its fullUrl. A versioned reference stays one: it gets the version
// that the entry makes.
func (t *transaction) target(ctx context.Context, root, ref string) (string, bool, error) {
	plain, _, versioned := strings.Cut(ref, "/_history/")
	o := t.targets[plain]
	if o == nil && root != "" {
		o = t.targets[root+plain]
	}
	if o == nil {
		return "", false, nil
	}
	target := o.typ + "/" + o.id
	if !versioned {
		return target, true, nil
	}
	version, err := t.nextVersion(ctx, o)
	return target + "/_history/" + strconv.FormatUint(version, 10), true, err
}

// nextVersion is the version that an op makes, or found.
func (t *transaction) nextVersion(ctx context.Context, o *op) (uint64, error) {
	if r := o.result(); r != nil {
		return r.Version, nil
	}
	h, err := t.s.visible(ctx, t.s.view(), t.s.resourceToken(o.typ, o.id))
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return 0, internalError("read head", err)
	}
	return h.Version + 1, nil
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
		return "", errTooLong(err)
	}
	if len(t.found) >= maxConditional {
		return "", fail(TooLarge, "the Bundle has more than %d different conditional references; send it in parts", maxConditional)
	}
	k, err := t.s.where(t.c, typ, query)
	if err != nil {
		return "", err
	}
	matches, err := t.matchesInBundle(ctx, k.query, nil, false)
	if err != nil {
		return "", err
	}
	hits, err := k.ids(ctx, 2, false, func(id string) bool { return t.supersedes(typ, id) })
	if err != nil {
		return "", err
	}
	for _, id := range hits {
		matches[typ+"/"+id] = true
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

// supersedes tells whether this Bundle replaces or deletes a resource: what is stored of it counts no more.
func (t *transaction) supersedes(typ, id string) bool {
	o := t.about[typ+"/"+id]
	return o != nil && o.verb != "PATCH"
}

// matchesInBundle evaluates a query on what other entries of the Bundle create or update: of POST alone, or of PUT too.
// Two are enough.
func (t *transaction) matchesInBundle(ctx context.Context, q *index.Query, but *op, postOnly bool) (map[string]bool, error) {
	rows, err := t.rowsOf(ctx, q.Type)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	rows.Matching(q, func(r *index.Row) bool {
		name := r.Type + "/" + r.ID
		if o := t.about[name]; o != but && (!postOnly || o.verb == "POST") {
			out[name] = true
		}
		return len(out) < 2
	})
	return out, nil
}

// rowsOf indexes what the Bundle creates or updates of a type, as sent, when a condition first asks.
func (t *transaction) rowsOf(ctx context.Context, typ string) (*index.Rows, error) {
	if rows := t.rows[typ]; rows != nil {
		return rows, nil
	}
	rows := &index.Rows{}
	for _, o := range t.ops {
		if o.typ != typ || o.exists != nil || o.verb != "POST" && o.verb != "PUT" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, errTooLong(err)
		}
		r, err := fhir.Parse(o.entry.Resource, t.s.cfg.Limits)
		if err != nil {
			return nil, o.at(err)
		}
		rows.Add(index.NewRow(r, t.s.cfg.Base, o.id, t.at))
	}
	t.rows[typ] = rows
	return rows, nil
}

func errTooLong(err error) error {
	return &Error{Kind: Unavailable, Msg: "the Bundle takes too long; nothing was stored: send it in parts", err: err}
}
