package consent_test

import (
	"encoding/json"
	"testing"

	"github.com/chartseal/chartseal/consent"
)

// benchPolicies are three consents of one patient: treatment with a focused
// exception, all but one instance, and a research grant.
func benchPolicies(b *testing.B) []*consent.Policy {
	return []*consent.Policy{
		compile(b, obj{
			"type": "permit", "purpose": tpo, "securityLabel": labels("N"),
			"provision": []obj{{"type": "permit", "securityLabel": labels("PSY", "SDV"), "actor": recipients("Practitioner/doctor")}},
		}, obj{"id": "focused"}),
		compile(b, obj{
			"type": "permit", "purpose": tpo,
			"provision": []obj{{"type": "deny", "data": []obj{{"meaning": "instance", "reference": obj{"reference": "Observation/secret"}}}}},
		}, obj{"id": "not-data"}),
		compile(b, obj{"type": "permit", "purpose": purposes("HRESCH"), "actor": recipients("Organization/lab")}, obj{"id": "research"}),
	}
}

func BenchmarkDecide(b *testing.B) {
	policies, env, req := benchPolicies(b), optIn(), doctor()
	for _, c := range []struct {
		name string
		res  consent.Resource
		want consent.Effect
	}{
		{"permit", observation("N"), consent.Permit},
		{"restricted", observation("PSY", "R"), consent.Permit},
		{"deny", func() consent.Resource { r := observation("N"); r.Ref = "Observation/secret"; return r }(), consent.Deny},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if consent.Decide(policies, env, req, c.res, noon).Effect != c.want {
					b.Fatal("wrong effect")
				}
			}
		})
	}
	b.Run("no consent", func(b *testing.B) {
		env := consent.Environment{Custodian: custodian}
		res := observation("N")
		b.ReportAllocs()
		for b.Loop() {
			if consent.Decide(nil, env, req, res, noon).Effect != consent.Permit {
				b.Fatal("wrong effect")
			}
		}
	})
}

func BenchmarkPrepare(b *testing.B) {
	policies, env, req := benchPolicies(b), optIn(), doctor()
	b.ReportAllocs()
	for b.Loop() {
		if !consent.Prepare(policies, env, req, noon).NeedsResource() {
			b.Fatal("needs no resource")
		}
	}
}

func BenchmarkPreparedDecide(b *testing.B) {
	prepared := consent.Prepare(benchPolicies(b), optIn(), doctor(), noon)
	res := observation("PSY", "R")
	b.ReportAllocs()
	for b.Loop() {
		if prepared.Decide(res).Effect != consent.Permit {
			b.Fatal("wrong effect")
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	var provision obj
	if err := json.Unmarshal([]byte(`{"type":"permit","period":{"end":"2030"},"provision":[{"type":"deny","securityLabel":[{"system":"`+confURI+`","code":"R"}]}]}`), &provision); err != nil {
		b.Fatal(err)
	}
	c := parse(b, consentJSON(b, provision), "UTC")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := consent.Compile(c, consent.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
