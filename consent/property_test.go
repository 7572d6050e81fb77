package consent_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/chartseal/chartseal/consent"
)

// The small worlds from which properties are drawn: small enough that random
// Consents and requests meet often.
var (
	somePurposes = []string{"TREAT", "ETREAT", "BTG", "HPAYMT", "HRESCH", "CLINTRCH", "HMARKT", "PurposeOfUse"}
	someCallers  = []string{"Practitioner/a", "Practitioner/b", "Organization/o", "Group/g"}
	someLabels   = []string{"L", "N", "R", "V", "PSY", "HIV", "SPI", "ETH", "ETHUD", "DEMO", "NORDSCLCD"}
	someRefs     = []string{"Observation/o", "Encounter/e", "Practitioner/a"}
	someYears    = []int{2020, 2021, 2022, 2023}
	someActions  = []string{"access", "correct"}
	someTypes    = []string{"Observation", "Encounter"}
)

func fhirCoding(system, code string) *datatypes_go_proto.Coding {
	return &datatypes_go_proto.Coding{
		System: &datatypes_go_proto.Uri{Value: system}, Code: &datatypes_go_proto.Code{Value: code},
	}
}

func fhirReference(ref string) *datatypes_go_proto.Reference {
	return &datatypes_go_proto.Reference{
		Reference: &datatypes_go_proto.Reference_Uri{Uri: &datatypes_go_proto.String{Value: ref}},
	}
}

// some draws a subset of at most n elements, often none.
func some(t *rapid.T, from []string, n int, name string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, n, rapid.ID[string]).Draw(t, name)
}

func drawPeriod(t *rapid.T, name string) *datatypes_go_proto.Period {
	if !rapid.Bool().Draw(t, name) {
		return nil
	}
	year := func(y int) *datatypes_go_proto.DateTime {
		return &datatypes_go_proto.DateTime{
			ValueUs:  time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(),
			Timezone: "UTC", Precision: datatypes_go_proto.DateTime_YEAR,
		}
	}
	from, to := rapid.SampledFrom(someYears).Draw(t, "from"), rapid.SampledFrom(someYears).Draw(t, "to")
	return &datatypes_go_proto.Period{Start: year(min(from, to)), End: year(max(from, to))}
}

// drawProvision draws a provision and, while depth lasts, some below it.
func drawProvision(t *rapid.T, effect codes_go_proto.ConsentProvisionTypeCode_Value, depth int) *consent_go_proto.Consent_Provision {
	p := &consent_go_proto.Consent_Provision{
		Type:       &consent_go_proto.Consent_Provision_TypeCode{Value: effect},
		Period:     drawPeriod(t, "period"),
		DataPeriod: drawPeriod(t, "dataPeriod"),
	}
	for _, code := range some(t, somePurposes, 2, "purposes") {
		p.Purpose = append(p.Purpose, fhirCoding(reasonURI, code))
	}
	for _, ref := range some(t, someCallers, 1, "actors") {
		p.Actor = append(p.Actor, &consent_go_proto.Consent_Provision_ProvisionActor{Reference: fhirReference(ref)})
	}
	for _, label := range security(some(t, someLabels, 2, "labels")...) {
		p.SecurityLabel = append(p.SecurityLabel, fhirCoding(label.System, label.Code))
	}
	for _, code := range some(t, someActions, 1, "actions") {
		p.Action = append(p.Action, &datatypes_go_proto.CodeableConcept{Coding: []*datatypes_go_proto.Coding{fhirCoding(actionURI, code)}})
	}
	for _, typ := range some(t, someTypes, 1, "classes") {
		p.ClassValue = append(p.ClassValue, fhirCoding("http://hl7.org/fhir/resource-types", typ))
	}
	for _, ref := range some(t, someRefs, 1, "data") {
		p.Data = append(p.Data, &consent_go_proto.Consent_Provision_ProvisionData{
			Meaning: &consent_go_proto.Consent_Provision_ProvisionData_MeaningCode{
				Value: codes_go_proto.ConsentDataMeaningCode_Value(rapid.IntRange(1, 4).Draw(t, "meaning")),
			},
			Reference: fhirReference(ref),
		})
	}
	if depth > 0 {
		for range rapid.IntRange(0, 2).Draw(t, "children") {
			p.Provision = append(p.Provision, drawProvision(t, drawEffect(t), depth-1))
		}
	}
	return p
}

func drawEffect(t *rapid.T) codes_go_proto.ConsentProvisionTypeCode_Value {
	return rapid.SampledFrom([]codes_go_proto.ConsentProvisionTypeCode_Value{
		codes_go_proto.ConsentProvisionTypeCode_PERMIT, codes_go_proto.ConsentProvisionTypeCode_DENY,
	}).Draw(t, "type")
}

// drawConsent draws an active Consent of the subject.
func drawConsent(t *rapid.T, id string, root *consent_go_proto.Consent_Provision) *consent_go_proto.Consent {
	c := &consent_go_proto.Consent{
		Id:        &datatypes_go_proto.Id{Value: id},
		Status:    &consent_go_proto.Consent_StatusCode{Value: codes_go_proto.ConsentStateCode_ACTIVE},
		Scope:     &datatypes_go_proto.CodeableConcept{Coding: []*datatypes_go_proto.Coding{fhirCoding("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy")}},
		Patient:   fhirReference(subject),
		Provision: root,
	}
	if rapid.Bool().Draw(t, "organization") {
		c.Organization = []*datatypes_go_proto.Reference{fhirReference(rapid.SampledFrom([]string{custodian, "Organization/z"}).Draw(t, "which"))}
	}
	return c
}

func mustCompile(t *rapid.T, c *consent_go_proto.Consent) *consent.Policy {
	p, err := consent.Compile(c, consent.Options{})
	if err != nil {
		t.Fatalf("%v does not compile: %v", c, err)
	}
	return p
}

func drawPolicies(t *rapid.T) []*consent.Policy {
	var policies []*consent.Policy
	for i := range rapid.IntRange(0, 4).Draw(t, "policies") {
		root := drawProvision(t, drawEffect(t), 3)
		if rapid.IntRange(0, 9).Draw(t, "typed") == 0 {
			root.Type = nil
		}
		policies = append(policies, mustCompile(t, drawConsent(t, fmt.Sprint("c", i), root)))
	}
	return policies
}

func drawRequest(t *rapid.T) consent.Request {
	r := consent.Request{
		Subject:  subject,
		Purposes: some(t, somePurposes, 2, "asked"),
		Action:   rapid.SampledFrom(append(someActions, "")).Draw(t, "action"),
		Actor: consent.Actor{
			Workforce:  rapid.Bool().Draw(t, "workforce"),
			BreakGlass: rapid.Bool().Draw(t, "breakGlass"),
		},
	}
	// At most one reference to a single person: see Overriding.
	r.Actor.Refs = append(some(t, someCallers[:2], 1, "person"), some(t, someCallers[2:], 2, "groups")...)
	if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
		r.Actor.DelegateFor = []string{subject}
	}
	return r
}

func drawResource(t *rapid.T) consent.Resource {
	res := consent.Resource{
		Security: security(some(t, someLabels, 3, "labelled")...), Authors: some(t, someRefs, 1, "authors"), RelatedTo: some(t, someRefs, 2, "related"),
	}
	res.Type = rapid.SampledFrom(someTypes).Draw(t, "resource")
	res.Ref = res.Type + "/" + rapid.SampledFrom([]string{"o", "e", "x"}).Draw(t, "id")
	if rapid.Bool().Draw(t, "created") {
		res.Created = time.Date(rapid.SampledFrom(someYears).Draw(t, "year"), 6, 1, 0, 0, 0, 0, time.UTC)
		res.LastUpdated = res.Created.AddDate(rapid.IntRange(0, 2).Draw(t, "later"), 0, 0)
	}
	return res
}

func drawEnvironment(t *rapid.T) consent.Environment {
	env := consent.Environment{Custodian: custodian, Implicit: consent.ImplicitPolicy(rapid.Uint8Range(0, 5).Draw(t, "implicit"))}
	if rapid.IntRange(0, 9).Draw(t, "configured") == 0 {
		env.Custodian = ""
	}
	return env
}

// TestDecideIsDeterministic, whatever the order of the policies.
func TestDecideIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policies, env, req, res := drawPolicies(t), drawEnvironment(t), drawRequest(t), drawResource(t)
		want := consent.Decide(policies, env, req, res, noon)
		if len(want.Reasons) == 0 {
			t.Fatal("no reason")
		}
		shuffled := slices.Clone(policies)
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] }) //nolint:gosec // a drawn order, not a secret
		if diff := cmp.Diff(want, consent.Decide(shuffled, env, req, res, noon)); diff != "" {
			t.Fatalf("another order (-) (+)\n%s", diff)
		}
	})
}

// TestPreparedDecidesTheSame, and knows when the data cannot matter.
func TestPreparedDecidesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policies, env, req := drawPolicies(t), drawEnvironment(t), drawRequest(t)
		prepared := consent.Prepare(policies, env, req, noon)
		blind := prepared.Decide(consent.Resource{}).Effect
		for range 4 {
			res := drawResource(t)
			got := prepared.Decide(res)
			if diff := cmp.Diff(consent.Decide(policies, env, req, res, noon), got); diff != "" {
				t.Fatalf("Decide (-) Prepared (+)\n%s", diff)
			}
			if !prepared.NeedsResource() && got.Effect != blind {
				t.Fatalf("needs no resource, yet %v without and %v with it", blind, got.Effect)
			}
		}
	})
}

// TestDenyNeverWidens: neither one more denying Consent nor one more denying
// provision, anywhere in one.
func TestDenyNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policies, env, req, res := drawPolicies(t), drawEnvironment(t), drawRequest(t), drawResource(t)
		root := drawProvision(t, drawEffect(t), 3)
		c := drawConsent(t, "changed", root)
		before := append(slices.Clone(policies), mustCompile(t, c))
		effect := consent.Decide(before, env, req, res, noon).Effect

		one := drawProvision(t, codes_go_proto.ConsentProvisionTypeCode_DENY, 0)
		more := append(slices.Clone(before), mustCompile(t, drawConsent(t, "deny", one)))
		if got := consent.Decide(more, env, req, res, noon); effect == consent.Deny && got.Effect == consent.Permit {
			t.Fatalf("a denying Consent permits: %+v", got)
		}
		changed, _ := proto.Clone(c).(*consent_go_proto.Consent)
		at := changed.GetProvision()
		for len(at.GetProvision()) > 0 && rapid.Bool().Draw(t, "deeper") {
			at = rapid.SampledFrom(at.GetProvision()).Draw(t, "into")
		}
		at.Provision = append(at.Provision, one)
		after := append(slices.Clone(policies), mustCompile(t, changed))
		if got := consent.Decide(after, env, req, res, noon); effect == consent.Deny && got.Effect == consent.Permit {
			t.Fatalf("a denying provision permits: %+v", got)
		}
	})
}

// TestPatientIsNeverShutOut by any set of consents.
func TestPatientIsNeverShutOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policies, env, req, res := drawPolicies(t), drawEnvironment(t), drawRequest(t), drawResource(t)
		policies = append(policies, consent.Unreadable("Consent/u", subject))
		req.Actor.Patient = subject
		prepared := consent.Prepare(policies, env, req, noon)
		if got := prepared.Decide(res); got.Effect != consent.Permit || prepared.NeedsResource() {
			t.Fatalf("got %+v", got)
		}
	})
}

// TestUnreadableShutsOut everybody else.
func TestUnreadableShutsOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policies, env, req, res := drawPolicies(t), drawEnvironment(t), drawRequest(t), drawResource(t)
		policies = append(policies, consent.Unreadable("Consent/u", subject))
		prepared := consent.Prepare(policies, env, req, noon)
		if got := prepared.Decide(res); got.Effect != consent.Deny || prepared.NeedsResource() {
			t.Fatalf("got %+v", got)
		}
	})
}

// TestOverridingMissesNone: if one Consent permits alone and not beside another,
// the other is named.
func TestOverridingMissesNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := mustCompile(t, drawConsent(t, "p", drawProvision(t, codes_go_proto.ConsentProvisionTypeCode_PERMIT, 2)))
		o := mustCompile(t, drawConsent(t, "o", drawProvision(t, drawEffect(t), 2)))
		env, req, res := drawEnvironment(t), drawRequest(t), drawResource(t)
		env.Implicit, req.Actor.DelegateFor = consent.DenyAll, nil
		alone := consent.Decide([]*consent.Policy{p}, env, req, res, noon).Effect
		both := consent.Decide([]*consent.Policy{p, o}, env, req, res, noon).Effect
		if named := consent.Overriding(p, []*consent.Policy{o}); alone == consent.Permit && both == consent.Deny && len(named) == 0 {
			t.Fatal("not named")
		}
	})
}
