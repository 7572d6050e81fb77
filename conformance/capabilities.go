package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// capabilities is what the server says of itself.
type capabilities struct {
	statement map[string]any
	features  map[string]bool // "Patient.read", "transaction", "Patient.updateCreate"
}

// has tells whether a feature is advertised: Type.interaction, Type.flag (updateCreate, conditionalCreate, conditionalUpdate), or a system
// interaction.
func (c capabilities) has(feature string) bool { return c.features[feature] }

func (c capabilities) software() string {
	return strings.TrimSpace(text(c.statement, "software", "name") + " " + text(c.statement, "software", "version"))
}

// resources lists rest.resource of the server mode.
func (c capabilities) resources() []any {
	for _, rest := range list(c.statement, "rest") {
		if text(rest, "mode") == "server" {
			return list(rest, "resource")
		}
	}
	return nil
}

func (s *session) readCapabilities(ctx context.Context) error {
	a, err := s.do(ctx, http.MethodGet, "metadata", nil, "Authorization: ")
	if err != nil {
		return err
	}
	if a.status != http.StatusOK || text(a.res, "resourceType") != "CapabilityStatement" {
		return fmt.Errorf("GET metadata answered %d with %q", a.status, text(a.res, "resourceType"))
	}
	s.caps = capabilities{statement: a.res, features: map[string]bool{}}
	for _, rest := range list(a.res, "rest") {
		for _, i := range list(rest, "interaction") {
			s.caps.features[text(i, "code")] = true
		}
	}
	for _, r := range s.caps.resources() {
		typ := text(r, "type")
		for _, i := range list(r, "interaction") {
			s.caps.features[typ+"."+text(i, "code")] = true
		}
		for _, flag := range []string{"updateCreate", "conditionalCreate", "conditionalUpdate"} {
			s.caps.features[typ+"."+flag] = at(r, flag) == true
		}
	}
	return nil
}

// probe is a request that shows whether an interaction is there without changing anything. %s is an id that does not exist.
type probe struct {
	code, method, path string
	broken             bool  // send a body that is not JSON
	answers            []int // of a server that has the interaction
}

func typeProbes() []probe {
	return []probe{
		{code: "read", method: "GET", path: "/%s", answers: []int{404, 410}},
		{code: "vread", method: "GET", path: "/%s/_history/1", answers: []int{404, 410}},
		{code: "update", method: "PUT", path: "/%s", broken: true, answers: []int{400, 422}},
		{code: "patch", method: "PATCH", path: "/%s", broken: true, answers: []int{400, 404, 422}},
		{code: "delete", method: "DELETE", path: "/%s", answers: []int{200, 204, 404}},
		{code: "history-instance", method: "GET", path: "/%s/_history", answers: []int{200, 404, 410}},
		{code: "history-type", method: "GET", path: "/_history?_count=1", answers: []int{200}},
		{code: "create", method: "POST", path: "", broken: true, answers: []int{400, 422}},
		{code: "search-type", method: "GET", path: "?_id=%s", answers: []int{200}},
	}
}

func systemProbes() []probe {
	return []probe{
		{code: "transaction", method: "POST", path: "", broken: true, answers: []int{400, 422}},
		{code: "batch", method: "POST", path: "", broken: true, answers: []int{400, 422}},
		{code: "search-system", method: "GET", path: "?_type=Patient&_count=1", answers: []int{200}},
		{code: "history-system", method: "GET", path: "_history?_count=1", answers: []int{200}},
	}
}

func (s *session) absent() string { return "conformance-absent-" + s.run }

// send probes one interaction.
func (t *trial) send(ctx context.Context, typ string, p probe) *answer {
	path := typ + p.path
	if strings.Contains(path, "%s") {
		path = fmt.Sprintf(path, t.s.absent())
	}
	var body any
	var headers []string
	if p.broken {
		body = "{"
		if p.code == "patch" {
			headers = []string{"Content-Type: application/json-patch+json"}
		}
	}
	return t.do(ctx, p.method, path, body, headers...)
}

// judge checks the answer against what is advertised.
func (t *trial) judge(a *answer, advertised bool, p probe) {
	switch {
	case a.status == 0:
	case advertised:
		if t.ok(slices.Contains(p.answers, a.status), "%s is advertised, but %s answered %d", p.code, a.request, a.status) && a.status >= 400 {
			t.wantFailure(a, a.status)
		}
	case t.ok(a.status == 404 || a.status == 405, "%s is not advertised, but %s answered %d", p.code, a.request, a.status) && a.status == 405:
		t.ok(a.header.Get("Allow") != "", "%s: 405 without Allow", a.request)
	}
}

// capabilityChecks are made for this server's statement.
func (s *session) capabilityChecks() []check {
	const area = "capabilities"
	checks := []check{
		{area: area, name: "the statement itself", spec: "capabilitystatement.html", run: s.statementCheck},
		{area: area, name: "interactions of the whole system", spec: "http.html", run: func(ctx context.Context, t *trial) {
			posts := t.s.caps.has("transaction") || t.s.caps.has("batch")
			for _, p := range systemProbes() {
				t.judge(t.send(ctx, "", p), t.s.caps.has(p.code) || p.method == "POST" && posts, p)
			}
		}},
		{area: area, name: "types that are not advertised", spec: "http.html", run: func(ctx context.Context, t *trial) {
			for _, typ := range resourceTypes() {
				if !slices.ContainsFunc(t.s.caps.resources(), func(r any) bool { return text(r, "type") == typ }) {
					for _, p := range typeProbes() {
						t.judge(t.send(ctx, typ, p), false, p)
					}
				}
			}
		}},
	}
	for _, r := range s.caps.resources() {
		typ := text(r, "type")
		checks = append(checks, check{area: area, name: typ + ": interactions", spec: "http.html", run: func(ctx context.Context, t *trial) {
			for _, p := range typeProbes() {
				t.judge(t.send(ctx, typ, p), t.s.caps.has(typ+"."+p.code), p)
			}
		}}, check{area: area, name: typ + ": search parameters", spec: "search.html", needs: []string{typ + ".search-type"}, run: func(ctx context.Context, t *trial) {
			t.searchParams(ctx, typ, list(r, "searchParam"))
		}})
	}
	return checks
}

func (s *session) statementCheck(ctx context.Context, t *trial) {
	a := t.do(ctx, http.MethodGet, "metadata", nil, "Authorization: ")
	if !t.want(a, http.StatusOK) {
		return
	}
	t.equal("Content-Type", mediaType(a), fhirJSON)
	t.equal("fhirVersion", text(a.res, "fhirVersion"), "4.0.1")
	t.equal("kind", text(a.res, "kind"), "instance")
	for _, member := range []string{"status", "date", "implementation", "format", "rest"} {
		t.ok(a.res[member] != nil, "CapabilityStatement.%s is missing", member)
	}
	t.ok(slices.ContainsFunc(list(a.res, "format"), func(f any) bool { return f == "json" || f == fhirJSON }), "format does not name JSON")
	known, seen := resourceTypes(), map[string]bool{}
	for _, r := range t.s.caps.resources() {
		typ := text(r, "type")
		t.ok(slices.Contains(known, typ), "%q is no R4 type", typ)
		t.ok(!seen[typ], "%s is listed twice", typ)
		seen[typ] = true
		if at(r, "readHistory") == true {
			t.ok(t.s.caps.has(typ+".vread"), "%s: readHistory without vread", typ)
		}
	}
	t.ok(len(seen) > 0, "no resource type for mode server")
}

// searchParams sends each advertised parameter with a harmless value under handling=strict: a server that ignored it would have to say so.
func (t *trial) searchParams(ctx context.Context, typ string, params []any) {
	values := map[string]string{
		"number": "1", "date": "2020-01-01", "string": "conformance", "token": t.s.absent(), "reference": t.s.absent(), "quantity": "1",
		"uri": "http://example.org/" + t.s.absent(),
	}
	for _, p := range params {
		name, value := text(p, "name"), values[text(p, "type")]
		if value == "" { // composite and special need values that the statement does not describe
			continue
		}
		a := t.do(ctx, http.MethodGet, fmt.Sprintf("%s?%s=%s&_count=1", typ, name, value), nil, "Prefer: handling=strict")
		if a.status != 0 && (a.status != http.StatusOK || text(a.res, "type") != "searchset") {
			t.errorf("%s is advertised, but %s answered %d %s", name, a.request, a.status, text(a.res, "type"))
		}
	}
}

func mediaType(a *answer) string {
	bare, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return strings.TrimSpace(bare)
}
