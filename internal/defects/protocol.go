package defects

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

func protocol() []Defect {
	return []Defect{
		{"content-type-of-json", "http/negotiation", "answers are application/json although FHIR's own type was asked for", "R4 http.html#mime-type", answered(anything, func(_ *http.Request, a *answer) {
			if t := a.header.Get("Content-Type"); t != "" {
				a.header.Set("Content-Type", strings.Replace(t, "application/fhir+json", "application/json", 1))
			}
		})},
		{"format-xml-as-json", "http/negotiation", "_format=xml is answered with JSON", "R4 http.html#mime-type", parameters(func(name, value string) (string, string, bool) {
			return name, value, name != "_format" || !strings.HasSuffix(value, "xml")
		}, "read", "vread", "search", "history", "metadata")},
		{"format-ignored", "http/negotiation", "Accept goes before _format", "R4 http.html#parameters", asked(anything, func(r *http.Request) {
			if r.Header.Get("Accept") != "" && r.URL.Query().Get("_format") != "" {
				r.URL.RawQuery = changed(r.URL.RawQuery, func(n, v string) (string, string, bool) { return n, v, n != "_format" })
			}
		})},
		{"accept-ignored", "http/negotiation", "what cannot be had is answered with JSON, not with 406", "R4 http.html#mime-type", asked(anything, func(r *http.Request) {
			if r.Header.Get("Accept") != "" {
				r.Header.Set("Accept", "application/fhir+json")
			}
		})},
		{"charset-ignored", "http/negotiation", "a body in another charset is read as UTF-8", "R4 http.html#mime-type", withoutTypeParameter("charset")},
		{"fhir-version-ignored", "http/negotiation", "a body of another version of FHIR is taken for R4", "R4 http.html#version-parameter", withoutTypeParameter("fhirVersion")},
		{"xml-answers-400", "http/negotiation", "an unsupported Content-Type answers 400", "R4 http.html#mime-type; RFC 9110 section 15.5.16", status(415, 400, "create", "update", "patch", "bundle")},
	}
}

// refusals are defects of errors and of encodings.
func refusals() []Defect {
	return []Defect{
		{"not-allowed-without-allow", "http/methods", "405 does not say what is allowed", "RFC 9110 section 15.5.6", answered(anything, func(_ *http.Request, a *answer) {
			if a.status == http.StatusMethodNotAllowed {
				a.header.Del("Allow")
			}
		})},
		{"unknown-type-400", "read/basic", "an unknown type answers 400", "R4 http.html#read", answered(anything, func(r *http.Request, a *answer) {
			if list := segments(r); a.status == http.StatusNotFound && strings.Contains(string(a.body), `"not-supported"`) && !strings.Contains(list[len(list)-1], "$") {
				a.status = http.StatusBadRequest
			}
		})},
		{"errors-in-plain-text", "read/basic", "errors come as text, without an OperationOutcome", "R4 http.html#Status-Codes", answered(anything, func(_ *http.Request, a *answer) {
			if a.status >= 400 {
				a.header.Set("Content-Type", "text/plain; charset=utf-8")
				a.body = []byte(strconv.Itoa(a.status) + " " + http.StatusText(a.status) + "\n")
			}
		})},
		{"outcome-without-code", "create/refused", "issues lack their code", "R4 operationoutcome.html", answered(anything, func(_ *http.Request, a *answer) {
			a.edit(nil, func(raw json.RawMessage) json.RawMessage {
				if text(raw, "resourceType") != "OperationOutcome" {
					return raw
				}
				return edited(raw, gone, "issue", "*", "code")
			})
		})},
		{"gzip-in-name-only", "http/encoding", "an answer says gzip and is not", "RFC 9110 section 8.4", answered(anything, func(_ *http.Request, a *answer) { a.packed = false })},
		{"gzip-body-unread", "http/encoding", "a compressed body is taken for JSON and refused", "R4 http.html#3.1.0.1.9", asked(on("create", "update", "bundle"), func(r *http.Request) {
			if r.Header.Get("Content-Encoding") == "gzip" {
				r.Header.Del("Content-Encoding")
			}
		})},
	}
}

// withoutTypeParameter does not look at a parameter of the Content-Type.
func withoutTypeParameter(name string) func(http.Handler) http.Handler {
	given := regexp.MustCompile(`(?i);\s*` + name + `\s*=\s*("[^"]*"|[^;\s]*)`)
	return asked(anything, func(r *http.Request) {
		if t := r.Header.Get("Content-Type"); t != "" {
			r.Header.Set("Content-Type", given.ReplaceAllString(t, ""))
		}
	})
}

func headers() []Defect {
	return []Defect{
		{"cors-missing", "http/cors", "browsers may not read answers", "R4 security.html#cors", answered(anything, func(_ *http.Request, a *answer) {
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control-") {
					a.header.Del(name)
				}
			}
		})},
		{"cors-exposes-nothing", "http/cors", "scripts of other origins cannot see ETag and Location", "R4 security.html#cors", answered(anything, func(_ *http.Request, a *answer) {
			a.header.Del("Access-Control-Expose-Headers")
		})},
		{"head-of-another-length", "binary/basic", "HEAD says Content-Length: 0", "RFC 9110 section 9.3.2", asHead(func(a *answer) { a.body = nil; a.header.Set("Content-Length", "0") })},
		{"head-without-etag", "http/methods", "HEAD lacks the ETag of the GET", "RFC 9110 section 9.3.2", asHead(func(a *answer) { a.header.Del("ETag") })},
		{"options-405", "http/methods", "OPTIONS is not allowed", "RFC 9110 section 9.3.7", replaced(func(r *http.Request) bool {
			return kindOf(r) == "options" && r.Header.Get("Origin") == ""
		}, func(next http.Handler, r *http.Request) *answer {
			a := ask(next, r)
			a.fail(http.StatusMethodNotAllowed, "not-supported")
			return a
		})},
		{"request-id-not-echoed", "http/headers", "X-Request-Id does not come back", "R4 http.html#custom", without([]string{"X-Request-Id"}, "read", "search", "metadata", "create", "update")},
	}
}

func asHead(change func(*answer)) func(http.Handler) http.Handler {
	return replaced(func(r *http.Request) bool { return r.Method == http.MethodHead && anything(r) }, func(next http.Handler, r *http.Request) *answer {
		a := ask(next, r)
		change(a)
		return a
	})
}
