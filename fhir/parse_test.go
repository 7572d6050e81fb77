package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	basicpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/basic_go_proto"
	binarypb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/binary_go_proto"
	observationpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	patientpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
)

// TestParseExamples holds Parse to the official examples: all are accepted but
// five, each for a rule of R4 that it breaks, and come back as they were sent.
func TestParseExamples(t *testing.T) {
	refused := map[string]string{
		"DeviceMetric-example.json":        "DeviceMetric.parent.reference: reference to a DeviceDefinition is not allowed here",
		"DeviceUseStatement-example.json":  "DeviceUseStatement.reasonReference[0].reference: reference to a Procedure is not allowed here",
		"MedicationRequest-medrx0301.json": "MedicationRequest.dispenseRequest.performer.reference: reference to a Practitioner is not allowed here",
		"Observation-clinical-gender.json": "Observation.performer[0].reference: reference to a Encounter is not allowed here",
		"Questionnaire-qs1.json":           "Questionnaire.item[0].item[0]: missing required element linkId",
	}
	types := map[string]bool{}
	files := corpus(t, "r4-examples.tar.zst")
	for _, f := range files {
		r, err := Parse(f.data, Limits{})
		if want, ok := refused[f.name]; ok {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got error %v, want %s", f.name, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		types[r.Type] = true
		checkFaithful(t, f.name, f.data, r)
	}
	if len(files) != 767 || len(types) != 138 {
		t.Errorf("%d examples of %d types: the archive is not whole", len(files), len(types))
	}
}

// checkFaithful compares a parsed resource with what encoding/json makes of its input.
func checkFaithful(t *testing.T, name string, raw []byte, r *Resource) {
	t.Helper()
	var want bytes.Buffer
	if err := json.Compact(&want, raw); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want.Bytes(), r.JSON) {
		t.Errorf("%s: compacted text differs from encoding/json", name)
	}
	var head struct{ ResourceType, ID string }
	if err := json.Unmarshal(raw, &head); err != nil {
		t.Fatal(err)
	}
	if head.ResourceType != r.Type || head.ID != r.ID {
		t.Errorf("%s: got %s/%s, want %s/%s", name, r.Type, r.ID, head.ResourceType, head.ID)
	}
	if got := string(r.Proto.ProtoReflect().Descriptor().Name()); got != r.Type {
		t.Errorf("%s: message is a %s", name, got)
	}
}

func TestParseSynthea(t *testing.T) {
	count := map[string]int{}
	for _, raw := range resources(t) {
		r, err := Parse(raw, Limits{})
		if err != nil {
			t.Fatalf("%v in %.200s", err, raw)
		}
		count[r.Type]++
	}
	want := map[string]int{
		"CarePlan": 1, "Claim": 23, "Condition": 10, "DiagnosticReport": 7, "Encounter": 19,
		"ExplanationOfBenefit": 19, "Immunization": 18, "MedicationRequest": 4, "Observation": 127,
		"Organization": 105, "Patient": 3, "Practitioner": 105, "Procedure": 4,
	}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Error(diff)
	}
}

// TestParseKeepsText feeds what a serialiser would normalise.
func TestParseKeepsText(t *testing.T) {
	const in = "\uFEFF {\n\"resourceType\" : \"Observation\",\r\n\t\"code\":{\"text\":\" a  \\u00e9\\/é \\ud83d\\ude00 \"}, \"status\":\"final\"," +
		`"_status":{"id":"a","extension":[{"url":"x:y","valueDecimal":1.50E+2}]},` +
		`"effectiveDateTime":"2015-02","valueQuantity":{"value":0.0100000000000000000000} } `
	const want = `{"resourceType":"Observation","code":{"text":" a  \u00e9\/é \ud83d\ude00 "},"status":"final",` +
		`"_status":{"id":"a","extension":[{"url":"x:y","valueDecimal":1.50E+2}]},` +
		`"effectiveDateTime":"2015-02","valueQuantity":{"value":0.0100000000000000000000}}`
	raw := []byte(in)
	r, err := Parse(raw, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	clear(raw) // the result must not look at it any more
	if diff := cmp.Diff(want, string(r.JSON)); diff != "" {
		t.Error(diff)
	}
	o, ok := r.Proto.(*observationpb.Observation)
	if !ok {
		t.Fatalf("message is a %T", r.Proto)
	}
	if got := o.GetCode().GetText().GetValue(); got != " a  é/é 😀 " {
		t.Errorf("text %q", got)
	}
	if got := o.GetValue().GetQuantity().GetValue().GetValue(); got != "0.0100000000000000000000" {
		t.Errorf("decimal %s", got)
	}
}

// TestParseRareForms covers valid forms that jsonformat refuses, or that are easily
// read wrong.
func TestParseRareForms(t *testing.T) {
	basic := func(extension string) string {
		return `{"resourceType":"Basic","code":{"text":"a"},"extension":[` + extension + `]}`
	}
	extension := func(t *testing.T, r *Resource) *basicpb.Basic {
		t.Helper()
		b, ok := r.Proto.(*basicpb.Basic)
		if !ok || len(b.GetExtension()) != 1 {
			t.Fatalf("message is %v", r.Proto)
		}
		return b
	}
	cases := []struct {
		name, in string
		check    func(t *testing.T, r *Resource)
	}{
		{"leap second", basic(`{"url":"x:y","valueInstant":"2016-12-31T23:59:60.5Z"}`), func(t *testing.T, r *Resource) {
			if got := extension(t, r).GetExtension()[0].GetValue().GetInstant().GetValueUs(); got != 1483228799_500_000 {
				t.Errorf("instant %d", got)
			}
		}},
		{"leap second escaped", basic(`{"url":"x:y","valueTime":"23\u003a59:60"}`), func(t *testing.T, r *Resource) {
			if got := extension(t, r).GetExtension()[0].GetValue().GetTime().GetValueUs(); got != (24*3600-1)*1_000_000 {
				t.Errorf("time %d", got)
			}
		}},
		{"valueMeta", basic(`{"url":"x:y","valueMeta":{"lastUpdated":"2016-12-31T23:59:60Z"}}`), func(t *testing.T, r *Resource) {
			if got := extension(t, r).GetExtension()[0].GetUrl().GetValue(); got != "x:y" {
				t.Errorf("url %s", got)
			}
		}},
		{"valueMeta first", basic(`{"valueMeta":{"versionId":"1"},"url":"x:y"}`), func(t *testing.T, r *Resource) {
			if got := extension(t, r).GetExtension()[0].GetUrl().GetValue(); got != "x:y" {
				t.Errorf("url %s", got)
			}
		}},
		{"nulls in lists", basic(`{"url":"x:y","valueTiming":{"event":["2020",null],"_event":[null,{"id":"e"}],` +
			`"repeat":{"dayOfWeek":[null,"mon"],"_dayOfWeek":[{"id":"d"},null]}}}`), func(t *testing.T, r *Resource) {
			timing := extension(t, r).GetExtension()[0].GetValue().GetTiming()
			if len(timing.GetEvent()) != 2 || timing.GetEvent()[1].GetId().GetValue() != "e" ||
				timing.GetRepeat().GetDayOfWeek()[0].GetId().GetValue() != "d" {
				t.Errorf("timing %v", timing)
			}
		}},
		{"base64", `{"resourceType":"Binary","contentType":"text/plain","data":"QU\/B QUFB\nQQ=="}`, func(t *testing.T, r *Resource) {
			b, ok := r.Proto.(*binarypb.Binary)
			if !ok || !bytes.Equal(b.GetData().GetValue(), []byte("AO\xc1AAAA")) {
				t.Errorf("message is %v", r.Proto)
			}
		}},
		{"Parameters within", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Parameters",` +
			`"parameter":[{"name":"a","resource":{"resourceType":"Patient","id":"1"}}]}}]}`, func(t *testing.T, r *Resource) {
			if r.Type != "Bundle" {
				t.Errorf("type %s", r.Type)
			}
		}},
		{"Parameters", `{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient","id":"1"}},` +
			`{"name":"b","part":[{"name":"c","part":[{"name":"d","valueMeta":{"versionId":"7"}}]},` +
			`{"name":"e","resource":{"resourceType":"Parameters","parameter":[{"name":"f","resource":{"resourceType":"Basic","code":{"text":"a"}}}]}}]}]}`, checkParameters},
		{"type last", `{"id":"1","resource\u0054ype":"Patient"}`, func(t *testing.T, r *Resource) {
			if r.Type != "Patient" || r.ID != "1" {
				t.Errorf("got %s/%s", r.Type, r.ID)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := Parse([]byte(c.in), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if string(r.JSON) != c.in {
				t.Errorf("text was changed: %s", r.JSON)
			}
			c.check(t, r)
		})
	}
}

// TestParseConcurrently shares the unmarshaller and the tables.
func TestParseConcurrently(t *testing.T) {
	all := resources(t)[:40]
	want := make([]proto.Message, len(all))
	for i, raw := range all {
		r, err := Parse(raw, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		want[i] = r.Proto
	}
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for range cap(errs) {
		wg.Go(func() {
			for i, raw := range all {
				r, err := Parse(raw, Limits{})
				if err != nil || !proto.Equal(r.Proto, want[i]) {
					errs <- fmt.Errorf("resource %d differs: %w", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func TestStorable(t *testing.T) {
	all := StorableTypes()
	if len(all) != 145 {
		t.Errorf("%d types, R4 has 146 and Parameters is not stored", len(all))
	}
	for _, name := range append(all, "Patient", "Bundle", "Binary") {
		if !Storable(name) {
			t.Errorf("%s is not storable", name)
		}
	}
	for _, name := range []string{"", "Parameters", "DomainResource", "Resource", "HumanName", "patient", "SubscriptionTopic"} {
		if Storable(name) {
			t.Errorf("%s is storable", name)
		}
	}
	all[0] = "changed"
	if StorableTypes()[0] == "changed" {
		t.Error("the caller can change the list")
	}
	r, err := Parse([]byte(`{"resourceType":"Patient"}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Proto.(*patientpb.Patient); !ok {
		t.Errorf("message is a %T", r.Proto)
	}
}
