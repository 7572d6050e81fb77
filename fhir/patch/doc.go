// Package patch changes an accepted FHIR R4 resource by a patch, in its JSON
// text. It does no I/O and keeps no state.
//
//   - [JSON] applies a JSON Patch (RFC 6902), whose places are JSON pointers
//     (RFC 6901).
//   - [FHIRPath] applies a FHIRPath Patch (R4, fhirpatch.html): a Parameters
//     resource whose places are FHIRPath expressions.
//
// A patch is applied as a whole or not at all; operations run in order, each on
// the outcome of those before it. The outcome is not validated here: the caller
// reads it with fhir.Parse, and refuses another id or another type.
//
// # Bytes
//
// The text becomes a tree whose leaves are pieces of the text, and is written
// back from it. So every member and element that no operation touches keeps its
// bytes: the order of members, escapes, the digits of 70.50. Values that a patch
// brings lose the white space between their tokens and nothing else. A replaced
// member keeps its place, a new one goes to the end of its object, and an _x
// member goes behind its x.
//
// # What removals leave behind
//
// FHIR has no empty arrays and objects (R4 section 2.6.2): where the last
// element of a list goes, so does the list. RFC 6902 leaves the empty list there,
// which no FHIR server could store, and the test cases of FHIRPath Patch want the
// emptied parent gone. Both kinds of patch therefore drop at their end what their
// removals have emptied, upwards; where that was an element of an _x array, null
// stays in its place. During the patch the empty array or object is still there,
// so that indexes and pointers mean what RFC 6902 says: `remove /name/0`, then
// `add /name/-` works. What a patch adds empty stays, and fhir.Parse refuses it.
//
// The opposite is not done: to add to /name/- where there is no name fails, as
// RFC 6902 says (appendix A.12). FHIRPath Patch has add for that.
//
// # FHIRPath Patch
//
// What R4 leaves open, and how it is read here:
//
//   - The path of add, delete and replace selects one element at most; delete
//     alone may select none, and then does nothing ("if found").
//   - The path of insert and move ends in the name of a list, in one element.
//     Destination counts in the list without the moved element.
//   - add to an element that does not repeat fails if it is there.
//   - replace is of the whole element: its id and extensions go, those of the new
//     value come. Another type of a choice takes the place of the old one.
//   - A value has the type of its place. Primitives of one JSON form are taken
//     for each other where one is a specialisation of the other or a string can
//     hold both: string for code, uri or xhtml, date for dateTime, integer for
//     decimal. fhir.Parse then checks their format.
//   - A value given by parts is built as if each part were an add.
//   - A choice may be named as FHIRPath does (deceased) or as JSON does
//     (deceasedDateTime).
//
// The paths are a part of FHIRPath that keeps to the resource itself: elements,
// [n], first, last, tail, skip, take, single, where, exists, all, empty, not,
// count, hasValue, ofType, as, is, extension, startsWith, endsWith, contains,
// comparisons, and, or, xor, implies, and literals without units. resolve() and
// the rest are refused by name. An element that R4 does not have is an error
// rather than nothing, lest a misspelt delete seem to succeed. A string is equal
// to a date of the same text. is, as and ofType mean the type itself, not those
// that specialise it.
//
// # Limits
//
// A patch has a thousand operations at most; its size, the nodes of document and
// patch, what it copies, its depth and its steps are bounded too (limits.go), so
// that time and memory are.
package patch
