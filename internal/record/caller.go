package record

import (
	"time"
)

// Interaction is what a caller asks to do with a type, in the letters of SMART's scopes.
type Interaction uint8

// The interactions that a scope can grant.
const (
	MayCreate Interaction = iota
	MayRead
	MayUpdate
	MayDelete
	MaySearch
)

// Caller is who asks, as the access token says. It lives for one request.
type Caller struct {
	Client    string   // OAuth client
	User      string   // fhirUser, a reference such as Practitioner/1
	Org       string   // organisation that the caller belongs to, Organization/…
	Patient   string   // id of the launch patient; bounds PatientOnly callers
	Purposes  []string // v3-ActReason codes
	Refs      []string // every reference that the caller is or belongs to
	Self      string   // id of the patient that the caller is, if so
	Workforce bool     // of the custodian's own staff or systems: may record, and sees taken ids

	PatientOnly bool // a scope is at patient level: the token is bound to the launch patient
	Allows      func(typ string, i Interaction) bool
}

// staff tells whether the caller acts for the custodian as a whole: a clinician whose token is bound to one patient
// does not.
func (c *Caller) staff() bool { return c.Workforce && !c.PatientOnly }

// own is the patient whose consents the caller may write: itself, or for a clinician the launch patient.
func (c *Caller) own() string {
	if c.Workforce {
		return c.Patient
	}
	return c.Self
}

// identity names the caller for what must not be shared between callers.
func (c *Caller) identity() string { return c.agent() + "|" + c.Patient }

// permit checks the scope.
func (c *Caller) permit(typ string, i Interaction) error {
	if c.Allows(typ, i) {
		return nil
	}
	return fail(Forbidden, "the access token's scope does not allow this interaction on %s", typ)
}

// permitPatch checks the scopes of a change that reads: its result, and what it asks of the resource, tell the content.
func (c *Caller) permitPatch(typ string) error {
	if err := c.permit(typ, MayRead); err != nil {
		return err
	}
	return c.permit(typ, MayUpdate)
}

// agent is the caller as a leaf states it: client and user, never a name.
func (c *Caller) agent() string { return c.Client + "|" + c.User + "|" + c.Org }

// Result is one version of a resource, opened.
type Result struct {
	Type, ID    string
	Version     uint64
	LastUpdated time.Time
	Deleted     bool
	JSON        []byte // nil if deleted
	Method      string // that made the version: POST, PUT or DELETE
	Created     bool   // by this request
	Replayed    bool   // the first outcome of an idempotent request
	Early       bool   // durable, and not committed yet: not visible
}
