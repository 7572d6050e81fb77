package stories

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/consent"
)

const pcf = "../testdata/pcf"

// differing would hold the stories of certainty "stated" or "derived" that the
// readings taken decide otherwise, each with its reason. There are none.
var differing = map[string]string{}

// alternatives are the ambiguous stories in which we take the other defensible
// answer, and why.
var alternatives = map[string]string{
	"ex-consent-basic-treat#16":         "the patient's own access comes before consent, which cannot take it away",
	"ex-consent-basic-research#5":       "a research-only consent must not block treatment: the implicit policy goes on deciding it",
	"ex-consent-intermediate-purpose#7": "as above: a consent for FooBar says nothing about treatment",
}

// readings are all ambiguous stories with the answer that our readings give.
// Those that are not among alternatives agree with what the story expects.
var readings = map[string]string{
	"ex-consent-basic-treat#14":                                                         "permit",
	"ex-consent-basic-treat#16":                                                         "permit",
	"ex-consent-basic-treat-infant#7":                                                   "deny",
	"ex-consent-expired-treat#4":                                                        "permit",
	"ex-consent-expired-treat#7":                                                        "permit",
	"ex-consent-basic-reject#7":                                                         "deny",
	"ex-consent-basic-research#5":                                                       "permit",
	"ex-consent-basic-research#6":                                                       "deny",
	"ex-consent-intermediate-timeframe#10":                                              "permit",
	"ex-consent-intermediate-not-authoredby#6":                                          "permit",
	"ex-consent-intermediate-encounter#6":                                               "deny",
	"ex-consent-intermediate-purpose#7":                                                 "permit",
	"ex-consent-advanced-normal#6":                                                      "permit",
	"ex-consent-advanced-normal#7":                                                      "permit",
	"ex-consent-advanced-normal#8":                                                      "deny",
	"ex-consent-advanced-normal-restricted#6":                                           "permit",
	"ex-consent-advanced-normal-not-restricted#5":                                       "deny",
	"ex-consent-advanced-normal-not-restricted#6":                                       "permit",
	"ex-consent-advanced-normal-focused-psy#8":                                          "deny",
	"ex-consent-advanced-normal-break-glass-restricted#9":                               "permit",
	"no-consent#6":                                                                      "permit",
	"ex-consent-basic-treat+ex-consent-basic-reject#1":                                  "deny",
	"ex-consent-basic-treat+ex-consent-intermediate-not-data#1":                         "deny",
	"ex-consent-basic-reject+ex-consent-basic-research#1":                               "permit",
	"ex-consent-basic-treat+ex-dissent-intermediate-break-glass#1":                      "deny",
	"ex-consent-basic-reject+ex-dissent-intermediate-break-glass#1":                     "deny",
	"ex-consent-advanced-normal+ex-consent-advanced-normal-restricted#1":                "permit",
	"ex-consent-advanced-normal-not-restricted+ex-consent-advanced-normal-restricted#1": "deny",
	"derived-status-rejected#2":                                                         "permit",
	"derived-status-inactive#2":                                                         "permit",
	"chp-dr-bob-patient-requested#5":                                                    "permit",
	"chp-dr-bob-until-2024#2":                                                           "deny",
	"derived-deny-eth#2":                                                                "deny",
	"derived-deny-eth#3":                                                                "deny",
	"derived-r4-no-root-type#2":                                                         "permit",
	"derived-r4-no-root-type#3":                                                         "deny",
	"derived-actor-inherit#3":                                                           "deny",
	"derived-actor-inherit#4":                                                           "deny",
	"derived-sibling-conflict#1":                                                        "deny",
}

// TestPCF: every story that PCF states, or that follows from it, is decided as
// expected; where the sources are ambiguous, our reading is pinned.
func TestPCF(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(pcf, "stories.json"))
	if err != nil {
		t.Fatal(err)
	}
	results, err := Run(pcf, raw)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, r := range results {
		count[r.Certainty]++
		if len(r.Reasons) == 0 {
			t.Errorf("%s: no reason", r.ID)
		}
		if r.Certainty != "ambiguous" {
			if _, named := differing[r.ID]; r.Differs() != named {
				t.Errorf("%s (%s): %s, expected %s: %v", r.ID, r.Certainty, r.Decision, r.Expect, r.Reasons)
			}
			continue
		}
		if r.Decision != readings[r.ID] {
			t.Errorf("%s (ambiguous): %s, our reading is %q: %v", r.ID, r.Decision, readings[r.ID], r.Reasons)
		}
		if _, named := alternatives[r.ID]; r.Differs() != named {
			t.Errorf("%s (ambiguous): %s, the story says %s", r.ID, r.Decision, r.Expect)
		}
		if r.Differs() && r.Decision != r.Alternative {
			t.Errorf("%s (ambiguous): %s is neither of its answers", r.ID, r.Decision)
		}
	}
	if diff := cmp.Diff(map[string]int{"stated": 99, "derived": 95, "ambiguous": len(readings)}, count); diff != "" {
		t.Errorf("stories by certainty (-want +got)\n%s", diff)
	}
}

// TestOwnStories exercises what the PCF stories leave out: what the runner takes
// from the folder, and what a story may override.
func TestOwnStories(t *testing.T) {
	const deny, permit, obligation = Deny, Permit, Obligation
	const head = `{"id":"x","request":{"time":"2022-07-01T12:00:00Z",`
	for _, c := range []struct{ name, story, want string }{
		{"labels, author and codes from the folder", head + `"actor":{"reference":"Practitioner/ex-author"},"purpose":["TREAT"],"action":"access",
			"resource":{"type":"Observation","id":"ex-alcoholUse","patient":"Patient/ex-patient"}}}`, deny},
		{"default policy: staff treats", head + `"actor":{"reference":"Practitioner/ex-author"},"purpose":["TREAT"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, permit},
		{"told that it is not staff", head + `"actor":{"reference":"Practitioner/ex-author","workforce":false},"purpose":["TREAT"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, deny},
		{"works elsewhere, says a PractitionerRole", head + `"actor":{"reference":"Practitioner/derived-researcher"},"purpose":["TREAT"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, deny},
		{"a member of the research organization, says a PractitionerRole", `{"consent":["ex-consent-intermediate-purpose"],` + head[1:] +
			`"actor":{"reference":"Practitioner/derived-researcher"},"purpose":["http://example.org/policies/purposeOfUse|FooBar"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, permit},
		{"may break the glass, says a Group", `{"implicitPolicy":"break-glass-only",` + head[1:] + `"actor":{"reference":"Practitioner/ex-practitioner"},"purpose":["BTG"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, permit},
		{"told that it may not", `{"implicitPolicy":"break-glass-only",` + head[1:] + `"actor":{"reference":"Practitioner/ex-practitioner","breakGlass":false},"purpose":["BTG"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, deny},
		{"author from the folder", `{"consent":["ex-consent-intermediate-authoredby"],` + head[1:] + `"actor":{"reference":"Practitioner/ex-clerk"},"purpose":["TREAT"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, deny},
		{"encounter from the folder", `{"consent":["ex-consent-intermediate-encounter"],` + head[1:] + `"actor":{"reference":"Practitioner/ex-clerk"},"purpose":["TREAT"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, permit},
		{"code from the folder", `{"consent":["derived-r4-code"],` + head[1:] + `"actor":{"reference":"Practitioner/ex-clerk"},"purpose":["TREAT"],"action":"access",
			"resource":{"type":"Observation","id":"ex-alcoholUse","patient":"Patient/ex-patient"}}}`, deny},
		{"delegate", head + `"actor":{"reference":"Patient/ex-mother","delegateFor":["Patient/ex-patient"]},"purpose":["FAMRQT"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, permit},
		{"another custodian is not bound", `{"consent":["ex-consent-basic-treat"],"custodian":"Organization/z",` + head[1:] + `"actor":{"reference":"Practitioner/ex-author"},"purpose":["HPAYMT"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, deny},
		{"handling labels", `{"consent":["ex-consent-basic-treat"],` + head[1:] + `"actor":{"reference":"Practitioner/ex-author"},"purpose":["TREAT"],"action":"access",
			"resource":{"type":"Observation","id":"x","patient":"Patient/ex-patient","securityLabel":["N","NORDSCLCD"]}}}`, obligation},
		{"created as a partial date", `{"consent":["ex-consent-intermediate-timeframe"],` + head[1:] + `"actor":{"reference":"Practitioner/ex-author"},"purpose":["TREAT"],"action":"access",
			"resource":{"type":"Observation","id":"x","patient":"Patient/ex-patient","created":"2022-05","updated":"2023"}}}`, permit},
		{"a role", head + `"actor":{"reference":"Practitioner/ex-author","role":"urn:roles|doctor"},"purpose":["TREAT"],"action":"access",
			"resource":{"type":"Observation","id":"ex-bloodSugar","patient":"Patient/ex-patient"}}}`, permit},
	} {
		results, err := Run(pcf, []byte("["+c.story+"]"))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if results[0].Decision != c.want {
			t.Errorf("%s: %s, want %s: %v", c.name, results[0].Decision, c.want, results[0].Reasons)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"no JSON":                 `[`,
		"text after the list":     `[] []`,
		"unknown member":          `[{"consents":[]}]`,
		"unknown implicit policy": `[{"implicitPolicy":"open"}]`,
		"no time":                 `[{"request":{"actor":{"reference":"Practitioner/a"},"resource":{"type":"Observation"}}}]`,
		"unknown Consent":         `[{"consent":["nope"],"request":{"time":"2022-07-01T12:00:00Z","actor":{"reference":"Practitioner/a"},"resource":{"type":"Observation"}}}]`,
		"no date":                 `[{"request":{"time":"2022-07-01T12:00:00Z","actor":{"reference":"Practitioner/a"},"resource":{"type":"Observation","id":"x","created":"soon"}}}]`,
	} {
		if results, err := Run(pcf, []byte(file)); err == nil {
			t.Errorf("%s: %v", name, results)
		}
	}
	if _, err := Run(filepath.Join(t.TempDir(), "absent"), []byte(`[]`)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// TestUnreadableConsents: one that cannot be compiled denies, as in the gateway;
// one that is no FHIR at all cannot be used in a story.
func TestUnreadableConsents(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"strange.json":  `{"resourceType":"Consent","id":"strange","status":"active","patient":{"reference":"Patient/p"},"modifierExtension":[{"url":"http://example.org/x","valueBoolean":true}]}`,
		"broken.json":   `{"resourceType":"Consent","id":"broken","status":["active"]}`,
		"list.json":     `[1]`,
		"nameless.json": `{"resourceType":"Patient"}`,
		"notes.txt":     `{"resourceType":"Consent","id":"notes"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const rest = `,"implicitPolicy":"all-normal","request":{"time":"2022-07-01T12:00:00Z","actor":{"reference":"Practitioner/a"},"purpose":["TREAT"],"resource":{"type":"Observation","id":"x","patient":"Patient/p"}},"expect":"permit"}]`
	results, err := Run(dir, []byte(`[{"id":"1","consent":["strange"]`+rest))
	if err != nil {
		t.Fatal(err)
	}
	if r := results[0]; r.Decision != Deny || !r.Differs() || !strings.Contains(r.Reasons[0], "could not be understood") || !strings.HasSuffix(r.Reasons[0], "(Consent/strange)") {
		t.Errorf("got %+v", r)
	}
	for _, id := range []string{"broken", "notes"} {
		if _, err := Run(dir, []byte(`[{"id":"1","consent":["`+id+`"]`+rest)); !errors.Is(err, ErrStory) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestResultJSON is the contract of "consent decide --output json".
func TestResultJSON(t *testing.T) {
	raw, err := json.Marshal(Result{ID: "a", Decision: Permit, Reasons: []string{"b"}, Expect: Deny, Certainty: "stated"})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"id":"a","decision":"permit","reasons":["b"]}`; string(raw) != want {
		t.Errorf("got %s, want %s", raw, want)
	}
	if got := text(consent.Reason{Text: "t", Consent: "Consent/c", Provision: "Consent.provision", Purpose: "TREAT"}); got != "TREAT: t (Consent/c Consent.provision)" {
		t.Errorf("got %q", got)
	}
}
