package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// summaryTables say what views keep of a resource (R4 sections 3.1.1.5.8 and 3.1.1.5.9); package fhir decodes the same
// shape.
type summaryTables struct {
	// Elements has the kept elements of each resource, and of each backbone element that is kept, by path. An element
	// is name:flags, or name:flags@path where its content is that of another path. Flags are s (isSummary), m (min > 0)
	// and o (isModifier); an element without any is left out, so is what stands below it. Resource, DomainResource and
	// BackboneElement have what is inherited.
	Elements map[string]string `json:"elements"`
	// Dropped has the elements of data types that a summary is without.
	Dropped map[string]string `json:"dropped"`
}

type structure struct {
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
	Kind         string `json:"kind"`
	Derivation   string `json:"derivation"`
	Snapshot     struct {
		Element []element `json:"element"`
	} `json:"snapshot"`
}

type element struct {
	Path             string `json:"path"`
	Min              int    `json:"min"`
	IsSummary        bool   `json:"isSummary"`
	IsModifier       bool   `json:"isModifier"`
	ContentReference string `json:"contentReference"`
	Base             struct {
		Path string `json:"path"`
	} `json:"base"`
}

// name is the last part of the path.
func (e *element) name() string { return e.Path[strings.LastIndexByte(e.Path, '.')+1:] }

// parent is the path without its last part.
func (e *element) parent() string { return e.Path[:strings.LastIndexByte(e.Path, '.')] }

func (e *element) flags() string {
	var f string
	if e.IsSummary {
		f += "s"
	}
	if e.Min > 0 {
		f += "m"
	}
	if e.IsModifier {
		f += "o"
	}
	return f
}

// writeSummary makes the tables from the types and resources of the specification.
func writeSummary(from, to string) error {
	t := summaryTables{Elements: map[string]string{}, Dropped: map[string]string{}}
	for _, name := range []string{"Bundle-types.json", "Bundle-resources.json"} {
		raw, err := os.ReadFile(filepath.Join(from, name)) //nolint:gosec // the folder is the developer's choice
		if err != nil {
			return fmt.Errorf("read structures: %w", err)
		}
		if err := t.bundle(raw); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if t.Elements["Resource"] == "" || t.Elements["DomainResource"] == "" || t.Elements["BackboneElement"] == "" {
		return errors.New("the types that others inherit from are missing")
	}
	packed, err := pack(t)
	if err != nil {
		return err
	}
	return os.WriteFile(to, packed, 0o644) //nolint:gosec // public data
}

func (t *summaryTables) bundle(raw []byte) error {
	var bundle struct {
		Entry []struct {
			Resource structure `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(raw, &bundle); err != nil {
		return err
	}
	for _, e := range bundle.Entry {
		s := &e.Resource
		if s.ResourceType != "StructureDefinition" || s.Derivation == "constraint" || len(s.Snapshot.Element) == 0 {
			continue
		}
		own := slices.DeleteFunc(s.Snapshot.Element[1:], func(e element) bool { return e.Base.Path != e.Path })
		var err error
		switch {
		case s.Kind == "resource" || s.ID == "BackboneElement":
			t.resource(own)
		case s.Kind == "complex-type" && s.ID != "Element" && s.ID != "Extension" && s.ID != "Narrative":
			// Extensions stay whole, a narrative is no part of a summary, and both lack flags.
			err = t.dataType(own)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.ID, err)
		}
	}
	return nil
}

// resource enters what is kept; elements come in document order, so a parent is known before its children.
func (t *summaryTables) resource(elements []element) {
	kept := map[string]bool{}
	for i := range elements {
		e := &elements[i]
		if flags := e.flags(); flags != "" && (kept[e.parent()] || !strings.Contains(e.parent(), ".")) {
			kept[e.Path] = true
			entry := e.name() + ":" + flags
			if e.ContentReference != "" {
				entry += "@" + strings.TrimPrefix(e.ContentReference, "#")
			}
			t.Elements[e.parent()] = strings.TrimPrefix(t.Elements[e.parent()]+" "+entry, " ")
		}
	}
}

// dataType enters what a summary is without. Only direct elements of a type may be.
func (t *summaryTables) dataType(elements []element) error {
	for i := range elements {
		e := &elements[i]
		switch {
		case e.flags() != "":
		case strings.Contains(e.parent(), "."):
			return fmt.Errorf("%s is no summary element, inside of one", e.Path)
		default:
			t.Dropped[e.parent()] = strings.TrimPrefix(t.Dropped[e.parent()]+" "+e.name(), " ")
		}
	}
	return nil
}
