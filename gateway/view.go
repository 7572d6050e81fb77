package gateway

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// parseView reads _summary and _elements (R4 search.html#summary and #elements), which hold for every answer that
// shows resources.
func parseView(typ string, values url.Values) (fhir.View, error) {
	if !values.Has("_summary") && !values.Has("_elements") {
		return fhir.View{}, nil
	}
	v, err := fhir.ParseView(typ, values.Get("_summary"), values["_elements"])
	if err != nil {
		return v, badRequest(err.Error())
	}
	return v, nil
}

// shownJSON is the part of a resource that the client asked for.
func shownJSON(c echo.Context, r *record.Result) []byte {
	x := exchangeOf(c)
	if x.view.Whole() {
		return r.JSON
	}
	return x.view.Append(nil, r.Type, r.JSON)
}
