// Package gateway owns HTTP: the FHIR R4 facade on echo, authentication, and the one table that turns errors into
// a status and an OperationOutcome. One file an interaction.
//
// It decides nothing about records: package record does, and reports what a caller may not see as absent. This
// package renders absent and withheld alike, in body, headers and status. It logs routes, never URLs: a query holds
// search values.
package gateway
