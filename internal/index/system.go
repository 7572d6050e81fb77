package index

import (
	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// AllToken finds every version of a type that has content.
func AllToken(t Tokenizer, typ string) store.Token { return t.Token(typ, "", "all", "") }

// DeletedToken finds every deletion of a type: with AllToken, its history.
func DeletedToken(t Tokenizer, typ string) store.Token { return t.Token(typ, "", "deleted", "") }

// TokenPlan is the plan of what has any of some tokens.
func TokenPlan(tokens ...store.Token) *Plan {
	nodes := make([]node, len(tokens))
	for i, tok := range tokens {
		nodes[i] = tokenNode{tok}
	}
	return &Plan{root: orNode{nodes}, exact: true}
}

// CompartmentTokens find what is in a compartment (R4 CompartmentDefinition) of the given types; none: of all types.
func CompartmentTokens(t Tokenizer, compartment, id string, types []string) []store.Token {
	if len(types) == 0 {
		types = fhir.StorableTypes()
	}
	var out []store.Token
	for _, typ := range types {
		for _, code := range fhir.CompartmentParams(compartment, typ) {
			if code != "_id" {
				out = append(out, t.Token(typ, code, "r", compartment+"/"+id))
			}
		}
	}
	return out
}

// ReferrerTokens find what refers to a resource by a search parameter, of any type.
func ReferrerTokens(t Tokenizer, typ, id string) []store.Token {
	var out []store.Token
	for _, from := range fhir.StorableTypes() {
		for _, p := range Params(from) {
			if p.Type == fhir.ParamReference {
				out = append(out, t.Token(from, p.Code, "r", typ+"/"+id))
			}
		}
	}
	return out
}
