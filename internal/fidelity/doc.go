// Package fidelity checks over HTTP that a FHIR server gives back what was sent: every element, extension, digit and partial date. It
// decodes both sides with encoding/json alone (number literals kept), shares no code with the server, and reports every difference with
// its path.
//
// # What may differ
//
// Only what the specification makes a server write or rewrite:
//
//   - the id of a resource that was sent by POST, meta.versionId and meta.lastUpdated;
//   - a reference to another entry of the same Bundle by its fullUrl, which must have become that very entry's Type/id (the same holds for
//     links in uri and url elements and in narrative, which may also stay as they were, since JSON does not tell them from canonicals);
//   - a conditional reference (Type?criteria), which must have become a literal one to a resource that meets the criteria.
//
// Anything else is a difference: a member more, a member less, another order in an array, 1.0 for 1.00.
//
// # How resources are found
//
// Bundle files are posted again under the Idempotency-Key that the loader used, which has to be answered from the first run (header
// Idempotency-Replayed), and so tells each entry's location. NDJSON lines and single resources with an id were stored under it. If the
// current version differs from what was sent, its history is searched: another line or file may have written the same resource later, and
// then the earlier version must still be there unchanged.
//
// Examples are not expected on the server: each is stored with PUT under its own id, read back and compared.
//
// Reports hold values only if Config.Values asks for them; paths, files and line numbers do not reveal content.
package fidelity
