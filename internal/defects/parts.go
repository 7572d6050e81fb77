package defects

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

func parts() []Defect {
	show := []string{"read", "vread", "search", "history"}
	return []Defect{
		{"part-without-subsetted", "summary-elements/read", "a part of a resource does not say that it is one", "R4 search.html#summary", inResources(func(v json.RawMessage) json.RawMessage {
			return edited(v, func(tag json.RawMessage) json.RawMessage {
				if text(tag, "code") == "SUBSETTED" {
					return nil
				}
				return tag
			}, "meta", "tag", "*")
		})},
		{"elements-without-mandatory", "summary-elements/read", "_elements leaves out what a resource must have", "R4 search.html#elements", answered(on(show...), withoutMandatory)},
		{"elements-ignored", "summary-elements/read", "_elements is not looked at", "R4 search.html#elements", ignoring([]string{"_elements"}, show...)},
		{"summary-ignored", "summary-elements/read", "_summary=true gives the whole", "R4 search.html#summary", parameters(func(name, value string) (string, string, bool) {
			return name, value, name != "_summary" || value != "true"
		}, show...)},
		{"summary-data-as-true", "summary-elements/read", "_summary=data leaves out more than the text", "R4 search.html#summary", parameters(func(name, value string) (string, string, bool) {
			if name == "_summary" && value == "data" {
				value = "true"
			}
			return name, value, true
		}, show...)},
		{"summary-count-with-entries", "summary-elements/search", "_summary=count gives the entries as well", "R4 search.html#summary", parameters(func(name, value string) (string, string, bool) {
			return name, value, name != "_summary" || value != "count"
		}, "search")},
		{"pretty-trims-decimals", "http/negotiation", "_pretty=true writes 70.50 as 70.5", "R4 datatypes.html#decimal", answered(on(show...), func(r *http.Request, a *answer) {
			if strings.Contains(r.URL.RawQuery, "_pretty=true") {
				a.edit(nil, trimmed)
			}
		})},
	}
}

// mandatory are elements that some common types must have.
var mandatory = map[string][]string{
	"Observation": {"status", "code"}, "Condition": {"subject"}, "Encounter": {"status", "class"}, "MedicationRequest": {"status", "intent", "subject"},
	"AllergyIntolerance": {"patient"}, "Immunization": {"status", "vaccineCode", "patient"}, "Procedure": {"status", "subject"}, "DiagnosticReport": {"status", "code"},
	"ValueSet": {"status"}, "CodeSystem": {"status", "content"}, "Questionnaire": {"status"}, "Task": {"status", "intent"}, "Coverage": {"status", "beneficiary", "payor"},
}

func withoutMandatory(r *http.Request, a *answer) {
	asked := strings.Split(r.URL.Query().Get("_elements"), ",")
	if asked[0] == "" || !a.ok() {
		return
	}
	a.edit(nil, func(raw json.RawMessage) json.RawMessage {
		return inBundle(raw, func(v json.RawMessage) json.RawMessage {
			for _, name := range mandatory[text(v, "resourceType")] {
				if !slices.Contains(asked, name) {
					v = edited(v, gone, name)
				}
			}
			return v
		})
	})
}
