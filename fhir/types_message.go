package fhir

import (
	"reflect"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// place is where the generated Go struct of a message keeps an element. The
// parser fills structs by these tables: to write the protobuf wire format and
// have proto.Unmarshal read it took twice as long.
type place struct {
	index int // of the struct field, -1 when the message has none
	// A choice such as value[x] is a struct of its own, in which the oneof is the
	// struct field inner and holds an option, which holds the message.
	choice reflect.Type
	inner  int
	option reflect.Type
}

// valuePlaces are the struct fields in which the message of a primitive keeps
// its value: for dates and times an instant, a zone and a precision. Those that
// a message does not have are -1.
type valuePlaces struct {
	value, zone, precision int
	precisions             [precisionMicro + 1]protoreflect.EnumNumber
}

// put sets the element in the message that parent points to.
func (p *place) put(parent, message reflect.Value) {
	if p.option != nil {
		o, c := reflect.New(p.option), reflect.New(p.choice)
		o.Elem().Field(0).Set(message)
		c.Elem().Field(p.inner).Set(o)
		message = c
	}
	parent.Elem().Field(p.index).Set(message)
}

// get gives what put set, which has to be there.
func (p *place) get(parent reflect.Value) reflect.Value {
	v := parent.Elem().Field(p.index)
	if p.option != nil {
		v = v.Elem().Field(p.inner).Elem().Elem().Field(0)
	}
	return v
}

// optionStruct finds the struct that a oneof holds for one of its fields: it lets
// protobuf put one there.
func optionStruct(f protoreflect.FieldDescriptor) reflect.Type {
	owner := goType(f.ContainingMessage())
	m := reflect.New(owner.Elem())
	if pm, ok := m.Interface().(protoreflect.ProtoMessage); ok {
		pm.ProtoReflect().Set(f, pm.ProtoReflect().NewField(f))
	}
	return m.Elem().Field(goOneof(owner, f.ContainingOneof())).Elem().Type().Elem()
}

// placeOf is the place of a field that is no choice. The tags of a struct are read
// once: protobuf:"bytes,5,rep,name=given,proto3" is field 5.
func (b *schemaBuilder) placeOf(f protoreflect.FieldDescriptor) place {
	d := f.ContainingMessage()
	indexes, ok := b.structs[d.FullName()]
	if !ok {
		indexes = map[string]int{}
		t := goType(d).Elem()
		for i := range t.NumField() {
			if _, rest, ok := strings.Cut(t.Field(i).Tag.Get("protobuf"), ","); ok {
				number, _, _ := strings.Cut(rest, ",")
				indexes[number] = i
			}
		}
		b.structs[d.FullName()] = indexes
	}
	i, ok := indexes[strconv.Itoa(int(f.Number()))]
	if !ok {
		panic("fhir: no struct field for " + string(f.FullName())) // the generator writes one
	}
	return place{index: i}
}

// placeInChoice is the place of one option of a choice.
func (b *schemaBuilder) placeInChoice(choice, option protoreflect.FieldDescriptor) place {
	p := b.placeOf(choice)
	p.choice = goType(choice.Message()).Elem()
	p.inner = goOneof(goType(choice.Message()), option.ContainingOneof())
	p.option = optionStruct(option)
	return p
}

// valuePlacesOf finds where the message of a primitive keeps its value.
func (b *schemaBuilder) valuePlacesOf(d protoreflect.MessageDescriptor) valuePlaces {
	v := valuePlaces{value: -1, zone: -1, precision: -1}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		switch f.Name() {
		case "value", "value_us":
			v.value = b.placeOf(f).index
		case "timezone":
			v.zone = b.placeOf(f).index
		case "precision":
			v.precision = b.placeOf(f).index
			for p, value := range []protoreflect.Name{"YEAR", "MONTH", "DAY", "SECOND", "MILLISECOND", "MICROSECOND"} {
				if n := f.Enum().Values().ByName(value); n != nil {
					v.precisions[p] = n.Number()
				}
			}
		}
	}
	return v
}
