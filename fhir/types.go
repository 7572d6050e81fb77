package fhir

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	r4 "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
)

// Limits bounds what one call accepts. A field that is zero or negative means
// the value of DefaultLimits.
type Limits struct {
	MaxBytes   int // longest input in bytes, byte order mark and white space included
	MaxDepth   int // deepest nesting of JSON objects and arrays; the outermost object is 1
	MaxEntries int // most entries of a Bundle that ParseBundle takes apart
}

// DefaultLimits are the limits of a request body: 16 MiB, 64 levels, 10,000 entries.
var DefaultLimits = Limits{MaxBytes: 16 << 20, MaxDepth: 64, MaxEntries: 10_000}

// orDefault fills unset fields, so that the zero Limits works.
func (l Limits) orDefault() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultLimits.MaxBytes
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = DefaultLimits.MaxDepth
	}
	if l.MaxEntries <= 0 {
		l.MaxEntries = DefaultLimits.MaxEntries
	}
	return l
}

// Issue mirrors OperationOutcome.issue (R4, OperationOutcome). Diagnostics names
// rules and element names, never a value that the client sent, because issues
// end up in logs.
type Issue struct {
	Severity    string   // IssueSeverity: fatal, error, warning, information
	Code        string   // IssueType: structure, required, value, invariant, too-long …
	Diagnostics string   // English, for a developer
	Expression  []string // simple FHIRPath of the element, for example Patient.name[0].given[1]
	Line        int      // 1-based; 0 when unknown
	Column      int      // 1-based, in bytes; 0 when unknown
}

// Invalid says why an input is refused. It holds at least one issue; issues are
// in document order where a position is known.
type Invalid struct{ Issues []Issue }

// Error joins the places and rules; like the issues it quotes no value.
func (e *Invalid) Error() string {
	var b strings.Builder
	b.WriteString("invalid FHIR JSON")
	for i := range e.Issues {
		if i == 3 {
			b.WriteString("; and " + strconv.Itoa(len(e.Issues)-i) + " more")
			break
		}
		b.WriteString(": ")
		if x := e.Issues[i].Expression; len(x) > 0 {
			b.WriteString(x[0] + ": ")
		}
		b.WriteString(e.Issues[i].Diagnostics)
	}
	return b.String()
}

// Resource is one accepted resource in its two forms.
type Resource struct {
	Type string // the resourceType, for example Patient
	ID   string // the id as sent, empty if there was none
	// JSON is the client's text without the white space between tokens.
	// Everything else is kept byte for byte: member order, escapes, digits.
	JSON []byte
	// Proto is the concrete google/fhir R4 message, for example
	// *patient_go_proto.Patient. It is a reading aid: never write it out. The
	// package comment tells where it differs from the text.
	Proto proto.Message
}

// Storable reports whether a resource of this type can be kept. Parameters is
// the one R4 type that only carries operation input and output (R4, Parameters).
func Storable(typ string) bool {
	_, ok := slices.BinarySearch(storableTypes(), typ)
	return ok
}

// StorableTypes lists the types that Storable accepts, sorted.
func StorableTypes() []string { return slices.Clone(storableTypes()) }

// storableTypes reads the type names off the oneof of the generated
// ContainedResource, so that the list cannot drift from what Parse understands.
var storableTypes = sync.OnceValue(func() []string {
	fields := (&r4.ContainedResource{}).ProtoReflect().Descriptor().Oneofs().ByName("oneof_resource").Fields()
	names := make([]string, 0, fields.Len())
	for i := range fields.Len() {
		if name := string(fields.Get(i).Message().Name()); name != "Parameters" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
})
