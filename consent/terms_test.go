package consent

import (
	"testing"
	"time"
)

// TestTables: the generated tables are nested ranges without repeated codes, and
// hold every code that a rule names.
func TestTables(t *testing.T) {
	for name, table := range map[string][]term{
		"reasons": reasonTerms[:], "policies": policyTerms[:], "confidentiality": confidentialityTerms[:],
	} {
		if len(index(table)) != len(table) {
			t.Errorf("%s: a code is listed twice", name)
		}
		var open []termID
		for i, entry := range table {
			for len(open) > 0 && open[len(open)-1] <= termID(i) {
				open = open[:len(open)-1]
			}
			if entry.end <= termID(i) || int(entry.end) > len(table) || len(open) > 0 && entry.end > open[len(open)-1] {
				t.Errorf("%s: %s ends at %d, outside of its parent", name, entry.code, entry.end)
			}
			open = append(open, entry.end)
		}
	}
	m := marks()
	for _, id := range append([]termID{
		m.anyPurpose, m.treatment, m.payment, m.operations, m.breakGlass, m.sensitivity, m.obligation, m.refrain,
		m.denyReaches, m.denyReachesToo,
	}, m.stigmatising[:]...) {
		if id == noTerm {
			t.Errorf("a code that a rule names is not in the tables: %+v", m)
		}
	}
}

func TestIsA(t *testing.T) {
	for _, c := range []struct {
		x, a string
		want bool
	}{
		{"BTG", "TREAT", true},
		{"BTG", "ETREAT", true},
		{"BTG", "BTG", true},
		{"TREAT", "BTG", false},
		{"ETREAT", "TREAT", true},
		{"FAMRQT", "PATRQT", true},
		{"CLINTRCH", "HRESCH", true},
		{"PUBHLTH", "HRESCH", false},
		{"HTEST", "HOPERAT", true},
		{"CLINTRL", "TREAT", true},
		{"nonsense", "TREAT", false},
		{"TREAT", "nonsense", false},
	} {
		if got := isA(reasonTerms[:], reason(c.x), reason(c.a)); got != c.want {
			t.Errorf("%s is-a %s: %v", c.x, c.a, got)
		}
	}
	for _, c := range []struct {
		x, a string
		want bool
	}{
		{"OPIOIDUD", "SUD", true}, {"OPIOIDUD", "SPI", true}, {"ETHUD", "ETH", false}, {"PSY", "SPI", true}, {"HIV", "SPI", false},
	} {
		if got := isA(policyTerms[:], policy(c.x), policy(c.a)); got != c.want {
			t.Errorf("%s is-a %s: %v", c.x, c.a, got)
		}
	}
}

// TestJoin: over sets too, the stronger outcome wins.
func TestJoin(t *testing.T) {
	var all []outcomes
	for s := outcomes(1); s < 1<<(denyNamed+1); s++ {
		all = append(all, s)
	}
	for _, a := range all {
		for _, b := range all {
			var want outcomes
			for x := none; x <= denyNamed; x++ {
				for y := none; y <= denyNamed; y++ {
					if a.has(x) && b.has(y) {
						want |= only(max(x, y))
					}
				}
			}
			if got := a.join(b); got != want {
				t.Errorf("%04b and %04b: %04b, want %04b", a, b, got, want)
			}
		}
	}
}

// TestNoAllocation: matching allocates nothing; a decision allocates its reasons.
func TestNoAllocation(t *testing.T) {
	policies := []*Policy{Unreadable("Consent/a", "Patient/p")}
	req := Request{Subject: "Patient/p", Purposes: []string{PurposeTreatment}, Action: ActionAccess}
	res := Resource{Ref: "Observation/o", Security: []Coding{{systemActCode, "PSY"}, {systemConfidentiality, "R"}}}
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() {
		if Decide(policies, Environment{}, req, res, now).Effect != Deny {
			t.Error("permitted")
		}
	}); n > 3 {
		t.Errorf("%v allocations for one decision", n)
	}
}
