// Package fhirfake is an in-memory FHIR R4 server for the tests of the client packages (load, bench, conformance, fidelity), with faults on
// demand. It does what it does truthfully (versions, conditional requests, atomic transactions with reference rewriting, history,
// idempotency keys) for a few search parameters and without validation beyond structure. Nothing outside tests imports it.
package fhirfake
