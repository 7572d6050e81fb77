package consent_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/consent"
)

// TestReasons: a decision says why, and names the provisions that decided.
func TestReasons(t *testing.T) {
	a := compile(t, obj{"type": "permit", "purpose": tpo, "provision": []obj{
		{"type": "permit", "purpose": purposes("HRESCH")}, {"type": "deny", "securityLabel": labels("HIV")},
	}}, obj{"id": "a"})
	b := compile(t, obj{"type": "deny", "securityLabel": labels("HIV")}, obj{"id": "b"})
	got := decide(t, []*consent.Policy{b, a}, optIn(), asking(doctor(), "TREAT", "HPAYMT"), observation("HIV"))
	const text = "this provision denies the access, and an explicit denial wins"
	want := consent.Decision{Effect: consent.Deny, Reasons: []consent.Reason{
		{Text: text, Consent: "Consent/a", Provision: "Consent.provision.provision[1]", Purpose: "HPAYMT"},
		{Text: text, Consent: "Consent/a", Provision: "Consent.provision.provision[1]", Purpose: "TREAT"},
		{Text: text, Consent: "Consent/b", Provision: "Consent.provision", Purpose: "HPAYMT"},
		{Text: text, Consent: "Consent/b", Provision: "Consent.provision", Purpose: "TREAT"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got = decide(t, []*consent.Policy{a}, optIn(), asking(doctor(), "HRESCH", "HMARKT"), observation("N"))
	want = consent.Decision{Effect: consent.Deny, Reasons: []consent.Reason{
		{Text: "a consent is on file and does not grant this purpose", Purpose: "HMARKT"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestObligations: permitted data carries its handling instructions.
func TestObligations(t *testing.T) {
	all := []*consent.Policy{compile(t, obj{"type": "permit"})}
	res := observation("N", "NORDSCLCD", "HIV", "ENCRYPT")
	got := decide(t, all, optIn(), stranger(), res)
	if diff := cmp.Diff(security("NORDSCLCD", "ENCRYPT"), got.Obligations); diff != "" || got.Effect != consent.Permit {
		t.Errorf("%v (-want +got)\n%s", got.Effect, diff)
	}
	if got := decide(t, nil, optIn(), stranger(), res); got.Obligations != nil {
		t.Errorf("denied, yet with obligations: %+v", got)
	}
}

// TestOverriding: the warning when a Consent is stored.
func TestOverriding(t *testing.T) {
	permits := compile(t, obj{"type": "permit", "purpose": tpo, "securityLabel": labels("N"), "actor": recipients("Practitioner/x")})
	other := func(id string, root obj, changes ...obj) *consent.Policy {
		return compile(t, root, append([]obj{{"id": id}}, changes...)...)
	}
	got := consent.Overriding(permits, []*consent.Policy{
		other("all", obj{"type": "deny"}),
		other("nested", obj{"type": "permit", "provision": []obj{{"type": "deny", "purpose": purposes("BTG")}}}),
		other("organization", obj{"type": "deny", "actor": recipients("Organization/o")}),
		other("same", obj{"type": "deny", "actor": recipients("Practitioner/x"), "securityLabel": labels("HIV")}),
		other("permit", obj{"type": "permit"}),
		other("purpose", obj{"type": "deny", "purpose": purposes("HMARKT")}),
		other("actor", obj{"type": "deny", "actor": recipients("Practitioner/y")}),
		other("labels", obj{"type": "deny", "securityLabel": labels("R")}),
		other("inactive", obj{"type": "deny"}, obj{"status": "inactive"}),
		other("patient", obj{"type": "deny"}, obj{"patient": obj{"reference": "Patient/q"}}),
		other("custodian", obj{"type": "deny"}, obj{"organization": []obj{{"reference": "Organization/z"}}}),
		consent.Unreadable("Consent/unreadable", subject),
		permits,
	})
	want := []string{"Consent/all", "Consent/nested", "Consent/organization", "Consent/same", "Consent/unreadable"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	data := func(meaning, ref string) obj {
		return obj{"meaning": meaning, "reference": obj{"reference": ref}}
	}
	for _, c := range []struct {
		name         string
		permit, deny obj
		want         bool
	}{
		{"levels that touch", obj{"securityLabel": labels("N")}, obj{"securityLabel": labels("N")}, true},
		{"levels apart", obj{"securityLabel": labels("M")}, obj{"securityLabel": labels("N")}, false},
		{"organizations that may share staff", obj{"actor": recipients("Organization/a")}, obj{"actor": recipients("Organization/b")}, true},
		{"a person and a patient", obj{"actor": recipients("Practitioner/a")}, obj{"actor": recipients("Patient/a")}, true},
		{"two persons", obj{"actor": recipients("Practitioner/a")}, obj{"actor": recipients("Practitioner/b")}, false},
		{"an instance and what refers to another", obj{"data": []obj{data("instance", "Observation/a")}}, obj{"data": []obj{data("related", "Encounter/b")}}, true},
		{"what one wrote and an instance", obj{"data": []obj{data("authoredby", "Practitioner/a")}}, obj{"data": []obj{data("instance", "Observation/b")}}, true},
		{"two instances", obj{"data": []obj{data("instance", "Observation/a")}}, obj{"data": []obj{data("instance", "Observation/b")}}, false},
		{"a purpose of no system", obj{"purpose": []obj{coding("urn:x", "y")}}, obj{"purpose": []obj{{"code": "y"}}}, true},
	} {
		c.permit["type"], c.deny["type"] = "permit", "deny"
		o := other("o", c.deny)
		if got := consent.Overriding(compile(t, c.permit), []*consent.Policy{o}); (len(got) == 1) != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	ended := compile(t, obj{"type": "permit", "period": obj{"end": "2020"}})
	if got := consent.Overriding(ended, []*consent.Policy{other("later", obj{"type": "deny", "period": obj{"start": "2021"}})}); got != nil {
		t.Errorf("periods apart: %v", got)
	}
}

// TestDecisionIsTotal: no input is out of bounds.
func TestDecisionIsTotal(t *testing.T) {
	got := consent.Decide(nil, consent.Environment{}, consent.Request{}, consent.Resource{}, time.Time{})
	if got.Effect != consent.Deny || len(got.Reasons) != 1 {
		t.Errorf("zero values: %+v", got)
	}
	req := doctor()
	req.Purposes = []string{"|", "a|b|c", "TREAT"}
	if got := decide(t, slices.Repeat([]*consent.Policy{compile(t, obj{"type": "permit", "purpose": tpo})}, 40), optIn(), req, observation()); got.Effect != consent.Deny {
		t.Errorf("odd purposes: %+v", got)
	}
}
