package fhir

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"strconv"

	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
)

// keepString writes a checked string into its message.
func (s *scanner) keepString(t *typ, v []byte, message reflect.Value) {
	if !s.build || !message.IsValid() {
		return
	}
	to := message.Elem()
	switch t.prim {
	case primDate, primDateTime, primInstant:
		d, _ := readDateTime(v)
		t.value.keepInstant(to, &d)
	case primTime:
		d, _ := readTime(v)
		to.Field(t.value.value).SetInt(d.micro())
		to.Field(t.value.precision).SetInt(int64(t.value.precisions[d.precision]))
	case primEnum:
		to.Field(t.value.value).SetInt(int64(t.codes[string(v)]))
	case primBase64:
		to.Field(t.value.value).SetBytes(s.base64(v))
	case primReference:
		if ref, ok := message.Interface().(*dt.Reference); ok {
			s.keepReference(ref, v)
		}
	default:
		to.Field(t.value.value).SetString(string(v))
	}
}

// keepInstant writes a date with time zone and precision, all as jsonformat does:
// UTC where no zone is written.
func (p *valuePlaces) keepInstant(to reflect.Value, d *dateTime) {
	zone := "UTC"
	if len(d.zone) > 0 {
		zone = string(d.zone)
	}
	to.Field(p.value).SetInt(d.micro())
	to.Field(p.zone).SetString(zone)
	to.Field(p.precision).SetInt(int64(p.precisions[d.precision]))
}

// keepNumber writes a boolean, an integer, or a decimal, which keeps its digits.
func (s *scanner) keepNumber(t *typ, literal []byte, message reflect.Value) {
	if !s.build || !message.IsValid() {
		return
	}
	to := message.Elem().Field(t.value.value)
	switch t.prim {
	case primBoolean:
		to.SetBool(literal[0] == 't')
	case primDecimal:
		to.SetString(string(literal))
	case primInteger:
		n, err := strconv.ParseInt(string(literal), 10, 32)
		s.noteFault(err)
		to.SetInt(n)
	default:
		n, err := strconv.ParseUint(string(literal), 10, 32)
		s.noteFault(err)
		to.SetUint(n)
	}
}

// base64 decodes what has been found to be base64.
func (s *scanner) base64(v []byte) []byte {
	plain := make([]byte, 0, len(v))
	for _, c := range v {
		if !isSpace(c) {
			plain = append(plain, c)
		}
	}
	n, err := base64.StdEncoding.Decode(plain, plain)
	s.noteFault(err)
	return plain[:n]
}

// noteFault keeps what only a mistake in the checks can lead to.
func (s *scanner) noteFault(err error) {
	if s.fault == nil {
		s.fault = err
	}
}

// keepReference writes Reference.reference in its form: fragment, literal
// reference to a type, or any other URI.
func (s *scanner) keepReference(ref *dt.Reference, v []byte) {
	if v[0] == '#' {
		ref.Reference = &dt.Reference_Fragment{Fragment: &dt.String{Value: string(v[1:])}}
		return
	}
	typ, id, version := splitLiteral(v)
	option, ok := s.schema.references[string(typ)]
	if !ok {
		ref.Reference = &dt.Reference_Uri{Uri: &dt.String{Value: string(v)}}
		return
	}
	literal := &dt.ReferenceId{Value: string(id)}
	if version != nil {
		literal.History = &dt.Id{Value: string(version)}
	}
	o := reflect.New(option)
	o.Elem().Field(0).Set(reflect.ValueOf(literal))
	reflect.ValueOf(ref).Elem().Field(s.schema.reference).Set(o)
}

// splitLiteral takes Type/id or Type/id/_history/version apart.
func splitLiteral(ref []byte) (typ, id, version []byte) {
	typ, rest, ok := bytes.Cut(ref, []byte{'/'})
	if !ok {
		return nil, nil, nil
	}
	id, rest, versioned := bytes.Cut(rest, []byte{'/'})
	if !versioned {
		return typ, id, nil
	}
	history, version, ok := bytes.Cut(rest, []byte{'/'})
	if !ok || string(history) != "_history" || bytes.IndexByte(version, '/') >= 0 {
		return nil, nil, nil
	}
	return typ, id, version
}

// keepReferenceSibling writes id and extensions of Reference.reference, which
// wait for its value.
func keepReferenceSibling(parent, message reflect.Value) {
	ref, _ := parent.Interface().(*dt.Reference)
	half, _ := message.Interface().(*dt.String)
	switch r := ref.GetReference().(type) {
	case nil:
		half.Extension = append(half.Extension, noValue())
		ref.Reference = &dt.Reference_Uri{Uri: half}
	case *dt.Reference_Uri:
		r.Uri.Id, r.Uri.Extension = half.GetId(), half.GetExtension()
	case *dt.Reference_Fragment:
		r.Fragment.Id, r.Fragment.Extension = half.GetId(), half.GetExtension()
	default:
		if literal, ok := reflect.ValueOf(r).Elem().Field(0).Interface().(*dt.ReferenceId); ok {
			literal.Id, literal.Extension = half.GetId(), half.GetExtension()
		}
	}
}
