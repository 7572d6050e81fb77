package record

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/index"
)

// EntryResult is the answer to one entry of a transaction, in the order of the request.
type EntryResult struct {
	Status int     // 0: a GET or HEAD, which is the gateway's to run once the writes are visible
	Result *Result // of a write; nil for a delete that changed nothing
}

// transaction is one Bundle on its way (R4 section 3.1.0.11.2).
type transaction struct {
	work

	targets map[string]*op         // fullUrl -> what it will be
	found   map[string]string      // conditional reference -> Type/id
	rows    map[string]*index.Rows // of resources as sent, by type, made when a condition asks
}

// Transaction runs a transaction Bundle: all of it or nothing. Entries take effect in the order DELETE, POST, PUT and
// PATCH; references to a fullUrl of the Bundle are rewritten, conditional ones resolved, also to what it creates.
func (s *Service) Transaction(ctx context.Context, c *Caller, b *fhir.Bundle, opt WriteOptions) ([]EntryResult, error) {
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	t := &transaction{targets: map[string]*op{}, found: map[string]string{}, rows: map[string]*index.Rows{}}
	t.work = work{s: s, c: c, opt: &opt, ready: t.body}
	out := make([]EntryResult, len(b.Entries))
	places, err := t.plan(b)
	if err != nil {
		return nil, err
	}
	if len(t.ops) == 0 {
		return out, nil
	}
	t.idem = s.idempotency(c, &opt, "transaction", digestable(b))
	opt.Durable = opt.Durable && len(t.ops) == len(b.Entries) // GET entries see what the Bundle wrote, once it is visible
	if err := t.run(ctx); err != nil {
		return nil, err
	}
	for i, o := range t.ops {
		out[places[i]] = EntryResult{Status: o.status, Result: o.result()}
	}
	return out, nil
}

// digestable is what tells one Bundle from another.
func digestable(b *fhir.Bundle) []byte {
	var out []byte
	for i := range b.Entries {
		e := &b.Entries[i]
		for _, part := range []string{e.FullURL, e.Method, e.URL, e.IfMatch, e.IfNoneMatch, e.IfNoneExist, string(e.Resource)} {
			out = append(strconv.AppendInt(out, int64(len(part)), 10), ':')
			out = append(out, part...)
		}
	}
	return out
}

// plan makes an op of every entry that writes, its scope checked. places tells which entry each is of.
func (t *transaction) plan(b *fhir.Bundle) (places []int, err error) {
	if len(b.Entries) > t.s.cfg.BundleEntries {
		return nil, fail(TooLarge, "the Bundle has more than %d entries", t.s.cfg.BundleEntries)
	}
	conditions := map[token]bool{}
	for i := range b.Entries {
		e := &b.Entries[i]
		if e.Method == "GET" || e.Method == "HEAD" {
			continue
		}
		o, err := t.planEntry(e)
		if err == nil && o.cond != nil && conditions[o.cond.lock] {
			err = fail(Invalid, "two entries have the same condition, and so change the same resource")
		}
		if err == nil && e.FullURL != "" && (o.verb == "POST" || o.verb == "PUT") {
			if t.targets[e.FullURL] != nil {
				err = fail(Invalid, "two entries have the same fullUrl")
			}
			t.targets[e.FullURL] = o
		}
		if err != nil {
			return nil, atEntry(err, e)
		}
		if o.cond != nil {
			conditions[o.cond.lock] = true
		}
		t.ops, places = append(t.ops, o), append(places, i)
	}
	return places, nil
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

var verbScopes = map[string]Interaction{"POST": MayCreate, "PUT": MayUpdate, "PATCH": MayUpdate, "DELETE": MayDelete}

func (t *transaction) planEntry(e *fhir.BundleEntry) (*op, error) {
	target, query, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(e.URL, t.s.cfg.Base+"/"), "/"), "?")
	typ, id, hasID := strings.Cut(target, "/")
	scope, known := verbScopes[e.Method]
	switch {
	case !known:
		return nil, fail(NotSupported, "entry.request.method is not supported")
	case !fhir.Storable(typ):
		return nil, fail(NotSupported, "entry.request.url does not name a resource type that this server stores")
	case hasID && !fhir.ValidID(id):
		return nil, fail(NotSupported, "entry.request.url must be Type, Type/id or Type?condition in a transaction")
	case e.Method == "POST" && (hasID || query != ""):
		return nil, fail(NotSupported, "POST entries create: entry.request.url must be a resource type")
	case e.Method != "POST" && hasID == (query != ""):
		return nil, fail(Invalid, "entry.request.url must be Type/id or Type?condition")
	}
	permit := t.c.permit
	if e.Method == "PATCH" {
		permit = func(typ string, _ Interaction) error { return t.c.permitPatch(typ) }
	}
	if err := permit(typ, scope); err != nil {
		return nil, err
	}
	o := &op{verb: e.Method, typ: typ, id: id, ifMatch: e.IfMatch, ifNoneMatch: e.IfNoneMatch, entry: e}
	return o, t.conditions(o, query)
}

func (t *transaction) conditions(o *op, query string) (err error) {
	switch {
	case o.verb == "POST":
		o.id, o.fresh = newID(), true
		o.cond, err = t.s.conditional(t.c, o.typ, o.entry.IfNoneExist)
	case query != "":
		o.cond, err = t.s.where(t.c, o.typ, query)
	}
	switch {
	case err != nil:
	case o.verb == "PATCH":
		_, err = t.s.entryPatch(o.entry.Resource)
	case o.verb == "PUT" && o.cond != nil:
		var r *fhir.Resource
		if r, err = fhir.Parse(o.entry.Resource, t.s.cfg.Limits); err == nil {
			o.sent = r.ID
		}
	}
	return err
}

// entryPatch reads the patch of an entry: a Binary with a JSON Patch, or Parameters (R4 section 3.1.0.11.2).
func (s *Service) entryPatch(raw []byte) (edit, error) {
	r, err := fhir.Parse(raw, s.cfg.Limits)
	if err != nil {
		return nil, err
	}
	switch r.Type {
	case "Parameters":
		return s.patching(Patch{FHIRPath: true, Body: r.JSON}), nil
	case "Binary":
		return s.binaryPatch(r.JSON)
	}
	return nil, errEntryPatch
}

var errEntryPatch = fail(Invalid, "a PATCH entry carries a Binary of application/json-patch+json, or Parameters")

func (s *Service) binaryPatch(accepted []byte) (edit, error) {
	var body struct {
		ContentType string `json:"contentType"`
		Data        string `json:"data"`
	}
	if err := json.Unmarshal(accepted, &body); err != nil {
		return nil, internalError("read Binary", err)
	}
	if typ, _, err := mime.ParseMediaType(body.ContentType); err != nil || typ != "application/json-patch+json" {
		return nil, errEntryPatch
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body.Data), ""))
	if err != nil {
		return nil, fail(Invalid, "Binary.data is not base64")
	}
	return s.patching(Patch{Body: raw}), nil
}

// body parses the resource of an entry, its references rewritten.
func (t *transaction) body(ctx context.Context, o *op) error {
	if o.verb == "DELETE" {
		return nil
	}
	if o.cond != nil {
		if err := t.unmade(ctx, o); err != nil {
			return err
		}
	}
	raw, err := t.rewrite(ctx, o)
	if err != nil {
		return err
	}
	if o.verb == "PATCH" {
		o.edit, err = t.s.entryPatch(raw)
		return err
	}
	o.res, err = t.s.parse(o.typ, raw)
	return err
}

// unmade refuses a condition that matches what another entry creates. POST entries take effect before PUT and PATCH, so
// that those would be about the same resource, or about several; and what a Bundle does must not depend on which of two
// POST entries comes first (R4 section 3.1.0.11.2).
func (t *transaction) unmade(ctx context.Context, o *op) error {
	found, err := t.matchesInBundle(ctx, o.cond.query, o, true)
	if err == nil && len(found) > 0 {
		return fail(Invalid, "the condition matches what another entry creates")
	}
	return err
}
