package fhir

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	ann "github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
)

// primitive finds the rules for the value of a primitive type.
func (b *schemaBuilder) primitive(t *typ, d protoreflect.MessageDescriptor) {
	t.value = b.valuePlacesOf(d)
	if p, ok := primitiveNamed(string(d.Name())); ok && !proto.HasExtension(d.Options(), ann.E_FhirValuesetUrl) {
		t.prim = p
		return
	}
	t.prim = primCode
	if url, _ := proto.GetExtension(d.Options(), ann.E_FhirValuesetUrl).(string); url == currencies {
		t.prim = primCurrency
	}
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
