package gateway

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

type code struct {
	Code string `json:"code"`
}

type searchParam struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
	Type       string `json:"type"`
}

type restResource struct {
	Type              string        `json:"type"`
	Interaction       []code        `json:"interaction"`
	Versioning        string        `json:"versioning"`
	ReadHistory       bool          `json:"readHistory"`
	UpdateCreate      bool          `json:"updateCreate"`
	ConditionalCreate bool          `json:"conditionalCreate"`
	ConditionalRead   string        `json:"conditionalRead"`
	ConditionalUpdate bool          `json:"conditionalUpdate"`
	ConditionalDelete string        `json:"conditionalDelete"`
	ReferencePolicy   []string      `json:"referencePolicy"`
	SearchParam       []searchParam `json:"searchParam,omitempty"`
}

// metadata answers GET metadata: a CapabilityStatement generated from the routes and from the search parameters
// that are indexed (R4 section 3.1.0.9).
func (s *Server) metadata(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderAccessControlAllowOrigin, "*")
	return sendJSON(c, http.StatusOK, marshal(s.capabilities()))
}

func (s *Server) capabilities() any {
	types := fhir.StorableTypes()
	resources := make([]restResource, 0, len(types))
	for _, t := range types {
		resources = append(resources, restResource{
			Type: t, Interaction: interactions("type"), Versioning: "versioned", ReadHistory: true, UpdateCreate: true,
			ConditionalCreate: true, ConditionalRead: "full-support", ConditionalDelete: "not-supported",
			ReferencePolicy: []string{"literal", "logical"}, SearchParam: searchParams(t),
		})
	}
	system := append(interactions("system"), code{"batch"})
	return map[string]any{
		"resourceType": "CapabilityStatement",
		"url":          s.cfg.Base + "/metadata",
		"name":         "Chartseal", "title": "Chartseal FHIR R4 gateway", "status": "active", "experimental": false,
		"date": s.started.UTC().Format(time.RFC3339), "kind": "instance",
		"description":    "Stores every resource encrypted and commits provenance, access and consent to a ledger.",
		"software":       map[string]any{"name": "Chartseal", "version": s.cfg.Version},
		"implementation": map[string]any{"description": "Chartseal gateway", "url": s.cfg.Base},
		"fhirVersion":    "4.0.1", "format": []string{"application/fhir+json", "json"},
		"rest": []any{map[string]any{
			"mode": "server",
			"security": map[string]any{
				"cors":        false,
				"service":     []any{map[string]any{"coding": []any{map[string]any{"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "OAuth"}}}},
				"description": "Every request but metadata carries a bearer token with SMART v2 scopes.",
			},
			"resource": resources, "interaction": system,
		}},
	}
}

func interactions(level string) []code {
	var out []code
	for _, r := range routes {
		if r.level == level && r.code != "" {
			out = append(out, code{r.code})
		}
	}
	return out
}

func searchParams(typ string) []searchParam {
	var out []searchParam
	for _, p := range record.SearchParams(typ) {
		out = append(out, searchParam{Name: p.Code, Definition: p.URL, Type: p.Type.String()})
	}
	return out
}
