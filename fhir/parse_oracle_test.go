package fhir

import (
	"bytes"
	"maps"
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

// sameMessage compares the message of jsonformat with that of Parse. It gives the
// kinds of the differences that docs/jsonformat-differences.md justifies; any
// other one is an error.
func sameMessage(t *testing.T, name string, want, got proto.Message) []string {
	t.Helper()
	kinds := map[string]bool{}
	even(t, want.ProtoReflect(), kinds)
	even(t, got.ProtoReflect(), kinds)
	if !proto.Equal(want, got) {
		t.Errorf("%s:\n%.2000s", name, cmp.Diff(want, got, protocmp.Transform()))
	}
	return slices.Sorted(maps.Keys(kinds))
}

// The differences between the messages of jsonformat and of Parse.
const (
	strideDifference    = "base64Binary-separatorStride" // jsonformat notes in an extension how base64 was broken into lines
	zoneDifference      = "zone -00:00"                  // +00:00 to jsonformat
	referenceDifference = "Reference._reference"         // lost to jsonformat for fragments and Type/id
)

// even evens these out and notes which ones it met. The order of fields within an
// Any is no difference.
func even(t *testing.T, m protoreflect.Message, kinds map[string]bool) {
	t.Helper()
	switch x := m.Interface().(type) {
	case *anypb.Any:
		inner, err := x.UnmarshalNew()
		if err != nil {
			t.Fatal(err)
		}
		even(t, inner.ProtoReflect(), kinds)
		if x.Value, err = (proto.MarshalOptions{Deterministic: true}).Marshal(inner); err != nil {
			t.Fatal(err)
		}
		return
	case *dt.Base64Binary:
		all := len(x.GetExtension())
		x.Extension = slices.DeleteFunc(x.Extension, func(e *dt.Extension) bool {
			return strings.HasSuffix(e.GetUrl().GetValue(), strideDifference)
		})
		if len(x.Extension) < all {
			kinds[strideDifference] = true
		}
	case *dt.DateTime:
		evenZone(&x.Timezone, kinds)
	case *dt.Instant:
		evenZone(&x.Timezone, kinds)
	case *dt.Reference:
		evenReference(x, kinds)
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				even(t, v.List().Get(i).Message(), kinds)
			}
		default:
			even(t, v.Message(), kinds)
		}
		return true
	})
}

func evenZone(zone *string, kinds map[string]bool) {
	if *zone == "-00:00" {
		*zone = "+00:00"
		kinds[zoneDifference] = true
	}
}

func evenReference(ref *dt.Reference, kinds map[string]bool) {
	if _, isURI := ref.GetReference().(*dt.Reference_Uri); isURI || ref.GetReference() == nil {
		return
	}
	choice := ref.ProtoReflect()
	inner := choice.Get(choice.WhichOneof(choice.Descriptor().Oneofs().ByName("reference"))).Message()
	for _, name := range []protoreflect.Name{"id", "extension"} {
		if f := inner.Descriptor().Fields().ByName(name); inner.Has(f) {
			inner.Clear(f)
			kinds[referenceDifference] = true
		}
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
		`"meta":{"lastUpdated":"1969-12-31T23:59:59-00:00"},"_birthDate":{"id":"a"},"birthDate":"2020"`,
		`"deceasedDateTime":"2020-01-01T00:00:00.5+13:59"`,
		`"deceasedBoolean":false`,
		`"multipleBirthInteger":-5`,
		`"name":[{"_given":[{"id":"a"},{` + x + `}]}]`,
		`"name":[{"given":["a","b"],"_given":[{"id":"a"},{` + x + `}],"suffix":["c"],"_prefix":[{"id":"d"}]}]`,
		`"managingOrganization":{"reference":"Organization/1/_history/2","_reference":{` + x + `}}`,
		`"managingOrganization":{"_reference":{` + x + `},"reference":"http://example.org/Organization/1"}`,
		`"managingOrganization":{"_reference":{"id":"a",` + x + `},"reference":"Organization/1"}`,
		`"managingOrganization":{"reference":"#","_reference":{"id":"a"}}`,
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
	seedForms(f)
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
