package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// docRef answers DocumentReference/$docref (US Core OperationDefinition docref): the documents about care in a range
// of time or, without a range, the most recent one. Of what is stored: this server makes none on demand.
func (s *Server) docRef(c echo.Context) error {
	if c.Param("type") != "DocumentReference" {
		return noOperation()
	}
	in, err := s.parametersOnly(c)
	if err != nil {
		return err
	}
	page, err := s.docRefPage(c, in)
	if err != nil {
		return err
	}
	find, _ := withoutPresentation(in.values)
	page.Used = find
	return sendJSON(c, http.StatusOK, s.pageBundle(c, page))
}

func (s *Server) docRefPage(c echo.Context, in *input) (*record.SearchPage, error) {
	ctx := c.Request().Context()
	if sealed := in.values.Get(cursorParam); sealed != "" {
		return s.cfg.Records.SearchNext(ctx, caller(c), "DocumentReference", sealed)
	}
	find, err := docRefSearch(in)
	if err != nil {
		return nil, err
	}
	page, err := s.cfg.Records.Search(ctx, caller(c), "DocumentReference", find, true)
	if err != nil || find.Has("period") {
		return page, err
	}
	if page.Next != "" {
		return nil, &record.Error{Kind: record.TooLarge, Code: "too-costly", Msg: "the patient has more documents than $docref compares; give start or end"}
	}
	page.Matches = newestDocument(page.Matches)
	page.Total = len(page.Matches)
	return page, nil
}

// docRefSearch translates the parameters into a search.
func docRefSearch(in *input) (url.Values, error) {
	if err := in.only("patient", "start", "end", "type", "on-demand", "profile"); err != nil {
		return nil, err
	}
	patient := in.values.Get("patient")
	if patient == "" {
		return nil, &record.Error{Kind: record.Invalid, Code: "required", Msg: "$docref needs the parameter patient"}
	}
	if !strings.Contains(patient, "/") {
		patient = "Patient/" + patient
	}
	find := url.Values{"patient": {patient}, "_count": {strconv.Itoa(record.MaxCount)}}
	for param, prefix := range map[string]string{"start": "ge", "end": "le"} {
		date := in.values.Get(param)
		if date == "" {
			continue
		}
		if _, _, err := fhir.ParseDateRange(date, time.UTC); err != nil {
			return nil, badRequest("the parameter " + param + " has no valid value")
		}
		find.Add("period", prefix+date)
	}
	types, err := in.codings("type")
	if len(types) > 0 {
		find.Set("type", strings.Join(types, ","))
	}
	if profiles := in.values["profile"]; len(profiles) > 0 {
		find.Set("_profile", strings.Join(profiles, ","))
	}
	return find, err
}

// codings reads a parameter of type CodeableConcept: of Parameters, or system|code in the URL.
func (in *input) codings(name string) ([]string, error) {
	out := in.values[name]
	raw, ok := in.complex[name]
	if !ok {
		return out, nil
	}
	var concept struct {
		Coding []struct{ System, Code string }
	}
	if err := json.Unmarshal(raw, &concept); err != nil {
		return nil, badRequest("the parameter " + name + " is not a CodeableConcept")
	}
	for _, c := range concept.Coding {
		out = append(out, escapeToken(c.System)+"|"+escapeToken(c.Code))
	}
	return out, nil
}

// escapeToken keeps the separators of search values in a value (R4 search.html#escaping).
func escapeToken(s string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`).Replace(s)
}

// newestDocument keeps the one that was made last, by DocumentReference.date or else by when it was stored.
func newestDocument(list []*record.Result) []*record.Result {
	var newest *record.Result
	var at time.Time
	for _, r := range list {
		var doc struct{ Date string }
		made := r.LastUpdated
		if err := json.Unmarshal(r.JSON, &doc); err == nil {
			if low, _, err := fhir.ParseDateRange(doc.Date, time.UTC); err == nil {
				made = low
			}
		}
		if newest == nil || made.After(at) {
			newest, at = r, made
		}
	}
	if newest == nil {
		return nil
	}
	return []*record.Result{newest}
}
