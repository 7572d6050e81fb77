// Package load puts FHIR data into a server over HTTP: transaction and batch Bundles, NDJSON of any size, and single resources.
//
// # What is sent
//
// Everything goes out as POST {base} with a Bundle, under an Idempotency-Key that is a hash of the very bytes sent ([Key]). A server that
// keeps such keys answers a repeated request with its first outcome and the header "Idempotency-Replayed: true". So a second run changes
// nothing, whichever machine it comes from: no local state exists that could be lost or be out of date.
//
//   - A file with a transaction or batch Bundle is sent byte for byte.
//   - Any other resource in a .json file becomes a transaction of one entry. A Bundle of another type (a document, a collection) is
//     stored as the resource that it is.
//   - NDJSON lines become transactions of bounded size, cut at the same places in every run, which the keys depend on.
//
// A resource with an id is sent as PUT Type/id (a client-assigned id), so literal references between resources hold. A resource without
// one is sent as POST. Neither carries ifNoneExist: the only criterion that a loader could derive is an identifier, and identifiers are
// not unique (thousands of Synthea's ExplanationOfBenefit share a claim group), so distinct resources would be dropped in silence. The
// Idempotency-Key gives exactly-once without guessing. Entries of Bundle files keep what their author wrote.
//
// # Order
//
// What others need goes first, found by content: whoever holds the fullUrl, the Type/id or the identifier that another file refers to
// precedes it, and files with nothing but organisations, practitioners and locations precede all clinical ones. Where references form a
// circle, literal ones give way before conditional ones, because a server resolves the latter when they are written.
//
// # Failures
//
// 429, 502, 503, 504, 409 with Retry-After, and connection errors are tried again with exponential back-off and jitter, never sooner than
// Retry-After says. The same key makes that safe on a server that keeps keys; one that ignores them may store a Bundle twice after a lost
// answer. A rejected NDJSON transaction is halved until the resources at fault are alone, so one bad line costs one line. Transactions from
// files are never cut: they are atomic on purpose.
//
// Error values name files, lines and element paths, never content. [Failure] carries the server's own diagnostics beside them.
package load
