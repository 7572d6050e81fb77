package patch

import (
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	ann "github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	r4 "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
)

// typ is what a patch has to know of a FHIR type, backbone element or resource:
// the elements it has, which of them repeat, and their types. It is read off the
// generated descriptors, type by type, when first needed.
type typ struct {
	name      string // HumanName, dateTime, Patient; Patient.Contact for a backbone element
	primitive bool
	resource  bool // any resource: which one, its resourceType says
	message   protoreflect.MessageDescriptor
	once      sync.Once
	byName    map[string]*element // as FHIRPath names them: deceased
	byJSON    map[string]*element // choices as JSON names them: deceasedBoolean
}

// element is one element of a type.
type element struct {
	name    string
	list    bool
	options []option // one for each type of a choice
}

// option is an element in one of its types.
type option struct {
	json string
	typ  *typ
}

// choice reports whether the element is one such as value[x].
func (e *element) choice() bool { return e.options[0].json != e.name }

// types memoises by the full name of the message.
var types sync.Map // protoreflect.FullName to *typ

func typeOf(d protoreflect.MessageDescriptor) *typ {
	if t, ok := types.Load(d.FullName()); ok {
		return t.(*typ)
	}
	t, _ := types.LoadOrStore(d.FullName(), newTyp(d))
	return t.(*typ)
}

func newTyp(d protoreflect.MessageDescriptor) *typ {
	t := &typ{message: d}
	t.resource = d.Name() == "ContainedResource" || d.FullName() == "google.protobuf.Any"
	kind, _ := proto.GetExtension(d.Options(), ann.E_StructureDefinitionKind).(ann.StructureDefinitionKindValue)
	t.primitive = kind == ann.StructureDefinitionKindValue_KIND_PRIMITIVE_TYPE
	url, _ := proto.GetExtension(d.Options(), ann.E_FhirStructureDefinitionUrl).(string)
	if bases, _ := proto.GetExtension(d.Options(), ann.E_FhirProfileBase).([]string); len(bases) > 0 {
		url = bases[0] // a code with its value set, SimpleQuantity
	}
	switch {
	case t.resource:
		t.name = "Resource"
	case url != "":
		t.name = url[strings.LastIndexByte(url, '/')+1:]
	default:
		t.name = strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())+".")
	}
	return t
}

// resourceType finds a resource by its name, Parameters included; nil if R4 has
// none of that name.
func resourceType(name string) *typ {
	contained := (&r4.ContainedResource{}).ProtoReflect().Descriptor()
	all := contained.Oneofs().ByName("oneof_resource").Fields()
	byName := resourceFields()
	if i, ok := byName[name]; ok {
		return typeOf(all.Get(i).Message())
	}
	return nil
}

var resourceFields = sync.OnceValue(func() map[string]int {
	all := (&r4.ContainedResource{}).ProtoReflect().Descriptor().Oneofs().ByName("oneof_resource").Fields()
	byName := make(map[string]int, all.Len())
	for i := range all.Len() {
		byName[string(all.Get(i).Message().Name())] = i
	}
	return byName
})

func extensionType() *typ { return typeOf((&dt.Extension{}).ProtoReflect().Descriptor()) }

// element finds an element by the name that FHIRPath gives it, and a choice by
// its JSON names too; nil if the type has none.
func (t *typ) element(name string) *element {
	t.once.Do(t.load)
	if e := t.byName[name]; e != nil {
		return e
	}
	return t.byJSON[name]
}

func (t *typ) load() {
	t.byName, t.byJSON = map[string]*element{}, map[string]*element{}
	if t.resource {
		return
	}
	fields := t.message.Fields()
	if t.primitive { // the rest of the message is the value
		for _, name := range []protoreflect.Name{"id", "extension"} {
			if f := fields.ByName(name); f != nil {
				t.add(f)
			}
		}
		return
	}
	reference := t.message.FullName() == (&dt.Reference{}).ProtoReflect().Descriptor().FullName()
	for i := range fields.Len() {
		f := fields.Get(i)
		if reference && f.ContainingOneof() != nil {
			// The oneof holds what google/fhir derives from the one JSON member.
			if f.Name() == "uri" {
				str := (&dt.String{}).ProtoReflect().Descriptor()
				t.byName["reference"] = &element{name: "reference", options: []option{{"reference", typeOf(str)}}}
			}
			continue
		}
		t.add(f)
	}
}

func (t *typ) add(f protoreflect.FieldDescriptor) {
	e := &element{name: f.JSONName(), list: f.IsList()}
	t.byName[e.name] = e
	if !proto.HasExtension(f.Message().Options(), ann.E_IsChoiceType) {
		e.options = []option{{e.name, typeOf(f.Message())}}
		return
	}
	choices := f.Message().Fields()
	for i := range choices.Len() {
		c := choices.Get(i)
		e.options = append(e.options, option{e.name + upperFirst(c.JSONName()), typeOf(c.Message())})
	}
	if t.name == "Extension" { // google/fhir left Meta out
		meta := (&dt.Meta{}).ProtoReflect().Descriptor()
		e.options = append(e.options, option{e.name + "Meta", typeOf(meta)})
	}
	for _, o := range e.options {
		t.byJSON[o.json] = e
	}
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// families are the primitive types whose values are written alike, so that a
// value of one may be meant for another: what is accepted, by the type of the
// place. fhir.Parse checks the formats.
var families = map[string]string{
	"string": "s", "code": "s", "id": "s", "markdown": "s", "xhtml": "s",
	"uri": "su", "url": "su", "canonical": "su", "oid": "su", "uuid": "su",
	"integer": "i", "positiveInt": "i", "unsignedInt": "i", "decimal": "id",
	"date": "t", "dateTime": "tT", "instant": "T",
}

// sends is the family of a value by its type.
var sends = map[string]string{
	"string": "s", "code": "s", "id": "s", "markdown": "s", "xhtml": "s",
	"uri": "u", "url": "u", "canonical": "u", "oid": "u", "uuid": "u",
	"integer": "i", "positiveInt": "i", "unsignedInt": "i", "decimal": "d",
	"date": "t", "dateTime": "T", "instant": "T",
}

// quantities are the types that a value of type Quantity may be meant for.
var quantities = map[string]bool{
	"Quantity": true, "Age": true, "Count": true, "Distance": true, "Duration": true, "MoneyQuantity": true, "SimpleQuantity": true,
}

// accepts reports whether a value sent as a type, in the spelling of value[x],
// may stand where the type is expected.
func (t *typ) accepts(sent string) bool {
	if upperFirst(t.name) == sent {
		return true
	}
	if !t.primitive {
		return quantities[t.name] && quantities[sent]
	}
	f := sends[strings.ToLower(sent[:1])+sent[1:]]
	return f != "" && strings.Contains(families[t.name], f)
}
