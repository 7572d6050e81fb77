package fhir

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	r4 "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
)

// oracle reads resources with google/fhir's jsonformat, validation included.
func oracle(tb testing.TB) func(json []byte) (proto.Message, error) {
	tb.Helper()
	u, err := jsonformat.NewUnmarshaller("UTC", fhirversion.R4)
	if err != nil {
		tb.Fatal(err)
	}
	return func(json []byte) (proto.Message, error) {
		m, err := u.UnmarshalR4(json)
		if err != nil {
			return nil, err
		}
		r := m.ProtoReflect()
		return r.Get(r.WhichOneof((&r4.ContainedResource{}).ProtoReflect().Descriptor().Oneofs().Get(0))).Message().Interface(), nil
	}
}

// sameMessage compares two messages.
func sameMessage(t *testing.T, name string, want, got proto.Message) {
	t.Helper()
	repack(t, want.ProtoReflect())
	repack(t, got.ProtoReflect())
	if !proto.Equal(want, got) {
		t.Errorf("%s:\n%.2000s", name, cmp.Diff(want, got, protocmp.Transform()))
	}
}

// repack evens out what is no difference: the order of fields within an Any, and
// how base64 was broken into lines, which jsonformat notes in an extension.
func repack(t *testing.T, m protoreflect.Message) {
	t.Helper()
	switch x := m.Interface().(type) {
	case *anypb.Any:
		inner, err := x.UnmarshalNew()
		if err != nil {
			t.Fatal(err)
		}
		repack(t, inner.ProtoReflect())
		if x.Value, err = (proto.MarshalOptions{Deterministic: true}).Marshal(inner); err != nil {
			t.Fatal(err)
		}
		return
	case *dt.Base64Binary:
		x.Extension = slices.DeleteFunc(x.Extension, func(e *dt.Extension) bool {
			return strings.HasSuffix(e.GetUrl().GetValue(), "base64Binary-separatorStride")
		})
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				repack(t, v.List().Get(i).Message())
			}
		default:
			repack(t, v.Message())
		}
		return true
	})
}

// TestOracleExamples holds the messages of all examples against jsonformat.
func TestOracleExamples(t *testing.T) {
	unmarshal := oracle(t)
	same := 0
	for _, f := range corpus(t, "r4-examples.tar.zst") {
		r, err := Parse(f.data, Limits{})
		want, wantErr := unmarshal(f.data)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: got error %v, jsonformat %v", f.name, err, wantErr)
		}
		if err != nil || wantErr != nil {
			continue
		}
		same++
		sameMessage(t, f.name, want, r.Proto)
	}
	for _, raw := range resources(t) {
		r, err := Parse(raw, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		want, err := unmarshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		same++
		sameMessage(t, r.Type+"/"+r.ID, want, r.Proto)
	}
	if same < 1000 {
		t.Errorf("only %d resources compared", same)
	}
}

// TestOracleForms compares what the examples do not have.
func TestOracleForms(t *testing.T) {
	unmarshal := oracle(t)
	const x = `"extension":[{"url":"x:y","valueString":"s"}]`
	for _, in := range []string{
		`"birthDate":"2020-02","_birthDate":{"id":"a",` + x + `}`,
		`"_birthDate":{` + x + `},"birthDate":"0001"`,
		`"_birthDate":{"id":"a",` + x + `}`,
		`"_gender":{` + x + `},"_active":{` + x + `}`,
		`"_deceasedDateTime":{` + x + `}`,
		`"deceasedDateTime":"1969-12-31T23:59:59.9999-00:00","_deceasedDateTime":{` + x + `}`,
		`"deceasedDateTime":"2020-01-01T00:00:00.5+13:59"`,
		`"deceasedBoolean":false`,
		`"multipleBirthInteger":-5`,
		`"name":[{"_given":[{"id":"a"},{` + x + `}]}]`,
		`"name":[{"given":["a","b"],"_given":[{"id":"a"},{` + x + `}],"suffix":["c"],"_prefix":[{"id":"d"}]}]`,
		`"managingOrganization":{"reference":"Organization/1/_history/2","_reference":{` + x + `}}`,
		`"managingOrganization":{"_reference":{` + x + `},"reference":"http://example.org/Organization/1"}`,
		`"managingOrganization":{"_reference":{` + x + `},"display":"a"}`,
		`"managingOrganization":{"reference":"#"}`,
		`"managingOrganization":{"reference":"Organization?identifier=a/b"}`,
		`"managingOrganization":{"reference":"urn:uuid:1","type":"Organization"}`,
		`"contained":[{"resourceType":"Organization","id":"o","name":"a"}],"managingOrganization":{"reference":"#o"}`,
		`"extension":[{"url":"x:y","valueDecimal":-1.50e-3},{"url":"x:y","valueTime":"23:59:59.123456789"},{"url":"x:y","valueUnsignedInt":0}]`,
		`"extension":[{"url":"x:y","valueInstant":"2020-02-29T00:00:00.000+14:00"},{"url":"x:y","valueBase64Binary":"AAAA"}]`,
		`"photo":[{"contentType":"a/b","_contentType":{"id":"a"},"size":1,"creation":"2020"}],"_language":{"id":"a"},"language":"de"`,
		`"name":[{"text":"\ud83d\ude00\u00e9\/` + string(bytes.Repeat([]byte("x"), 20_000)) + `"}]`,
	} {
		in = `{"resourceType":"Patient",` + in + `}`
		r, err := Parse([]byte(in), Limits{})
		if err != nil {
			t.Errorf("%.200s: %v", in, err)
			continue
		}
		want, err := unmarshal([]byte(in))
		if err != nil {
			t.Errorf("%.200s: jsonformat: %v", in, err)
			continue
		}
		sameMessage(t, in, want, r.Proto)
	}
}

// FuzzOracle looks for resources that only one of the two accepts, or that they
// read differently. jsonformat refuses some that are valid; those are not counted.
func FuzzOracle(f *testing.F) {
	for _, raw := range resources(f)[200:230] {
		f.Add(raw)
	}
	f.Add([]byte(linked))
	unmarshal := oracle(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if bytes.Contains(raw, []byte("null")) || bytes.Contains(raw, []byte(":60")) || bytes.Contains(raw, []byte("valueMeta")) ||
			bytes.Contains(raw, []byte("Parameters")) || bytes.Contains(raw, []byte("data")) || bytes.Contains(raw, []byte("Base64")) {
			return
		}
		r, err := Parse(raw, Limits{})
		if err != nil {
			return
		}
		want, err := unmarshal(r.JSON)
		if err != nil {
			t.Fatalf("jsonformat refuses: %v", err)
		}
		sameMessage(t, "message", want, r.Proto)
	})
}
