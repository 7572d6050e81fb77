// Package conformance is a black-box test suite for FHIR R4 (4.0.1) servers. It knows nothing about the server but its base URL, and
// imports nothing of ours, so it judges any server alike.
//
// It reads the server's CapabilityStatement and then checks two things: that the statement is true (what it advertises answers, what it
// does not advertise is refused), and that the interactions behave as the specification says. A check of something that the server does
// not advertise is skipped, not failed.
//
// The suite writes a few Patients and Observations with identifiers of its own, and deletes what it created. It changes nothing else:
// probes of advertised writes send bodies that no server can accept, or address resources that do not exist.
package conformance
