package fhir

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	ann "github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
)

// primitive writes the fields of the value that begins here.
func (e *messageEncoder) primitive(t *typ) bool {
	start := e.pos
	if t.prim.json() != '"' {
		if !e.skip() {
			return false
		}
		e.number(t, e.src[start:e.pos])
		return true
	}
	token, ok := e.str()
	if !ok {
		return false
	}
	v := e.text(token, e.buf)
	if token.escaped {
		e.buf = v
	}
	switch t.prim {
	case primDate, primDateTime, primInstant:
		d, ok := readDateTime(v)
		if !ok {
			return e.fail(start, "not a date")
		}
		e.dateTime(t, &d)
	case primTime:
		d, ok := readTime(v)
		if !ok {
			return e.fail(start, "not a time")
		}
		e.varint(t.value.value, uint64(d.micro())) //nolint:gosec // protobuf's form of int64
		e.varint(t.value.precision, uint64(t.value.precisions[d.precision]))
	case primEnum:
		e.varint(t.value.value, uint64(t.codes[string(v)]))
	case primBase64:
		return e.base64(t, v, start)
	default:
		e.bytes(t.value.value, v)
	}
	return true
}

// number writes a boolean, an integer, or a decimal, which keeps its digits.
func (e *messageEncoder) number(t *typ, literal []byte) {
	switch t.prim {
	case primBoolean:
		e.varint(t.value.value, protowire.EncodeBool(literal[0] == 't'))
	case primDecimal:
		e.bytes(t.value.value, literal)
	default:
		n, err := strconv.ParseInt(string(literal), 10, 64)
		if err != nil {
			e.fail(e.pos, "not an integer")
		}
		if t.prim == primInteger {
			e.varint(t.value.value, protowire.EncodeZigZag(n))
		} else {
			e.varint(t.value.value, uint64(n)) //nolint:gosec // not negative, by the scan
		}
	}
}

// dateTime writes an instant with zone and precision, all as jsonformat does:
// UTC where no zone is written.
func (e *messageEncoder) dateTime(t *typ, d *dateTime) {
	zone := d.zone
	switch {
	case len(zone) == 0:
		zone = []byte("UTC")
	case string(zone) == "-00:00":
		zone = []byte("+00:00")
	}
	e.varint(t.value.value, uint64(d.micro())) //nolint:gosec // protobuf's form of int64
	e.bytes(t.value.zone, zone)
	e.varint(t.value.precision, uint64(t.value.precisions[d.precision]))
}

func (e *messageEncoder) base64(t *typ, v []byte, at int) bool {
	plain := slices.DeleteFunc(slices.Clone(v), isSpace)
	n, err := base64.StdEncoding.Decode(plain, plain)
	if err != nil {
		return e.fail(at, "not base64")
	}
	e.bytes(t.value.value, plain[:n])
	return true
}

func (e *messageEncoder) varint(number protowire.Number, v uint64) {
	e.dst = protowire.AppendVarint(protowire.AppendTag(e.dst, number, protowire.VarintType), v)
}

func (e *messageEncoder) bytes(number protowire.Number, v []byte) {
	e.dst = protowire.AppendBytes(protowire.AppendTag(e.dst, number, protowire.BytesType), v)
}

// reference writes Reference.reference into the field for its form: fragment,
// literal reference to a type, or any other URI.
func (e *messageEncoder) reference(m member) bool {
	t, ok := e.str()
	if !ok {
		return false
	}
	ref := e.text(t, nil)
	if ref[0] == '#' {
		at := e.begin(e.schema.fragment)
		e.bytes(1, ref[1:])
		e.end(at)
		return true
	}
	typ, id, version := splitLiteral(ref)
	number, ok := e.schema.references[string(typ)]
	if !ok {
		at := e.begin(m.number)
		e.bytes(1, ref)
		e.end(at)
		return true
	}
	at := e.begin(number)
	e.bytes(1, id)
	if version != nil {
		history := e.begin(2)
		e.bytes(1, version)
		e.end(history)
	}
	e.end(at)
	return true
}

// splitLiteral takes Type/id or Type/id/_history/version apart.
func splitLiteral(ref []byte) (typ, id, version []byte) {
	parts := bytes.SplitN(ref, []byte{'/'}, 5)
	switch {
	case len(parts) == 2:
		return parts[0], parts[1], nil
	case len(parts) == 4 && string(parts[2]) == "_history":
		return parts[0], parts[1], parts[3]
	}
	return nil, nil, nil
}

// referenceSibling writes the extensions of Reference.reference where the message
// has room for them: without a reference, or with one that is kept as a URI.
func (e *messageEncoder) referenceSibling(start int, m lateMember) {
	l := newLexer(e.src)
	l.pos = start
	off, t, _ := l.findMember(m.json)
	if off >= 0 {
		ref := l.text(t, nil)
		typ, _, _ := splitLiteral(ref)
		if _, literal := e.schema.references[string(typ)]; literal || ref[0] == '#' {
			return
		}
	}
	at := e.begin(m.number)
	e.siblingAt(m.typ, m.pos, off < 0)
	e.end(at)
}

// structureDefinitionURL is the URL that a generated message carries.
func structureDefinitionURL(d protoreflect.MessageDescriptor) string {
	url, _ := proto.GetExtension(d.Options(), ann.E_FhirStructureDefinitionUrl).(string)
	return url
}
