package gateway

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// validate answers Type/$validate and Type/id/$validate (R4 resource-operation-validate.html): what would happen to a
// resource if it were sent. The answer is 200 with an OperationOutcome, whatever it finds.
func (s *Server) validate(c echo.Context) error {
	typ, err := resourceType(c)
	if err != nil {
		return err
	}
	in, err := s.input(c)
	if err != nil {
		return err
	}
	if err := in.only("mode", "profile"); err != nil {
		return err
	}
	mode := in.values.Get("mode")
	if mode != "" && !contains([]string{"create", "update", "delete", "profile"}, mode) {
		return badRequest("the parameter mode takes create, update, delete or profile")
	}
	raw := in.body
	if r, ok := in.resources["resource"]; ok {
		raw = r
	}
	issues, err := s.judge(c, typ, mode, raw)
	if err != nil {
		return err
	}
	if in.values.Has("profile") || mode == "profile" {
		issues = append(issues, fhir.Issue{
			Severity: "warning", Code: "not-supported",
			Diagnostics: "profiles are not checked here: the resource was compared with the base definitions",
		})
	}
	if len(issues) == 0 {
		issues = []fhir.Issue{{Severity: "information", Code: "informational", Diagnostics: "no issues found"}}
	}
	return sendJSON(c, http.StatusOK, outcomeJSON(issues))
}

// judge finds what is wrong with a resource for a mode. Without a resource the stored one is judged.
func (s *Server) judge(c echo.Context, typ, mode string, raw []byte) ([]fhir.Issue, error) {
	id := c.Param("id")
	if mode == "delete" || len(raw) == 0 {
		if id == "" {
			return nil, &record.Error{Kind: record.Invalid, Code: "required", Msg: "send the resource to validate, itself or as the parameter resource of Parameters"}
		}
		typ, id, err := instance(c)
		if err != nil {
			return nil, err
		}
		stored, err := s.cfg.Records.Read(c.Request().Context(), caller(c), typ, id)
		if err != nil || mode == "delete" {
			return nil, err
		}
		raw = stored.JSON
	}
	r, err := fhir.Parse(raw, s.cfg.Limits)
	var invalid *fhir.Invalid
	if errors.As(err, &invalid) {
		return invalid.Issues, nil
	}
	if err != nil {
		return nil, err
	}
	return fits(r, typ, id, mode), nil
}

// fits compares the resource with the URL, as the interaction of the mode would.
func fits(r *fhir.Resource, typ, id, mode string) (issues []fhir.Issue) {
	add := func(text, where string) {
		issues = append(issues, fhir.Issue{Severity: "error", Code: "invalid", Diagnostics: text, Expression: []string{where}})
	}
	if r.Type != typ {
		add("the resource is no "+typ+", which the URL names", r.Type)
	}
	if mode == "update" {
		switch {
		case r.ID == "":
			add("an update needs the resource's id", r.Type+".id")
		case id != "" && r.ID != id:
			add("the resource's id is not the one in the URL", r.Type+".id")
		}
		if fhir.Subsetted(r.JSON) {
			add("the resource is marked SUBSETTED: an update with it would lose what it leaves out", r.Type+".meta.tag")
		}
	}
	if mode == "create" && !fhir.Storable(r.Type) {
		add("resources of this type are not stored", r.Type)
	}
	return issues
}
