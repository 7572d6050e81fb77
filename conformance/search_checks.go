package conformance

import (
	"context"
	"net/http"
	"strings"
)

func searchChecks() []check {
	const area = "search"
	needs := []string{"Patient.create", "Patient.search-type"}
	return []check{
		{area, "by identifier, GET and POST", "search.html#token", needs, searchIdentifier},
		{area, "in pages", "http.html#paging", needs, searchPages},
		{area, "counts", "search.html#summary", needs, searchCounts},
		{area, "unknown parameters are refused or reported", "search.html#errors", needs, searchUnknown},
	}
}

func searchIdentifier(ctx context.Context, t *trial) {
	name := t.unique()
	a, ok := t.create(ctx, patient(name))
	if !ok {
		return
	}
	if _, ok := t.create(ctx, patient(t.unique())); !ok {
		return
	}
	for _, found := range []*answer{
		t.do(ctx, http.MethodGet, "Patient?"+byIdentifier(name), nil),
		t.do(ctx, http.MethodPost, "Patient/_search", byIdentifier(name), "Content-Type: application/x-www-form-urlencoded"),
	} {
		if !t.want(found, http.StatusOK) || !t.equal(found.request+": entries", len(list(found.res, "entry")), 1) {
			continue
		}
		t.equal("Bundle.type", text(found.res, "type"), "searchset")
		t.equal("search.mode", text(found.res, "entry", 0, "search", "mode"), "match")
		t.equal("fullUrl", text(found.res, "entry", 0, "fullUrl"), t.s.base+"/"+a.id())
		if total := at(found.res, "total"); total != nil {
			t.equal("total", total, 1)
		}
	}
}

func searchPages(ctx context.Context, t *trial) {
	name := t.unique()
	for range 5 {
		if _, ok := t.create(ctx, patient(name)); !ok {
			return
		}
	}
	seen := map[string]bool{}
	page := "Patient?" + byIdentifier(name) + "&_count=2"
	for range 5 {
		b := t.do(ctx, http.MethodGet, page, nil)
		if !t.want(b, http.StatusOK) || !t.ok(len(list(b.res, "entry")) <= 2, "more entries than _count") {
			return
		}
		for _, e := range list(b.res, "entry") {
			id := text(e, "resource", "id")
			t.ok(!seen[id], "an entry is on two pages")
			seen[id] = true
		}
		if page = next(b.res); page == "" {
			break
		}
	}
	t.equal("Patients over all pages", len(seen), 5)
}

func searchCounts(ctx context.Context, t *trial) {
	name := t.unique()
	for range 2 {
		if _, ok := t.create(ctx, patient(name)); !ok {
			return
		}
	}
	for _, query := range []string{"&_summary=count", "&_count=0"} {
		b := t.do(ctx, http.MethodGet, "Patient?"+byIdentifier(name)+query, nil)
		if t.want(b, http.StatusOK) {
			t.equal(query+": total", at(b.res, "total"), 2)
			t.equal(query+": entries", len(list(b.res, "entry")), 0)
		}
	}
}

func searchUnknown(ctx context.Context, t *trial) {
	name := t.unique()
	if _, ok := t.create(ctx, patient(name)); !ok {
		return
	}
	path := "Patient?" + byIdentifier(name) + "&no-such-parameter=1"
	t.wantFailure(t.do(ctx, http.MethodGet, path, nil, "Prefer: handling=strict"), http.StatusBadRequest)
	b := t.do(ctx, http.MethodGet, path, nil, "Prefer: handling=lenient")
	if !t.want(b, http.StatusOK) {
		return
	}
	self := ""
	for _, l := range list(b.res, "link") {
		if text(l, "relation") == "self" {
			self = text(l, "url")
		}
	}
	t.ok(strings.Contains(self, "identifier=") && !strings.Contains(self, "no-such-parameter"), "the self link does not say what was really used")
}
