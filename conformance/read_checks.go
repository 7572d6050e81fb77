package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func readChecks() []check {
	needs := []string{"Patient.create", "Patient.read"}
	return []check{
		{"read", "headers and content", "http.html#read", needs, readHeaders},
		{"read", "If-None-Match and If-Modified-Since", "http.html#cread", needs, readConditional},
		{"read", "unknown id, unknown type, bad id", "http.html#read", needs, readUnknown},
		{"read", "_summary and _elements are marked", "search.html#summary", needs, readSubsets},
		{"read", "_format, _pretty, Accept", "http.html#mime-type", needs, readFormats},
		{"read", "refuses formats and versions that it lacks", "http.html#version-parameter", needs, readRefuses},
		{"vread", "an old version stays as it was", "http.html#vread", append(needs, "Patient.vread", "Patient.update"), vreadOld},
		{"vread", "an unknown version", "http.html#vread", append(needs, "Patient.vread"), func(ctx context.Context, t *trial) {
			if a, ok := t.create(ctx, patient(t.unique())); ok {
				t.wantFailure(t.do(ctx, http.MethodGet, a.id()+"/_history/999999", nil), http.StatusNotFound)
			}
		}},
	}
}

func readHeaders(ctx context.Context, t *trial) {
	name := t.unique()
	a, ok := t.create(ctx, patient(name))
	if !ok {
		return
	}
	got := t.do(ctx, http.MethodGet, a.id(), nil)
	if t.want(got, http.StatusOK) {
		t.versionHeaders(got)
		t.equal("ETag", got.header.Get("ETag"), a.header.Get("ETag"))
		t.equal("identifier", text(got.res, "identifier", 0, "value"), name)
	}
}

func readConditional(ctx context.Context, t *trial) {
	a, ok := t.create(ctx, patient(t.unique()))
	if !ok {
		return
	}
	for _, header := range []string{"If-None-Match: " + a.header.Get("ETag"), "If-Modified-Since: " + a.header.Get("Last-Modified")} {
		got := t.do(ctx, http.MethodGet, a.id(), nil, header)
		if t.want(got, http.StatusNotModified) {
			t.ok(len(got.body) == 0, "304 with a body")
		}
	}
	t.want(t.do(ctx, http.MethodGet, a.id(), nil, `If-None-Match: W/"another"`), http.StatusOK)
}

func readUnknown(ctx context.Context, t *trial) {
	t.wantFailure(t.do(ctx, http.MethodGet, "Patient/"+t.s.absent(), nil), http.StatusNotFound)
	t.wantFailure(t.do(ctx, http.MethodGet, "NoSuchType/1", nil), http.StatusNotFound)
	t.want(t.do(ctx, http.MethodGet, "Patient/"+strings.Repeat("x", 65), nil), 400, 404, 405)
}

func readSubsets(ctx context.Context, t *trial) {
	a, ok := t.create(ctx, patient(t.unique(), object{"maritalStatus": object{"text": "x"}}))
	if !ok {
		return
	}
	for _, query := range []string{"_summary=true", "_elements=identifier"} {
		got := t.do(ctx, http.MethodGet, a.id()+"?"+query, nil)
		if !t.want(got, http.StatusOK) {
			continue
		}
		t.ok(slices.ContainsFunc(list(got.res, "meta", "tag"), func(tag any) bool { return text(tag, "code") == "SUBSETTED" }), "%s: no SUBSETTED tag", query)
		t.ok(got.res["identifier"] != nil && got.res["maritalStatus"] == nil, "%s: wrong elements", query)
	}
}

func readFormats(ctx context.Context, t *trial) {
	a, ok := t.create(ctx, patient(t.unique()))
	if !ok {
		return
	}
	forms := []struct{ query, accept string }{
		{"", "application/json"},
		{"", "text/json"},
		{"", "*/*"},
		{"", fhirJSON + "; fhirVersion=4.0"},
		{"?_format=json", "application/fhir+xml"},
		{"?_format=application/fhir%2Bjson", ""},
		{"?_pretty=true", fhirJSON},
	}
	for _, f := range forms {
		got := t.do(ctx, http.MethodGet, a.id()+f.query, nil, "Accept: "+f.accept)
		if t.want(got, http.StatusOK) {
			t.ok(text(got.res, "resourceType") == "Patient", "%s with Accept %q: not JSON", got.request, f.accept)
		}
	}
}

func readRefuses(ctx context.Context, t *trial) {
	a, ok := t.create(ctx, patient(t.unique()))
	if !ok {
		return
	}
	if !slices.ContainsFunc(list(t.s.caps.statement, "format"), func(f any) bool { return strings.Contains(text(f), "xml") }) {
		t.want(t.do(ctx, http.MethodGet, a.id(), nil, "Accept: application/fhir+xml"), http.StatusNotAcceptable)
		t.want(t.do(ctx, http.MethodGet, a.id()+"?_format=xml", nil), http.StatusNotAcceptable)
	}
	t.want(t.do(ctx, http.MethodGet, a.id(), nil, "Accept: "+fhirJSON+"; fhirVersion=3.0"), 400, 406, 415)
}

func vreadOld(ctx context.Context, t *trial) {
	name := t.unique()
	a, ok := t.create(ctx, patient(name))
	if !ok || !t.want(t.do(ctx, http.MethodPut, a.id(), withID(a, patient(name, object{"active": false}))), http.StatusOK) {
		return
	}
	old := t.do(ctx, http.MethodGet, a.header.Get("Location"), nil)
	if t.want(old, http.StatusOK) {
		t.equal("Patient.active of the first version", old.res["active"], true)
		t.equal("ETag of the first version", old.header.Get("ETag"), a.header.Get("ETag"))
		t.versionHeaders(old)
	}
}

func historyChecks() []check {
	const area, spec = "history", "http.html#history"
	needs := []string{"Patient.create", "Patient.update", "Patient.delete"}
	return []check{
		{area, "of an instance: newest first, deletion included", spec, append(needs, "Patient.history-instance"), historyInstance},
		{area, "in pages", spec, append(needs, "Patient.history-instance"), historyPages},
		{area, "_since", spec, append(needs, "Patient.history-instance"), historySince},
		{area, "of a type", spec, append(needs, "Patient.history-type"), func(ctx context.Context, t *trial) { historyOf(ctx, t, "Patient/_history?_count=20") }},
		{area, "of the system", spec, append(needs, "history-system"), func(ctx context.Context, t *trial) { historyOf(ctx, t, "_history?_count=20") }},
		{area, "of what never was", spec, append(needs, "Patient.history-instance"), func(ctx context.Context, t *trial) {
			t.wantFailure(t.do(ctx, http.MethodGet, "Patient/"+t.s.absent()+"/_history", nil), http.StatusNotFound)
		}},
	}
}

// threeVersions creates, updates and deletes a Patient.
func (t *trial) threeVersions(ctx context.Context) (first, second *answer, ok bool) {
	name := t.unique()
	first, ok = t.create(ctx, patient(name))
	if !ok {
		return nil, nil, false
	}
	second = t.do(ctx, http.MethodPut, first.id(), withID(first, patient(name, object{"active": false})))
	ok = t.want(second, http.StatusOK) && t.want(t.do(ctx, http.MethodDelete, first.id(), nil), 200, 204)
	return first, second, ok
}

func historyInstance(ctx context.Context, t *trial) {
	a, _, ok := t.threeVersions(ctx)
	if !ok {
		return
	}
	h := t.do(ctx, http.MethodGet, a.id()+"/_history", nil)
	entries := list(h.res, "entry")
	if !t.want(h, http.StatusOK) || !t.equal("entries", len(entries), 3) {
		return
	}
	t.equal("Bundle.type", text(h.res, "type"), "history")
	t.equal("Bundle.total", at(h.res, "total"), 3)
	for i, method := range []string{"DELETE", "PUT", "POST"} {
		t.equal(fmt.Sprintf("request.method of entry %d", i), text(entries[i], "request", "method"), method)
		t.ok(text(entries[i], "request", "url") != "" && text(entries[i], "response", "status") != "", "entry %d lacks request or response", i)
		t.ok((at(entries[i], "resource") == nil) == (method == "DELETE"), "entry %d: a resource if and only if it is no deletion", i)
	}
	t.equal("Patient.active of the newest content", at(entries[1], "resource", "active"), false)
}

// next finds the link to the following page.
func next(res map[string]any) string {
	for _, l := range list(res, "link") {
		if text(l, "relation") == "next" {
			return text(l, "url")
		}
	}
	return ""
}

func historyPages(ctx context.Context, t *trial) {
	a, _, ok := t.threeVersions(ctx)
	if !ok {
		return
	}
	var methods []string
	page := a.id() + "/_history?_count=1"
	for range 4 {
		h := t.do(ctx, http.MethodGet, page, nil)
		if !t.want(h, http.StatusOK) || !t.ok(len(list(h.res, "entry")) <= 1, "more entries than _count") {
			return
		}
		methods = append(methods, text(h.res, "entry", 0, "request", "method"))
		if page = next(h.res); page == "" {
			break
		}
	}
	t.equal("methods over the pages", methods, []string{"DELETE", "PUT", "POST"})
}

func historySince(ctx context.Context, t *trial) {
	a, b, ok := t.threeVersions(ctx)
	if !ok {
		return
	}
	vread := func(x *answer) string {
		return text(t.do(ctx, http.MethodGet, x.header.Get("Location"), nil).res, "meta", "lastUpdated")
	}
	first, since := vread(a), text(b.res, "meta", "lastUpdated")
	if first == since {
		t.skipped = "both versions have the same time"
		return
	}
	h := t.do(ctx, http.MethodGet, a.id()+"/_history?_since="+url.QueryEscape(since), nil)
	if t.want(h, http.StatusOK) {
		t.equal("entries since the second version", len(list(h.res, "entry")), 2)
	}
}

func historyOf(ctx context.Context, t *trial, path string) {
	a, _, ok := t.threeVersions(ctx)
	if !ok {
		return
	}
	h := t.do(ctx, http.MethodGet, path, nil)
	if !t.want(h, http.StatusOK) || !t.equal("Bundle.type", text(h.res, "type"), "history") {
		return
	}
	seen := 0
	for _, e := range list(h.res, "entry") {
		if strings.HasSuffix(text(e, "fullUrl"), "/"+a.id()) {
			seen++
		}
	}
	t.ok(seen == 3, "%d of 3 fresh versions among the newest 20", seen)
}
