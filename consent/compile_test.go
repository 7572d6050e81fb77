package consent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"
	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/consent"
)

// TestCompileErrors: what might forbid something that we cannot see is refused,
// and the error names an element, not a value.
func TestCompileErrors(t *testing.T) {
	const secret = "http://example.org/secret"
	modifier := []obj{{"url": secret, "valueBoolean": true}}
	absent := obj{"extension": []obj{{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}}}
	deny := func(element string, value any) obj {
		return obj{"type": "permit", "provision": []obj{{"type": "deny", element: value}}}
	}
	ref := func(r string) obj { return obj{"reference": r} }
	for _, c := range []struct {
		path   string
		root   obj
		change obj
	}{
		{"Consent.modifierExtension", nil, obj{"modifierExtension": modifier}},
		{"Consent.implicitRules", nil, obj{"implicitRules": secret}},
		{"Consent.scope", nil, obj{"scope": obj{"text": secret}}},
		{"Consent.patient", nil, obj{"patient": obj{"display": secret}}},
		{"Consent.patient", nil, obj{"patient": nil}},
		{"Consent.patient", nil, obj{"patient": ref("Group/secret")}},
		{"Consent.policy[0].modifierExtension", nil, obj{"policy": []obj{{"uri": secret, "modifierExtension": modifier}}}},
		{"Consent.verification[0].modifierExtension", nil, obj{"verification": []obj{{"verified": true, "modifierExtension": modifier}}}},
		{"Consent.provision.modifierExtension", obj{"type": "permit", "modifierExtension": modifier}, nil},
		{"Consent.provision.provision[0].type", obj{"type": "permit", "provision": []obj{{"purpose": tpo}}}, nil},
		{"Consent.provision.provision[0].actor[0].modifierExtension", deny("actor", []obj{{"modifierExtension": modifier, "reference": ref("Practitioner/secret")}}), nil},
		{"Consent.provision.provision[0].actor[0].reference", deny("actor", []obj{{"reference": obj{"display": secret}}}), nil},
		{"Consent.provision.provision[0].actor[0].reference", deny("actor", []obj{{"reference": ref("#secret")}}), nil},
		{"Consent.provision.provision[0].actor[0].reference", deny("actor", []obj{{"role": concept(coding(partURI, "IRCP"))}}), nil},
		{"Consent.provision.provision[0].actor[0].role", deny("actor", []obj{{"role": concept(coding(partURI, "AUT")), "reference": ref("Practitioner/secret")}}), nil},
		{"Consent.provision.provision[0].purpose[0].code", deny("purpose", []obj{{"display": secret}}), nil},
		{"Consent.provision.provision[0].action[0]", deny("action", []obj{{"text": secret}}), nil},
		{"Consent.provision.provision[0].code[0]", deny("code", []obj{{"text": secret}}), nil},
		{"Consent.provision.provision[0].class[0].code", deny("class", []obj{{"system": secret}}), nil},
		{"Consent.provision.provision[0].securityLabel[0].code", deny("securityLabel", []obj{{"system": secret}}), nil},
		{"Consent.provision.provision[0].data[0].reference", deny("data", []obj{{"meaning": "instance", "reference": obj{"display": secret}}}), nil},
		{"Consent.provision.provision[0].data[0].meaning", deny("data", []obj{{"reference": ref("Observation/secret")}}), nil},
		{"Consent.provision.provision[0].data[0].modifierExtension", deny("data", []obj{{"meaning": "instance", "modifierExtension": modifier, "reference": ref("Observation/secret")}}), nil},
		{"Consent.provision.period", obj{"type": "permit", "period": obj{"start": "2023", "end": "2022"}}, nil},
		{"Consent.provision.period.end", obj{"type": "permit", "period": obj{"_end": absent}}, nil},
		{"Consent.provision.dataPeriod.start", obj{"type": "permit", "dataPeriod": obj{"_start": absent}}, nil},
	} {
		root := c.root
		if root == nil {
			root = obj{"type": "permit"}
		}
		p, err := consent.Compile(parse(t, consentJSON(t, root, c.change), "UTC"), consent.Options{})
		if !errors.Is(err, consent.ErrUnsupported) || p != nil {
			t.Errorf("%s: %v, %v", c.path, p, err)
			continue
		}
		if !strings.HasPrefix(err.Error(), c.path+":") {
			t.Errorf("want a fault at %s, got %v", c.path, err)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error quotes a value: %v", c.path, err)
		}
		if c.change["status"] == nil {
			inactive := parse(t, consentJSON(t, root, c.change, obj{"status": "inactive"}), "UTC")
			if p, err := consent.Compile(inactive, consent.Options{}); err != nil || p.Active() {
				t.Errorf("%s: an inactive Consent: %v, %v", c.path, p, err)
			}
		}
	}
	if _, err := consent.Compile(nil, consent.Options{}); !errors.Is(err, consent.ErrUnsupported) {
		t.Errorf("no Consent: %v", err)
	}
	other := parse(t, consentJSON(t, obj{"type": "permit", "period": obj{"end": "2022"}}), "America/New_York")
	if _, err := consent.Compile(other, consent.Options{Location: time.UTC}); !errors.Is(err, consent.ErrUnsupported) {
		t.Errorf("date of an unknown zone: %v", err)
	}
}

// TestUnreadablePermits: what a permit says in terms that we cannot read
// compiles, and permits nothing.
func TestUnreadablePermits(t *testing.T) {
	for name, root := range map[string]obj{
		"display-only actor":   {"actor": []obj{{"reference": obj{"display": "x"}}}},
		"contained actor":      {"actor": []obj{{"reference": obj{"reference": "#x"}}}},
		"actor of no kind":     {"actor": []obj{{"role": concept(coding(partURI, "IRCP"))}}},
		"purpose without code": {"purpose": []obj{{"display": "treatment"}}},
		"action in words":      {"action": []obj{{"text": "look"}}},
		"code in words":        {"code": []obj{{"text": "blood sugar"}}},
		"label without code":   {"securityLabel": []obj{{"system": confURI}}},
		"label without system": {"securityLabel": []obj{{"code": "V"}}},
		"display-only data":    {"data": []obj{{"meaning": "instance", "reference": obj{"display": "x"}}}},
		"class without system": {"class": []obj{{"code": "Observation"}}},
	} {
		root["type"] = "permit"
		if got := decide(t, []*consent.Policy{compile(t, root)}, optIn(), doctor(), observation("N")); got.Effect != consent.Deny {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestReferences: forms in which a Consent may name the same thing.
func TestReferences(t *testing.T) {
	o := consent.Options{Bases: []string{"https://elsewhere.example/r4", "https://here.example/fhir/"}}
	res := observation("N")
	for ref, want := range map[string]consent.Effect{
		"Practitioner/doctor":                                         consent.Permit,
		"Practitioner/doctor/_history/3":                              consent.Permit,
		"https://here.example/fhir/Practitioner/doctor":               consent.Permit,
		"https://here.example/fhir/Practitioner/doctor/_history/3":    consent.Permit,
		"https://here.example/fhirs/Practitioner/doctor":              consent.Deny,
		"https://third.example/fhir/Practitioner/doctor":              consent.Deny,
		"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0":               consent.Deny,
		"https://here.example/fhir/Practitioner/doctor?_format=json":  consent.Deny,
		"https://elsewhere.example/r4/Practitioner/doctor/_history/1": consent.Permit,
	} {
		p, err := consent.Compile(parse(t, consentJSON(t, obj{"type": "permit", "actor": recipients(ref)}), "UTC"), o)
		if err != nil {
			t.Fatal(err)
		}
		if got := decide(t, []*consent.Policy{p}, optIn(), doctor(), res); got.Effect != want {
			t.Errorf("%s: %+v", ref, got)
		}
	}
	logical := consentJSON(t, obj{"type": "permit"}, obj{"patient": obj{"identifier": obj{"value": "7"}}})
	p, err := consent.Compile(parse(t, logical, "UTC"), consent.Options{Patient: subject})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{subject, "Consent/c", true}, []any{p.Patient(), p.Consent(), p.Active()}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// FuzzCompile: whatever parses either compiles or is refused, and then every
// question has an answer; the patient is never shut out.
func FuzzCompile(f *testing.F) {
	for _, raw := range pcfConsents(f) {
		f.Add(raw)
	}
	u, err := jsonformat.NewUnmarshallerWithoutValidation("UTC", fhirversion.R4)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		parsed, err := u.UnmarshalR4(raw)
		if err != nil || parsed.GetConsent() == nil {
			return
		}
		p, err := consent.Compile(parsed.GetConsent(), consent.Options{})
		if err != nil {
			if !errors.Is(err, consent.ErrUnsupported) {
				t.Errorf("error of another kind: %v", err)
			}
			p = consent.Unreadable("Consent/c", subject)
		}
		req, res := doctor(), observation("N", "PSY")
		req.Subject = p.Patient()
		policies := []*consent.Policy{p}
		decide(t, policies, optIn(), req, res)
		if req.Subject == "" {
			return
		}
		req.Actor = consent.Actor{Patient: req.Subject}
		if got := decide(t, policies, optIn(), req, res); got.Effect != consent.Permit {
			t.Errorf("the patient was denied: %+v", got)
		}
		consent.Overriding(p, []*consent.Policy{consent.Unreadable("Consent/other", p.Patient())})
	})
}
