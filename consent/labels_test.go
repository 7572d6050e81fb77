package consent

import (
	"math"
	"testing"
	"time"

	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"github.com/google/go-cmp/cmp"
)

// TestLabelSet: how labels of other editions and without a system are read.
func TestLabelSet(t *testing.T) {
	for _, c := range []struct {
		name     string
		labels   []Coding
		level    level
		labelled bool
		codes    []string
	}{
		{"none", nil, levelNormal, false, nil},
		{"of no concern", []Coding{{systemReason, "HTEST"}, {"urn:local", "R"}}, levelNormal, false, nil},
		{"retired sensitivity in the confidentiality system", []Coding{{systemConfidentiality, "HIV"}}, levelRestricted, true, []string{"HIV"}},
		{"retired, not a sensitivity", []Coding{{systemConfidentiality, "T"}}, levelRestricted, true, nil},
		{"unknown confidentiality", []Coding{{systemConfidentiality, "Q"}}, levelVery, true, nil},
		{"no system: confidentiality", []Coding{{"", "M"}}, levelModerate, true, nil},
		{"no system: sensitivity", []Coding{{"", "PSY"}}, levelRestricted, true, []string{"PSY"}},
		{"no system: neither", []Coding{{"", "x"}}, levelNormal, false, nil},
		{"as an OID", []Coding{{"urn:oid:2.16.840.1.113883.5.25", "V"}, {"urn:oid:2.16.840.1.113883.5.4", "DEMO"}}, levelVery, true, []string{"DEMO"}},
		{"as in STU3", []Coding{{"http://hl7.org/fhir/v3/Confidentiality", "L"}, {"http://hl7.org/fhir/v3/ActCode", "SDV"}}, levelRestricted, true, []string{"SDV"}},
	} {
		var s labelSet
		s.read(c.labels)
		var codes []string
		for i := range s.count {
			codes = append(codes, s.at(i).code)
		}
		if s.level != c.level || s.labelled != c.labelled || !cmp.Equal(codes, c.codes) {
			t.Errorf("%s: level %d, labelled %v, sensitivities %v", c.name, s.level, s.labelled, codes)
		}
	}
	future := sensitivity{noTerm, "FUTURE"}
	if !future.is(sensitivity{noTerm, "FUTURE"}) || future.is(sensitivity{noTerm, "OTHER"}) || future.is(sensitivity{policy("HIV"), "HIV"}) {
		t.Error("sensitivities that we do not know are compared as text")
	}
}

func TestCanonicalSystem(t *testing.T) {
	for name, want := range map[string]string{
		"urn:oid:2.16.840.1.113883.5.8":              systemReason,
		"http://hl7.org/fhir/v3/ActReason":           systemReason,
		"urn:oid:2.16.840.1.113883.5.90":             systemParticipation,
		"http://hl7.org/fhir/v3/ParticipationType":   systemParticipation,
		"http://hl7.org/fhir/consentaction":          systemAction,
		systemScope:                                  systemScope,
		"http://hl7.org/fhir/v3/ActReason/something": "http://hl7.org/fhir/v3/ActReason/something",
	} {
		if got := canonicalSystem(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestZones: a date is the written day, whatever zone the parser assumed for it.
func TestZones(t *testing.T) {
	b := &compiler{options: Options{Location: time.UTC}}
	want := interval{time.Date(2022, 3, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(2022, 3, 2, 0, 0, 0, 0, time.UTC).UnixMicro()}
	for name, offset := range map[string]int{"": 0, "Z": 0, "UTC": 0, "+05:30": 19800, "-08:00": -28800} {
		written := time.Date(2022, 3, 1, 0, 0, 0, 0, time.FixedZone("", offset))
		got, err := b.span(&datatypes_go_proto.DateTime{
			ValueUs: written.UnixMicro(), Timezone: name, Precision: datatypes_go_proto.DateTime_DAY,
		}, "x")
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	for name, d := range map[string]*datatypes_go_proto.DateTime{
		"unknown zone":  {Timezone: "Mars/Olympus", Precision: datatypes_go_proto.DateTime_DAY},
		"broken offset": {Timezone: "+5", Precision: datatypes_go_proto.DateTime_DAY},
		"no precision":  {Timezone: "UTC"},
		"end of time":   {ValueUs: math.MaxInt64, Timezone: "UTC", Precision: datatypes_go_proto.DateTime_MICROSECOND},
	} {
		if got, err := b.span(d, "x"); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNames(t *testing.T) {
	if got := []string{Permit.String(), Deny.String(), ImplicitPolicy(9).String()}; !cmp.Equal(got, []string{"permit", "deny", "ImplicitPolicy(9)"}) {
		t.Error(got)
	}
	if got := (&Resource{Ref: "Observation/1"}).typeName(); got != "Observation" {
		t.Error(got)
	}
}
