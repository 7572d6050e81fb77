package fhir

import (
	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
)

// noValueURL marks a primitive that has an id or extensions and no value. It
// tells a missing boolean or integer from false or 0.
const noValueURL = "https://g.co/fhir/StructureDefinition/primitiveHasNoValue"

func hasNoValue(extensions []*dt.Extension) bool {
	for _, e := range extensions {
		if e.GetUrl().GetValue() == noValueURL {
			return true
		}
	}
	return false
}

// tokenConverters follow the table of R4 section 3.1.1.5.10: contact points,
// booleans, strings and URIs have no system.
var tokenConverters = map[string]convertFunc{
	"Coding":          appendCodingToken,
	"CodeableConcept": appendConceptTokens,
	"Identifier":      appendIdentifierToken,
	"ContactPoint":    appendContactToken,
	"Boolean":         appendBooleanToken,
	"Code":            appendTextToken,
	"String":          appendTextToken,
	"Id":              appendTextToken,
	"Uri":             appendTextToken,
	"Url":             appendTextToken,
	"Canonical":       appendTextToken,
	"Oid":             appendTextToken,
	"Uuid":            appendTextToken,
}

func appendCodingToken(_ *evaluation, p *Param, e element, dst []Value) []Value {
	coding, _ := e.(*dt.Coding)
	return appendCoding(p, coding, dst)
}

func appendCoding(p *Param, coding *dt.Coding, dst []Value) []Value {
	system, code, display := coding.GetSystem().GetValue(), coding.GetCode().GetValue(), coding.GetDisplay().GetValue()
	if system == "" && code == "" && display == "" {
		return dst
	}
	v := add(&dst, p, ValueToken)
	v.System, v.HasSystem, v.Code, v.Text = system, system != "", code, display
	return dst
}

func appendConceptTokens(_ *evaluation, p *Param, e element, dst []Value) []Value {
	concept, _ := e.(*dt.CodeableConcept)
	for _, coding := range concept.GetCoding() {
		dst = appendCoding(p, coding, dst)
	}
	if text := concept.GetText().GetValue(); text != "" {
		add(&dst, p, ValueToken).Text = text
	}
	return dst
}

func appendIdentifierToken(_ *evaluation, p *Param, e element, dst []Value) []Value {
	id, _ := e.(*dt.Identifier)
	system, value, text := id.GetSystem().GetValue(), id.GetValue().GetValue(), id.GetType().GetText().GetValue()
	if system == "" && value == "" && text == "" {
		return dst
	}
	v := add(&dst, p, ValueToken)
	v.System, v.HasSystem, v.Code, v.Text = system, system != "", value, text
	for _, c := range id.GetType().GetCoding() {
		if t := (Coding{System: c.GetSystem().GetValue(), Code: c.GetCode().GetValue()}); t != (Coding{}) {
			v.Types = append(v.Types, t)
		}
	}
	return dst
}

func appendContactToken(_ *evaluation, p *Param, e element, dst []Value) []Value {
	contact, _ := e.(*dt.ContactPoint)
	if value := contact.GetValue().GetValue(); value != "" {
		add(&dst, p, ValueToken).Code = value
	}
	return dst
}

func appendBooleanToken(_ *evaluation, p *Param, e element, dst []Value) []Value {
	if value, ok := booleanValue(e); ok {
		add(&dst, p, ValueToken).Code = boolCode(value)
	}
	return dst
}

func appendTextToken(_ *evaluation, p *Param, e element, dst []Value) []Value {
	if text, ok := primitiveText(e); ok {
		add(&dst, p, ValueToken).Code = text
	}
	return dst
}

func booleanValue(e element) (value, ok bool) {
	b, ok := e.(*dt.Boolean)
	return b.GetValue(), ok && !hasNoValue(b.GetExtension())
}

// primitiveText is the value of a string-like primitive or code; ok is false
// for other types and if there is no value.
func primitiveText(e element) (text string, ok bool) {
	switch v := e.(type) {
	case interface{ GetValue() string }: // String, Uri, Code, Id, Markdown, Canonical …
		text = v.GetValue()
	default:
		if isCodeWrapper(descriptorFor(e)) {
			c, found := wrappedCode(e)
			return c.Code, found
		}
	}
	return text, text != ""
}
