package gateway

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// capabilities are the statements of this server, each rendered when it is first asked for.
type capabilities struct {
	mu   sync.Mutex
	made map[string]statement // by mode; guarded by mu
}

type statement struct {
	json []byte
	tag  string
}

// metadata answers GET metadata (R4 http.html#capabilities): what is really served, by the table of routes and the
// search parameters that are indexed. It is the same until the server starts again.
func (s *Server) metadata(c echo.Context) error {
	mode := c.QueryParam("mode")
	if mode == "" {
		mode = "full"
	}
	st, ok := s.statement(mode)
	if !ok {
		return badRequest("mode takes full, normative or terminology")
	}
	return s.sendConstant(c, statementType(mode), st.json, st.tag)
}

func statementType(mode string) string {
	if mode == "terminology" {
		return "TerminologyCapabilities"
	}
	return "CapabilityStatement"
}

func (s *Server) statement(mode string) (statement, bool) {
	s.stated.mu.Lock()
	defer s.stated.mu.Unlock()
	if st, ok := s.stated.made[mode]; ok {
		return st, true
	}
	var doc any
	switch mode {
	case "full":
		doc = s.capabilityStatement(fhir.StorableTypes())
	case "normative":
		doc = s.capabilityStatement(normativeTypes)
	case "terminology":
		doc = s.terminologyCapabilities()
	default:
		return statement{}, false
	}
	json := marshal(doc)
	st := statement{json, contentTag(json)}
	if s.stated.made == nil {
		s.stated.made = map[string]statement{}
	}
	s.stated.made[mode] = st
	return st, true
}

// normativeTypes are the types of R4 that are normative and can be stored (R4 resourcelist.html).
var normativeTypes = []string{
	"Binary", "Bundle", "CapabilityStatement", "CodeSystem", "Observation", "OperationDefinition", "OperationOutcome", "Patient", "StructureDefinition", "ValueSet",
}

// stated is what every statement says of itself.
type stated struct {
	Type           string         `json:"resourceType"`
	URL            string         `json:"url"`
	Version        string         `json:"version,omitempty"`
	Name           string         `json:"name"`
	Title          string         `json:"title"`
	Status         string         `json:"status"`
	Experimental   bool           `json:"experimental"`
	Date           string         `json:"date"`
	Description    string         `json:"description"`
	Kind           string         `json:"kind"`
	Software       software       `json:"software"`
	Implementation implementation `json:"implementation"`
}

type software struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type implementation struct {
	Description string `json:"description"`
	URL         string `json:"url"`
}

func (s *Server) statedAs(typ, name, title, url, description string) stated {
	return stated{
		Type: typ, URL: url, Version: s.cfg.Version, Name: name, Title: title, Status: "active",
		Date: s.started.UTC().Format(time.RFC3339), Description: description, Kind: "instance",
		Software:       software{"Chartseal", s.cfg.Version},
		Implementation: implementation{"Chartseal gateway", s.cfg.Base},
	}
}

type code struct {
	Code string `json:"code"`
}

type searchParam struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
	Type       string `json:"type"`
}

type operation struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
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
	Operation         []operation   `json:"operation,omitempty"`
}

type rest struct {
	Mode        string         `json:"mode"`
	Security    restSecurity   `json:"security"`
	Resource    []restResource `json:"resource"`
	Interaction []code         `json:"interaction"`
	Operation   []operation    `json:"operation,omitempty"`
}

type restSecurity struct {
	CORS        bool      `json:"cors"`
	Service     []concept `json:"service"`
	Description string    `json:"description"`
}

type concept struct {
	Coding []coding `json:"coding"`
}

type coding struct {
	System  string `json:"system"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

type capabilityStatement struct {
	stated
	FHIRVersion string   `json:"fhirVersion"`
	Format      []string `json:"format"`
	PatchFormat []string `json:"patchFormat"`
	Rest        []rest   `json:"rest"`
}

func (s *Server) capabilityStatement(types []string) capabilityStatement {
	doc := capabilityStatement{
		stated: s.statedAs("CapabilityStatement", "Chartseal", "Chartseal FHIR R4 gateway", s.cfg.Base+"/metadata",
			"Stores every resource encrypted and commits provenance, access and consent to a ledger."),
		FHIRVersion: "4.0.1", Format: []string{"application/fhir+json", "application/json", "json"}, PatchFormat: patchTypes,
	}
	r := rest{
		Mode: "server",
		Security: restSecurity{
			CORS: true,
			Service: []concept{{[]coding{{
				System: "http://terminology.hl7.org/CodeSystem/restful-security-service", Code: "SMART-on-FHIR", Display: "SMART-on-FHIR",
			}}}},
			Description: "Every request but metadata carries a bearer token with SMART scopes; .well-known/smart-configuration says more.",
		},
		Interaction: interactions("system", ""), Operation: operationsOf(""),
	}
	for _, t := range types {
		r.Resource = append(r.Resource, s.restResource(t))
	}
	doc.Rest = []rest{r}
	return doc
}

func (s *Server) restResource(typ string) restResource {
	r := restResource{
		Type: typ, Interaction: interactions("type", typ), Versioning: "versioned", ReadHistory: true, UpdateCreate: true,
		ConditionalCreate: true, ConditionalRead: "full-support", ConditionalUpdate: true, ConditionalDelete: "single",
		ReferencePolicy: []string{"literal", "logical"}, SearchParam: searchParams(typ), Operation: operationsOf(typ),
	}
	if s.cfg.RequireIfMatch {
		r.Versioning = "versioned-update"
	}
	if s.cfg.StrictReferences {
		r.ReferencePolicy = append(r.ReferencePolicy, "enforced")
	}
	if s.cfg.DeleteMany {
		r.ConditionalDelete = "multiple"
	}
	return r
}

// interactions of a level, by the routes; a Binary has no patch.
func interactions(level, typ string) []code {
	var out []code
	for _, r := range routes() {
		c := code{r.code}
		if r.level == level && r.code != "" && (typ != "Binary" || r.method != http.MethodPatch) && !slices.Contains(out, c) {
			out = append(out, c)
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
