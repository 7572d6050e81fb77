package fhir

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	ann "github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
)

// primitive finds the rules for the value of a primitive type.
func (b *schemaBuilder) primitive(t *typ, d protoreflect.MessageDescriptor) {
	t.value = valueNumbersOf(d)
	if p, ok := primitiveNamed(string(d.Name())); ok && !proto.HasExtension(d.Options(), ann.E_FhirValuesetUrl) {
		t.prim = p
		return
	}
	t.prim = primCode
	value := d.Fields().ByName("value")
	if value == nil || value.Kind() != protoreflect.EnumKind {
		return
	}
	t.prim, t.codes = primEnum, map[string]protoreflect.EnumNumber{}
	values := value.Enum().Values()
	for i := range values.Len() {
		if v := values.Get(i); v.Number() != 0 {
			t.codes[codeOf(v)] = v.Number()
		}
	}
}

func valueNumbersOf(d protoreflect.MessageDescriptor) valueNumbers {
	var n valueNumbers
	for name, number := range map[protoreflect.Name]*protowire.Number{
		"value": &n.value, "value_us": &n.value, "timezone": &n.zone, "precision": &n.precision,
	} {
		f := d.Fields().ByName(name)
		if f == nil {
			continue
		}
		*number = f.Number()
		if name != "precision" {
			continue
		}
		for p, value := range []protoreflect.Name{"YEAR", "MONTH", "DAY", "SECOND", "MILLISECOND", "MICROSECOND"} {
			if v := f.Enum().Values().ByName(value); v != nil {
				n.precisions[p] = v.Number()
			}
		}
	}
	return n
}

// codeOf gives the FHIR code of an enum value: annotated where the generator
// could not derive the one from the other.
func codeOf(v protoreflect.EnumValueDescriptor) string {
	if orig, _ := proto.GetExtension(v.Options(), ann.E_FhirOriginalCode).(string); orig != "" {
		return orig
	}
	return strings.ReplaceAll(strings.ToLower(string(v.Name())), "_", "-")
}

// upperFirst joins a type to the name of its choice: value + quantity.
func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
