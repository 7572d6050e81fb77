package fhir

import (
	"errors"
	"testing"

	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	r4 "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	parameterspb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/parameters_go_proto"
	patientpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
)

// checkParameters looks into the nested parts and resources of Parameters.
func checkParameters(t *testing.T, r *Resource) {
	t.Helper()
	p, ok := r.Proto.(*parameterspb.Parameters)
	if !ok || r.Type != "Parameters" || len(p.GetParameter()) != 2 {
		t.Fatalf("message is %v", r.Proto)
	}
	var patient, inner r4.ContainedResource
	parts := p.GetParameter()[1].GetPart()
	if err := errors.Join(p.GetParameter()[0].GetResource().UnmarshalTo(&patient), parts[1].GetResource().UnmarshalTo(&inner)); err != nil {
		t.Fatal(err)
	}
	if got := patient.GetPatient().GetId().GetValue(); got != "1" {
		t.Errorf("resource %v", &patient)
	}
	if got := parts[0].GetPart()[0].GetValue().GetMeta().GetVersionId().GetValue(); got != "7" {
		t.Errorf("part %v", parts[0])
	}
	if got := inner.GetParameters().GetParameter(); len(got) != 1 || got[0].GetResource() == nil {
		t.Errorf("inner Parameters %v", &inner)
	}
}

// TestParseReferenceSiblings covers what jsonformat loses: id and extensions of
// Reference.reference, in each form and on either side of the value.
func TestParseReferenceSiblings(t *testing.T) {
	const half = `"_reference":{"id":"i","extension":[{"url":"x:y","valueCode":"c"}]}`
	for _, ref := range []string{"#o", "Organization/1", "Organization/1/_history/2", "http://example.org/Organization/1", ""} {
		forms := []string{`"reference":"` + ref + `",` + half, half + `,"reference":"` + ref + `"`}
		if ref == "" {
			forms = []string{half}
		}
		for _, form := range forms {
			r, err := Parse([]byte(`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"a"}],"managingOrganization":{`+form+`},"generalPractitioner":[{"reference":"#o"}]}`), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			p, ok := r.Proto.(*patientpb.Patient)
			if !ok {
				t.Fatalf("message is a %T", r.Proto)
			}
			m := p.GetManagingOrganization().ProtoReflect()
			choice := m.WhichOneof(m.Descriptor().Oneofs().ByName("reference"))
			if choice == nil {
				t.Fatalf("%s: no reference", form)
			}
			has, ok := m.Get(choice).Message().Interface().(interface {
				GetId() *dt.String
				GetExtension() []*dt.Extension
			})
			marks := 1
			if ref == "" {
				marks = 2
			}
			if !ok || has.GetId().GetValue() != "i" || len(has.GetExtension()) != marks {
				t.Errorf("%s: %v", form, m.Interface())
			}
		}
	}
}

// TestParseKeepsZone covers the zone that says that none is known (RFC 3339 section 4.3).
func TestParseKeepsZone(t *testing.T) {
	r, err := Parse([]byte(`{"resourceType":"Patient","deceasedDateTime":"2020-01-01T00:00:00-00:00"}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, ok := r.Proto.(*patientpb.Patient)
	if d := p.GetDeceased().GetDateTime(); !ok || d.GetTimezone() != "-00:00" || d.GetValueUs() != 1577836800_000_000 {
		t.Errorf("dateTime %v", d)
	}
}
