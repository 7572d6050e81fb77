// Package opdefs holds the OperationDefinitions (R4, OperationDefinition) of the operations that the server offers, for
// its CapabilityStatement and for clients that read them.
//
// Those of FHIR R4 4.0.1 and of US Core 7.0.0 are the published ones, less narrative, comments, extensions and contacts
// (CC0 1.0). Receipts are ours: their urls are names, which lead to nothing by themselves.
package opdefs

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed definitions/*.json
var files embed.FS

// Definition is one operation. Definitions are shared and must not be changed.
type Definition struct {
	ID, URL, Code          string
	System, Type, Instance bool     // the levels at which it can be called
	Resources              []string // the types that it is about; Resource for all, none for the system alone
	JSON                   []byte   // the OperationDefinition, without white space between tokens
}

// All lists the definitions by ID.
func All() []Definition { return slices.Clone(all()) }

// Get is the OperationDefinition with an id, nil if there is none.
func Get(id string) []byte {
	i, ok := slices.BinarySearchFunc(all(), id, func(d Definition, id string) int { return strings.Compare(d.ID, id) })
	if !ok {
		return nil
	}
	return all()[i].JSON
}

// all reads the embedded files on first use. They are part of the program, so a fault in them is a fault of the build.
var all = sync.OnceValue(func() []Definition {
	entries, err := files.ReadDir("definitions")
	if err != nil {
		panic(fmt.Sprintf("opdefs: %v", err))
	}
	list := make([]Definition, 0, len(entries))
	for _, e := range entries {
		raw, err := files.ReadFile("definitions/" + e.Name())
		if err != nil {
			panic(fmt.Sprintf("opdefs: %v", err))
		}
		d, err := read(raw)
		if err != nil {
			panic(fmt.Sprintf("opdefs: %s: %v", e.Name(), err))
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b Definition) int { return strings.Compare(a.ID, b.ID) })
	return list
})

func read(raw []byte) (Definition, error) {
	var d struct {
		ID, URL, Code          string
		System, Type, Instance bool
		Resource               []string
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return Definition{}, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return Definition{}, err
	}
	return Definition{
		ID: d.ID, URL: d.URL, Code: d.Code, System: d.System, Type: d.Type, Instance: d.Instance, Resources: d.Resource,
		JSON: compact.Bytes(),
	}, nil
}
