package fhir

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/types/known/anypb"

	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	r4 "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
)

var referenceConverters = map[string]convertFunc{
	"Reference": appendReference,
	"Canonical": appendCanonical,
	"Uri":       appendCanonical,
	"Url":       appendCanonical,
	"Oid":       appendCanonical,
	"Uuid":      appendCanonical,
}

// literal is the literal part of a Reference, which the protos split up: a
// typed id for Type/id, a fragment for #id, a uri for all the rest.
type literal struct {
	typ, id, version string // Type/id[/_history/version]
	fragment         string // without #
	isFragment       bool   // "#" alone is the containing resource
	url              string // absolute, urn:, or a relative reference of an odd form
}

func literalOf(ref *dt.Reference) literal {
	switch choice := ref.GetReference().(type) {
	case nil:
		return literal{}
	case *dt.Reference_Uri:
		return literal{url: choice.Uri.GetValue()}
	case *dt.Reference_Fragment:
		return literal{fragment: choice.Fragment.GetValue(), isFragment: true}
	}
	choice := reflect.ValueOf(ref.GetReference())
	id, _ := choice.Elem().Field(0).Interface().(*dt.ReferenceId)
	return literal{typ: referenceTypes()[choice.Type()], id: id.GetValue(), version: id.GetHistory().GetValue()}
}

// referenceTypes maps what the oneof of Reference can hold to the resource type
// of the id: *dt.Reference_PatientId to Patient.
var referenceTypes = sync.OnceValue(func() map[reflect.Type]string {
	types := map[reflect.Type]string{}
	byField := map[string]string{"parametersid": "Parameters"}
	for _, typ := range storableTypes() {
		byField[strings.ToLower(typ)+"id"] = typ
	}
	fields := (&dt.Reference{}).ProtoReflect().Descriptor().Oneofs().ByName("reference").Fields()
	for i := range fields.Len() {
		var ref dt.Reference
		m := ref.ProtoReflect()
		if typ, ok := byField[strings.ToLower(fields.Get(i).JSONName())]; ok {
			m.Set(fields.Get(i), m.NewField(fields.Get(i)))
			types[reflect.TypeOf(ref.GetReference())] = typ
		}
	}
	return types
})

func appendReference(_ *evaluation, p *Param, e element, dst []Value) []Value {
	ref, _ := e.(*dt.Reference)
	l := literalOf(ref)
	system, value := ref.GetIdentifier().GetSystem().GetValue(), ref.GetIdentifier().GetValue().GetValue()
	display := ref.GetDisplay().GetValue()
	if l == (literal{}) && system == "" && value == "" && display == "" {
		return dst
	}
	v := add(&dst, p, ValueReference)
	v.RefType, v.RefID, v.RefVersion, v.RefURL = l.typ, l.id, l.version, l.url
	if l.isFragment {
		v.RefURL = "#" + l.fragment
	}
	v.IdentSystem, v.IdentValue, v.Text = system, value, display
	return dst
}

// appendCanonical takes a canonical or plain URI as a reference: the version
// after | apart, a fragment dropped, because it points inside the target.
func appendCanonical(_ *evaluation, p *Param, e element, dst []Value) []Value {
	text, ok := primitiveText(e)
	if !ok {
		return dst
	}
	if !strings.HasPrefix(text, "#") {
		text, _, _ = strings.Cut(text, "#")
	}
	v := add(&dst, p, ValueReference)
	v.RefURL, v.RefVersion, _ = strings.Cut(text, "|")
	return dst
}

// appendInline is for Bundle.entry[0].resource: a reference whose target is the
// element itself.
func appendInline(_ *evaluation, p *Param, e element, dst []Value) []Value {
	typ := typeNameOf(e)
	if len(p.Target) > 0 && !slices.Contains(p.Target, typ) {
		return dst
	}
	if id := idOf(e); id != "" {
		v := add(&dst, p, ValueReference)
		v.RefType, v.RefID = typ, id
	}
	return dst
}

// referenceType is the type of what a Reference points to, as far as the
// resource alone tells: the literal decides, Reference.type helps with one that
// does not say (urn:uuid), and a logical reference resolves to nothing.
func (c *evaluation) referenceType(e element) string {
	ref, ok := e.(*dt.Reference)
	if !ok {
		return ""
	}
	switch l := literalOf(ref); {
	case l.typ != "":
		return l.typ
	case l.isFragment && l.fragment == "":
		return typeNameOf(c.root)
	case l.isFragment:
		if target := c.containedResource(l.fragment); target != nil {
			return typeNameOf(target)
		}
		return ""
	case l.url == "":
		return ""
	default:
		if _, typ, _, _, ok := SplitReference(l.url); ok {
			return typ
		}
		return typeOfURI(ref.GetType().GetValue())
	}
}

// typeOfURI reads Reference.type: a type name, or the URL of its definition.
func typeOfURI(uri string) string {
	typ := strings.TrimPrefix(uri, "http://hl7.org/fhir/StructureDefinition/")
	if Storable(typ) {
		return typ
	}
	return ""
}

// containedResource finds a contained resource by its id.
func (c *evaluation) containedResource(id string) element {
	if c.contained == nil {
		c.contained = map[string]element{}
		for _, res := range containedIn(c.root) {
			c.contained[idOf(res)] = res
		}
	}
	return c.contained[id]
}

// containedIn unpacks the contained resources; those that do not unpack are
// left out.
func containedIn(root element) []element {
	res, ok := root.(interface{ GetContained() []*anypb.Any })
	if !ok {
		return nil
	}
	var out []element
	for _, packed := range res.GetContained() {
		var wrapper r4.ContainedResource
		if packed.UnmarshalTo(&wrapper) != nil {
			continue
		}
		if res := unwrap(&wrapper); res != nil {
			out = append(out, res)
		}
	}
	return out
}

// unwrap returns the resource in a ContainedResource, nil if there is none.
func unwrap(wrapper *r4.ContainedResource) element {
	choice := reflect.ValueOf(wrapper.GetOneofResource())
	if !choice.IsValid() {
		return nil
	}
	return choice.Elem().Field(0).Interface()
}

// idOf is the id of a resource, empty if it has none.
func idOf(res element) string {
	r, ok := res.(interface{ GetId() *dt.Id })
	if !ok {
		return ""
	}
	return r.GetId().GetValue()
}
