// Package consent decides whether a patient's recorded will lets one request
// have one resource. It owns the meaning of FHIR R4 Consents, read through IHE
// Privacy Consent on FHIR (PCF), and nothing else: no I/O, no clock, no search
// for the consents that matter.
//
// Consent governs disclosure, not recording. Scope, staff role, custody and the
// business rules come before; this package decides what is left and can only
// take away, with one exception: the patient's own access, which no consent can
// remove.
//
// The steps for a caller:
//
//  1. Compile every Consent of the patient once. If that fails, the Consent
//     might forbid something that we cannot see: use Unreadable in its place,
//     which denies everything to everybody but the patient.
//  2. Decide for one resource, or Prepare for many and then Prepared.Decide.
//     Actor, purpose and time are then looked at only once.
//  3. Data of several patients needs a Permit for each of them (Request.Subject
//     names the one in question).
//
// How one consent is read (citations in choices.go and beside the code): the
// root provision gives its type if all its elements match; a matching child
// replaces its parent's outcome, to any depth; among siblings a deny wins. Over
// all consents: any denial denies, else any permission permits, else a consent
// that grants the purpose under conditions closes it for the rest, else the
// implicit policy of the deployment decides.
//
// What cannot be understood never widens access: in a permit it matches
// nothing, in a deny it makes Compile fail or matches everything.
package consent
