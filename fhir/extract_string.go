package fhir

import (
	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
)

// stringConverters give one value per part: a search matches the start of any
// part of a name or an address (R4 section 3.1.1.5.8).
var stringConverters = map[string]convertFunc{
	"String":    appendString,
	"Markdown":  appendString,
	"Code":      appendString,
	"Id":        appendString,
	"Uri":       appendString,
	"HumanName": appendName,
	"Address":   appendAddress,
}

func appendString(_ *evaluation, p *Param, e element, dst []Value) []Value {
	if text, ok := primitiveText(e); ok {
		add(&dst, p, ValueString).String = text
	}
	return dst
}

func appendParts(p *Param, dst []Value, parts ...*dt.String) []Value {
	for _, part := range parts {
		if text := part.GetValue(); text != "" {
			add(&dst, p, ValueString).String = text
		}
	}
	return dst
}

func appendName(_ *evaluation, p *Param, e element, dst []Value) []Value {
	name, _ := e.(*dt.HumanName)
	dst = appendParts(p, dst, name.GetText(), name.GetFamily())
	dst = appendParts(p, dst, name.GetGiven()...)
	dst = appendParts(p, dst, name.GetPrefix()...)
	return appendParts(p, dst, name.GetSuffix()...)
}

func appendAddress(_ *evaluation, p *Param, e element, dst []Value) []Value {
	a, _ := e.(*dt.Address)
	dst = appendParts(p, dst, a.GetText())
	dst = appendParts(p, dst, a.GetLine()...)
	return appendParts(p, dst, a.GetCity(), a.GetDistrict(), a.GetState(), a.GetPostalCode(), a.GetCountry())
}

// uriConverters keep the URI as it is; matching is exact or by prefix (R4
// section 3.1.1.5.13).
var uriConverters = map[string]convertFunc{
	"Uri": appendURI, "Url": appendURI, "Canonical": appendURI, "Oid": appendURI, "Uuid": appendURI,
}

func appendURI(_ *evaluation, p *Param, e element, dst []Value) []Value {
	if text, ok := primitiveText(e); ok {
		add(&dst, p, ValueURI).URI = text
	}
	return dst
}
