package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What /metadata states of a type is what a client finds: each interaction is tried.
func TestMetadataIsTrue(t *testing.T) {
	s := start(t)
	tok := s.staff()
	doc := s.do(200, "GET", "/metadata", "", "").json(t)
	if doc["fhirVersion"] != "4.0.1" || doc["kind"] != "instance" || doc["instantiates"] != nil {
		t.Errorf("%v", doc)
	}
	rest := doc["rest"].([]any)[0].(map[string]any)
	codes := func(v any) (out []string) {
		list, _ := v.([]any)
		for _, c := range list {
			out = append(out, c.(map[string]any)["code"].(string))
		}
		return out
	}
	id := s.create(tok, "Basic", `{"resourceType":"Basic","code":{"text":"x"}}`)
	body := `{"resourceType":"Basic","id":"` + id + `","code":{"text":"y"}}`
	tries := map[string][]string{
		"read": {"GET", "/Basic/" + id}, "vread": {"GET", "/Basic/" + id + "/_history/1"}, "update": {"PUT", "/Basic/" + id, body},
		"patch":            {"PATCH", "/Basic/" + id, `[{"op":"replace","path":"/code/text","value":"z"}]`, "Content-Type", "application/json-patch+json"},
		"history-instance": {"GET", "/Basic/" + id + "/_history"}, "history-type": {"GET", "/Basic/_history"}, "create": {"POST", "/Basic", `{"resourceType":"Basic","code":{"text":"x"}}`},
		"search-type": {"GET", "/Basic"}, "delete": {"DELETE", "/Basic/gone"},
		"transaction": {"POST", "", `{"resourceType":"Bundle","type":"transaction"}`}, "batch": {"POST", "", `{"resourceType":"Bundle","type":"batch"}`},
		"history-system": {"GET", "/_history"}, "search-system": {"GET", "?_type=Basic"},
	}
	for _, r := range rest["resource"].([]any) {
		m := r.(map[string]any)
		if m["type"] == "Basic" {
			for _, code := range codes(m["interaction"]) {
				try, ok := tries[code]
				if !ok {
					t.Errorf("no way to try %s", code)
					continue
				}
				tried(t, s, tok, code, try)
			}
		}
		if m["type"] == "Binary" && slices.Contains(codes(m["interaction"]), "patch") {
			t.Error("Binary states patch")
		}
	}
	for _, code := range codes(rest["interaction"]) {
		tried(t, s, tok, code, tries[code])
	}
}

func tried(t *testing.T, s *server, tok, code string, try []string) {
	t.Helper()
	body := ""
	if len(try) > 2 {
		body = try[2]
	}
	var headers []string
	if len(try) > 3 {
		headers = try[3:]
	}
	if a := s.do(0, try[0], try[1], tok, body, headers...); a.status >= 300 {
		t.Errorf("%s: %d %s", code, a.status, a.body)
	}
}

func TestMetadataModes(t *testing.T) {
	s := start(t)
	for query, want := range map[string]string{"": "CapabilityStatement", "?mode=full": "CapabilityStatement", "?mode=normative": "CapabilityStatement", "?mode=terminology": "TerminologyCapabilities"} {
		a := s.do(200, "GET", "/metadata"+query, "", "")
		if a.json(t)["resourceType"] != want {
			t.Errorf("%s: %.100s", query, a.body)
		}
		s.do(304, "GET", "/metadata"+query, "", "", "If-None-Match", a.header.Get("ETag"))
	}
	s.do(400, "GET", "/metadata?mode=none", "", "")
	normative := fmt.Sprint(s.do(200, "GET", "/metadata?mode=normative", "", "").json(t))
	if !strings.Contains(normative, "type:Patient") || strings.Contains(normative, "type:Encounter") {
		t.Error("normative lists other types")
	}
}

// The definition of every operation that is stated can be read here, and is not changed.
func TestOperationDefinitions(t *testing.T) {
	s := start(t)
	tok := s.staff()
	for _, id := range []string{"Patient-everything", "Resource-validate", "receipt"} {
		path := "/OperationDefinition/" + id
		a := s.do(200, "GET", path, tok, "")
		if r := a.json(t); r["resourceType"] != "OperationDefinition" || r["id"] != id {
			t.Errorf("%s: %s", id, a.body)
		}
		s.do(304, "GET", path, tok, "", "If-None-Match", a.header.Get("ETag"))
		s.do(405, "PUT", path, tok, string(a.body))
		s.do(405, "DELETE", path, tok, "")
		s.do(401, "GET", path, "", "")
	}
	s.do(404, "GET", "/OperationDefinition/none", tok, "")
	s.do(201, "PUT", "/OperationDefinition/mine", tok, `{"resourceType":"OperationDefinition","id":"mine","name":"Mine","status":"draft","kind":"operation","code":"mine","system":true,"type":false,"instance":false}`)
	s.do(200, "GET", "/OperationDefinition/mine", tok, "")
}
