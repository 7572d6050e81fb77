package consent

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
)

// target is what a Reference names. Both empty: nothing that we can recognise
// (a contained resource, a display text).
type target struct{ literal, identifier string }

// names lists the non-empty names.
func (t target) names() []string {
	var names []string
	if t.literal != "" {
		names = append(names, t.literal)
	}
	if t.identifier != "" {
		names = append(names, t.identifier)
	}
	return names
}

// reference reads a Reference: the literal one relative to this server and
// without a version, and the identifier as "system|value".
func (b *compiler) reference(r *datatypes_go_proto.Reference) target {
	var t target
	if value := r.GetIdentifier().GetValue().GetValue(); value != "" {
		t.identifier = r.GetIdentifier().GetSystem().GetValue() + "|" + value
	}
	if uri := r.GetUri().GetValue(); uri != "" {
		t.literal = b.relative(uri)
		return t
	}
	m := r.ProtoReflect()
	if !m.IsValid() {
		return t
	}
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("reference"))
	if field == nil || field.Message() == nil {
		return t
	}
	id, ok := m.Get(field).Message().Interface().(*datatypes_go_proto.ReferenceId)
	if !ok || id.GetValue() == "" {
		return t
	}
	t.literal = referencedType(field) + "/" + id.GetValue()
	return t
}

// referencedType is the resource type of a typed member of Reference.
func referencedType(field protoreflect.FieldDescriptor) string {
	typ, _ := proto.GetExtension(field.Options(), annotations_go_proto.E_ReferencedFhirType).(string)
	return typ
}

// relative strips our own base URL and a version. Fragments name contained
// resources, which no caller and no other resource can be.
func (b *compiler) relative(uri string) string {
	if strings.HasPrefix(uri, "#") {
		return ""
	}
	for _, base := range b.options.Bases {
		if rest, ok := strings.CutPrefix(uri, strings.TrimSuffix(base, "/")+"/"); ok {
			uri = rest
			break
		}
	}
	uri, _, _ = strings.Cut(uri, "/_history/")
	return uri
}
