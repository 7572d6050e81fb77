package consent

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"
)

// ErrUnsupported is wrapped by every error of Compile: the Consent says
// something that this package cannot evaluate, so it might forbid anything.
var ErrUnsupported = errors.New("consent cannot be evaluated")

// Options say how a Consent is to be read.
type Options struct {
	// Location is the zone of dates without one; nil is UTC.
	Location *time.Location
	// Bases are base URLs of this server: absolute references that begin with one
	// are read as relative ones.
	Bases []string
	// Patient is the data subject, "Patient/x", if Consent.patient holds only an
	// identifier that the caller has resolved.
	Patient string
}

// Policy is a compiled Consent. It is immutable and safe for concurrent use.
type Policy struct {
	consent    string   // "Consent/x"
	patient    string   // "Patient/x"
	active     bool     // status active and scope patient-privacy
	unreadable bool     // stands for a Consent that could not be compiled
	orgs       []string // Consent.organization: references and identifiers
	orgsVague  bool     // one of them is named by identifier only
	orgsBlind  bool     // one of them is named by nothing that we can recognise
	nodes      []node   // provisions in depth-first order; nodes[0] is the root
}

// Consent is the reference of the compiled Consent, "Consent/x".
func (p *Policy) Consent() string { return p.consent }

// Patient is the data subject, "Patient/x".
func (p *Policy) Patient() string { return p.patient }

// Active reports status active and scope patient-privacy: whether the Consent
// counts at some time, for some custodian.
func (p *Policy) Active() bool { return p.active }

// Unreadable is the policy to use for a Consent that Compile refused: it denies
// everything to everybody but the patient himself. Both arguments are
// references.
func Unreadable(consent, patient string) *Policy {
	return &Policy{
		consent: consent, patient: patient, active: true, unreadable: true,
		nodes: []node{{effect: denyNamed, end: 1, path: rootPath, period: always, ctx: -1}},
	}
}

const rootPath = "Consent.provision"

// Compile reads a Consent. Consents that do not count whatever the request
// (another status than active, another scope) compile to a policy that is never
// asked; of them nothing else is looked at.
//
// An error wraps ErrUnsupported and names an element and a rule, never a value.
// The caller must then treat the Consent as a denial of everything to everybody
// but the patient: see Unreadable. Refused are modifier extensions, implicit
// rules, nested provisions without a type, values that are absent or invalid
// where they matter, and denies whose target cannot be recognised later. The
// same in a permit compiles and permits nothing.
func Compile(c *consent_go_proto.Consent, o Options) (*Policy, error) {
	if c == nil {
		return nil, fmt.Errorf("no Consent: %w", ErrUnsupported)
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	p := &Policy{consent: "Consent/" + c.GetId().GetValue(), patient: o.Patient}
	b := &compiler{options: o, policy: p}
	if literal := b.reference(c.GetPatient()).literal; literal != "" {
		p.patient = literal
	}
	if err := b.header(c); err != nil {
		return nil, err
	}
	if !p.active {
		return p, nil
	}
	if err := b.parties(c); err != nil {
		return nil, err
	}
	root := c.GetProvision()
	if root == nil {
		root = &consent_go_proto.Consent_Provision{}
	}
	if err := b.provision(root, rootPath, position{policyRule: policyRule(c.GetPolicyRule()), parent: -1}); err != nil {
		return nil, err
	}
	return p, nil
}

// compiler builds one policy.
type compiler struct {
	options Options
	policy  *Policy
}

func unsupported(path, rule string) error {
	return fmt.Errorf("%s: %s: %w", path, rule, ErrUnsupported)
}

// header decides whether the Consent counts at all (section 1; V:90, F:39).
func (b *compiler) header(c *consent_go_proto.Consent) error {
	switch c.GetStatus().GetValue() {
	case codes_go_proto.ConsentStateCode_ACTIVE:
	case codes_go_proto.ConsentStateCode_INVALID_UNINITIALIZED:
		return unsupported("Consent.status", "value is missing")
	default:
		return nil
	}
	switch {
	case c.GetImplicitRules().GetValue() != "":
		return unsupported("Consent.implicitRules", "rules are not known")
	case len(c.GetModifierExtension()) > 0:
		return unsupported("Consent.modifierExtension", "extension is not known")
	}
	for i, policy := range c.GetPolicy() {
		if len(policy.GetModifierExtension()) > 0 {
			return unsupported(element("Consent", "policy", i)+".modifierExtension", "extension is not known")
		}
	}
	for i, verification := range c.GetVerification() {
		if len(verification.GetModifierExtension()) > 0 {
			return unsupported(element("Consent", "verification", i)+".modifierExtension", "extension is not known")
		}
	}
	known := false
	for _, coding := range c.GetScope().GetCoding() {
		system, code := canonicalSystem(coding.GetSystem().GetValue()), coding.GetCode().GetValue()
		known = known || system != "" && code != ""
		if system == systemScope && code == "patient-privacy" {
			b.policy.active = true
		}
	}
	if !known {
		return unsupported("Consent.scope", "coding is missing")
	}
	return nil
}

// parties reads whose consent it is and which custodians it binds.
func (b *compiler) parties(c *consent_go_proto.Consent) error {
	p := b.policy
	if !strings.HasPrefix(p.patient, "Patient/") {
		return unsupported("Consent.patient", "patient is not named by a literal reference")
	}
	for _, o := range c.GetOrganization() {
		ref := b.reference(o)
		p.orgs = append(p.orgs, ref.names()...)
		p.orgsVague = p.orgsVague || ref.literal == "" && ref.identifier != ""
		p.orgsBlind = p.orgsBlind || ref == target{}
	}
	return nil
}

// reading says whether, and how far, a policy counts.
type reading uint8

const (
	ignored    reading = iota
	deniesOnly         // the custodian may or may not be meant: it can only restrict
	counts
)

// reads applies section 1: active, privacy, the data subject, the custodian,
// and the root's period.
func (p *Policy) reads(env *Environment, subject string, nowUS int64) reading {
	if !p.active || p.patient != subject {
		return ignored
	}
	if p.unreadable {
		return counts
	}
	if !p.nodes[0].period.contains(nowUS) {
		return ignored
	}
	if len(p.orgs) == 0 && !p.orgsBlind {
		return counts
	}
	if env.Custodian != "" && slices.Contains(p.orgs, env.Custodian) {
		return counts
	}
	for _, alias := range env.Aliases {
		if slices.Contains(p.orgs, alias) {
			return counts
		}
	}
	if env.Custodian == "" || p.orgsBlind || p.orgsVague && !slices.ContainsFunc(env.Aliases, isIdentifier) {
		return deniesOnly
	}
	return ignored
}

// policyRule maps the base rule of R4 (Consent.policyRule) to the type that a
// root without one has.
func policyRule(rule *datatypes_go_proto.CodeableConcept) outcome {
	for _, coding := range rule.GetCoding() {
		if canonicalSystem(coding.GetSystem().GetValue()) != systemActCode {
			continue
		}
		switch coding.GetCode().GetValue() {
		case "OPTIN":
			return permit
		case "OPTOUT":
			return deny
		}
	}
	return none
}
