package conformance

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

func errorChecks() []check {
	const area = "errors"
	needs := []string{"Patient.create"}
	// reject makes a check that POST Patient with this body is refused.
	reject := func(name, body string, status ...int) check {
		return check{area, name, "http.html#create", needs, func(ctx context.Context, t *trial) {
			t.wantFailure(t.do(ctx, http.MethodPost, "Patient", body), status...)
		}}
	}
	return []check{
		reject("malformed JSON", `{"resourceType":"Patient",`, 400),
		reject("something behind the resource", `{"resourceType":"Patient"}{}`, 400, 422),
		reject("an empty body", ``, 400),
		reject("no object", `[]`, 400, 422),
		reject("a name twice in one object", `{"resourceType":"Patient","active":true,"active":false}`, 400, 422),
		reject("nesting without end", `{"resourceType":"Patient","contained":`+strings.Repeat(`[`, 5000)+strings.Repeat(`]`, 5000)+`}`, 400, 413, 422),
		{area, "an unknown element, with its place", "validation.html", needs, errorUnknownElement},
		{area, "a content type that is no FHIR", "http.html#mime-type", needs, func(ctx context.Context, t *trial) {
			t.want(t.do(ctx, http.MethodPost, "Patient", patient(t.unique()), "Content-Type: text/plain"), http.StatusUnsupportedMediaType)
		}},
		{area, "a method that the address lacks", "http.html#summary", needs, func(ctx context.Context, t *trial) {
			a := t.do(ctx, http.MethodPost, "Patient/"+t.s.absent(), patient(t.unique()))
			if t.want(a, http.StatusMethodNotAllowed) {
				t.ok(a.header.Get("Allow") != "", "405 without Allow")
			}
		}},
		{area, "X-Request-Id comes back", "http.html#custom", nil, func(ctx context.Context, t *trial) {
			a := t.do(ctx, http.MethodGet, "metadata", nil, "X-Request-Id: conformance-1")
			t.equal("X-Request-Id", a.header.Get("X-Request-Id"), "conformance-1")
		}},
		{area, "no token, wrong token", "http.html#status-codes", needs, errorToken},
	}
}

func errorUnknownElement(ctx context.Context, t *trial) {
	a := t.do(ctx, http.MethodPost, "Patient", patient(t.unique(), object{"unknownElement": "x"}))
	if !t.wantFailure(a, 400, 422) {
		return
	}
	t.ok(slices.ContainsFunc(list(a.res, "issue"), func(issue any) bool {
		for _, e := range list(issue, "expression") {
			if strings.HasPrefix(text(e), "Patient") {
				return true
			}
		}
		return false
	}), "no issue says where (expression)")
}

func errorToken(ctx context.Context, t *trial) {
	if t.s.token == "" {
		t.skipped = "run without a token"
		return
	}
	for _, header := range []string{"Authorization: ", "Authorization: Bearer not-a-token"} {
		a := t.do(ctx, http.MethodGet, "Patient/"+t.s.absent(), nil, header)
		if t.wantFailure(a, http.StatusUnauthorized) {
			t.ok(a.header.Get("WWW-Authenticate") != "", "401 without WWW-Authenticate")
		}
	}
}
