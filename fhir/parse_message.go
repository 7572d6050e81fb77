package fhir

import (
	"reflect"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	r4 "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
)

// The message is made while the text is scanned, straight into the generated
// structs. It is the message that google/fhir's jsonformat makes (a test compares
// them) at a tenth of its cost. An invalid Value stands for "no message": that is
// what all functions here give and take when none is asked for, when an issue has
// made it pointless, or where google/fhir has no field.

// messageOf gives the message for an element of one value. The halves of a
// primitive, written in two members, share it.
func (s *scanner) messageOf(m member, parent reflect.Value, second bool) reflect.Value {
	switch {
	case !s.build || !parent.IsValid():
		return reflect.Value{}
	case m.typ.prim == primReference && m.sibling:
		return reflect.New(m.typ.structure) // the value decides what becomes of it
	case m.typ.prim == primReference:
		return parent
	case m.index < 0:
		return reflect.Value{}
	case second:
		return m.get(parent)
	}
	message := reflect.New(m.typ.structure)
	m.put(parent, message)
	return message
}

// listOf gives the list of an element that repeats.
func (s *scanner) listOf(m member, parent reflect.Value) reflect.Value {
	if !s.build || !parent.IsValid() || m.index < 0 {
		return reflect.Value{}
	}
	return parent.Elem().Field(m.index)
}

// elementOf gives the message for element i of a list. The halves of a list of
// primitives share them. New ones wait on a stack until the list has ended.
func (s *scanner) elementOf(m member, list reflect.Value, i int) reflect.Value {
	switch {
	case !s.build || !list.IsValid():
		return reflect.Value{}
	case i < list.Len():
		return list.Index(i)
	}
	message := reflect.New(m.typ.structure)
	s.elements = append(s.elements, message)
	return message
}

// extend moves the new elements, which are on the stack from first, to the list.
func (s *scanner) extend(list reflect.Value, first int) {
	added := s.elements[first:]
	if len(added) == 0 {
		return
	}
	at := list.Len()
	list.Grow(len(added))
	list.SetLen(at + len(added))
	for i, e := range added {
		list.Index(at + i).Set(e)
	}
	clear(added)
	s.elements = s.elements[:first]
}

// contain puts a resource into the ContainedResource, or into the Any for one,
// that into points to.
func (s *scanner) contain(into reflect.Value, t *typ, resource reflect.Value) {
	option := reflect.New(t.contained)
	option.Elem().Field(0).Set(resource)
	var packed r4.ContainedResource
	target := &packed
	in, isAny := into.Interface().(*anypb.Any)
	if !isAny {
		target, _ = into.Interface().(*r4.ContainedResource)
	}
	reflect.ValueOf(target).Elem().Field(s.schema.contained).Set(option)
	if isAny {
		if err := anypb.MarshalFrom(in, target, proto.MarshalOptions{Deterministic: true}); err != nil {
			s.fault = err
		}
	}
}

// markEmpty marks the message of a primitive that has extensions and no value, as
// google/fhir does it.
func markEmpty(t *typ, message reflect.Value) {
	if x := t.names.find([]byte("extension")); x != nil {
		if list, ok := message.Elem().Field(x.index).Addr().Interface().(*[]*dt.Extension); ok {
			*list = append(*list, noValue())
		}
	}
}

// noValue is the mark.
func noValue() *dt.Extension {
	return &dt.Extension{
		Url:   &dt.Uri{Value: noValueURL},
		Value: &dt.Extension_ValueX{Choice: &dt.Extension_ValueX_Boolean{Boolean: &dt.Boolean{Value: true}}},
	}
}
