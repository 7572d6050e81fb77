// Package fhir reads and rewrites FHIR R4 (4.0.1) resources as JSON, and knows
// the R4 search parameters. It does no I/O and has no clock.
//
// # Reading
//
// [Parse] accepts one resource. Its scanner goes over the bytes once and checks
// them against JSON (RFC 8259) and against tables of the R4 types: encoding,
// size, nesting, duplicate and unknown elements, cardinality, JSON kinds, null
// and empty values, the formats of the primitive types, codes of required value
// sets, reference targets, references to contained resources, the XHTML of
// narratives, and the constraints ele-1, ext-1, dom-2 to dom-5 and txt-1. What it finds
// it reports as issues with their places, up to a hundred, in document order, and
// without repeating a value. As it goes it makes the google/fhir message, which
// serves as the model for search values, compartments and references.
//
// Parameters is read as well, because operations take it; [Storable] says what may
// be kept.
//
// The client's text is what counts: it is kept byte for byte but for white space
// between tokens, and changed only by [Splice] and [RewriteReferences], in place.
//
// What is looked at more than once is counted, so that neither nesting nor the
// order of members makes the cost grow faster than the input.
//
// # The message
//
// The message is made by tables of the generated descriptors. It is the one that
// google/fhir's jsonformat v0.7.4 makes, but for differences that
// docs/jsonformat-differences.md lists and the tests check. It says less than the
// text, where its definition has no room:
//
//   - Second 60 is kept as 59. Fractions of a second are cut to microseconds.
//   - Extension.valueMeta is missing.
//   - An element without value (null, or only its _x sibling) is a zero value with
//     the extension https://g.co/fhir/StructureDefinition/primitiveHasNoValue: a
//     date of 1970 that nobody wrote, unless the reader looks at that extension.
//   - Contained resources, and the resource of a Parameters.parameter, are a
//     ContainedResource packed in an Any.
//
// # Limits of the check
//
// Profiles, the other constraints, the binding of
// MolecularSequence.structureVariant.variantType to LOINC, and the targets of
// absolute references are not checked here. MIME types only have to look like
// codes, currencies like those of ISO 4217. A literal reference to a type that R4
// does not have is refused, as is a URI that net/url cannot parse.
package fhir
