package consent_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/consent"
)

// tpo are the purposes of PCF's basic consents.
var tpo = purposes("TREAT", "HPAYMT", "HOPERAT")

// asking returns the request with other purposes.
func asking(r consent.Request, codes ...string) consent.Request {
	r.Purposes = codes
	return r
}

// TestCounting is section 1: which consents count.
func TestCounting(t *testing.T) {
	scope := func(system, code string) obj { return obj{"scope": concept(coding(system, code))} }
	org := func(o ...obj) obj { return obj{"organization": o} }
	identifier := obj{"identifier": obj{"system": "urn:orgs", "value": "7"}}
	aliases := consent.Environment{Custodian: custodian, Aliases: []string{"Organization/old", "urn:orgs|7"}, Implicit: consent.DenyAll}
	for _, c := range []struct {
		name         string
		change       obj
		env          consent.Environment
		permit, deny bool // whether a permit permits, and a deny denies
	}{
		{"as it is", obj{}, optIn(), true, true},
		{"draft", obj{"status": "draft"}, optIn(), false, false},
		{"proposed", obj{"status": "proposed"}, optIn(), false, false},
		{"rejected", obj{"status": "rejected"}, optIn(), false, false},
		{"inactive", obj{"status": "inactive"}, optIn(), false, false},
		{"entered in error", obj{"status": "entered-in-error"}, optIn(), false, false},
		{"consent to research", scope("http://terminology.hl7.org/CodeSystem/consentscope", "research"), optIn(), false, false},
		{"somebody else's", obj{"patient": obj{"reference": "Patient/q"}}, optIn(), false, false},
		{"no organization", obj{"organization": nil}, optIn(), true, true},
		{"another organization", org(obj{"reference": "Organization/other"}), optIn(), false, false},
		{"one of several", org(obj{"reference": "Organization/other"}, obj{"reference": custodian}), optIn(), true, true},
		{"an alias", org(obj{"reference": "Organization/old"}), aliases, true, true},
		{"an identifier", org(identifier), aliases, true, true},
		{"another identifier", org(obj{"identifier": obj{"system": "urn:orgs", "value": "8"}}), aliases, false, false},
		{"an identifier, ours unknown: can only restrict", org(identifier), optIn(), false, true},
		{"a name only: can only restrict", org(obj{"display": "the hospital"}), aliases, false, true},
		{"custodian unknown: can only restrict", obj{}, consent.Environment{Implicit: consent.DenyAll}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			permits := compile(t, obj{"type": "permit"}, c.change)
			if got := decide(t, []*consent.Policy{permits}, c.env, stranger(), observation()); (got.Effect == consent.Permit) != c.permit {
				t.Errorf("permit: %+v", got)
			}
			all := compile(t, obj{"type": "permit"}, obj{"id": "all", "organization": nil})
			denies := compile(t, obj{"type": "deny"}, c.change)
			if got := decide(t, []*consent.Policy{all, denies}, c.env, stranger(), observation()); (got.Effect == consent.Deny) != c.deny {
				t.Errorf("deny: %+v", got)
			}
		})
	}
}

// TestAllConsents is section 4: several consents, closing, the implicit policy.
func TestAllConsents(t *testing.T) {
	var (
		treat    = compile(t, obj{"type": "permit", "purpose": tpo}, obj{"id": "treat"})
		normal   = compile(t, obj{"type": "permit", "purpose": tpo, "securityLabel": labels("N")}, obj{"id": "normal"})
		research = compile(t, obj{"type": "permit", "purpose": purposes("HRESCH"), "actor": recipients("Organization/lab")}, obj{"id": "research"})
		toDrX    = compile(t, obj{"type": "permit", "purpose": tpo, "actor": recipients("Practitioner/x")}, obj{"id": "x"})
		toDoctor = compile(t, obj{"type": "permit", "purpose": tpo, "securityLabel": labels("N"), "actor": recipients("Practitioner/doctor")}, obj{"id": "doctor"})
		notBob   = compile(t, obj{"type": "deny", "actor": recipients("Practitioner/bob")}, obj{"id": "bob"})
		noTPO    = compile(t, obj{"type": "deny", "purpose": tpo}, obj{"id": "no"})
		past     = compile(t, obj{"type": "permit", "period": obj{"end": "2021"}}, obj{"id": "past"})
	)
	home, optOut := consent.HomeTreatment, consent.AllNormal
	for _, c := range []struct {
		name     string
		policies []*consent.Policy
		implicit consent.ImplicitPolicy
		req      consent.Request
		data     []string
		want     consent.Effect
	}{
		{"no consent: staff treats", nil, home, doctor(), nil, consent.Permit},
		{"up to normal", nil, home, doctor(), []string{"R"}, consent.Deny},
		{"stigma is not normal", nil, home, doctor(), []string{"HIV"}, consent.Deny},
		{"nobody else treats", nil, home, stranger(), nil, consent.Deny},
		{"no other purpose", nil, home, asking(doctor(), "HPAYMT"), nil, consent.Deny},
		{"break-glass is treatment", nil, home, asking(doctor(), "BTG"), nil, consent.Permit},

		{"any denial denies", []*consent.Policy{treat, noTPO}, optOut, doctor(), nil, consent.Deny},
		{"any permit permits", []*consent.Policy{normal, treat}, optOut, doctor(), []string{"R"}, consent.Permit},
		{"a permit under conditions closes its purpose", []*consent.Policy{normal}, optOut, doctor(), []string{"R"}, consent.Deny},

		{"research must not block treatment", []*consent.Policy{research}, home, doctor(), nil, consent.Permit},
		{"treatment must not open research", []*consent.Policy{treat}, optOut, asking(doctor(), "HRESCH"), nil, consent.Deny},
		{"research is closed to others", []*consent.Policy{research}, optOut, asking(stranger(), "HRESCH"), nil, consent.Deny},
		{"staff too", []*consent.Policy{research}, optOut, asking(doctor(), "HRESCH"), nil, consent.Deny},
		{"a grant to Dr. X leaves staff alone", []*consent.Policy{toDrX}, home, doctor(), nil, consent.Permit},
		{"closes to others", []*consent.Policy{toDrX}, optOut, stranger(), nil, consent.Deny},
		{"those named stay within it", []*consent.Policy{toDoctor}, optOut, doctor(), []string{"R"}, consent.Deny},

		{"not Bob: others as before", []*consent.Policy{notBob}, home, doctor(), nil, consent.Permit},
		{"deny of TPO, another purpose asked", []*consent.Policy{noTPO}, optOut, asking(doctor(), "HRESCH"), nil, consent.Deny},
		{"an ended consent is none", []*consent.Policy{past}, optOut, asking(stranger(), "HRESCH"), nil, consent.Permit},

		{"several purposes: all", []*consent.Policy{treat, research}, optOut, asking(doctor(), "TREAT", "HRESCH"), nil, consent.Deny},
		{"all are", []*consent.Policy{treat}, consent.DenyAll, asking(doctor(), "TREAT", "HPAYMT"), nil, consent.Permit},
		{"break-glass governs alone", []*consent.Policy{treat}, consent.DenyAll, asking(doctor(), "HMARKT", "BTG"), nil, consent.Permit},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := consent.Environment{Custodian: custodian, Implicit: c.implicit}
			if got := decide(t, c.policies, env, c.req, observation(c.data...)); got.Effect != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestImplicitPolicies without any consent.
func TestImplicitPolicies(t *testing.T) {
	breaker := asking(stranger(), "BTG")
	breaker.Actor.BreakGlass = true
	friend := stranger()
	friend.Actor.Patient = "Patient/friend"
	for _, c := range []struct {
		name string
		req  consent.Request
		data []string
		want []consent.ImplicitPolicy // those that permit
	}{
		{"staff treats", doctor(), []string{"N"}, []consent.ImplicitPolicy{consent.HomeTreatment, consent.BasicNormal, consent.AllNormal}},
		{"staff treats, restricted", doctor(), []string{"R"}, []consent.ImplicitPolicy{consent.BasicNormal, consent.AllNormal}},
		{"another treats", stranger(), []string{"V"}, []consent.ImplicitPolicy{consent.BasicNormal, consent.AllNormal}},
		{"a patient cannot treat", friend, nil, []consent.ImplicitPolicy{consent.AllNormal}},
		{"marketing", asking(stranger(), "HMARKT"), nil, []consent.ImplicitPolicy{consent.AllNormal}},
		{"no purpose", asking(doctor()), nil, nil},
		{"break-glass by who may", breaker, []string{"R"}, []consent.ImplicitPolicy{consent.BreakGlassOnly, consent.BasicNormal, consent.AllNormal}},
		{"break-glass by who may not", asking(stranger(), "BTG"), nil, []consent.ImplicitPolicy{consent.BasicNormal, consent.AllNormal}},
	} {
		var got []consent.ImplicitPolicy
		for p := consent.HomeTreatment; p <= consent.AllNormal+1; p++ {
			env := consent.Environment{Custodian: custodian, Implicit: p}
			if decide(t, nil, env, c.req, observation(c.data...)).Effect == consent.Permit {
				got = append(got, p)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: permitted by (-want +got)\n%s", c.name, diff)
		}
	}
}

func TestParseImplicitPolicy(t *testing.T) {
	for p := consent.HomeTreatment; p <= consent.AllNormal; p++ {
		for _, name := range []string{p.String(), "https://profiles.ihe.net/ITI/PCF/Policy-" + p.String()} {
			if got, err := consent.ParseImplicitPolicy(name); err != nil || got != p {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
	}
	if got, err := consent.ParseImplicitPolicy(""); err != nil || got != consent.HomeTreatment {
		t.Errorf("default: %v, %v", got, err)
	}
	if got, err := consent.ParseImplicitPolicy("open"); err == nil || got != consent.DenyAll {
		t.Errorf("unknown name: %v, %v", got, err)
	}
}

// TestBusinessRules: what no consent can override.
func TestBusinessRules(t *testing.T) {
	denyAll := []*consent.Policy{compile(t, obj{"type": "deny"})}
	unreadable := []*consent.Policy{consent.Unreadable("Consent/u", subject)}
	denyMum := []*consent.Policy{compile(t, obj{"type": "deny", "actor": recipients("RelatedPerson/mum")})}
	denyMore := []*consent.Policy{compile(t, obj{"type": "deny", "actor": recipients("RelatedPerson/mum"), "provision": []obj{{"type": "deny"}}})}
	deep := []*consent.Policy{compile(t, obj{"type": "permit", "provision": []obj{{
		"type": "permit", "actor": recipients("RelatedPerson/mum"),
		"provision": []obj{{"type": "deny", "securityLabel": labels("HIV")}},
	}}})}
	self := consent.Request{Subject: subject, Actor: consent.Actor{Patient: subject, Refs: []string{subject}}, Purposes: []string{"PATRQT"}}
	mum := consent.Request{Subject: subject, Actor: consent.Actor{Refs: []string{"RelatedPerson/mum"}, DelegateFor: []string{subject}}, Purposes: []string{"FAMRQT"}}
	unresolved, outside := doctor(), stranger()
	unresolved.Subject, outside.Subject = "", ""
	for _, c := range []struct {
		name     string
		policies []*consent.Policy
		req      consent.Request
		data     []string
		want     consent.Effect
	}{
		{"the patient under a full deny", denyAll, self, []string{"V"}, consent.Permit},
		{"the patient under an unreadable consent", unreadable, self, nil, consent.Permit},
		{"the patient without consent", nil, self, nil, consent.Permit},
		{"a delegate under a full deny", denyAll, mum, nil, consent.Permit},
		{"a delegate without consent", nil, mum, []string{"R"}, consent.Permit},
		{"a delegate whom a deny names", denyMum, mum, nil, consent.Deny},
		{"a delegate whom a deep deny concerns", deep, mum, []string{"HIV"}, consent.Deny},
		{"only there", deep, mum, []string{"N"}, consent.Permit},
		{"a deny below one that names the delegate does not weaken it", denyMore, mum, nil, consent.Deny},
		{"a delegate under an unreadable consent", unreadable, mum, nil, consent.Deny},
		{"unresolved subject, staff", denyAll, unresolved, nil, consent.Permit},
		{"unresolved subject, others", nil, outside, nil, consent.Deny},
		{"unreadable", unreadable, doctor(), nil, consent.Deny},
		{"unreadable beside a permit", append(unreadable, compile(t, obj{"type": "permit"})), doctor(), nil, consent.Deny},
	} {
		env := consent.Environment{Custodian: custodian, Implicit: consent.DenyAll}
		if got := decide(t, c.policies, env, c.req, observation(c.data...)); got.Effect != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestNeedsResource: what can be said before the data is known.
func TestNeedsResource(t *testing.T) {
	normal := compile(t, obj{"type": "permit", "purpose": tpo, "securityLabel": labels("N")})
	noHIV := compile(t, obj{"type": "permit", "purpose": tpo, "provision": []obj{{"type": "deny", "securityLabel": labels("HIV")}}})
	treat := compile(t, obj{"type": "permit", "purpose": tpo}, obj{"id": "t"})
	for _, c := range []struct {
		name     string
		policies []*consent.Policy
		implicit consent.ImplicitPolicy
		req      consent.Request
		want     bool
	}{
		{"labels decide", []*consent.Policy{normal}, consent.DenyAll, doctor(), true},
		{"the purpose has decided", []*consent.Policy{normal}, consent.DenyAll, asking(doctor(), "HMARKT"), false},
		{"another consent permits all", []*consent.Policy{normal, treat}, consent.DenyAll, doctor(), false},
		{"an exception inside", []*consent.Policy{noHIV}, consent.DenyAll, doctor(), true},
		{"permit or deny, refused either way", []*consent.Policy{noHIV}, consent.DenyAll, asking(doctor(), "HMARKT"), false},
		{"home-treatment looks at labels", nil, consent.HomeTreatment, doctor(), true},
		{"not for strangers", nil, consent.HomeTreatment, stranger(), false},
		{"the patient", []*consent.Policy{noHIV}, consent.DenyAll, consent.Request{Subject: subject, Actor: consent.Actor{Patient: subject}}, false},
	} {
		p := consent.Prepare(c.policies, consent.Environment{Custodian: custodian, Implicit: c.implicit}, c.req, noon)
		if got := p.NeedsResource(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
