package fhir

import (
	"bytes"
	"fmt"
)

// EachReference calls f for the text of every Reference.reference of an accepted
// resource, in document order: contained resources, extensions and the entries
// of a Bundle included, canonicals and plain URIs not. An error of f ends the
// walk and is returned as it is.
//
// What a transaction processor meets: urn:uuid:… and urn:oid:… that name the
// fullUrl of another entry (Synthea until 2019), conditional references such as
// Practitioner?identifier=system|value (Synthea today; R4, RESTful API, conditional references),
// literal Type/id, and #id within the resource.
func EachReference(json []byte, f func(ref string) error) error {
	w := stringWalker{lexer: newLexer(json)}
	w.visit = func(p primitive, t token) error {
		if p != primReference {
			return nil
		}
		return f(string(w.text(t, nil)))
	}
	return w.document()
}

// RewriteReferences replaces links in an accepted resource; all else stays byte
// for byte. For each link f gives the new text and whether it differs.
//
// f sees every Reference.reference. It also sees those values of elements of
// type uri, url, oid and uuid that begin with urn:uuid: or urn:oid:, and of href
// and src in narratives those that begin so or with http: or https:, since
// the fullUrl of an entry may stand there too (R4, RESTful API, transaction rules). Among
// these are code systems and the like, so f must change only what it knows.
// It never sees elements of type canonical. An error of f ends the walk and is
// returned as it is. Without any change the result is json itself.
func RewriteReferences(json []byte, f func(ref string) (string, bool, error)) ([]byte, error) {
	w := stringWalker{lexer: newLexer(json)}
	var edits []edit
	w.visit = func(p primitive, t token) error {
		switch p {
		case primReference:
		case primURI, primURL, primOID, primUUID:
			if !isURN(w.text(t, nil)) {
				return nil
			}
		case primXHTML:
			links, err := rewriteLinks(w.src[t.start:t.end], f)
			for _, e := range links {
				edits = append(edits, edit{t.start + e.start, t.start + e.end, e.text})
			}
			return err
		default:
			return nil
		}
		to, changed, err := f(string(w.text(t, nil)))
		if changed && err == nil {
			edits = append(edits, edit{t.start, t.end, appendEscaped([]byte{}, []byte(to))})
		}
		return err
	}
	if err := w.document(); err != nil {
		return nil, err
	}
	return applyEdits(json, edits), nil
}

func isURN(v []byte) bool {
	return bytes.HasPrefix(v, []byte("urn:uuid:")) || bytes.HasPrefix(v, []byte("urn:oid:"))
}

// stringWalker goes through an accepted resource and visits the values of the
// elements that are written as strings.
type stringWalker struct {
	lexer
	visit func(p primitive, t token) error
	err   error // of visit
}

func (w *stringWalker) document() error {
	w.space()
	if w.peek() != '{' {
		return fmt.Errorf("walk references: %w", errNoObject)
	}
	w.resource()
	w.space()
	if w.err != nil {
		return w.err
	}
	if w.failed == nil && w.pos != len(w.src) {
		w.fail(w.pos, "unexpected text after the resource")
	}
	if err := w.lexer.err(); err != nil {
		return fmt.Errorf("walk references: %w", err)
	}
	return nil
}

// resource walks an object by its resourceType; one of no known type has no
// known references.
func (w *stringWalker) resource() bool {
	l := w.lookAhead()
	if _, name, ok := l.findMember("resourceType"); ok {
		if t := r4Schema().resources[string(l.text(name, nil))]; t != nil {
			return w.object(t)
		}
	}
	return w.skip()
}

func (w *stringWalker) object(t *typ) bool {
	for more := w.open('}'); more; more = w.next('}') {
		k, ok := w.key()
		if !ok {
			return false
		}
		m, ok := t.members[string(w.text(k, nil))]
		if !ok {
			ok = w.skip()
		} else {
			ok = w.value(m)
		}
		if !ok {
			return false
		}
	}
	return w.failed == nil
}

func (w *stringWalker) value(m member) bool {
	switch c := w.peek(); {
	case c == '[':
		for more := w.open(']'); more; more = w.next(']') {
			if !w.value(m) {
				return false
			}
		}
		return w.failed == nil
	case c == '{' && m.typ.shape == shapeAnyResource:
		return w.resource()
	case c == '{' && m.typ.members != nil:
		return w.object(m.typ)
	case c != '"' || m.sibling || m.typ.shape != shapePrimitive:
		return w.skip()
	}
	t, ok := w.str()
	if !ok {
		return false
	}
	w.err = w.visit(m.typ.prim, t)
	return w.err == nil
}
