// Package defects breaks the server on purpose, for the proof that the conformance suite would notice. Each defect
// is a wrapper around the server's handler that changes requests or answers in the way a real bug of a FHIR server
// would. They are taken from what servers and proxies get wrong: a header forgotten, a parameter ignored, a
// resource that went through a careless parser, a status of another version of FHIR.
//
// Only a binary built with the tag defects contains this package. It owns no rule of FHIR and does not know the code
// of the server: it sees HTTP, as the suite does.
package defects
