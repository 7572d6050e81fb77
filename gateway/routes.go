package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/gateway/opdefs"
)

// route is one FHIR interaction. The table registers the routes, answers OPTIONS and 405, and writes /metadata, so
// that these cannot differ.
type route struct {
	method, path string
	level        string // type, system or operation
	code         string // of the CapabilityStatement: an interaction, or the name of an operation
	handler      func(*Server) echo.HandlerFunc
}

// routes is the table. It is a function, because the handlers look into it.
func routes() []route {
	return []route{
		{http.MethodGet, "/metadata", "open", "", method((*Server).metadata)},
		{http.MethodGet, "/.well-known/smart-configuration", "open", "", method((*Server).smartConfiguration)},

		{http.MethodGet, "/:type/:id", "type", "read", method((*Server).read)},
		{http.MethodGet, "/:type/:id/_history/:vid", "type", "vread", method((*Server).vread)},
		{http.MethodPut, "/:type/:id", "type", "update", method((*Server).update)},
		{http.MethodPut, "/:type", "type", "", method((*Server).updateWhere)},
		{http.MethodPatch, "/:type/:id", "type", "patch", method((*Server).patch)},
		{http.MethodPatch, "/:type", "type", "", method((*Server).patchWhere)},
		{http.MethodDelete, "/:type/:id", "type", "delete", method((*Server).remove)},
		{http.MethodDelete, "/:type", "type", "", method((*Server).removeWhere)},
		{http.MethodGet, "/:type/:id/_history", "type", "history-instance", method((*Server).history)},
		{http.MethodGet, "/:type/_history", "type", "history-type", method((*Server).history)},
		{http.MethodGet, "/_history", "system", "history-system", method((*Server).history)},
		{http.MethodPost, "/:type", "type", "create", method((*Server).create)},
		{http.MethodGet, "/:type", "type", "search-type", method((*Server).search)},
		{http.MethodPost, "/:type/_search", "type", "", method((*Server).searchPost)},

		{http.MethodPost, "", "system", "transaction", method((*Server).bundle)},
		{http.MethodPost, "/", "system", "batch", method((*Server).bundle)},

		{http.MethodGet, "/:type/:id/$receipt", "operation", "receipt", method((*Server).receipt)},
		{http.MethodGet, "/:type/:id/_history/:vid/$receipt", "operation", "", method((*Server).receipt)},

		{http.MethodGet, "/:type/:id/$everything", "operation", "everything", method((*Server).everything)},
		{http.MethodPost, "/:type/:id/$everything", "operation", "", method((*Server).everything)},
		{http.MethodGet, "/:type/$everything", "operation", "", method((*Server).everything)},
		{http.MethodPost, "/:type/$everything", "operation", "", method((*Server).everything)},
		{http.MethodPost, "/:type/$validate", "operation", "validate", method((*Server).validate)},
		{http.MethodPost, "/:type/:id/$validate", "operation", "", method((*Server).validate)},
		{http.MethodGet, "/:type/:id/$validate", "operation", "", method((*Server).validate)},
		{http.MethodGet, "/$meta", "operation", "meta", method((*Server).meta)},
		{http.MethodGet, "/:type/$meta", "operation", "", method((*Server).meta)},
		{http.MethodGet, "/:type/:id/$meta", "operation", "", method((*Server).meta)},
		{http.MethodGet, "/:type/:id/_history/:vid/$meta", "operation", "", method((*Server).meta)},
		{http.MethodPost, "/:type/:id/$meta-add", "operation", "meta-add", method((*Server).metaAdd)},
		{http.MethodPost, "/:type/:id/$meta-delete", "operation", "meta-delete", method((*Server).metaDelete)},
		{http.MethodGet, "/:type/$lastn", "operation", "lastn", method((*Server).lastN)},
		{http.MethodPost, "/:type/$lastn", "operation", "", method((*Server).lastN)},
		{http.MethodGet, "/:type/$docref", "operation", "docref", method((*Server).docRef)},
		{http.MethodPost, "/:type/$docref", "operation", "", method((*Server).docRef)},

		{http.MethodPost, "/$verify-receipt", "operation", "verify-receipt", method((*Server).verifyReceipt)},
		{http.MethodGet, "/$write-status/:status", "operation", "write-status", method((*Server).writeStatus)},
		{http.MethodGet, "/$async-status/:job", "operation", "", method((*Server).jobStatus)},
		{http.MethodDelete, "/$async-status/:job", "operation", "", method((*Server).jobCancel)},
	}
}

// fhirPath is where the FHIR base lies on this server.
const fhirPath = "/fhir"

func method(f func(*Server, echo.Context) error) func(*Server) echo.HandlerFunc {
	return func(s *Server) echo.HandlerFunc { return func(c echo.Context) error { return f(s, c) } }
}

// Routes lists what is served below the FHIR base, for tests that walk all of it.
func Routes() []string {
	var out []string
	for _, r := range routes() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// register adds the table's routes, one by one: the middleware of a group would turn every 405 into 404.
func (s *Server) register() {
	for _, r := range routes() {
		h := r.handler(s)
		if r.level != "open" {
			h = s.authenticate(s.deferrable(h))
		}
		h = s.negotiate(h)
		s.echo.Add(r.method, fhirPath+r.path, h)
		if r.method == http.MethodGet {
			s.echo.Add(http.MethodHead, fhirPath+r.path, h)
		}
	}
}

// allowed lists the methods that a path below the base has, by the table; none if nothing is there.
func allowed(path string) []string {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	var out []string
	add := func(m string) {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	for _, r := range routes() {
		if !r.leadsTo(parts) || withheld(r.method, parts) {
			continue
		}
		add(r.method)
		if r.method == http.MethodGet {
			add(http.MethodHead)
		}
	}
	if len(out) > 0 {
		add(http.MethodOptions)
	}
	slices.Sort(out)
	return out
}

// withheld are the methods that one path does not have although its like do: a Binary has nothing to patch, and the
// server's own definitions do not change.
func withheld(method string, parts []string) bool {
	switch {
	case len(parts) > 1 && parts[1] == "Binary":
		return method == http.MethodPatch
	case len(parts) == 3 && parts[1] == "OperationDefinition" && opdefs.Get(parts[2]) != nil:
		return method != http.MethodGet
	}
	return false
}

// leadsTo compares the route with a path, part by part. What begins with $ or _ is a name of the API, never an id.
func (r *route) leadsTo(parts []string) bool {
	pattern := strings.Split(strings.TrimSuffix(r.path, "/"), "/")
	if len(pattern) != len(parts) {
		return false
	}
	for i, p := range pattern {
		switch got := parts[i]; {
		case p == ":type" || p == ":id":
			if got == "" || got[0] == '$' || got[0] == '_' || got[0] == '.' || (p == ":type" && got == "metadata") {
				return false
			}
		case strings.HasPrefix(p, ":"):
			if got == "" {
				return false
			}
		case p != got:
			return false
		}
	}
	return true
}
