package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/chartseal/chartseal/fhir"
)

// What is stated is a valid resource.
func TestStatementsAreValid(t *testing.T) {
	s := authenticated(t, func(c *Config) { c.Version = "1.2.3" })
	for _, mode := range []string{"full", "normative", "terminology"} {
		st, ok := s.statement(mode)
		if !ok {
			t.Fatalf("no statement %s", mode)
		}
		r, err := fhir.Parse(st.json, fhir.Limits{})
		if err != nil {
			t.Errorf("%s: %v", mode, err)
		} else if r.Type != statementType(mode) {
			t.Errorf("%s is a %s", mode, r.Type)
		}
	}
}

type statedREST struct {
	Rest []struct {
		Interaction []code
		Operation   []operation
		Security    struct{ CORS bool }
		Resource    []restResource
	}
	PatchFormat []string
}

func readStatement(t *testing.T, s *Server, mode string) statedREST {
	t.Helper()
	st, _ := s.statement(mode)
	var out statedREST
	if err := json.Unmarshal(st.json, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Every interaction that is stated has a route, and the other way round.
func TestStatementIsTheTable(t *testing.T) {
	full := readStatement(t, authenticated(t), "full").Rest[0]
	if len(full.Resource) != len(fhir.StorableTypes()) || !full.Security.CORS {
		t.Errorf("%d types, cors %t", len(full.Resource), full.Security.CORS)
	}
	ways := map[string]string{ // interaction -> method and path
		"read": "GET /:type/:id", "vread": "GET /:type/:id/_history/:vid", "update": "PUT /:type/:id", "patch": "PATCH /:type/:id", "delete": "DELETE /:type/:id",
		"history-instance": "GET /:type/:id/_history", "history-type": "GET /:type/_history", "create": "POST /:type", "search-type": "GET /:type",
		"transaction": "POST ", "batch": "POST /", "history-system": "GET /_history", "search-system": "GET /",
	}
	list := Routes()
	for _, r := range full.Resource {
		for interaction, way := range ways {
			stated := slices.Contains(r.Interaction, code{interaction}) || slices.Contains(full.Interaction, code{interaction})
			served := slices.Contains(list, way)
			if r.Type == "Binary" && interaction == "patch" {
				served = false
			}
			if stated != served {
				t.Errorf("%s %s: stated %t, served %t", r.Type, interaction, stated, served)
			}
		}
		for _, c := range r.Interaction {
			if ways[c.Code] == "" {
				t.Errorf("%s states %s", r.Type, c.Code)
			}
		}
	}
}

func TestStatementFollowsTheConfiguration(t *testing.T) {
	loose := readStatement(t, authenticated(t), "full").Rest[0].Resource[0]
	tight := readStatement(t, authenticated(t, func(c *Config) { c.RequireIfMatch, c.DeleteMany = true, true }), "full").Rest[0].Resource[0]
	if loose.Versioning != "versioned" || loose.ConditionalDelete != "single" || tight.Versioning != "versioned-update" || tight.ConditionalDelete != "multiple" {
		t.Errorf("%+v %+v", loose, tight)
	}
}

func TestMetadataModes(t *testing.T) {
	s := authenticated(t)
	get := func(query, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/fhir/metadata"+query, nil)
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		return ask(s, r)
	}
	full := get("", "")
	if full.Code != 200 || get("?mode=full", "").Body.String() != full.Body.String() {
		t.Errorf("full: %d", full.Code)
	}
	if n, m := len(readStatement(t, s, "normative").Rest[0].Resource), len(normativeTypes); n != m {
		t.Errorf("normative: %d types, want %d", n, m)
	}
	if w := get("?mode=everything", ""); w.Code != 400 {
		t.Errorf("unknown mode: %d", w.Code)
	}
	tag := full.Header().Get("ETag")
	if w := get("", tag); tag == "" || w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("with %s: %d", tag, w.Code)
	}
	if w := get("?mode=terminology", tag); w.Code != 200 {
		t.Errorf("terminology with the tag of full: %d", w.Code)
	}
	if w := get("?_format=xml", ""); w.Code != http.StatusNotAcceptable {
		t.Errorf("xml: %d", w.Code)
	}
	if w := get("?_format=json", ""); w.Code != 200 || w.Header().Get("Content-Type") != mimeFHIR {
		t.Errorf("json: %d %v", w.Code, w.Header())
	}
	if w := get("?_summary=true", ""); w.Code != 200 || w.Body.Len() >= full.Body.Len() {
		t.Errorf("summary: %d, %d bytes of %d", w.Code, w.Body.Len(), full.Body.Len())
	}
}
