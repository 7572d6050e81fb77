package fhir

import (
	"reflect"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	annotations "github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
)

// codeTable gives the FHIR code and its system for each number of an enum. The
// protos write codes as UPPER_SNAKE names and keep the original only where the
// name cannot be turned back.
type codeTable map[protoreflect.EnumNumber]Coding

// codeTables caches by enum; there are some 200.
var codeTables sync.Map // protoreflect.FullName -> codeTable

func codeTableOf(e protoreflect.EnumDescriptor) codeTable {
	if t, ok := codeTables.Load(e.FullName()); ok {
		return t.(codeTable) //nolint:forcetypeassert // only this function stores
	}
	t := codeTable{}
	system, _ := proto.GetExtension(e.Options(), annotations.E_FhirCodeSystemUrl).(string)
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		if v.Number() == 0 {
			continue // INVALID_UNINITIALIZED
		}
		c := Coding{System: system}
		if s, _ := proto.GetExtension(v.Options(), annotations.E_SourceCodeSystem).(string); s != "" {
			c.System = s
		}
		if c.Code, _ = proto.GetExtension(v.Options(), annotations.E_FhirOriginalCode).(string); c.Code == "" {
			c.Code = strings.ReplaceAll(strings.ToLower(string(v.Name())), "_", "-")
		}
		t[v.Number()] = c
	}
	codeTables.Store(e.FullName(), t)
	return t
}

// stringCodeSystems are the systems of the value sets whose codes the protos
// keep as text.
var stringCodeSystems = map[string]string{
	"http://hl7.org/fhir/ValueSet/mimetypes":  "urn:ietf:bcp:13",
	"http://hl7.org/fhir/ValueSet/currencies": "urn:iso:std:iso:4217",
}

// isCodeWrapper recognises the messages made for an element of type code with a
// required binding: Observation.StatusCode, Attachment.ContentTypeCode.
func isCodeWrapper(d protoreflect.MessageDescriptor) bool {
	v := d.Fields().ByName("value")
	if v == nil || d.Fields().Len() != 3 {
		return false
	}
	valueSet, _ := proto.GetExtension(d.Options(), annotations.E_FhirValuesetUrl).(string)
	return v.Kind() == protoreflect.EnumKind || valueSet != ""
}

// wrappedCode reads such a message; ok is false if it has no value.
func wrappedCode(e element) (Coding, bool) {
	message, ok := e.(protoreflect.ProtoMessage)
	if !ok {
		return Coding{}, false
	}
	m := message.ProtoReflect()
	d := m.Descriptor()
	field := d.Fields().ByName("value")
	if field == nil {
		return Coding{}, false
	}
	switch field.Kind() {
	case protoreflect.EnumKind:
		c, ok := codeTableOf(field.Enum())[m.Get(field).Enum()]
		return c, ok
	case protoreflect.StringKind:
		valueSet, _ := proto.GetExtension(d.Options(), annotations.E_FhirValuesetUrl).(string)
		c := Coding{System: stringCodeSystems[valueSet], Code: m.Get(field).String()}
		return c, c.Code != ""
	}
	return Coding{}, false
}

// codeConverter makes a token of a code; its system is that of the value set.
func codeConverter(d protoreflect.MessageDescriptor) convertFunc {
	field := d.Fields().ByName("value")
	if field.Kind() != protoreflect.EnumKind {
		return func(_ *evaluation, p *Param, e element, dst []Value) []Value {
			if c, ok := wrappedCode(e); ok {
				v := add(&dst, p, ValueToken)
				v.System, v.HasSystem, v.Code = c.System, c.System != "", c.Code
			}
			return dst
		}
	}
	table, index := codeTableOf(field.Enum()), goField(goType(d), field)
	return func(_ *evaluation, p *Param, e element, dst []Value) []Value {
		number := reflect.ValueOf(e).Elem().Field(index).Int()
		if c, ok := table[protoreflect.EnumNumber(number)]; ok { //nolint:gosec // enums are 32 bits wide
			v := add(&dst, p, ValueToken)
			v.System, v.HasSystem, v.Code = c.System, c.System != "", c.Code
		}
		return dst
	}
}
