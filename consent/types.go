package consent

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Coding is a code in a code system.
type Coding struct{ System, Code string }

// Codes that callers need by name; all are of v3-ActReason.
const (
	PurposeTreatment        = "TREAT"
	PurposePayment          = "HPAYMT"
	PurposeOperations       = "HOPERAT"
	PurposePatientRequested = "PATRQT"
	PurposeBreakGlass       = "BTG"
)

// ActionAccess is the consentaction code of every read.
const ActionAccess = "access"

// Actor is who asks, after authentication.
type Actor struct {
	// Refs are all references that the caller is or belongs to: "Practitioner/a",
	// "PractitionerRole/b", "Organization/c", "Group/d", the organisation's parents
	// included. Identifiers by which Consents may name the caller are listed in the
	// same slice as "system|value". A deny by identifier reaches every caller of
	// whom no identifier is listed.
	Refs []string
	// Roles are the job roles and credentials that the caller holds. A deny by
	// role reaches every caller of whom no role is listed.
	Roles []Coding
	// Workforce: the caller works for the custodian itself.
	Workforce bool
	// BreakGlass: the business rules let this caller break the glass, and it has
	// done what they ask for. Read only by the implicit policy break-glass-only.
	BreakGlass bool
	// Patient is the patient whom the caller is, "Patient/x", or empty.
	Patient string
	// DelegateFor lists the patients for whom the caller is a confirmed delegate.
	DelegateFor []string
}

// Request is what is asked, before the data is known.
type Request struct {
	// Subject is the patient whose data and consents are at stake, "Patient/x".
	// Empty: the data can have a subject, but it could not be resolved; then the
	// custodian's own workforce is permitted and nobody else.
	Subject string
	Actor   Actor
	// Purposes are codes of v3-ActReason, or "system|code". All must be permitted,
	// except that break-glass, if among them, governs alone.
	Purposes []string
	// Action is a code of consentaction ("access"), or "system|code".
	Action string
}

// Resource is what the decision needs to know of the data. Unknown parts stay
// empty; their effect is never to widen a permit.
type Resource struct {
	Ref       string    // "Observation/1", no version
	Version   string    // for the caller's records; a consent speaks of every version
	Type      string    // "Observation"; taken from Ref if empty
	Security  []Coding  // meta.security
	Authors   []string  // references (or "system|value") of authors and performers
	RelatedTo []string  // references of everything that the resource refers to
	Created   time.Time // of the first version
	// LastUpdated is when this version was recorded.
	LastUpdated time.Time
	Codes       []Coding // what the resource is about, for provision.code
	// Classes is what the resource is beyond its type, for provision.class:
	// profiles as {urn:ietf:rfc:3986, canonical}, content types as
	// {urn:ietf:bcp:13, type}, format codes.
	Classes []Coding
}

// typeName is the resource type.
func (r *Resource) typeName() string {
	if r.Type != "" {
		return r.Type
	}
	typ, _, _ := strings.Cut(r.Ref, "/")
	return typ
}

// Environment is the deployment's side of a decision.
type Environment struct {
	Custodian string   // who holds the data, "Organization/x"
	Aliases   []string // other references of the custodian, and identifiers as "system|value"
	Implicit  ImplicitPolicy
}

// Effect is the answer. The zero value denies.
type Effect uint8

// The two effects.
const (
	Deny Effect = iota
	Permit
)

// String returns "deny" or "permit".
func (e Effect) String() string {
	if e == Permit {
		return "permit"
	}
	return "deny"
}

// Decision is the answer with its grounds. It shares no memory with its inputs
// but strings, and must not be modified.
type Decision struct {
	Effect Effect
	// Obligations are the handling instructions (obligation and refrain policies
	// of v3-ActCode) among the labels of permitted data: the recipient must obey
	// them, and they must reach the recipient.
	Obligations []Coding
	Reasons     []Reason // at least one; sorted
}

// Reason is one ground of a decision. It holds no clinical content.
type Reason struct {
	Text      string // plain English
	Consent   string // "Consent/x", empty if no consent was decisive
	Provision string // FHIRPath of the provision, "Consent.provision.provision[0]"
	Purpose   string // the purpose that it concerns, as requested; empty if all
}

// ImplicitPolicy decides where no consent does (V:155-166).
type ImplicitPolicy uint8

// The implicit policies. The zero value is the default.
const (
	// HomeTreatment permits treatment by the custodian's own workforce, up to
	// normal confidentiality.
	HomeTreatment ImplicitPolicy = iota
	// DenyAll permits nothing (opt-in).
	DenyAll
	// BreakGlassOnly permits break-glass to those who may declare it.
	BreakGlassOnly
	// BasicNormal permits treatment to everyone authorised for it.
	BasicNormal
	// AllNormal permits every authorised use (opt-out).
	AllNormal
)

var implicitNames = [...]string{"home-treatment", "deny", "break-glass-only", "basic-normal", "all-normal"}

// pcfPolicyPrefix begins the canonical URIs of PCF's implicit policies.
const pcfPolicyPrefix = "https://profiles.ihe.net/ITI/PCF/Policy-"

// ErrUnknownPolicy says that a name is not one of an implicit policy.
var ErrUnknownPolicy = errors.New("unknown implicit policy")

// String returns the configuration name, for example "home-treatment".
func (p ImplicitPolicy) String() string {
	if int(p) < len(implicitNames) {
		return implicitNames[p]
	}
	return fmt.Sprintf("ImplicitPolicy(%d)", uint8(p))
}

// ParseImplicitPolicy reads a configuration name or PCF's canonical URI. The
// empty string is the default.
func ParseImplicitPolicy(name string) (ImplicitPolicy, error) {
	name = strings.TrimPrefix(name, pcfPolicyPrefix)
	for i, known := range implicitNames {
		if name == known {
			return ImplicitPolicy(i), nil
		}
	}
	if name == "" {
		return HomeTreatment, nil
	}
	return DenyAll, ErrUnknownPolicy
}
