package record

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/index"
	"github.com/chartseal/chartseal/internal/store"
)

// EntryResult is the answer to one entry of a batch or transaction, in the order of the request.
type EntryResult struct {
	Status int
	Read   bool        // Result is of a GET: its resource belongs to the answer
	Result *Result     // of a write or a read; nil for a delete that changed nothing
	Search *SearchPage // of a GET on a type
	Err    error       // in a batch: why this entry failed
}

// transaction is one Bundle on its way (R4 section 3.1.0.11.2).
type transaction struct {
	s       *Service
	c       *Caller
	u       *unit
	entries []txEntry
	targets map[string]string // fullUrl -> Type/id, for entries that POST or PUT
	found   map[string]string // conditional reference -> Type/id
	at      time.Time
	idem    *idempotency
}

// txEntry is one entry, parsed as far as its order allows.
type txEntry struct {
	in     *fhir.BundleEntry
	typ    string
	id     string // of the URL, or made for a POST
	query  string // of a GET on a type
	cond   *condition
	exists *Result // the match of If-None-Exist
	res    *fhir.Resource
	row    *index.Row // of the resource as sent, made when a conditional reference asks
	out    EntryResult
}

// Transaction runs a transaction Bundle: all of it or nothing. Entries take effect in the order DELETE, POST, PUT,
// GET; references to a fullUrl of the Bundle are rewritten, conditional ones resolved, also to what it creates.
func (s *Service) Transaction(ctx context.Context, c *Caller, b *fhir.Bundle, opt WriteOptions) ([]EntryResult, error) {
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	t := &transaction{
		s: s, c: c, targets: map[string]string{}, found: map[string]string{}, at: s.stamp(),
	}
	if err := t.plan(b); err != nil {
		return nil, err
	}
	t.idem = s.idempotency(c, &opt, "transaction", digestable(b))
	opt.Durable = opt.Durable && !t.reads() // GET entries see what the Bundle wrote, once it is visible
	u, err := s.begin(ctx, t.lockKeys()...)
	if err != nil {
		return nil, err
	}
	t.u = u
	defer s.drop(u)
	first, err := t.idem.replay(ctx)
	if err != nil {
		return nil, err
	}
	if first != nil {
		err = t.replayed(first)
	} else {
		err = t.writeAndCommit(ctx, &opt)
	}
	if err != nil {
		return nil, err
	}
	t.read(ctx)
	out := make([]EntryResult, len(t.entries))
	for i := range t.entries {
		out[i] = t.entries[i].out
	}
	return out, nil
}

func (t *transaction) writeAndCommit(ctx context.Context, opt *WriteOptions) error {
	if err := t.write(ctx); err != nil {
		return err
	}
	early, err := t.s.commit(ctx, t.u, opt, t.s.cfg.Base)
	for i := range t.entries {
		if r := t.entries[i].out.Result; r != nil && t.entries[i].exists == nil {
			r.Early = early
		}
	}
	return err
}

// reads tells whether any entry is a GET.
func (t *transaction) reads() bool {
	return slices.ContainsFunc(t.entries, func(e txEntry) bool { return e.in.Method == "GET" || e.in.Method == "HEAD" })
}

// digestable is what tells one Bundle from another.
func digestable(b *fhir.Bundle) []byte {
	var out []byte
	for i := range b.Entries {
		e := &b.Entries[i]
		for _, part := range []string{e.FullURL, e.Method, e.URL, e.IfMatch, e.IfNoneExist, string(e.Resource)} {
			out = append(strconv.AppendInt(out, int64(len(part)), 10), ':')
			out = append(out, part...)
		}
	}
	return out
}

// replayed takes the first outcome; GET entries are read anew.
func (t *transaction) replayed(o *outcome) error {
	if len(o.Entries) != len(t.entries) {
		return fail(Unprocessable, "this Idempotency-Key was used for another request; use a new one")
	}
	for i, r := range replayed(o) {
		t.entries[i].out = r
	}
	return nil
}

func replayed(o *outcome) []EntryResult {
	if o == nil {
		return nil
	}
	out := make([]EntryResult, len(o.Entries))
	for i := range o.Entries {
		out[i] = EntryResult{Status: o.Entries[i].Status}
		if o.Entries[i].Type != "" {
			out[i].Result = o.Entries[i].result()
		}
	}
	return out
}

// plan checks every entry, its scope included, and gives the POST entries their ids.
func (t *transaction) plan(b *fhir.Bundle) error {
	if len(b.Entries) > t.s.cfg.BundleEntries {
		return fail(TooLarge, "the Bundle has more than %d entries", t.s.cfg.BundleEntries)
	}
	t.entries = make([]txEntry, len(b.Entries))
	seen := map[string]bool{}
	for i := range b.Entries {
		e := &t.entries[i]
		e.in = &b.Entries[i]
		if err := t.planEntry(e); err != nil {
			return atEntry(err, e.in)
		}
		identity := e.typ + "/" + e.id
		if e.in.Method != "GET" && e.in.Method != "HEAD" {
			if seen[identity] {
				return atEntry(fail(Invalid, "two entries change the same resource"), e.in)
			}
			seen[identity] = true
		}
		if e.in.FullURL != "" && (e.in.Method == "POST" || e.in.Method == "PUT") {
			if _, twice := t.targets[e.in.FullURL]; twice {
				return atEntry(fail(Invalid, "two entries have the same fullUrl"), e.in)
			}
			t.targets[e.in.FullURL] = identity
		}
	}
	return nil
}

// atEntry names the entry in the error's expression; what a resource's parser found is located already.
func atEntry(err error, in *fhir.BundleEntry) error {
	var inv *fhir.Invalid
	if errors.As(err, &inv) {
		return invalid(in.Locate(inv))
	}
	var e *Error
	if !errors.As(err, &e) || e.Kind == Internal {
		return err
	}
	out := *e
	if len(out.Issues) == 0 {
		out.Issues = []fhir.Issue{{Severity: "error", Code: out.Code, Diagnostics: out.Msg, Expression: []string{in.Path}}}
	} else {
		out.Issues = slices.Clone(out.Issues)
		for i := range out.Issues {
			out.Issues[i].Expression = []string{in.Path}
		}
	}
	return &out
}

func (t *transaction) planEntry(e *txEntry) error {
	target, query, _ := strings.Cut(e.in.URL, "?")
	target = strings.TrimPrefix(strings.TrimPrefix(target, t.s.cfg.Base+"/"), "/")
	typ, id, hasID := strings.Cut(target, "/")
	e.typ, e.id, e.query = typ, id, query
	if !fhir.Storable(typ) {
		return fail(NotSupported, "entry.request.url does not name a resource type that this server stores")
	}
	if hasID && !fhir.ValidID(id) {
		return fail(Invalid, "entry.request.url does not end in a FHIR id")
	}
	switch e.in.Method {
	case "POST":
		if hasID || query != "" {
			return fail(NotSupported, "POST entries create: entry.request.url must be a resource type")
		}
		e.id = newID()
		var err error
		e.cond, err = t.s.conditional(t.c, typ, strings.TrimPrefix(e.in.IfNoneExist, typ+"?"))
		if err != nil {
			return err
		}
		return t.c.permit(typ, MayCreate)
	case "PUT":
		if !hasID || query != "" {
			return fail(NotSupported, "conditional updates are not supported yet: entry.request.url must be Type/id")
		}
		return t.c.permit(typ, MayUpdate)
	case "DELETE":
		if !hasID || query != "" {
			return fail(NotSupported, "conditional deletes are not supported yet: entry.request.url must be Type/id")
		}
		return t.c.permit(typ, MayDelete)
	case "GET", "HEAD":
		if !hasID {
			return t.c.permit(typ, MaySearch)
		}
		return t.c.permit(typ, MayRead)
	}
	return fail(NotSupported, "entry.request.method is not supported")
}

// lockKeys are the resources that exist already and may change, and the conditions.
func (t *transaction) lockKeys() []store.Token {
	keys := t.idem.keys()
	for i := range t.entries {
		e := &t.entries[i]
		switch e.in.Method {
		case "PUT", "DELETE":
			keys = append(keys, t.s.resourceToken(e.typ, e.id))
		}
		keys = append(keys, e.cond.keys()...)
	}
	return keys
}

// write drafts all changes into the unit.
func (t *transaction) write(ctx context.Context) error {
	for i := range t.entries {
		if err := t.resolveExisting(ctx, &t.entries[i]); err != nil {
			return atEntry(err, t.entries[i].in)
		}
	}
	for _, method := range []string{"DELETE", "POST", "PUT"} {
		for i := range t.entries {
			e := &t.entries[i]
			if e.in.Method != method {
				continue
			}
			if err := t.apply(ctx, e); err != nil {
				return atEntry(err, e.in)
			}
		}
	}
	return t.remember()
}

// resolveExisting evaluates If-None-Exist before anything is written, so that references lead to the match.
func (t *transaction) resolveExisting(ctx context.Context, e *txEntry) error {
	found, err := e.cond.find(ctx)
	if err != nil || found == nil {
		return err
	}
	e.exists, e.id = found, found.ID
	if e.in.FullURL != "" {
		t.targets[e.in.FullURL] = e.typ + "/" + e.id
	}
	return nil
}

func (t *transaction) apply(ctx context.Context, e *txEntry) (err error) {
	switch {
	case e.exists != nil:
		e.out = EntryResult{Status: 200, Result: e.exists}
		return nil
	case e.in.Method == "DELETE":
		e.out.Status = 204
		e.out.Result, err = t.s.draftDelete(ctx, t.u, t.c, e.typ, e.id, e.in.IfMatch)
		return err
	}
	raw, err := t.rewrite(ctx, e)
	if err != nil {
		return err
	}
	if e.res, err = t.s.parse(e.typ, raw); err != nil {
		return err
	}
	if e.in.Method == "PUT" {
		return t.put(ctx, e)
	}
	if err := t.s.custody(ctx, t.c, e.res, e.id); err != nil {
		return err
	}
	e.out.Status = 201
	e.out.Result, err = t.s.draft(ctx, t.u, t.c, &change{typ: e.typ, id: e.id, res: e.res, activity: "create", at: t.at})
	return err
}

func (t *transaction) put(ctx context.Context, e *txEntry) (err error) {
	if err := checkBodyID(e.res, e.id); err != nil {
		return err
	}
	if e.out.Result, err = t.s.draftUpdate(ctx, t.u, t.c, e.res, e.id, e.in.IfMatch); err != nil {
		return err
	}
	e.out.Status = 200
	if e.out.Result.Created {
		e.out.Status = 201
	}
	return nil
}

// remember records the outcome for a repeated request.
func (t *transaction) remember() error {
	var o outcome
	for i := range t.entries {
		e := outcomeEntry{Status: t.entries[i].out.Status}
		if r := t.entries[i].out.Result; r != nil {
			e = entryOf(r)
			e.Status = t.entries[i].out.Status
		}
		o.Entries = append(o.Entries, e)
	}
	return t.idem.record(t.u, o)
}

// read answers the GET entries, which see what the transaction wrote. It cannot fail as a whole any more: what is
// committed is committed, so an entry reports for itself.
func (t *transaction) read(ctx context.Context) {
	for i := range t.entries {
		e := &t.entries[i]
		if e.in.Method != "GET" && e.in.Method != "HEAD" {
			continue
		}
		if err := t.s.readEntry(ctx, t.c, e); err != nil {
			e.out.Err = atEntry(err, e.in)
		}
	}
}

func (s *Service) readEntry(ctx context.Context, c *Caller, e *txEntry) (err error) {
	e.out.Status, e.out.Read = 200, true
	if e.id != "" {
		e.out.Result, err = s.Read(ctx, c, e.typ, e.id)
		return err
	}
	values, err := url.ParseQuery(e.query)
	if err != nil {
		return fail(Invalid, "entry.request.url is not a URL")
	}
	e.out.Search, err = s.Search(ctx, c, e.typ, values, false)
	return err
}
