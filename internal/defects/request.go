package defects

import (
	"net/http"
	"slices"
	"strings"
)

// base is the path of the FHIR base.
const base = "/fhir"

// segments are those of a path below the base; none for the base itself, and nil for what lies elsewhere.
func segments(r *http.Request) []string {
	below, ok := strings.CutPrefix(r.URL.Path, base)
	if !ok {
		return nil
	}
	below = strings.Trim(below, "/")
	if below == "" {
		return []string{}
	}
	return strings.Split(below, "/")
}

// kindOf names the interaction of a request as the CapabilityStatement does, where it has a name; operations are
// called by their own. A HEAD counts as the GET.
func kindOf(r *http.Request) string {
	list := segments(r)
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if list == nil {
		return ""
	}
	last := ""
	if len(list) > 0 {
		last = list[len(list)-1]
	}
	switch {
	case method == http.MethodOptions:
		return "options"
	case strings.HasPrefix(last, "$"):
		return last
	case last == "_history" && method == http.MethodGet:
		return "history"
	case last == "_search" && method == http.MethodPost:
		return "search"
	case last == "metadata" && method == http.MethodGet:
		return "metadata"
	case len(list) == 4 && list[2] == "_history" && method == http.MethodGet:
		return "vread"
	case len(list) == 0 && method == http.MethodPost:
		return "bundle"
	case len(list) == 1:
		return map[string]string{"POST": "create", "GET": "search", "PUT": "update-where", "PATCH": "patch-where", "DELETE": "delete-where"}[method]
	case len(list) == 2 && list[0][0] != '$':
		return map[string]string{"GET": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[method]
	}
	return ""
}

// on matches requests of some kinds.
func on(kinds ...string) func(*http.Request) bool {
	return func(r *http.Request) bool { return slices.Contains(kinds, kindOf(r)) }
}

// anything matches all requests below the base.
func anything(r *http.Request) bool { return segments(r) != nil }

// without strips headers from requests of some kinds.
func without(names []string, kinds ...string) func(http.Handler) http.Handler {
	return asked(on(kinds...), func(r *http.Request) {
		for _, name := range names {
			r.Header.Del(name)
		}
	})
}

// lacking strips headers from answers to requests of some kinds.
func lacking(names []string, kinds ...string) func(http.Handler) http.Handler {
	return answered(on(kinds...), func(_ *http.Request, a *answer) {
		for _, name := range names {
			a.header.Del(name)
		}
	})
}

// ignoring takes parameters out of the URL and of the form of a search.
func ignoring(names []string, kinds ...string) func(http.Handler) http.Handler {
	return parameters(func(name, value string) (string, string, bool) {
		return name, value, !slices.Contains(names, name)
	}, kinds...)
}

// parameters changes the parameters of a request, or drops those that it says no to. What is kept keeps its place and
// its escapes.
func parameters(change func(name, value string) (string, string, bool), kinds ...string) func(http.Handler) http.Handler {
	return asked(on(kinds...), func(r *http.Request) {
		r.URL.RawQuery = changed(r.URL.RawQuery, change)
		r.RequestURI = r.URL.RequestURI()
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			setBody(r, []byte(changed(string(bodyOf(r)), change)))
		}
	})
}

func changed(query string, change func(name, value string) (string, string, bool)) string {
	var out []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if pair == "" {
			continue
		}
		was := name + "=" + value
		name, value, keep := change(name, value)
		switch now := name + "=" + value; {
		case !keep:
		case now == was:
			out = append(out, pair)
		default:
			out = append(out, now)
		}
	}
	return strings.Join(out, "&")
}

// status turns one status of answers into another.
func status(from, to int, kinds ...string) func(http.Handler) http.Handler {
	return answered(on(kinds...), func(_ *http.Request, a *answer) {
		if a.status == from {
			a.status = to
		}
	})
}

// redirect sends a request to another path, with the same query.
func redirect(r *http.Request, path string) {
	r.URL.Path, r.URL.RawPath = path, ""
	r.RequestURI = r.URL.RequestURI()
}
