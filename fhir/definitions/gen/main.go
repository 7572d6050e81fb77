// Command gen reduces the FHIR R4 definitions to what package fhir embeds: the
// search parameters (codes, types, expressions, targets, components) and the
// membership criteria of the compartments in one file, the flags of elements
// that views go by in another. It reads the JSON files of the published
// specification, and the search parameters that packages add to it, and writes
// gzip files whose bytes depend on nothing but the input.
//
//	gen -from definitions -packages us-core/package,carin-bb/package -to r4.json.gz
//	gen -from definitions -to "" -summary summary.json.gz
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	from := flag.String("from", "", "folder with Bundle-searchParams.json and CompartmentDefinition-*.json of R4 4.0.1")
	packages := flag.String("packages", "", "comma-separated folders of unpacked FHIR packages; order them oldest addition first, because ordinals follow it")
	to := flag.String("to", "r4.json.gz", "file to write; empty for none")
	summary := flag.String("summary", "", "file to write with the flags of elements, from Bundle-types.json and Bundle-resources.json")
	flag.Parse()
	var err error
	if *to != "" {
		err = run(*from, strings.FieldsFunc(*packages, func(r rune) bool { return r == ',' }), *to)
	}
	if err == nil && *summary != "" {
		err = writeSummary(*from, *summary)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(from string, packages []string, to string) error {
	if from == "" {
		return errors.New("-from is required")
	}
	bundle, err := os.ReadFile(filepath.Join(from, "Bundle-searchParams.json")) //nolint:gosec // the folder is the developer's choice
	if err != nil {
		return fmt.Errorf("read search parameters: %w", err)
	}
	out := definitions{Compartments: map[string]map[string][]string{}}
	if out.Params, err = reduceParams(bundle); err != nil {
		return fmt.Errorf("search parameters: %w", err)
	}
	correct(out.Params)
	for _, folder := range packages {
		if out.Params, err = addPackage(out.Params, folder); err != nil {
			return fmt.Errorf("package: %w", err)
		}
	}
	for _, name := range []string{"device", "encounter", "patient", "practitioner", "relatedPerson"} {
		raw, err := os.ReadFile(filepath.Join(from, "CompartmentDefinition-"+name+".json")) //nolint:gosec // as above
		if err != nil {
			return fmt.Errorf("read compartment: %w", err)
		}
		code, members, err := reduceCompartment(raw)
		if err != nil {
			return fmt.Errorf("compartment %s: %w", name, err)
		}
		out.Compartments[code] = members
	}
	packed, err := pack(out)
	if err != nil {
		return err
	}
	return os.WriteFile(to, packed, 0o644) //nolint:gosec // public data
}

// definitions is the embedded document; package fhir decodes the same shape.
type definitions struct {
	Params       []param                        `json:"params"`
	Compartments map[string]map[string][]string `json:"compartments"`
}

type param struct {
	URL        string      `json:"url"`
	Code       string      `json:"code"`
	Type       string      `json:"type"`
	Base       []string    `json:"base"`
	Target     []string    `json:"target,omitempty"`
	Expression string      `json:"expression,omitempty"`
	Component  []component `json:"component,omitempty"`
}

type component struct {
	Definition string `json:"definition"`
	Expression string `json:"expression"`
}

// reduceParams keeps the search parameters of a Bundle, sorted by URL: their
// position is the stable ordinal that index rows use.
func reduceParams(raw []byte) ([]param, error) {
	var bundle struct {
		Entry []struct {
			Resource struct {
				ResourceType string `json:"resourceType"`
				param
			} `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(raw, &bundle); err != nil {
		return nil, err
	}
	var out []param
	for _, e := range bundle.Entry {
		if e.Resource.ResourceType == "SearchParameter" {
			out = append(out, e.Resource.param)
		}
	}
	slices.SortFunc(out, func(a, b param) int { return cmp.Compare(a.URL, b.URL) })
	for i := 1; i < len(out); i++ {
		if out[i].URL == out[i-1].URL {
			return nil, fmt.Errorf("%s is defined twice", out[i].URL)
		}
	}
	return out, nil
}

// correct mends the one definition of R4 that contradicts itself: relationship
// of DocumentReference ("combination of relation and relatesTo") pairs the
// expression of each component with the definition of the other.
func correct(params []param) {
	const relationship = "http://hl7.org/fhir/SearchParameter/DocumentReference-relationship"
	for _, p := range params {
		if p.URL == relationship && len(p.Component) == 2 {
			c := p.Component
			c[0].Definition, c[1].Definition = c[1].Definition, c[0].Definition
		}
	}
}

// addPackage appends the parameters of a package whose code is new to a type.
// Most definitions in packages restate one of R4 with other metadata.
func addPackage(params []param, folder string) ([]param, error) {
	known := map[[2]string]bool{}
	for _, p := range params {
		for _, base := range p.Base {
			known[[2]string{base, p.Code}] = true
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "SearchParameter-*.json"))
	if err != nil {
		return nil, err
	}
	var added []param
	for _, name := range files {
		raw, err := os.ReadFile(name) //nolint:gosec // the folder is the developer's choice
		if err != nil {
			return nil, err
		}
		var p param
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		restated := known[[2]string{"Resource", p.Code}] || known[[2]string{"DomainResource", p.Code}]
		for _, base := range p.Base {
			restated = restated || known[[2]string{base, p.Code}]
		}
		if !restated {
			added = append(added, p)
		}
	}
	slices.SortFunc(added, func(a, b param) int { return cmp.Compare(a.URL, b.URL) })
	return append(params, added...), nil
}

// reduceCompartment maps each member type to the parameters that place it in
// the compartment; types without any are left out.
func reduceCompartment(raw []byte) (code string, members map[string][]string, err error) {
	var def struct {
		Code     string `json:"code"`
		Resource []struct {
			Code  string   `json:"code"`
			Param []string `json:"param"`
		} `json:"resource"`
	}
	if err := json.Unmarshal(raw, &def); err != nil {
		return "", nil, err
	}
	members = map[string][]string{}
	for _, r := range def.Resource {
		for i, p := range r.Param {
			if p == "{def}" { // the resource that gives the compartment its name
				r.Param[i] = "_id"
			}
		}
		if len(r.Param) > 0 {
			members[r.Code] = r.Param
		}
	}
	return def.Code, members, nil
}

// pack writes JSON (encoding/json sorts map keys) as gzip without a time stamp.
func pack(d any) ([]byte, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := zw.Write(raw); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
