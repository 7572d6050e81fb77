package gateway

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// belowBase gives the path of a request below the FHIR base, as the router sees it; ok is false for what lies
// elsewhere.
func belowBase(c echo.Context) (path string, ok bool) {
	path, ok = strings.CutPrefix(echo.GetPath(c.Request()), fhirPath)
	return path, ok && (path == "" || path[0] == '/')
}

// options answers OPTIONS below the base with the methods that are there (RFC 9110 section 9.3.7). It comes before
// the middleware for CORS, which takes the same list for a preflight.
func (s *Server) options(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodOptions {
			return next(c)
		}
		path, ok := belowBase(c)
		if !ok {
			return next(c)
		}
		methods := allowed(path)
		if len(methods) == 0 || !knownType(path) {
			return unroutable(c)
		}
		c.Set(echo.ContextKeyHeaderAllow, strings.Join(methods, ", "))
		if c.Request().Header.Get(echo.HeaderOrigin) != "" {
			return next(c) // a preflight
		}
		c.Response().Header().Set(echo.HeaderAllow, strings.Join(methods, ", "))
		return c.NoContent(http.StatusNoContent)
	}
}

// unroutable says what is wrong with a request that no route takes.
func unroutable(c echo.Context) error {
	path, ok := belowBase(c)
	if !ok {
		return echo.ErrNotFound
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	c.Response().Header().Del(echo.HeaderAllow) // the router's, which knows no types and no operations
	switch methods := allowed(path); {
	case !knownType(path):
		return unknownType(first)
	case len(methods) > 0:
		return notAllowed(strings.Join(methods, ", "), "this interaction is not supported here; see the Allow header and /metadata")
	case strings.Contains(path, "/$"):
		return &refusal{status: http.StatusNotFound, code: "not-supported", text: "there is no such operation here; GET metadata lists those that are"}
	}
	return &refusal{status: http.StatusNotFound, code: "not-found", text: "nothing is served under this path; GET metadata lists what is"}
}

// knownType tells whether a path begins with a type that is served, or with something else than a type.
func knownType(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first == "" || first[0] == '$' || first[0] == '_' || first == ".well-known" || first == "metadata" || fhir.Storable(first)
}

// unknownType is the answer to a URL whose first part is no type, with the type that was probably meant.
func unknownType(name string) error {
	text := "the URL does not name a FHIR R4 resource type that this server stores; types are spelled as in Patient"
	if near := nearestType(name); near != "" {
		text = "the URL does not name a FHIR R4 resource type that this server stores; " + near + " is one"
	}
	return &record.Error{Kind: record.Absent, Code: "not-supported", Msg: text}
}

// nearestType guesses which type a misspelt name means; empty if none is near.
func nearestType(name string) string {
	if len(name) < 3 || len(name) > 40 {
		return ""
	}
	name = strings.ToLower(name)
	best, distance := "", 3
	for _, t := range fhir.StorableTypes() {
		lower := strings.ToLower(t)
		for _, form := range []string{lower, plural(lower)} {
			if d := editDistance(name, form, distance); d < distance && d*3 <= len(lower) {
				best, distance = t, d
			}
		}
	}
	return best
}

func plural(word string) string {
	if stem, ok := strings.CutSuffix(word, "y"); ok {
		return stem + "ies"
	}
	return word + "s"
}

// editDistance counts insertions, deletions, substitutions and swaps of neighbours (optimal string alignment); limit
// if there are that many or more.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return min(last[len(b)], limit)
}
