package conformance

import (
	"context"
	"net/http"
	"strings"
)

func batchChecks() []check {
	return []check{
		{"batch", "answers each entry on its own", "http.html#brules", []string{"batch", "Patient.create", "Patient.read", "Patient.search-type"}, batchEntries},
	}
}

// bundle makes a request Bundle.
func bundle(kind string, entries ...object) object {
	all := make([]any, len(entries))
	for i, e := range entries {
		all[i] = e
	}
	return object{"resourceType": "Bundle", "type": kind, "entry": all}
}

// entry makes a request entry; request has further members.
func entry(fullURL, method, url string, resource object, request ...object) object {
	r := object{"method": method, "url": url}
	for _, more := range request {
		for k, v := range more {
			r[k] = v
		}
	}
	e := object{"request": r}
	if resource != nil {
		e["resource"] = resource
	}
	if fullURL != "" {
		e["fullUrl"] = fullURL
	}
	return e
}

// submit posts a Bundle and remembers what it created.
func (t *trial) submit(ctx context.Context, b object) *answer {
	a := t.do(ctx, http.MethodPost, "", b)
	for i := range list(a.res, "entry") {
		if ref := t.location(a, i); ref != "" && strings.HasPrefix(status(a, i), "201") {
			t.s.created = append(t.s.created, ref)
		}
	}
	return a
}

func status(a *answer, i int) string { return text(a.res, "entry", i, "response", "status") }

// location is where entry i of an answer went, as Type/id.
func (t *trial) location(a *answer, i int) string {
	bare, _, _ := strings.Cut(text(a.res, "entry", i, "response", "location"), "/_history")
	return strings.TrimPrefix(bare, t.s.base+"/")
}

func batchEntries(ctx context.Context, t *trial) {
	name := t.unique()
	a := t.submit(ctx, bundle("batch",
		entry("", "POST", "Patient", patient(name)),
		entry("", "POST", "Patient", object{"resourceType": "Observation"}),
		entry("", "GET", "Patient/"+t.s.absent(), nil),
		entry("", "GET", "Patient?"+byIdentifier(t.unique()), nil),
	))
	if !t.want(a, http.StatusOK) || !t.equal("entries", len(list(a.res, "entry")), 4) {
		return
	}
	t.equal("Bundle.type", text(a.res, "type"), "batch-response")
	for i, want := range []string{"201", "4", "404", "200"} {
		t.ok(strings.HasPrefix(status(a, i), want), "entry %d: status %q, want %s", i, status(a, i), want)
	}
	for i := range 2 {
		t.equal("outcome of a failed entry", text(a.res, "entry", 1+i, "response", "outcome", "resourceType"), "OperationOutcome")
	}
	t.equal("Patients after it", t.found(ctx, name), 1)
}

func transactionChecks() []check {
	const area, spec = "transaction", "http.html#trules"
	needs := []string{"transaction", "Patient.create", "Patient.read", "Patient.search-type", "Observation.create"}
	return []check{
		{area, "creates and links by fullUrl", spec, needs, transactionLinks},
		{area, "all or nothing", spec, needs, transactionAtomic},
		{area, "conditional references", spec, needs, transactionConditional},
		{area, "ifNoneExist", spec, append(needs, "Patient.conditionalCreate"), transactionIfNoneExist},
		{area, "ifMatch", spec, append(needs, "Patient.update"), transactionIfMatch},
		{area, "order of methods, not of entries", spec, append(needs, "Patient.update", "Patient.updateCreate"), transactionOrder},
		{area, "refuses two writes of one resource", spec, append(needs, "Patient.updateCreate"), transactionOverlap},
		{area, "refuses other Bundles", "http.html#transaction", needs, func(ctx context.Context, t *trial) {
			t.wantFailure(t.do(ctx, http.MethodPost, "", bundle("collection")), 400, 422)
		}},
	}
}

func observation(subject string) object {
	return object{"resourceType": "Observation", "status": "final", "code": object{"text": "conformance"}, "subject": object{"reference": subject}}
}

// subjectOf reads an Observation's subject.
func (t *trial) subjectOf(ctx context.Context, ref string) string {
	a := t.do(ctx, http.MethodGet, ref, nil)
	t.want(a, http.StatusOK)
	return text(a.res, "subject", "reference")
}

const (
	urnA = "urn:uuid:6f1d4bd4-8a8e-4c57-9c9b-0a6a3f3c1a01"
	urnB = "urn:uuid:6f1d4bd4-8a8e-4c57-9c9b-0a6a3f3c1a02"
)

func transactionLinks(ctx context.Context, t *trial) {
	a := t.submit(ctx, bundle("transaction",
		entry(urnA, "POST", "Observation", observation(urnB)), // refers to an entry behind it
		entry(urnB, "POST", "Patient", patient(t.unique())),
	))
	if !t.want(a, http.StatusOK) || !t.equal("entries", len(list(a.res, "entry")), 2) {
		return
	}
	t.equal("Bundle.type", text(a.res, "type"), "transaction-response")
	for i := range 2 {
		t.ok(strings.HasPrefix(status(a, i), "201"), "entry %d: status %q", i, status(a, i))
		t.ok(strings.HasPrefix(text(a.res, "entry", i, "response", "etag"), `W/"`), "entry %d: no etag", i)
	}
	t.equal("Observation.subject", t.subjectOf(ctx, t.location(a, 0)), t.location(a, 1))
}

func transactionAtomic(ctx context.Context, t *trial) {
	name := t.unique()
	a := t.submit(ctx, bundle("transaction",
		entry(urnA, "POST", "Patient", patient(name)),
		entry(urnB, "POST", "Patient", object{"resourceType": "Observation"}),
	))
	t.wantFailure(a, 400, 409, 412, 422)
	t.equal("Patients after the failure", t.found(ctx, name), 0)
}

func transactionConditional(ctx context.Context, t *trial) {
	name := t.unique()
	criteria := "Patient?" + strings.ReplaceAll(byIdentifier(name), "%7C", "|")
	a := t.submit(ctx, bundle("transaction",
		entry(urnA, "POST", "Observation", observation(criteria)),
		entry(urnB, "POST", "Patient", patient(name)),
	))
	if t.want(a, http.StatusOK) {
		t.equal("a reference to what the Bundle creates", t.subjectOf(ctx, t.location(a, 0)), t.location(a, 1))
	}
	other := t.unique()
	none := "Patient?" + strings.ReplaceAll(byIdentifier(t.unique()), "%7C", "|")
	t.wantFailure(t.submit(ctx, bundle("transaction",
		entry(urnA, "POST", "Observation", observation(none)),
		entry(urnB, "POST", "Patient", patient(other)),
	)), 400, 404, 412, 422)
	t.equal("Patients after a reference without a match", t.found(ctx, other), 0)
}

func transactionIfNoneExist(ctx context.Context, t *trial) {
	name := t.unique()
	first, ok := t.create(ctx, patient(name))
	if !ok {
		return
	}
	a := t.submit(ctx, bundle("transaction",
		entry(urnB, "POST", "Patient", patient(name), object{"ifNoneExist": byIdentifier(name)}),
		entry(urnA, "POST", "Observation", observation(urnB)),
	))
	if t.want(a, http.StatusOK) {
		t.ok(strings.HasPrefix(status(a, 0), "200"), "the entry with a match: status %q", status(a, 0))
		t.equal("Observation.subject", t.subjectOf(ctx, t.location(a, 1)), first.id())
		t.equal("Patients after it", t.found(ctx, name), 1)
	}
}

func transactionIfMatch(ctx context.Context, t *trial) {
	name, other := t.unique(), t.unique()
	a, ok := t.create(ctx, patient(name))
	if !ok {
		return
	}
	t.wantFailure(t.submit(ctx, bundle("transaction",
		entry(urnA, "POST", "Patient", patient(other)),
		entry(t.s.base+"/"+a.id(), "PUT", a.id(), withID(a, patient(name)), object{"ifMatch": `W/"999999"`}),
	)), 409, 412)
	t.equal("Patients after the conflict", t.found(ctx, other), 0)
}

func transactionOrder(ctx context.Context, t *trial) {
	id := "c-" + t.unique()
	a := t.submit(ctx, bundle("transaction",
		entry("", "GET", "Patient/"+id, nil),
		entry(t.s.base+"/Patient/"+id, "PUT", "Patient/"+id, patient(t.unique(), object{"id": id})),
	))
	if t.want(a, http.StatusOK) {
		t.equal("what GET saw", text(a.res, "entry", 0, "resource", "id"), id)
	}
}

func transactionOverlap(ctx context.Context, t *trial) {
	id := "c-" + t.unique()
	e := entry(t.s.base+"/Patient/"+id, "PUT", "Patient/"+id, patient(t.unique(), object{"id": id}))
	t.wantFailure(t.submit(ctx, bundle("transaction", e, e)), 400, 409, 422)
	t.want(t.do(ctx, http.MethodGet, "Patient/"+id, nil), http.StatusNotFound)
}
