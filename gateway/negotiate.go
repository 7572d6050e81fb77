package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
)

// wish is the form in which a client wants its answer.
type wish struct {
	contentType string // of a FHIR answer; empty: none can be had that is acceptable
	exact       bool   // the client named a FHIR JSON type, which a Binary asks for
	pretty      bool
	prefer      preferences
	silent      bool       // prefer.returns is our choice: nothing is reported as applied
	view        fhir.View  // _summary and _elements
	show        url.Values // the parameters that said so, for page links
}

// negotiate reads the wish of a request (R4 http.html#mime-type and #parameters) and refuses what cannot be had.
func (s *Server) negotiate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x, r := exchangeOf(c), c.Request()
		x.contentType, x.exact, _ = acceptJSON(r.Header["Accept"])
		if lines := r.Header["Prefer"]; len(lines) > 0 {
			x.prefer = parsePrefer(lines)
		}
		if r.URL.RawQuery != "" {
			values, err := url.ParseQuery(r.URL.RawQuery)
			if err != nil {
				return errQuery
			}
			if err := x.parameters(storable(c.Param("type")), values); err != nil {
				return err
			}
		}
		if x.contentType == "" && !servesRaw(c) && !strings.HasSuffix(c.Path(), "/_search") { // whose form may say _format
			return errNotAcceptable
		}
		return next(c)
	}
}

var errNotAcceptable = &refusal{
	status: http.StatusNotAcceptable, code: "not-supported", text: "only FHIR JSON can be had: accept application/fhir+json",
}

// parameters reads the general parameters, of the URL or of a form. _format goes before the Accept header.
func (x *exchange) parameters(typ string, values url.Values) (err error) {
	if format := values.Get("_format"); format != "" {
		contentType, ok := formatType(format)
		if !ok {
			return &refusal{status: http.StatusNotAcceptable, code: "not-supported", text: "_format: only json, application/json and application/fhir+json can be had"}
		}
		x.contentType, x.exact = contentType, true
	}
	if p := values.Get("_pretty"); p != "" {
		x.pretty = p == "true"
	}
	_, x.show = withoutPresentation(values)
	x.view, err = parseView(typ, values)
	return err
}

// storable is a type's name, or nothing for what is none: that is for the handler to refuse.
func storable(typ string) string {
	if fhir.Storable(typ) {
		return typ
	}
	return ""
}

// presentational are the parameters that shape an answer and that no search needs to see.
var presentational = []string{"_format", "_pretty", "_summary", "_elements"}

// withoutPresentation are the parameters that say what to find, and those that say how to show it, for page links.
func withoutPresentation(values url.Values) (find, show url.Values) {
	find, show = url.Values{}, url.Values{}
	for name, v := range values {
		into := find
		for _, p := range presentational {
			if name == p {
				into = show
			}
		}
		into[name] = v
	}
	return find, show
}

// servesRaw tells whether the route may answer something else than FHIR JSON: reads of a Binary.
func servesRaw(c echo.Context) bool {
	m := c.Request().Method
	return c.Param("type") == "Binary" && c.Param("id") != "" && (m == http.MethodGet || m == http.MethodHead) && !strings.Contains(c.Path(), "$")
}
