package fhir

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the flags of elements
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

//go:generate go run ./definitions/gen -from $R4_DEFINITIONS -to "" -summary definitions/summary.json.gz

//go:embed definitions/summary.json.gz
var summaryGzip []byte

// viewFlags say why a view keeps an element.
type viewFlags uint8

const (
	viewIsSummary   viewFlags = 1 << iota // ElementDefinition.isSummary
	viewIsMandatory                       // min is above 0
	viewIsModifier                        // ElementDefinition.isModifier
	viewIsCommon                          // resourceType, id and meta of a resource, id of an element: in every view
	viewIsText                            // the narrative
	viewIsContained                       // contained resources: kept if something kept refers to one
	viewIsMeta                            // takes the tag
)

// viewMember is what views know of a JSON name.
type viewMember struct {
	name, json string // of the element: value and valueQuantity
	flags      viewFlags
	part       *viewNode // what a summary keeps of the value; nil for all
	resource   bool      // the value is a resource, and its summary part of the summary
}

// viewNode has the members of a resource, or those of an inner element that a summary keeps.
type viewNode struct{ members map[string]*viewMember }

// summaryFile is what definitions/gen writes.
type summaryFile struct {
	Elements, Dropped map[string]string
}

// viewTables decodes the embedded flags on first use. They are part of the program, so a fault in them is a fault of
// the build.
var viewTables = sync.OnceValue(func() map[string]*viewNode {
	tables, err := loadViews(summaryGzip)
	if err != nil {
		panic(fmt.Sprintf("fhir: embedded summary flags: %v", err))
	}
	return tables
})

func loadViews(packed []byte) (map[string]*viewNode, error) {
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	b := viewBuilder{nodes: map[string]*viewNode{}, types: map[*typ]*viewNode{}}
	if err := json.NewDecoder(zr).Decode(&b.file); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	tables := map[string]*viewNode{}
	for name, t := range r4Schema().resources {
		if tables[name], err = b.resource(t); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

// viewBuilder joins the flags with the JSON names of the schema.
type viewBuilder struct {
	file  summaryFile
	nodes map[string]*viewNode // backbone elements by path
	types map[*typ]*viewNode   // data types; nil for those that are kept whole
}

// resource makes the node of a resource: with all its members, since other views than the summary use it too.
func (b *viewBuilder) resource(t *typ) (*viewNode, error) {
	elements := b.file.Elements[t.name] + " " + b.file.Elements["Resource"]
	if isDomainResource(t.name) {
		elements += " " + b.file.Elements["DomainResource"]
	}
	n := &viewNode{members: map[string]*viewMember{}}
	for name, m := range t.members {
		n.members[name] = &viewMember{name: m.name, json: m.json}
	}
	if err := b.flag(n, t, t.name, elements); err != nil {
		return nil, err
	}
	for name, flags := range map[string]viewFlags{
		"resourceType": viewIsCommon, "id": viewIsCommon, "_id": viewIsCommon, "meta": viewIsCommon | viewIsMeta,
		"text": viewIsText, "contained": viewIsContained,
	} {
		if m := n.members[name]; m != nil {
			m.flags |= flags
		}
	}
	return n, nil
}

// backbone makes the node of a backbone element. One without an element that a summary keeps is kept whole: R4 has two
// that are marked while nothing in them is, EffectEvidenceSynthesis.effectEstimate and
// RiskEvidenceSynthesis.riskEstimate.
func (b *viewBuilder) backbone(t *typ, path string) (*viewNode, error) {
	if n, ok := b.nodes[path]; ok {
		return n, nil
	}
	n := &viewNode{members: map[string]*viewMember{"id": {name: "id", json: "id", flags: viewIsCommon}}}
	b.nodes[path] = n
	return n, b.flag(n, t, path, b.file.Elements[path]+" "+b.file.Elements["BackboneElement"])
}

// flag enters elements, written as gen writes them, into a node.
func (b *viewBuilder) flag(n *viewNode, t *typ, path, elements string) error {
	for _, e := range strings.Fields(elements) {
		name, rest, _ := strings.Cut(e, ":")
		flags, reference, _ := strings.Cut(rest, "@")
		name = strings.TrimSuffix(name, "[x]")
		inner, found := path+"."+name, false
		if reference != "" {
			inner = reference
		}
		for key, m := range t.members {
			if m.name != name {
				continue
			}
			found = true
			v, err := b.member(m, inner)
			if err != nil {
				return err
			}
			v.flags = viewFlagsOf(flags)
			n.members[key] = v
		}
		if !found && name != "modifierExtension" { // not every inner element is a backbone element
			return fmt.Errorf("no element %s.%s", path, name)
		}
	}
	return nil
}

func viewFlagsOf(letters string) (flags viewFlags) {
	for _, c := range letters {
		switch c {
		case 's':
			flags |= viewIsSummary
		case 'm':
			flags |= viewIsMandatory
		case 'o':
			flags |= viewIsModifier
		}
	}
	return flags
}

// member describes a member and what a summary keeps of its value.
func (b *viewBuilder) member(m member, path string) (v *viewMember, err error) {
	v = &viewMember{name: m.name, json: m.json}
	switch {
	case m.sibling || m.typ.shape == shapePrimitive:
	case m.typ.shape == shapeAnyResource:
		v.resource = true
	case b.file.Elements[path] != "":
		v.part, err = b.backbone(m.typ, path)
	default:
		v.part = b.dataType(m.typ)
	}
	return v, err
}

// dataType makes the node of a data type, nil if a summary keeps the whole of it: nearly all, for "other than
// Attachment.data, all data type properties are included in the summary form" (R4 ElementDefinition.isSummary). The
// definitions leave out the data of SampledData and Signature too.
func (b *viewBuilder) dataType(t *typ) *viewNode {
	if n, ok := b.types[t]; ok {
		return n
	}
	if !b.drops(t, map[*typ]bool{}) {
		b.types[t] = nil
		return nil
	}
	n := &viewNode{members: map[string]*viewMember{}}
	b.types[t] = n
	dropped := strings.Fields(b.file.Dropped[t.name])
	for name, m := range t.members {
		v := &viewMember{name: m.name, json: m.json, flags: viewIsSummary}
		for _, d := range dropped {
			if m.name == d {
				v = nil
			}
		}
		switch {
		case v == nil:
			continue
		case name == "id":
			v.flags = viewIsCommon
		case !m.sibling:
			v.part = b.dataType(m.typ)
		}
		n.members[name] = v
	}
	return n
}

// drops tells whether a data type has something that is no part of a summary. Extensions are kept whole.
func (b *viewBuilder) drops(t *typ, seen map[*typ]bool) bool {
	if t.shape != shapeComplex || t.extension || seen[t] {
		return false
	}
	if seen[t] = true; b.file.Dropped[t.name] != "" {
		return true
	}
	for _, m := range t.members {
		if !m.sibling && b.drops(m.typ, seen) {
			return true
		}
	}
	return false
}
