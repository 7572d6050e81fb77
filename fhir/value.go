package fhir

import (
	"strings"
	"time"
)

// ValueKind says which group of fields of a Value is set.
type ValueKind uint8

// The kinds follow the search parameter types of R4 (section 3.1.1.4); number
// and quantity share their fields.
const (
	ValueToken ValueKind = iota + 1
	ValueString
	ValueDate
	ValueReference
	ValueNumber
	ValueQuantity
	ValueURI
	ValueComposite
)

// Coding is a code with its system. System is empty when there is none.
type Coding struct{ System, Code string }

// Value is one search value that a resource has for one parameter.
//
// Only the fields of its Kind are set:
//
//   - ValueToken: System, HasSystem, Code, Text, Types. A CodeableConcept gives
//     one value per coding, each with its display as Text, and one with nothing
//     but Text for its text; an Identifier gives system, value and its types.
//     A Coding with a system and no code has an empty Code.
//   - ValueString: String, raw.
//   - ValueDate: Low, High.
//   - ValueReference: one of RefType/RefID (a literal Type/id of this server,
//     with RefVersion if the literal names one), RefURL (any other literal; of
//     a canonical the part before |, and RefVersion the part after), or neither
//     (a logical or display-only reference); with IdentSystem and IdentValue if
//     there is an identifier and Text if there is a display.
//   - ValueNumber, ValueQuantity: Num, NumLow, NumHigh, Unit, UnitSystem,
//     UnitCode.
//   - ValueURI: URI. Of a canonical the whole, version included.
//   - ValueComposite: Components.
type Value struct {
	Param *Param
	Kind  ValueKind
	// Component is the position in a composite's definition; 0 elsewhere.
	Component uint8

	System, Code string
	HasSystem    bool     // false: no system, which a search for |code asks for
	Text         string   // what :text searches: display, text, or a reference's display
	Types        []Coding // Identifier.type, for :of-type

	String string

	// Low and High bound the half-open interval [Low, High) of instants. A zero
	// time is an open end.
	Low, High time.Time

	RefType, RefID, RefVersion, RefURL string
	IdentSystem, IdentValue            string

	URI string

	// Num is the literal as sent. NumLow and NumHigh bound the values that it
	// stands for at its precision, [NumLow, NumHigh), with infinities for open
	// ends; they are equal for an exact value (an integer, an end of a Range).
	// Num is empty for a Range and for SampledData.
	NumLow, NumHigh                 float64
	Num, Unit, UnitSystem, UnitCode string

	// Components holds the component values of one element, in the order of the
	// definition. A component that has several values (a concept with three
	// codings) occurs as often, and none is missing: any combination that takes
	// one value per Component is a match of the composite. Their Param is that of
	// the component's definition.
	Components []Value
}

// SplitReference takes a literal reference of the form
// [base/]Type/id[/_history/version] apart (R4 section 2.3.0.1). base has no
// slash at its end and is empty for a relative reference. ok is false for every
// other form: urn:, fragments, canonicals, an unknown type or an invalid id.
func SplitReference(ref string) (base, typ, id, version string, ok bool) {
	head, version, versioned := strings.Cut(ref, "/_history/")
	i := strings.LastIndexByte(head, '/')
	if i < 0 {
		return "", "", "", "", false
	}
	head, id = head[:i], head[i+1:]
	j := strings.LastIndexByte(head, '/')
	base, typ = strings.TrimSuffix(head[:j+1], "/"), head[j+1:]
	if !Storable(typ) || !validID(id) || j == 0 || versioned && !validID(version) {
		return "", "", "", "", false
	}
	return base, typ, id, version, true
}
