package record

import (
	"context"
	"slices"
	"time"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// token names a lock: of a resource, a condition or an idempotency key.
type token = store.Token

// op is one write: an interaction of its own, or an entry of a transaction.
type op struct {
	verb        string // POST, PUT, PATCH or DELETE
	typ, id     string // id: of the URL, of the body, or made here; empty until it is known
	sent        string // id in the body of a conditional PUT
	fresh       bool   // the id is made here: nothing stored has it
	cond        *condition
	ifMatch     string
	ifNoneMatch string
	res         *fhir.Resource    // body of a POST or PUT
	edit        edit              // what a PATCH does
	entry       *fhir.BundleEntry // nil outside a Bundle

	hits    []string // ids that the condition found
	exists  *Result  // the match of If-None-Exist, or what a patch left as it was
	status  int
	results []*Result // of a conditional DELETE possibly several; none if nothing changed
}

// edit makes a new version of a resource from the JSON of the current one.
type edit func(before []byte) ([]byte, error)

func (o *op) result() *Result {
	switch {
	case o.exists != nil:
		return o.exists
	case len(o.results) > 0:
		return o.results[0]
	}
	return nil
}

// work is what one request writes, as one unit: all of it or nothing. A single interaction has one op.
type work struct {
	s     *Service
	c     *Caller
	opt   *WriteOptions
	ops   []*op // in the order of the request
	idem  *idempotency
	at    time.Time
	u     *unit
	about map[string]*op                         // Type/id of what the ops change, and which does
	ready func(ctx context.Context, o *op) error // makes the body of an op of a transaction; called in order of effect
}

// maxAttempts bounds how often a conditional write starts anew because what it found changed before it was locked.
const maxAttempts = 5

// do runs a single interaction.
func (s *Service) do(ctx context.Context, c *Caller, o *op, opt *WriteOptions, idem *idempotency) error {
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	return (&work{s: s, c: c, opt: opt, ops: []*op{o}, idem: idem}).run(ctx)
}

// run finds what the ops are about, locks it, and writes.
func (w *work) run(ctx context.Context) error {
	for range maxAttempts {
		if again, err := w.attempt(ctx); err != nil || !again {
			return err
		}
	}
	return fail(Conflict, "other writes keep changing what the condition finds; nothing was stored, try again")
}

func (w *work) attempt(ctx context.Context) (again bool, err error) {
	if _, err := w.find(ctx); err != nil {
		return false, err
	}
	if w.u, err = w.s.begin(ctx, w.lockKeys()...); err != nil {
		return false, err
	}
	defer w.s.drop(w.u)
	if first, err := w.idem.replay(ctx); err != nil || first != nil {
		return false, w.replayed(first, err)
	}
	if moved, err := w.find(ctx); err != nil || moved {
		return moved, err
	}
	w.at = w.s.stamp()
	if err := w.write(ctx); err != nil {
		return false, err
	}
	early, err := w.s.commit(ctx, w.u, w.opt, w.location())
	for _, o := range w.ops {
		for _, r := range o.results {
			r.Early = early
		}
	}
	return false, err
}

// find evaluates the conditions, and tells whether they find something else than before.
func (w *work) find(ctx context.Context) (moved bool, err error) {
	gone := map[string]bool{}
	for _, o := range w.ops {
		if o.verb != "DELETE" {
			continue
		}
		again, err := w.findFor(ctx, o, nil)
		if err != nil {
			return false, o.at(err)
		}
		moved = moved || again
		for _, name := range o.names() {
			gone[name] = true
		}
	}
	for _, o := range w.ops {
		if o.verb == "DELETE" {
			continue
		}
		skip := gone
		if o.verb != "POST" {
			skip = nil // what a PUT or PATCH finds must not be deleted beside: see overlaps
		}
		again, err := w.findFor(ctx, o, skip)
		if err != nil {
			return false, o.at(err)
		}
		moved = moved || again
	}
	return moved, nil
}

// findFor evaluates the condition of one op, without what is skipped: deletions take effect before If-None-Exist is
// asked (R4 section 3.1.0.11.2).
func (w *work) findFor(ctx context.Context, o *op, skip map[string]bool) (moved bool, err error) {
	if o.cond == nil {
		return false, nil
	}
	limit := 2
	if o.verb == "DELETE" && w.s.cfg.DeleteMany {
		limit = maxDeletes + 1
	}
	hits, err := o.cond.ids(ctx, limit, o.verb == "PATCH", func(id string) bool { return skip[o.typ+"/"+id] })
	moved = !slices.Equal(hits, o.hits)
	o.hits = hits
	return moved, err
}

// names are the resources that an op changes, Type/id, once it is known.
func (o *op) names() (out []string) {
	switch {
	case o.exists != nil: // found, not changed: several references may lead to it
	case o.verb == "DELETE" && o.cond != nil:
		for _, id := range o.hits {
			out = append(out, o.typ+"/"+id)
		}
	default:
		out = append(out, o.typ+"/"+o.id)
	}
	return out
}

// at names the entry of a Bundle in an error.
func (o *op) at(err error) error {
	if err == nil || o.entry == nil {
		return err
	}
	return atEntry(err, o.entry)
}

// lockKeys are the resources that may change or that a condition found, and the conditions.
func (w *work) lockKeys() []token {
	keys := w.idem.keys()
	for _, o := range w.ops {
		keys = append(keys, o.cond.keys()...)
		if o.id != "" && !o.fresh {
			keys = append(keys, w.s.resourceToken(o.typ, o.id))
		}
		if o.sent != "" {
			keys = append(keys, w.s.resourceToken(o.typ, o.sent))
		}
		for _, id := range o.hits {
			keys = append(keys, w.s.resourceToken(o.typ, id))
		}
	}
	return keys
}

// phases is the order in which the ops of a transaction take effect (R4 section 3.1.0.11.2).
var phases = [][]string{{"DELETE"}, {"POST"}, {"PUT", "PATCH"}}

// write drafts every op into the unit.
func (w *work) write(ctx context.Context) error {
	for _, o := range w.ops {
		if err := w.settle(ctx, o); err != nil {
			return o.at(err)
		}
	}
	if err := w.overlaps(); err != nil {
		return err
	}
	for _, verbs := range phases {
		for _, o := range w.ops {
			if !slices.Contains(verbs, o.verb) {
				continue
			}
			if err := w.apply(ctx, o); err != nil {
				return o.at(err)
			}
		}
	}
	return w.remember()
}

// overlaps refuses two ops that change the same resource (R4 section 3.1.0.11.2).
func (w *work) overlaps() error {
	w.about = make(map[string]*op, len(w.ops))
	for _, o := range w.ops {
		for _, name := range o.names() {
			if w.about[name] != nil {
				return o.at(fail(Invalid, "two entries change the same resource"))
			}
			w.about[name] = o
		}
	}
	return nil
}

// location is where an outcome that is not known yet will appear.
func (w *work) location() string {
	if r := w.ops[0].result(); len(w.ops) == 1 && r != nil {
		return w.s.location(r)
	}
	return w.s.cfg.Base
}

// remember records the outcome for a repeated request.
func (w *work) remember() error {
	if w.idem == nil {
		return nil
	}
	var out outcome
	for _, o := range w.ops {
		e := outcomeEntry{Status: o.status}
		if r := o.result(); r != nil {
			e = entryOf(r)
			e.Status = o.status
		}
		for _, r := range o.results[min(1, len(o.results)):] {
			e.Also = append(e.Also, entryOf(r))
		}
		out.Entries = append(out.Entries, e)
	}
	return w.idem.record(w.u, out)
}

// replayed takes the first outcome.
func (w *work) replayed(first *outcome, err error) error {
	if err != nil {
		return err
	}
	if len(first.Entries) != len(w.ops) {
		return errReused
	}
	for i, o := range w.ops {
		e := &first.Entries[i]
		o.status, o.results = e.Status, nil
		if e.Type != "" {
			o.results = []*Result{e.result()}
		}
		for j := range e.Also {
			o.results = append(o.results, e.Also[j].result())
		}
	}
	return nil
}
