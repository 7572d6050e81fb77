package fhir

import (
	"maps"
	"reflect"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	ann "github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	r4 "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
)

// shape says what JSON a type is written as.
type shape uint8

const (
	shapePrimitive   shape = iota // string, number or boolean, with a possible _x sibling
	shapeComplex                  // object with the members of typ.members
	shapeResource                 // as shapeComplex, with resourceType, of one known type
	shapeAnyResource              // object whose resourceType picks the type
)

// typ is what the scanner has to know of one FHIR type, backbone element or
// resource. Types refer to each other in cycles and are read only once built.
type typ struct {
	name      string // of a resource
	shape     shape
	prim      primitive
	codes     map[string]protoreflect.EnumNumber // primEnum: the codes of the required binding
	members   map[string]member                  // JSON name, with its leading underscore where it has one
	bits      int                                // number of bits that a seen-set of the members needs
	required  []*field                           // one field of each required choice
	extension bool                               // Extension: ext-1 applies
	names     nameTable                          // members again, for the scanner
	message   protoreflect.MessageDescriptor
	structure reflect.Type // generated for the message
	value     valuePlaces  // of a primitive
	contained reflect.Type // of a resource: what the oneof of ContainedResource holds
}

// member is one JSON name of an object: a field, or its underscore sibling.
type member struct {
	*field
	sibling bool // the name starts with _: id and extensions of a primitive
}

// field is one element of a complex type. A choice such as value[x] has one
// field for every type, all in one group.
type field struct {
	name    string      // as FHIRPath names it: value for valueQuantity
	json    string      // as JSON names it: valueQuantity
	typ     *typ        //
	list    bool        // written as an array
	bit     int         // seen bit of the JSON name; the sibling's is bit+1
	group   int         // seen bit of the choice, -1 when not a choice
	targets []string    // types a literal Reference may name, nil for any
	concept *conceptSet // required binding of a CodeableConcept
	place
}

// schema holds the type of every R4 resource, Parameters included, by name.
type schema struct {
	resources map[string]*typ
	// references has, for each type that a literal reference may name, what the
	// oneof of Reference holds then.
	references map[string]reflect.Type
	// The struct fields of these oneofs in ContainedResource and Reference.
	contained, reference int
}

// r4Schema reads the tables off the generated protobuf descriptors on first use.
var r4Schema = sync.OnceValue(func() *schema {
	b := &schemaBuilder{types: map[protoreflect.FullName]*typ{}, structs: map[protoreflect.FullName]map[string]int{}}
	s := &schema{resources: map[string]*typ{}, references: map[string]reflect.Type{}}
	contained := (&r4.ContainedResource{}).ProtoReflect().Descriptor()
	oneof := contained.Oneofs().ByName("oneof_resource")
	s.contained = goOneof(goType(contained), oneof)
	all := oneof.Fields()
	for i := range all.Len() {
		d := all.Get(i).Message()
		t := b.message(d)
		t.contained = optionStruct(all.Get(i))
		s.resources[string(d.Name())] = t
	}
	reference := (&dt.Reference{}).ProtoReflect().Descriptor()
	s.reference = goOneof(goType(reference), reference.Oneofs().ByName("reference"))
	references := reference.Oneofs().ByName("reference").Fields()
	for i := range references.Len() {
		f := references.Get(i)
		if name, _ := proto.GetExtension(f.Options(), ann.E_ReferencedFhirType).(string); name != "" {
			s.references[name] = optionStruct(f)
		}
	}
	for _, t := range slices.AppendSeq(b.copies, maps.Values(b.types)) {
		t.names = newNameTable(t.members)
	}
	return s
})

// schemaBuilder memoises messages, because types are recursive.
type schemaBuilder struct {
	types   map[protoreflect.FullName]*typ
	copies  []*typ                                   // of some of types, changed
	structs map[protoreflect.FullName]map[string]int // struct fields of messages by number
}

func (b *schemaBuilder) message(d protoreflect.MessageDescriptor) *typ {
	if t, ok := b.types[d.FullName()]; ok {
		return t
	}
	t := &typ{name: string(d.Name()), shape: shapeComplex, message: d, structure: goType(d).Elem()}
	b.types[d.FullName()] = t
	kind, _ := proto.GetExtension(d.Options(), ann.E_StructureDefinitionKind).(ann.StructureDefinitionKindValue)
	switch {
	case d.Name() == "ContainedResource" || d.FullName() == "google.protobuf.Any":
		t.shape = shapeAnyResource
		return t
	case kind == ann.StructureDefinitionKindValue_KIND_PRIMITIVE_TYPE:
		t.shape = shapePrimitive
		b.primitive(t, d)
		b.siblingMembers(t, d)
		return t
	case kind == ann.StructureDefinitionKindValue_KIND_RESOURCE:
		t.shape = shapeResource
	}
	t.members = map[string]member{}
	t.extension = d.FullName() == (&dt.Extension{}).ProtoReflect().Descriptor().FullName()
	b.fields(t, d)
	if t.shape == shapeResource {
		b.add(t, &field{name: "resourceType", json: "resourceType", typ: &typ{prim: primTypeName}, group: -1, place: place{index: -1}})
	}
	return t
}

// siblingMembers gives a primitive the two members of its _x object.
func (b *schemaBuilder) siblingMembers(t *typ, d protoreflect.MessageDescriptor) {
	t.members = map[string]member{}
	for _, name := range []protoreflect.Name{"id", "extension"} {
		if f := d.Fields().ByName(name); f != nil {
			b.field(t, f, string(name), string(name), -1, b.placeOf(f))
		}
	}
}

func (b *schemaBuilder) fields(t *typ, d protoreflect.MessageDescriptor) {
	reference := d.FullName() == (&dt.Reference{}).ProtoReflect().Descriptor().FullName()
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		name := f.JSONName()
		switch {
		case proto.HasExtension(f.Message().Options(), ann.E_IsChoiceType):
			b.choice(t, f)
		case reference && f.ContainingOneof() != nil:
			// The oneof holds what jsonformat derives from the one JSON member.
			if f.Name() == "uri" {
				b.add(t, &field{name: "reference", json: "reference", typ: b.referenceString(f.Message()), group: -1, place: place{index: -1}})
			}
		default:
			b.field(t, f, name, name, -1, b.placeOf(f))
		}
	}
}

// referenceString is the type string of Reference.reference, told apart so that
// its form is checked and its value found.
func (b *schemaBuilder) referenceString(d protoreflect.MessageDescriptor) *typ {
	t := *b.message(d)
	t.prim = primReference
	b.copies = append(b.copies, &t)
	return &t
}

// choice adds one field for each type of an element such as value[x].
func (b *schemaBuilder) choice(t *typ, f protoreflect.FieldDescriptor) {
	name, group := f.JSONName(), t.bits
	t.bits++
	options := f.Message().Fields()
	var first *field
	for i := range options.Len() {
		o := options.Get(i)
		added := b.field(t, o, name, name+upperFirst(o.JSONName()), group, b.placeInChoice(f, o))
		added.targets = stringsOption(o.Options(), ann.E_ValidReferenceType)
		if first == nil {
			first = added
		}
	}
	if t.extension { // google/fhir left Meta out
		meta := b.message((&dt.Meta{}).ProtoReflect().Descriptor())
		b.add(t, &field{name: name, json: name + "Meta", typ: meta, group: group, place: place{index: -1}})
	}
	if isRequired(f) {
		t.required = append(t.required, first)
	}
}

func (b *schemaBuilder) field(t *typ, f protoreflect.FieldDescriptor, name, json string, group int, at place) *field {
	out := &field{
		name: name, json: json, group: group,
		typ:     b.message(f.Message()),
		list:    f.IsList(),
		targets: stringsOption(f.Options(), ann.E_ValidReferenceType),
		concept: conceptSetOf(f.ContainingMessage(), json),
		place:   at,
	}
	b.add(t, out)
	if group < 0 && isRequired(f) {
		t.required = append(t.required, out)
	}
	return out
}

// add enters a field under its JSON names and gives it its bits.
func (b *schemaBuilder) add(t *typ, f *field) {
	f.bit = t.bits
	t.bits += 2
	t.members[f.json] = member{field: f}
	if f.typ.shape == shapePrimitive && f.typ.members != nil {
		t.members["_"+f.json] = member{field: f, sibling: true}
	}
}

func isRequired(f protoreflect.FieldDescriptor) bool {
	req, _ := proto.GetExtension(f.Options(), ann.E_ValidationRequirement).(ann.Requirement)
	return req == ann.Requirement_REQUIRED_BY_FHIR
}

// stringsOption reads the reference targets; a target Resource allows any type.
func stringsOption(o proto.Message, x protoreflect.ExtensionType) []string {
	list, _ := proto.GetExtension(o, x).([]string)
	for _, s := range list {
		if s == "Resource" {
			return nil
		}
	}
	return list
}
