package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

func createChecks() []check {
	const area = "create"
	needs := []string{"Patient.create", "Patient.read"}
	return []check{
		{area, "assigns id and version, says where", "http.html#create", needs, createAssigns},
		{area, "gives back every element and digit", "http.html#create", needs, createKeeps},
		{area, "Prefer: return", "http.html#ops", needs, createPrefer},
		{area, "If-None-Exist: none, one, many", "http.html#ccreate", append(needs, "Patient.conditionalCreate"), createConditional},
		{area, "refuses a resource of another type", "http.html#create", needs, func(ctx context.Context, t *trial) {
			t.wantFailure(t.do(ctx, http.MethodPost, "Patient", object{"resourceType": "Observation"}), 400, 422)
		}},
	}
}

func createAssigns(ctx context.Context, t *trial) {
	a, ok := t.create(ctx, patient(t.unique(), object{"id": "chosen-by-client"}))
	if !ok {
		return
	}
	location := a.header.Get("Location")
	t.ok(strings.HasPrefix(location, t.s.base+"/Patient/") && strings.Contains(location, "/_history/"), "Location %q is not {base}/Patient/{id}/_history/{vid}", location)
	t.ok(a.id() != "Patient/chosen-by-client", "the client's id was used for a create")
	t.versionHeaders(a)
	got := t.do(ctx, http.MethodGet, location, nil)
	if t.want(got, http.StatusOK) {
		t.equal("id at the Location", "Patient/"+text(got.res, "id"), a.id())
		t.versionHeaders(got)
	}
}

// versionHeaders checks that ETag and Last-Modified are there and agree with meta.
func (t *trial) versionHeaders(a *answer) {
	etag := a.header.Get("ETag")
	t.ok(strings.HasPrefix(etag, `W/"`) && len(etag) > 4, "%s: ETag is %q, want a weak one", a.request, etag)
	_, err := http.ParseTime(a.header.Get("Last-Modified"))
	t.ok(err == nil, "%s: Last-Modified is no HTTP date", a.request)
	if a.res != nil {
		t.equal(a.request+": media type", mediaType(a), fhirJSON)
		t.equal(a.request+": ETag", etag, `W/"`+text(a.res, "meta", "versionId")+`"`)
		t.ok(text(a.res, "meta", "lastUpdated") != "", "%s: no meta.lastUpdated", a.request)
	}
}

func createKeeps(ctx context.Context, t *trial) {
	sent := fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":%q,"value":%q}],"birthDate":"1974-12",
		"name":[{"family":"\u00c5s\u4e2d","given":["A","B"],"_given":[null,{"extension":[{"url":"http://example.org/x","valueString":" two  spaces "}]}]}],
		"extension":[{"url":"http://example.org/decimal","valueDecimal":1.50},{"url":"http://example.org/small","valueDecimal":0.000010},
		{"url":"http://example.org/when","valueDateTime":"2020-02-29T23:59:59.120-11:30"}]}`, identifierSystem, t.unique())
	a := t.do(ctx, http.MethodPost, "Patient", sent)
	if !t.want(a, http.StatusCreated) {
		return
	}
	got := t.do(ctx, http.MethodGet, a.id(), nil)
	if !t.want(got, http.StatusOK) {
		return
	}
	want := decode([]byte(sent))
	delete(got.res, "id")
	delete(got.res, "meta")
	for _, member := range []string{"text"} { // a server may generate a narrative where there was none
		delete(got.res, member)
	}
	t.equal("what came back", got.res, want)
}

func createPrefer(ctx context.Context, t *trial) {
	for prefer, want := range map[string]string{"return=minimal": "", "return=representation": "Patient", "return=OperationOutcome": "OperationOutcome"} {
		a := t.do(ctx, http.MethodPost, "Patient", patient(t.unique()), "Prefer: "+prefer)
		if t.want(a, http.StatusCreated) {
			t.equal("body for "+prefer, text(a.res, "resourceType"), want)
			t.ok(want != "" || len(a.body) == 0, "a body of %d bytes for %s", len(a.body), prefer)
		}
	}
}

func createConditional(ctx context.Context, t *trial) {
	id := t.unique()
	header := "If-None-Exist: " + byIdentifier(id)
	first := t.do(ctx, http.MethodPost, "Patient", patient(id), header)
	if !t.want(first, http.StatusCreated) {
		return
	}
	again := t.do(ctx, http.MethodPost, "Patient", patient(id), header)
	if t.want(again, http.StatusOK) {
		t.equal("the existing resource", again.id(), first.id())
	}
	t.equal("Patients after both", t.found(ctx, id), 1)
	if _, ok := t.create(ctx, patient(id)); ok {
		t.wantFailure(t.do(ctx, http.MethodPost, "Patient", patient(id), header), http.StatusPreconditionFailed)
	}
}

func updateChecks() []check {
	const area = "update"
	needs := []string{"Patient.create", "Patient.read", "Patient.update"}
	return []check{
		{area, "makes a new version", "http.html#update", needs, updateVersions},
		{area, "creates under the client's id", "http.html#upsert", append(needs, "Patient.updateCreate"), updateCreates},
		{area, "needs the id in the body", "http.html#update", needs, updateBodyID},
		{area, "If-Match", "http.html#concurrency", needs, updateIfMatch},
		{area, "keeps tags that the update omits", "resource.html#tag-updates", needs, updateKeepsTags},
		{area, "conditional: none, one, many, other id", "http.html#cond-update", append(needs, "Patient.conditionalUpdate"), updateConditional},
	}
}

// withID adds the id of an answer's resource.
func withID(a *answer, p object) object {
	_, id, _ := strings.Cut(a.id(), "/")
	p["id"] = id
	return p
}

func updateVersions(ctx context.Context, t *trial) {
	name := t.unique()
	a, ok := t.create(ctx, patient(name))
	if !ok {
		return
	}
	up := t.do(ctx, http.MethodPut, a.id(), withID(a, patient(name, object{"active": false})))
	if !t.want(up, http.StatusOK) {
		return
	}
	t.ok(up.header.Get("ETag") != a.header.Get("ETag"), "the update left the version %s", a.header.Get("ETag"))
	t.versionHeaders(up)
	got := t.do(ctx, http.MethodGet, a.id(), nil)
	if t.want(got, http.StatusOK) {
		t.equal("Patient.active", got.res["active"], false)
		t.equal("ETag of the read", got.header.Get("ETag"), up.header.Get("ETag"))
	}
}

func updateCreates(ctx context.Context, t *trial) {
	id := "c-" + t.unique()
	a := t.do(ctx, http.MethodPut, "Patient/"+id, patient(t.unique(), object{"id": id}))
	if t.want(a, http.StatusCreated) {
		t.equal("Location", a.id(), "Patient/"+id)
		t.want(t.do(ctx, http.MethodGet, "Patient/"+id, nil), http.StatusOK)
	}
}

func updateBodyID(ctx context.Context, t *trial) {
	a, ok := t.create(ctx, patient(t.unique()))
	if !ok {
		return
	}
	t.wantFailure(t.do(ctx, http.MethodPut, a.id(), patient(t.unique(), object{"id": "another"})), http.StatusBadRequest)
	t.wantFailure(t.do(ctx, http.MethodPut, a.id(), patient(t.unique())), http.StatusBadRequest)
}

func updateIfMatch(ctx context.Context, t *trial) {
	name := t.unique()
	a, ok := t.create(ctx, patient(name))
	if !ok {
		return
	}
	weak := t.do(ctx, http.MethodPut, a.id(), withID(a, patient(name)), "If-Match: "+a.header.Get("ETag"))
	if !t.want(weak, http.StatusOK) {
		return
	}
	t.wantFailure(t.do(ctx, http.MethodPut, a.id(), withID(a, patient(name, object{"gender": "other"})), "If-Match: "+a.header.Get("ETag")), http.StatusPreconditionFailed)
	strong := t.do(ctx, http.MethodPut, a.id(), withID(a, patient(name)), "If-Match: "+strings.TrimPrefix(weak.header.Get("ETag"), "W/"))
	t.want(strong, http.StatusOK)
	got := t.do(ctx, http.MethodGet, a.id(), nil)
	t.ok(got.res["gender"] == nil, "an update whose If-Match failed took effect")
}

func updateKeepsTags(ctx context.Context, t *trial) {
	name := t.unique()
	tag := object{"system": "urn:chartseal:conformance:tag", "code": "kept"}
	a, ok := t.create(ctx, patient(name, object{"meta": object{"tag": []any{tag}}}))
	if !ok || !t.want(t.do(ctx, http.MethodPut, a.id(), withID(a, patient(name))), http.StatusOK) {
		return
	}
	got := t.do(ctx, http.MethodGet, a.id(), nil)
	t.equal("meta.tag[0].code", text(got.res, "meta", "tag", 0, "code"), "kept")
}

func updateConditional(ctx context.Context, t *trial) {
	id := t.unique()
	path := "Patient?" + byIdentifier(id)
	first := t.do(ctx, http.MethodPut, path, patient(id))
	if !t.want(first, http.StatusCreated) {
		return
	}
	again := t.do(ctx, http.MethodPut, path, patient(id, object{"active": false}))
	if t.want(again, http.StatusOK) && again.id() != "" {
		t.equal("the updated resource", again.id(), first.id())
	}
	t.wantFailure(t.do(ctx, http.MethodPut, path, patient(id, object{"id": "another"})), http.StatusBadRequest)
	if _, ok := t.create(ctx, patient(id)); ok {
		t.wantFailure(t.do(ctx, http.MethodPut, path, patient(id)), http.StatusPreconditionFailed)
	}
}

func deleteChecks() []check {
	const area = "delete"
	needs := []string{"Patient.create", "Patient.read", "Patient.delete"}
	return []check{
		{area, "takes a resource away, and again without complaint", "http.html#delete", needs, deleteHides},
		{area, "leaves earlier versions", "http.html#delete", append(needs, "Patient.vread"), deleteKeepsVersions},
		{area, "is undone by an update, with a higher version", "http.html#delete", append(needs, "Patient.update", "Patient.updateCreate"), deleteUndone},
		{area, "of what never was", "http.html#delete", needs, func(ctx context.Context, t *trial) {
			t.want(t.do(ctx, http.MethodDelete, "Patient/"+t.s.absent(), nil), 200, 204, 404)
		}},
	}
}

// deleted creates and deletes a Patient.
func (t *trial) deleted(ctx context.Context, name string) (*answer, bool) {
	a, ok := t.create(ctx, patient(name))
	return a, ok && t.want(t.do(ctx, http.MethodDelete, a.id(), nil), 200, 204)
}

func deleteHides(ctx context.Context, t *trial) {
	name := t.unique()
	a, ok := t.deleted(ctx, name)
	if !ok {
		return
	}
	t.wantFailure(t.do(ctx, http.MethodGet, a.id(), nil), http.StatusGone)
	t.equal("matches of a search", t.found(ctx, name), 0)
	t.want(t.do(ctx, http.MethodDelete, a.id(), nil), 200, 204)
}

func deleteKeepsVersions(ctx context.Context, t *trial) {
	name := t.unique()
	if a, ok := t.deleted(ctx, name); ok {
		old := t.do(ctx, http.MethodGet, a.header.Get("Location"), nil)
		if t.want(old, http.StatusOK) {
			t.equal("identifier of the old version", text(old.res, "identifier", 0, "value"), name)
		}
	}
}

func deleteUndone(ctx context.Context, t *trial) {
	name := t.unique()
	a, ok := t.deleted(ctx, name)
	if !ok {
		return
	}
	back := t.do(ctx, http.MethodPut, a.id(), withID(a, patient(name)))
	if !t.want(back, 200, 201) {
		return
	}
	t.ok(back.header.Get("ETag") != a.header.Get("ETag"), "the version %s came back", a.header.Get("ETag"))
	got := t.do(ctx, http.MethodGet, a.id(), nil)
	if t.want(got, http.StatusOK) {
		t.equal("matches of a search", t.found(ctx, name), 1)
	}
}
