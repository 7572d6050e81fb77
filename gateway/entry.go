package gateway

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chartseal/chartseal/fhir"
)

// entryRequest turns an entry of a Bundle into the request that it stands for (R4 bundle.html, Bundle.entry.request).
func (s *Server) entryRequest(e *fhir.BundleEntry) (*inner, error) {
	in := &inner{method: e.Method, target: s.relative(e.URL), header: http.Header{}, body: e.Resource, entry: true}
	in.header["Accept"] = []string{"application/fhir+json"} // a Bundle holds resources, a Binary too
	set := func(name, value string) {
		if value != "" {
			in.header[name] = []string{value}
		}
	}
	set("If-Match", e.IfMatch)
	set("If-None-Match", e.IfNoneMatch)
	typ, _, _ := strings.Cut(in.target, "/")
	set("If-None-Exist", strings.TrimPrefix(strings.TrimPrefix(e.IfNoneExist, typ), "?"))
	if t, err := time.Parse(time.RFC3339Nano, e.IfModifiedSince); err == nil {
		set("If-Modified-Since", t.UTC().Format(http.TimeFormat))
	}
	if in.body == nil {
		return in, nil
	}
	set("Content-Type", "application/fhir+json")
	if e.Method == http.MethodPatch {
		return in, in.patchBody()
	}
	return in, nil
}

// relative takes our own base off an absolute URL.
func (s *Server) relative(target string) string {
	if rest, ok := strings.CutPrefix(target, s.cfg.Base); ok && (rest == "" || rest[0] == '/' || rest[0] == '?') {
		target = rest
	}
	return strings.TrimPrefix(target, "/")
}

// patchBody takes the patch out of an entry's resource: a JSON Patch comes in a Binary, a FHIRPath Patch is a
// Parameters resource (R4 http.html#patch).
func (in *inner) patchBody() error {
	var b binary
	if err := json.Unmarshal(in.body, &b); err != nil {
		return badRequest("the patch is not well-formed")
	}
	switch b.Type {
	case "Parameters":
		return nil
	case "Binary":
		patch, err := base64.StdEncoding.DecodeString(strings.Map(dropSpace, b.Data))
		if err != nil {
			return badRequest("the data of the Binary is not base64")
		}
		in.body = patch
		in.header["Content-Type"] = []string{b.ContentType}
		return nil
	}
	return badRequest("a patch is a Parameters resource, or a JSON Patch in a Binary")
}

// writeAnswer renders the answer to an inner request (R4 bundle.html, Bundle.entry.response). issues are those of a
// refusal.
func (s *Server) writeAnswer(w *bundleWriter, method string, a *answer, issues []fhir.Issue) {
	w.open()
	defer w.close()
	var outcome []byte
	switch {
	case a.problem != nil:
		outcome = outcomeJSON(issues)
	case a.outcome(method):
		outcome = a.body
	case len(a.body) > 0:
		if a.shown != nil {
			w.fullURL(s.cfg.Base, a.shown)
			w.comma()
		}
		w.resource(a.resource())
		w.comma()
	}
	head := responseHead{status: a.status, location: s.relative(a.header.Get("Location")), etag: a.header.Get("ETag")}
	if a.shown != nil {
		head.lastModified = a.shown.LastUpdated
	}
	w.responsePart(head, outcome)
}

// writeEntry renders the answer to an entry of a Bundle.
func (s *Server) writeEntry(w *bundleWriter, e *fhir.BundleEntry, a *answer) {
	var issues []fhir.Issue
	if a.problem != nil {
		issues = located(e, a.problem.issues)
	}
	s.writeAnswer(w, e.Method, a, issues)
}

// located puts the issues of an entry into the Bundle, so that their expressions and positions are those of what the
// client sent. What a patch led to was not sent.
func located(e *fhir.BundleEntry, issues []fhir.Issue) []fhir.Issue {
	out := make([]fhir.Issue, len(issues))
	for i := range issues {
		out[i] = issues[i]
		if e.Resource != nil && e.Method != http.MethodPatch && len(out[i].Expression) > 0 {
			if inv, ok := e.Locate(&fhir.Invalid{Issues: out[i : i+1]}).(*fhir.Invalid); ok { //nolint:errorlint // Locate gives back what it was given
				out[i] = inv.Issues[0]
				continue
			}
		}
		out[i].Expression, out[i].Line, out[i].Column = []string{e.Path}, 0, 0
	}
	return out
}

// lastPhase is that of the reads.
const lastPhase = 3

// phase orders the entries of a batch as those of a transaction (R4 http.html#trules).
func phase(method string) int {
	switch method {
	case http.MethodDelete:
		return 0
	case http.MethodPost:
		return 1
	case http.MethodPut, http.MethodPatch:
		return 2
	}
	return lastPhase
}

// targetOf names what an entry is about: entries about the same are run in their order.
func targetOf(in *inner) string {
	u, err := url.Parse(in.target)
	if err != nil {
		return in.target
	}
	if in.method == http.MethodPost && u.RawQuery == "" && in.header["If-None-Exist"] == nil {
		return "" // creates something new, or is an operation
	}
	return u.Path + "?" + u.RawQuery + strings.Join(in.header["If-None-Exist"], "")
}
