package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// everything answers Patient/id/$everything and Encounter/id/$everything, and Patient/$everything for a token that is
// bound to one patient (R4 OperationDefinition Patient-everything, Encounter-everything).
func (s *Server) everything(c echo.Context) error {
	q := record.EverythingQuery{Count: record.MaxCount}
	var err error
	if c.Param("id") == "" && c.Param("type") == "Patient" && caller(c).Patient != "" {
		q.Type, q.ID = "Patient", caller(c).Patient
	} else if q.Type, q.ID, err = instance(c); err != nil {
		return err
	}
	if q.Type != "Patient" && q.Type != "Encounter" {
		return noOperation()
	}
	in, err := s.parametersOnly(c)
	if err != nil {
		return err
	}
	var page *record.SearchPage
	if sealed := in.values.Get(cursorParam); sealed != "" {
		page, err = s.cfg.Records.EverythingNext(c.Request().Context(), caller(c), q.Type, q.ID, sealed)
	} else if err = readEverything(in, &q); err == nil {
		page, err = s.cfg.Records.Everything(c.Request().Context(), caller(c), q)
	}
	if err != nil {
		return err
	}
	find, _ := withoutPresentation(in.values)
	page.Used = find
	return sendJSON(c, http.StatusOK, s.pageBundle(c, page))
}

// noOperation is the answer for an operation that the type does not have.
func noOperation() error {
	return &refusal{status: http.StatusNotFound, code: "not-supported", text: "there is no such operation here; GET metadata lists those that are"}
}

func readEverything(in *input, q *record.EverythingQuery) (err error) {
	known := []string{"_since", "_type", "_count"}
	if q.Type == "Patient" {
		known = append(known, "start", "end")
	}
	if err := in.only(known...); err != nil {
		return err
	}
	for name, values := range in.values {
		value := values[0]
		switch name {
		case "_since":
			q.Since, _, err = fhir.ParseDateRange(value, time.UTC)
		case "start":
			q.Start, _, err = fhir.ParseDateRange(value, time.UTC)
		case "end":
			_, q.End, err = fhir.ParseDateRange(value, time.UTC)
		case "_count":
			q.Count, err = pageSize(value)
		case "_type":
			q.Types, err = typeList(values)
		}
		if err != nil {
			return badRequest("the parameter " + name + " has no valid value")
		}
	}
	return nil
}

// typeList reads _type: repeated, or with commas.
func typeList(values []string) (types []string, err error) {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if !fhir.Storable(t) {
				return nil, url.InvalidHostError("type")
			}
			types = append(types, t)
		}
	}
	return types, nil
}

// pageBundle renders a page of an operation that answers like a search.
func (s *Server) pageBundle(c echo.Context, page *record.SearchPage) []byte {
	w := newBundle("searchset", page.Total)
	w.roomFor(page.Matches, page.Included)
	w.links(s.pageLinks(c, page.Used, page.Next))
	s.pageEntries(c, w, page)
	return w.finish()
}

// pageEntries writes the matches, what they include, and what was ignored.
func (s *Server) pageEntries(c echo.Context, w *bundleWriter, page *record.SearchPage) {
	for mode, list := range [][]*record.Result{page.Matches, page.Included} {
		for _, r := range list {
			w.open()
			w.fullURL(s.cfg.Base, r)
			w.comma()
			w.resource(shownJSON(c, r))
			w.searchMode([]string{"match", "include"}[mode])
			w.close()
		}
	}
	if len(page.Ignored) == 0 {
		return
	}
	issues := make([]fhir.Issue, 0, len(page.Ignored))
	for _, name := range page.Ignored {
		issues = append(issues, fhir.Issue{
			Severity: "warning", Code: "not-supported", Diagnostics: "parameter " + name + " is not supported here and was ignored",
		})
	}
	w.outcomeEntry(issues)
}
