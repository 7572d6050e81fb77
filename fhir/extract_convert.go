package fhir

import (
	"fmt"
	"reflect"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// convertFunc appends the values that one element has for a parameter.
type convertFunc func(c *evaluation, p *Param, e element, dst []Value) []Value

type typeConverter struct {
	typ reflect.Type
	run convertFunc
}

// convertersFor picks the conversion for each type an expression can select.
// Types of a choice that the parameter's type cannot compare are left out (an
// onset in years for a date); none at all is an error.
func convertersFor(p *Param, types []protoreflect.MessageDescriptor) ([]typeConverter, error) {
	out := make([]typeConverter, 0, len(types))
	for _, t := range types {
		if run := converterFor(p.Type, t); run != nil {
			out = append(out, typeConverter{typ: goType(t), run: run})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: no element usable as %s", errExpression, p.Type)
	}
	return out, nil
}

func convert(c *evaluation, p *Param, converters []typeConverter, e element, dst []Value) []Value {
	typ := reflect.TypeOf(e)
	for i := range converters {
		if converters[i].typ == typ {
			return converters[i].run(c, p, e, dst)
		}
	}
	return dst
}

func converterFor(typ ParamType, d protoreflect.MessageDescriptor) convertFunc {
	name := string(d.Name())
	switch typ {
	case ParamToken:
		if isCodeWrapper(d) {
			return codeConverter(d)
		}
		return tokenConverters[name]
	case ParamString:
		return stringConverters[name]
	case ParamDate:
		return dateConverters[name]
	case ParamReference:
		if Storable(name) && wrapperOneof(d) == nil {
			return appendInline
		}
		return referenceConverters[name]
	case ParamNumber:
		return numberConverters[name]
	case ParamQuantity:
		return quantityConverters[name]
	case ParamURI:
		return uriConverters[name]
	}
	return nil
}

// add appends an empty value and returns it for filling in.
func add(dst *[]Value, p *Param, kind ValueKind) *Value {
	n := len(*dst)
	if n == cap(*dst) {
		*dst = slices.Grow(*dst, 8)
	}
	*dst = (*dst)[:n+1]
	v := &(*dst)[n]
	*v = Value{Param: p, Kind: kind} // in place: values are large
	return v
}
