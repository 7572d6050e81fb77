package fhir

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	fhirproto "github.com/google/fhir/go/proto/google/fhir/proto/r4/fhirproto_extensions_go_proto"
)

// decode makes the message of an accepted, compacted resource. It writes the
// protobuf wire format by the tables of the types and leaves the rest to
// proto.Unmarshal: google/fhir's own jsonformat gives the same messages (a test
// compares them) at ten times the cost, and refuses some valid resources.
func decode(t *typ, json []byte) (proto.Message, error) {
	// The wire format is about as long as the text.
	e := messageEncoder{lexer: newLexer(json), schema: r4Schema(), dst: make([]byte, 0, len(json)+len(json)/4)}
	e.object(t)
	if err := e.err(); err != nil {
		return nil, fmt.Errorf("read accepted resource: %w", err)
	}
	mt, err := protoregistry.GlobalTypes.FindMessageByName(t.message.FullName())
	if err != nil {
		return nil, fmt.Errorf("find message of %s: %w", t.name, err)
	}
	m := mt.New().Interface()
	if err := proto.Unmarshal(e.dst, m); err != nil {
		return nil, fmt.Errorf("make message of %s: %w", t.name, err)
	}
	return m, nil
}

// messageEncoder goes through an accepted resource and writes its message.
type messageEncoder struct {
	lexer
	schema *schema
	dst    []byte
	buf    []byte // decoded text of the current string
	late   []lateMember
}

// lateMember is a member that has to wait for the end of its object: half of a
// primitive that is written in two members, or a list of primitives, whose
// other half may follow.
type lateMember struct {
	member
	pos int // of the value
}

// begin opens a field that holds a message; its length follows with end.
func (e *messageEncoder) begin(number protowire.Number) int {
	e.dst = append(protowire.AppendTag(e.dst, number, protowire.BytesType), 0)
	return len(e.dst)
}

// end closes the field whose content began at start: it makes room for the
// bytes of the length that begin did not count on.
func (e *messageEncoder) end(start int) {
	n := len(e.dst) - start
	if extra := protowire.SizeVarint(uint64(n)) - 1; extra > 0 {
		e.dst = append(e.dst, make([]byte, extra)...)
		copy(e.dst[start+extra:], e.dst[start:start+n])
	}
	protowire.AppendVarint(e.dst[:start-1], uint64(n))
}

// beginField opens the field of an element, within its choice if it has one.
func (e *messageEncoder) beginField(f *field) (outer, inner int) {
	outer = e.begin(f.number)
	if f.inner != 0 {
		return outer, e.begin(f.inner)
	}
	return outer, -1
}

func (e *messageEncoder) endField(outer, inner int) {
	if inner >= 0 {
		e.end(inner)
	}
	e.end(outer)
}

// object writes the fields of the object that begins here.
func (e *messageEncoder) object(t *typ) bool {
	start, late := e.pos, len(e.late)
	for more := e.open('}'); more; more = e.next('}') {
		k, ok := e.key()
		if !ok {
			return false
		}
		m, ok := t.members[string(e.text(k, nil))]
		if !ok || m.number == 0 {
			ok = e.skip()
		} else {
			ok = e.member(m)
		}
		if !ok {
			return false
		}
	}
	if len(e.late) > late && e.failed == nil {
		e.finish(start, e.late[late:])
		e.late = e.late[:late]
	}
	return e.failed == nil
}

func (e *messageEncoder) member(m member) bool {
	switch {
	case m.typ.shape == shapePrimitive && (m.sibling || m.list):
		e.late = append(e.late, lateMember{m, e.pos})
		return e.skip()
	case m.typ.prim == primReference:
		return e.reference(m)
	case m.list:
		for more := e.open(']'); more; more = e.next(']') {
			if !e.element(m) {
				return false
			}
		}
		return e.failed == nil
	}
	return e.element(m)
}

// element writes one value as a field.
func (e *messageEncoder) element(m member) bool {
	outer, inner := e.beginField(m.field)
	ok := false
	switch m.typ.shape {
	case shapePrimitive:
		ok = e.primitive(m.typ)
	case shapeAnyResource:
		ok = e.resource(m)
	default:
		ok = e.object(m.typ)
	}
	e.endField(outer, inner)
	return ok
}

// resource writes a ContainedResource, within an Any where the message has one.
func (e *messageEncoder) resource(m member) bool {
	l := e.lookAhead()
	_, name, _ := l.findMember("resourceType")
	t := e.schema.resources[string(l.text(name, nil))]
	if t == nil {
		return e.fail(e.pos, "unknown resource type")
	}
	packed := -1
	if m.typ.message.FullName() == "google.protobuf.Any" {
		e.dst = protowire.AppendTag(e.dst, 1, protowire.BytesType)
		e.dst = protowire.AppendString(e.dst, "type.googleapis.com/google.fhir.r4.core.ContainedResource")
		packed = e.begin(2)
	}
	start := e.begin(t.contained)
	ok := e.object(t)
	e.end(start)
	if packed >= 0 {
		e.end(packed)
	}
	return ok
}

// finish writes the late members of the object that began at start.
func (e *messageEncoder) finish(start int, late []lateMember) {
	for i, a := range late {
		if a.typ.prim == primReference {
			e.referenceSibling(start, a)
			continue
		}
		if !a.list {
			// The value, if there is one, is in a field of its own, into which
			// protobuf merges this one.
			outer, inner := e.beginField(a.field)
			e.siblingAt(a.typ, a.pos, !e.hasMember(start, a.json))
			e.endField(outer, inner)
			continue
		}
		values, siblings := -1, -1
		first := i
		for j, b := range late {
			if b.field != a.field {
				continue
			}
			first = min(first, j)
			if b.sibling {
				siblings = b.pos
			} else {
				values = b.pos
			}
		}
		if first == i { // otherwise it was written with its other half
			e.pairs(a.field, values, siblings)
		}
	}
}

// pairs writes a list of primitives from its two arrays, of which one may be missing.
func (e *messageEncoder) pairs(f *field, values, siblings int) {
	v, s := newLexer(e.src), newLexer(e.src)
	v.pos, s.pos = values, siblings
	more := (values < 0 || v.open(']')) && (siblings < 0 || s.open(']'))
	for more {
		outer, inner := e.beginField(f)
		empty := values < 0 || v.peek() == 'n'
		if !empty {
			pos := e.pos
			e.pos = v.pos
			e.primitive(f.typ)
			e.pos = pos
		}
		if siblings >= 0 && s.peek() != 'n' {
			e.siblingAt(f.typ, s.pos, empty)
		}
		e.endField(outer, inner)
		more = (values < 0 || v.skip() && v.next(']')) && (siblings < 0 || s.skip() && s.next(']'))
	}
}

// siblingAt writes id and extensions of a primitive, with a mark if it has no value.
func (e *messageEncoder) siblingAt(t *typ, pos int, empty bool) {
	here := e.pos
	e.pos = pos
	e.object(t)
	e.pos = here
	if x, ok := t.members["extension"]; ok && empty {
		mark := e.begin(x.number)
		e.dst = append(e.dst, noValue()...)
		e.end(mark)
	}
}

// hasMember looks for a member of the object that began at start.
func (e *messageEncoder) hasMember(start int, name string) bool {
	l := newLexer(e.src)
	l.pos = start
	off, _, _ := l.findMember(name)
	return off >= 0
}

// noValue is the extension with which google/fhir marks a primitive that has
// extensions only.
var noValue = sync.OnceValue(func() []byte {
	mark := (&fhirproto.PrimitiveHasNoValue{}).ProtoReflect().Descriptor()
	x := &dt.Extension{
		Url:   &dt.Uri{Value: structureDefinitionURL(mark)},
		Value: &dt.Extension_ValueX{Choice: &dt.Extension_ValueX_Boolean{Boolean: &dt.Boolean{Value: true}}},
	}
	wire, err := proto.Marshal(x)
	if err != nil {
		panic(err) // a constant
	}
	return wire
})
