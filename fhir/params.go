package fhir

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the definitions
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

//go:generate go run ./definitions/gen -from $R4_DEFINITIONS -packages $FHIR_PACKAGES -to definitions/r4.json.gz

//go:embed definitions/r4.json.gz
var definitionsGzip []byte

// ParamType is the type of a search parameter (R4 section 3.1.1.4).
type ParamType uint8

// The nine types of SearchParamType.
const (
	ParamNumber ParamType = iota + 1
	ParamDate
	ParamString
	ParamToken
	ParamReference
	ParamComposite
	ParamQuantity
	ParamURI
	ParamSpecial
)

var paramTypeNames = [...]string{
	ParamNumber: "number", ParamDate: "date", ParamString: "string", ParamToken: "token",
	ParamReference: "reference", ParamComposite: "composite", ParamQuantity: "quantity",
	ParamURI: "uri", ParamSpecial: "special",
}

// String is the code of SearchParamType.
func (t ParamType) String() string {
	if t == 0 || int(t) >= len(paramTypeNames) {
		return "unknown"
	}
	return paramTypeNames[t]
}

// Param is one search parameter definition. Definitions are shared and must not
// be changed.
type Param struct {
	Code       string
	URL        string
	Expression string // FHIRPath; empty for _text, _content and _query
	Type       ParamType
	Base       []string    // types, or Resource or DomainResource
	Target     []string    // of a reference: the types it may point to
	Components []Component // of a composite
	// Ordinal is stable, for index rows: from 1 in the order of the URLs of R4
	// 4.0.1, then the parameters of the packages that the build adds.
	Ordinal uint16
}

// Component is a part of a composite parameter.
type Component struct {
	Param      *Param // what the part's values are and how they are compared
	Expression string // relative to the element that the composite selects
}

// Params lists the parameters that apply to a resource type, those of Resource
// and DomainResource included, by Ordinal. It returns nil for an unknown type.
func Params(resourceType string) []*Param {
	return slices.Clone(paramTables().byType[resourceType].list)
}

// LookupParam finds the parameter with a code on a type; nil if there is none.
func LookupParam(resourceType, code string) *Param {
	return paramTables().byType[resourceType].byCode[code]
}

type typeParams struct {
	list   []*Param
	byCode map[string]*Param
}

type paramSet struct {
	byType       map[string]typeParams
	byURL        map[string]*Param
	all          []*Param // by Ordinal
	compartments map[string]map[string][]string
}

// definitionsFile is what definitions/gen writes.
type definitionsFile struct {
	Params []struct {
		URL, Code, Type, Expression string
		Base, Target                []string
		Component                   []struct{ Definition, Expression string }
	}
	Compartments map[string]map[string][]string
}

// paramTables decodes the embedded definitions on first use. They are part of
// the program, so a fault in them is a fault of the build.
var paramTables = sync.OnceValue(func() *paramSet {
	set, err := loadParams(definitionsGzip)
	if err != nil {
		panic(fmt.Sprintf("fhir: embedded definitions: %v", err))
	}
	return set
})

func loadParams(packed []byte) (*paramSet, error) {
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	var file definitionsFile
	if err := json.NewDecoder(zr).Decode(&file); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	set := &paramSet{byURL: map[string]*Param{}, compartments: file.Compartments}
	for i, d := range file.Params {
		typ := slices.Index(paramTypeNames[:], d.Type)
		if typ <= 0 {
			return nil, fmt.Errorf("%s has type %q", d.URL, d.Type)
		}
		p := &Param{Code: d.Code, URL: d.URL, Expression: d.Expression, Type: ParamType(typ), //nolint:gosec // index of a short table
			Base: d.Base, Target: d.Target, Ordinal: uint16(i + 1)} //nolint:gosec // some 1,400 of them
		set.all = append(set.all, p)
		set.byURL[d.URL] = p
	}
	for i, d := range file.Params {
		for _, c := range d.Component {
			part := set.byURL[c.Definition]
			if part == nil {
				return nil, fmt.Errorf("%s has an unknown component %s", d.URL, c.Definition)
			}
			set.all[i].Components = append(set.all[i].Components, Component{Param: part, Expression: c.Expression})
		}
	}
	set.byType = groupByType(set.all)
	return set, nil
}

// groupByType spreads the parameters over the types they apply to.
func groupByType(all []*Param) map[string]typeParams {
	byType := map[string]typeParams{}
	for _, typ := range storableTypes() {
		tp := typeParams{byCode: map[string]*Param{}}
		for _, p := range all {
			applies := slices.Contains(p.Base, typ) || slices.Contains(p.Base, "Resource") ||
				slices.Contains(p.Base, "DomainResource") && isDomainResource(typ)
			if applies {
				tp.list = append(tp.list, p)
				tp.byCode[p.Code] = p
			}
		}
		byType[typ] = tp
	}
	return byType
}

// isDomainResource tells the three R4 types without narrative and contained
// resources from the others (section 2.2).
func isDomainResource(typ string) bool {
	return typ != "Binary" && typ != "Bundle" && typ != "Parameters"
}
