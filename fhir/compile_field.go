package fhir

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// element is a FHIR element or resource: a pointer to its generated message.
//
// Expressions are compiled against the proto descriptors, but the compiled
// steps read the generated structs by field index. protoreflect's own Get looks
// up a pointer type per call and takes five times as long.
type element = any

// fieldRef is a child element of one message type. An element with a choice of
// types (value[x]), and an inline resource, is a wrapper message with a oneof,
// and the element is what the oneof holds.
type fieldRef struct {
	owner reflect.Type // pointer to the generated struct
	index int          // of the field in it
	list  bool
	inner int // field of the wrapper that holds the oneof, -1 if there is none
	// only restricts a choice to one type: valueDateTime written as one name.
	only reflect.Type
}

// childFields finds an element by its FHIR name in each of the types that have
// it, with the types that the element can take.
func childFields(owners []protoreflect.MessageDescriptor, name string) ([]fieldRef, []protoreflect.MessageDescriptor) {
	var refs []fieldRef
	var types []protoreflect.MessageDescriptor
	for _, owner := range owners {
		field, only := childField(owner, name)
		if field == nil {
			continue
		}
		ref := fieldRef{owner: goType(owner), index: goField(goType(owner), field), list: field.IsList(), inner: -1}
		alternatives := []protoreflect.MessageDescriptor{field.Message()}
		if oneof := wrapperOneof(field.Message()); oneof != nil {
			ref.inner = goOneof(goType(field.Message()), oneof)
			alternatives = alternativesOf(oneof)
		}
		if only != nil {
			ref.only = goType(only)
			alternatives = []protoreflect.MessageDescriptor{only}
		}
		refs = append(refs, ref)
		for _, t := range alternatives {
			if !slices.Contains(types, t) {
				types = append(types, t)
			}
		}
	}
	return refs, types
}

// childField finds the field of an element. Some packages write the JSON name
// of a choice, valueDateTime; then only is the type that this selects.
func childField(owner protoreflect.MessageDescriptor, name string) (field protoreflect.FieldDescriptor, only protoreflect.MessageDescriptor) {
	if f := owner.Fields().ByJSONName(name); f != nil && f.Message() != nil {
		return f, nil
	}
	for i := range owner.Fields().Len() {
		f := owner.Fields().Get(i)
		if f.Message() == nil || !strings.HasPrefix(name, f.JSONName()) {
			continue
		}
		oneof := wrapperOneof(f.Message())
		if oneof == nil {
			continue
		}
		for _, t := range alternativesOf(oneof) {
			if string(t.Name()) == name[len(f.JSONName()):] {
				return f, t
			}
		}
	}
	return nil, nil
}

// wrapperOneof returns the oneof of a wrapper message, nil for all others. A
// Reference has a oneof too, but is an element in its own right.
func wrapperOneof(m protoreflect.MessageDescriptor) protoreflect.OneofDescriptor {
	if o := m.Oneofs().ByName("choice"); o != nil {
		return o
	}
	return m.Oneofs().ByName("oneof_resource")
}

func alternativesOf(oneof protoreflect.OneofDescriptor) []protoreflect.MessageDescriptor {
	types := make([]protoreflect.MessageDescriptor, 0, oneof.Fields().Len())
	for i := range oneof.Fields().Len() {
		types = append(types, oneof.Fields().Get(i).Message())
	}
	return types
}

// goType is the generated type of a message, *dt.Coding.
func goType(m protoreflect.MessageDescriptor) reflect.Type {
	mt, err := protoregistry.GlobalTypes.FindMessageByName(m.FullName())
	if err != nil {
		panic(fmt.Sprintf("fhir: message %s is not linked in: %v", m.FullName(), err))
	}
	return reflect.TypeOf(mt.Zero().Interface())
}

// goField finds the struct field of a message field by the tag that the
// generator writes.
func goField(t reflect.Type, field protoreflect.FieldDescriptor) int {
	want := ",name=" + string(field.Name()) + ","
	for i := range t.Elem().NumField() {
		if tag := t.Elem().Field(i).Tag.Get("protobuf"); strings.Contains(tag+",", want) {
			return i
		}
	}
	panic(fmt.Sprintf("fhir: %s has no field %s", t, field.Name()))
}

func goOneof(t reflect.Type, oneof protoreflect.OneofDescriptor) int {
	for i := range t.Elem().NumField() {
		if t.Elem().Field(i).Tag.Get("protobuf_oneof") == string(oneof.Name()) {
			return i
		}
	}
	panic(fmt.Sprintf("fhir: %s has no oneof %s", t, oneof.Name()))
}

// fieldStep reads the element off every item.
func fieldStep(refs []fieldRef) func(c *evaluation, from, to int) {
	return func(c *evaluation, from, to int) {
		for i := from; i < to; i++ {
			owner := reflect.ValueOf(c.items[i])
			for j := range refs {
				if refs[j].owner == owner.Type() {
					c.appendField(owner, &refs[j])
					break
				}
			}
		}
	}
}

func (c *evaluation) appendField(owner reflect.Value, ref *fieldRef) {
	field := owner.Elem().Field(ref.index)
	if !ref.list {
		if !field.IsNil() {
			c.appendItem(field, ref)
		}
		return
	}
	for i := range field.Len() {
		c.appendItem(field.Index(i), ref)
	}
}

func (c *evaluation) appendItem(item reflect.Value, ref *fieldRef) {
	if ref.inner >= 0 {
		choice := item.Elem().Field(ref.inner)
		if choice.IsNil() {
			return
		}
		item = choice.Elem().Elem().Field(0) // interface, pointer to the oneof's struct, its one field
		if ref.only != nil && item.Type() != ref.only {
			return
		}
	}
	c.items = append(c.items, item.Interface())
}

// asStep keeps the items of the given types.
func asStep(types []protoreflect.MessageDescriptor) func(c *evaluation, from, to int) {
	var kept []reflect.Type
	for _, t := range types {
		kept = append(kept, goType(t))
	}
	return func(c *evaluation, from, to int) {
		for i := from; i < to; i++ {
			if m := c.items[i]; slices.Contains(kept, reflect.TypeOf(m)) {
				c.items = append(c.items, m)
			}
		}
	}
}

func typesNamed(types []protoreflect.MessageDescriptor, name string) []protoreflect.MessageDescriptor {
	var out []protoreflect.MessageDescriptor
	for _, t := range types {
		if isNamed(t, name) {
			out = append(out, t)
		}
	}
	return out
}

// isNamed compares a message with a FHIR type name. The messages of primitive
// types are capitalised, and R4 itself writes as(DateTime) once.
func isNamed(t protoreflect.MessageDescriptor, name string) bool {
	return strings.EqualFold(string(t.Name()), name)
}

// descriptorFor is the descriptor of an element.
func descriptorFor(e element) protoreflect.MessageDescriptor {
	m, ok := e.(protoreflect.ProtoMessage)
	if !ok {
		return nil
	}
	return m.ProtoReflect().Descriptor()
}

// typeNameOf is the FHIR type of a resource or complex element.
func typeNameOf(e element) string {
	if d := descriptorFor(e); d != nil {
		return string(d.Name())
	}
	return ""
}
