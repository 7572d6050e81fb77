// Package stories decides access stories offline, so that a privacy officer can
// try Consents before they go live: "may this caller, for this purpose, at this
// time, have this resource, given these Consents?". It owns the form of the
// stories file and the reading of a folder of FHIR JSON; the answers come from
// package consent. It is the only part of the decision with I/O.
//
// A stories file is a JSON array. Members of a story:
//
//	id              any name
//	consent         ids of the Consents that are on file, from the folder
//	implicitPolicy  name or PCF URI; absent: home-treatment
//	custodian       "Organization/x"; absent: the first one that the Consents name
//	request         {time, actor, purpose, action, resource}, see below
//	expect          permit, deny or permit-with-obligation
//	why, certainty, alternative, obligation   notes, kept or ignored
//
// request.actor is {reference, role, memberOf} and optionally workforce,
// breakGlass (both true or false) and delegateFor. What it leaves out comes from
// the folder: PractitionerRoles and Groups give memberships and roles. Without
// being told, practitioners who belong to no other organization are the
// custodian's workforce, and members of a Group of practitioners may break the
// glass. Whoever is "Patient/x" is that patient.
//
// request.resource is {type, id, patient, securityLabel, created, updated,
// author, encounter, code}; effective is ignored. Without an id it is a search
// of the type. What is left out is taken from the resource in the folder, if it
// is there. Bare codes: purposes are of v3-ActReason, actions of consentaction,
// security labels U L M N R V of v3-Confidentiality, HTEST of v3-ActReason, all
// others of v3-ActCode; anything else is written system|code.
//
// A search that is not refused as a whole is permit-with-obligation: each entry
// of the answer is decided by itself. So is a permit of data whose labels carry
// handling instructions.
package stories
