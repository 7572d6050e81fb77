package consent_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"
	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"
	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/consent"
)

const (
	subject   = "Patient/p"
	custodian = "Organization/home"
	reasonURI = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	actURI    = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	confURI   = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	partURI   = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	actionURI = "http://terminology.hl7.org/CodeSystem/consentaction"
)

// noon is when requests are made unless a test says otherwise.
var noon = time.Date(2022, 7, 1, 12, 0, 0, 0, time.UTC)

// obj is a JSON object.
type obj = map[string]any

// parse reads a Consent as the gateway does, with the given default zone.
func parse(t testing.TB, raw []byte, zone string) *consent_go_proto.Consent {
	t.Helper()
	u, err := jsonformat.NewUnmarshallerWithoutValidation(zone, fhirversion.R4)
	if err != nil {
		t.Fatal(err)
	}
	r, err := u.UnmarshalR4(raw)
	if err != nil {
		t.Fatal(err)
	}
	return r.GetConsent()
}

// consentJSON is an active privacy consent of the subject with the given root
// provision; changes replace or, if nil, remove elements.
func consentJSON(t testing.TB, provision obj, changes ...obj) []byte {
	t.Helper()
	c := obj{
		"resourceType": "Consent", "id": "c", "status": "active",
		"scope": obj{"coding": []obj{{
			"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy",
		}}},
		"patient": obj{"reference": subject}, "organization": []obj{{"reference": custodian}},
	}
	if provision != nil {
		c["provision"] = provision
	}
	for _, change := range changes {
		for name, value := range change {
			c[name] = value
			if value == nil {
				delete(c, name)
			}
		}
	}
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// compile compiles consentJSON, which must succeed.
func compile(t testing.TB, provision obj, changes ...obj) *consent.Policy {
	t.Helper()
	p, err := consent.Compile(parse(t, consentJSON(t, provision, changes...), "UTC"), consent.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func coding(system, code string) obj { return obj{"system": system, "code": code} }

func concept(codings ...obj) obj { return obj{"coding": codings} }

func purposes(codes ...string) []obj {
	var list []obj
	for _, code := range codes {
		list = append(list, coding(reasonURI, code))
	}
	return list
}

func recipients(refs ...string) []obj {
	var list []obj
	for _, ref := range refs {
		list = append(list, obj{"role": concept(coding(partURI, "IRCP")), "reference": obj{"reference": ref}})
	}
	return list
}

// labels makes codings of v3-Confidentiality (one letter) and v3-ActCode.
func labels(codes ...string) []obj {
	var list []obj
	for _, label := range security(codes...) {
		list = append(list, coding(label.System, label.Code))
	}
	return list
}

func security(codes ...string) []consent.Coding {
	var list []consent.Coding
	for _, code := range codes {
		system := actURI
		if len(code) == 1 {
			system = confURI
		}
		list = append(list, consent.Coding{System: system, Code: code})
	}
	return list
}

// doctor is a member of the custodian's staff who asks for treatment.
func doctor() consent.Request {
	return consent.Request{
		Subject: subject, Purposes: []string{consent.PurposeTreatment}, Action: consent.ActionAccess,
		Actor: consent.Actor{
			Refs:  []string{"Practitioner/doctor", custodian, "urn:staff|1"},
			Roles: []consent.Coding{{System: "urn:roles", Code: "doctor"}}, Workforce: true,
		},
	}
}

// stranger is doctor, but of another organization.
func stranger() consent.Request {
	r := doctor()
	r.Actor.Refs = []string{"Practitioner/stranger", "Organization/other", "urn:staff|2"}
	r.Actor.Workforce = false
	return r
}

func observation(codes ...string) consent.Resource {
	return consent.Resource{
		Ref: "Observation/o", Type: "Observation", Security: security(codes...),
		Authors: []string{"Practitioner/author"}, RelatedTo: []string{"Encounter/e", subject},
		Created: noon.AddDate(-2, 0, 0), LastUpdated: noon.AddDate(-1, 0, 0),
		Codes: []consent.Coding{{System: "http://loinc.org", Code: "1234-5"}},
	}
}

// optIn is a deployment that permits nothing without consent.
func optIn() consent.Environment {
	return consent.Environment{Custodian: custodian, Implicit: consent.DenyAll}
}

// decide is Decide, checked against Prepare.
func decide(t testing.TB, policies []*consent.Policy, env consent.Environment, req consent.Request, res consent.Resource) consent.Decision {
	t.Helper()
	return decideAt(t, policies, env, req, res, noon)
}

func decideAt(t testing.TB, policies []*consent.Policy, env consent.Environment, req consent.Request, res consent.Resource, now time.Time) consent.Decision {
	t.Helper()
	d := consent.Decide(policies, env, req, res, now)
	prepared := consent.Prepare(policies, env, req, now)
	if diff := cmp.Diff(d, prepared.Decide(res)); diff != "" {
		t.Errorf("Decide (-) and Prepare, then Decide (+):\n%s", diff)
	}
	if !prepared.NeedsResource() {
		if blind := prepared.Decide(consent.Resource{}); blind.Effect != d.Effect {
			t.Errorf("needs no resource, yet without one %v, with it %v", blind.Effect, d.Effect)
		}
	}
	if len(d.Reasons) == 0 {
		t.Error("a decision without a reason")
	}
	return d
}

// pcfConsents reads the PCF and the derived Consents, by file name.
func pcfConsents(t testing.TB) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for _, dir := range []string{"consents", "consents-derived"} {
		paths, err := filepath.Glob(filepath.Join("testdata", "pcf", dir, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.Base(path)] = raw
		}
	}
	if len(found) != 51 {
		t.Fatalf("%d Consents in testdata, want 51", len(found))
	}
	return found
}
