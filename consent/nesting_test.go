package consent_test

import (
	"testing"

	"github.com/chartseal/chartseal/consent"
)

// TestNesting is section 3: how provisions inside provisions are read.
func TestNesting(t *testing.T) {
	nested := func(root obj, children ...obj) obj {
		root["provision"] = children
		return root
	}
	other := asking(stranger(), "HMARKT")
	for _, c := range []struct {
		name string
		root obj
		req  consent.Request
		data []string
		want consent.Effect
	}{
		{"deny under permit", nested(obj{"type": "permit"}, obj{"type": "deny", "securityLabel": labels("R")}), stranger(), []string{"R"}, consent.Deny},
		{"its sibling data", nested(obj{"type": "permit"}, obj{"type": "deny", "securityLabel": labels("R")}), stranger(), []string{"N"}, consent.Permit},
		{"permit under deny", nested(obj{"type": "deny"}, obj{"type": "permit", "purpose": purposes("BTG")}), asking(stranger(), "BTG"), nil, consent.Permit},
		{"a deny wins over its sibling permit", nested(obj{"type": "permit"},
			obj{"type": "permit", "actor": recipients("Practitioner/stranger")}, obj{"type": "deny", "actor": recipients("Organization/other")}), stranger(), nil, consent.Deny},
		{"whatever their order", nested(obj{"type": "permit"},
			obj{"type": "deny", "actor": recipients("Organization/other")}, obj{"type": "permit", "actor": recipients("Practitioner/stranger")}), stranger(), nil, consent.Deny},

		{"permit under permit widens labels", nested(obj{"type": "permit", "purpose": tpo, "securityLabel": labels("N")},
			obj{"type": "permit", "securityLabel": labels("R")}), stranger(), []string{"R"}, consent.Permit},
		{"and inherits purposes", nested(obj{"type": "permit", "purpose": tpo}, obj{"type": "permit", "securityLabel": labels("R")}), other, []string{"R"}, consent.Deny},
		{"and actors", nested(obj{"type": "permit", "actor": recipients("Practitioner/x")}, obj{"type": "permit", "purpose": tpo}), stranger(), nil, consent.Deny},
		{"and actions", nested(obj{"type": "permit", "action": []obj{concept(coding(actionURI, "use"))}}, obj{"type": "permit", "purpose": tpo}), stranger(), nil, consent.Deny},
		{
			"and ends with its parent", nested(obj{"type": "permit"},
				nested(obj{"type": "permit", "purpose": purposes("HRESCH"), "period": obj{"end": "2021"}}, obj{"type": "permit", "purpose": purposes("HMARKT")})),
			other, nil, consent.Permit,
		}, // by the root
		{"its own purposes widen", nested(obj{"type": "permit", "purpose": tpo}, obj{"type": "permit", "purpose": purposes("HMARKT")}), other, nil, consent.Permit},
		{
			"unless its parent has ended", nested(obj{"type": "permit", "purpose": tpo},
				nested(obj{"type": "permit", "purpose": purposes("HRESCH"), "period": obj{"end": "2021"}}, obj{"type": "permit", "purpose": purposes("HMARKT")})),
			other, nil, consent.Deny,
		},

		{"a child deny has only its own constraints", nested(obj{"type": "permit", "purpose": tpo, "securityLabel": labels("N")},
			obj{"type": "deny", "securityLabel": labels("HIV")}), asking(stranger(), "BTG"), []string{"HIV"}, consent.Deny},

		{
			"third level restores", nested(obj{"type": "permit", "purpose": tpo},
				nested(obj{"type": "deny", "securityLabel": labels("HIV")}, obj{"type": "permit", "actor": recipients("Practitioner/stranger")})),
			stranger(),
			[]string{"HIV"},
			consent.Permit,
		},
		{
			"inside the root's purposes", nested(obj{"type": "permit", "purpose": tpo},
				nested(obj{"type": "deny", "securityLabel": labels("HIV")}, obj{"type": "permit", "actor": recipients("Practitioner/stranger")})),
			other,
			[]string{"HIV"},
			consent.Deny,
		},
		{
			"and only what the second took", nested(obj{"type": "permit", "purpose": tpo, "securityLabel": labels("N")},
				nested(obj{"type": "deny", "securityLabel": labels("HIV")}, obj{"type": "permit", "actor": recipients("Practitioner/stranger")})),
			stranger(),
			[]string{"R"},
			consent.Deny,
		},
		{
			"a permit below that permit is bound too", nested(obj{"type": "permit", "purpose": tpo, "securityLabel": labels("N")},
				nested(obj{"type": "deny", "securityLabel": labels("HIV")},
					nested(obj{"type": "permit", "actor": recipients("Practitioner/x")}, obj{"type": "permit", "actor": recipients("Practitioner/stranger")}))),
			stranger(),
			[]string{"R"},
			consent.Deny,
		},
		{
			"a permit outside of the denied purposes", nested(obj{"type": "deny", "purpose": tpo}, obj{"type": "permit", "actor": recipients("Practitioner/stranger")}),
			other, nil, consent.Deny,
		},

		{"a deep deny is an exception to its parent: in it", nested(obj{"type": "permit"},
			nested(obj{"type": "permit", "purpose": tpo}, obj{"type": "deny", "actor": recipients("Practitioner/stranger")})), stranger(), nil, consent.Deny},
		{"outside of it", nested(obj{"type": "permit"},
			nested(obj{"type": "permit", "purpose": tpo}, obj{"type": "deny", "actor": recipients("Practitioner/stranger")})), other, nil, consent.Permit},
		{
			"four levels", nested(obj{"type": "permit"}, nested(obj{"type": "deny", "securityLabel": labels("R")},
				nested(obj{"type": "permit", "actor": recipients("Organization/other")}, obj{"type": "deny", "purpose": purposes("TREAT")}))),
			stranger(),
			[]string{"R"},
			consent.Deny,
		},
		{
			"four levels, other purpose", nested(obj{"type": "permit"}, nested(obj{"type": "deny", "securityLabel": labels("R")},
				nested(obj{"type": "permit", "actor": recipients("Organization/other")}, obj{"type": "deny", "purpose": purposes("TREAT")}))),
			other,
			[]string{"R"},
			consent.Permit,
		},

		{"root without a type decides nothing", obj{}, stranger(), nil, consent.Deny},
		{"its deny does", nested(obj{}, obj{"type": "deny", "actor": recipients("Organization/other")}), stranger(), nil, consent.Deny},
		{"its permit does", nested(obj{}, obj{"type": "permit", "purpose": tpo}), stranger(), nil, consent.Permit},
		{"within what it says", nested(obj{"purpose": purposes("HRESCH")}, obj{"type": "permit", "actor": recipients("Organization/other")}), stranger(), nil, consent.Deny},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := decide(t, []*consent.Policy{compile(t, c.root)}, optIn(), c.req, observation(c.data...))
			if got.Effect != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestPolicyRule: the type of a root without one.
func TestPolicyRule(t *testing.T) {
	rule := func(code string) obj { return obj{"policyRule": concept(coding(actURI, code))} }
	all := consent.Environment{Custodian: custodian, Implicit: consent.AllNormal}
	for _, c := range []struct {
		code string
		root obj
		env  consent.Environment
		want consent.Effect
	}{
		{"OPTIN", nil, optIn(), consent.Permit},
		{"OPTIN", obj{"type": "deny"}, optIn(), consent.Deny},
		{"OPTOUT", nil, all, consent.Deny},
		{"OPTOUT", obj{"type": "permit"}, optIn(), consent.Permit},
		{"NOPP", nil, all, consent.Permit},
		{"NOPP", nil, optIn(), consent.Deny},
	} {
		got := decide(t, []*consent.Policy{compile(t, c.root, rule(c.code))}, c.env, stranger(), observation("N"))
		if got.Effect != c.want {
			t.Errorf("%s with root %v under %v: %+v", c.code, c.root, c.env.Implicit, got)
		}
	}
}
