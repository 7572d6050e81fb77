// Package conformance is a black-box suite for FHIR R4 (4.0.1) servers. The tests are TestScript resources below
// scripts/, one area a folder; the engine here runs them against any base URL and writes what it found as a table, as
// JUnit XML, as TestReport resources and as one HTML page. README.md says how the scripts are written and which
// extension they use where TestScript has no words.
//
// It knows nothing of this server: it imports nothing of ours, and what it may expect it reads in the server's
// CapabilityStatement. A test of something that is not advertised is skipped.
package conformance
