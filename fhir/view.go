package fhir

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// View is the part of a resource that a client asked for by _summary or _elements (R4 sections 3.1.1.5.8 and
// 3.1.1.5.9). The zero View is the whole resource. A View does not change and may be shared.
type View struct {
	form viewForm
	// names are asked for of every type, pairs of one.
	names []string
	pairs []typeElement
}

type viewForm uint8

const (
	viewWhole viewForm = iota
	viewSummary
	viewText
	viewData
	viewCount
	viewElements
)

var viewForms = map[string]viewForm{
	"": viewWhole, "false": viewWhole, "true": viewSummary, "text": viewText, "data": viewData, "count": viewCount,
}

// Bounds on _elements, which would otherwise cost as much as a client likes: far beyond what any type has.
const (
	maxElements     = 1000
	maxElementDepth = 16
)

// typeElement is an element at the root of a type.
type typeElement struct{ typ, name string }

// ParseView reads the values of the parameters _summary and _elements; what is empty was not given. typ is the type
// that the request is about, empty for several or all. An error names the parameter and what is wrong with it, never
// what the client wrote.
//
// R4 offers _elements "if one of the summary views is not appropriate", so it is one or the other: both are refused,
// but for _summary=false, which asks for nothing.
func ParseView(typ, summary string, elements []string) (View, error) {
	form, ok := viewForms[summary]
	if !ok {
		return View{}, errors.New("_summary must be true, text, data, count or false")
	}
	v, n := View{form: form}, 0
	for _, value := range elements {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			if n++; n > maxElements {
				return View{}, fmt.Errorf("_elements has more than %d names", maxElements)
			}
			if err := v.element(typ, name); err != nil {
				return View{}, fmt.Errorf("_elements: name %d %w", n, err)
			}
		}
	}
	switch {
	case n == 0:
	case form != viewWhole:
		return View{}, errors.New("_summary and _elements cannot be combined")
	default:
		v.form = viewElements
	}
	return v, nil
}

// element adds a name of _elements: name, Patient.name, or a longer path, of which R4 knows only the first element, so
// that is what the client gets. A choice is named value, value[x] or valueQuantity; the last one asks for quantities
// only. A name that no type has is refused: what is asked for would silently be missing.
func (v *View) element(typ, path string) error {
	parts := strings.Split(path, ".")
	qualified := r4Schema().resources[parts[0]] != nil
	if qualified {
		typ, parts = parts[0], parts[1:]
	}
	if !hasElement(typ, parts) {
		if typ == "" {
			return errors.New("is not an element of a resource type")
		}
		return fmt.Errorf("is not an element of %s", typ)
	}
	name := strings.TrimSuffix(parts[0], "[x]")
	if pair := (typeElement{typ, name}); qualified && !slices.Contains(v.pairs, pair) {
		v.pairs = append(v.pairs, pair)
	}
	if !qualified && !slices.Contains(v.names, name) {
		v.names = append(v.names, name)
	}
	return nil
}

// hasElement tells whether a path of element names leads anywhere in a resource type, or in any if its name is
// empty.
func hasElement(name string, path []string) bool {
	if len(path) == 0 || len(path) > maxElementDepth {
		return false
	}
	at := map[*typ]struct{}{}
	for n, t := range r4Schema().resources {
		if name == "" || name == n {
			at[t] = struct{}{}
		}
	}
	for _, part := range path {
		if at = withElement(at, strings.TrimSuffix(part, "[x]")); len(at) == 0 {
			return false
		}
	}
	return true
}

// withElement gives the types of an element, over all types that have it.
func withElement(types map[*typ]struct{}, name string) map[*typ]struct{} {
	found := map[*typ]struct{}{}
	for t := range types {
		for _, m := range t.members {
			if !m.sibling && (m.name == name || m.json == name) {
				found[m.typ] = struct{}{}
			}
		}
	}
	return found
}

// Whole reports whether the client gets the resource as it is.
func (v View) Whole() bool { return v.form == viewWhole }

// Count reports whether the client wants the number of matches alone. For a single resource that means nothing, and
// Append gives the whole of it.
func (v View) Count() bool { return v.form == viewCount }

// Text reports _summary=text, which excludes _include and _revinclude (R4 section 3.1.1.5.8).
func (v View) Text() bool { return v.form == viewText }

// lists tells whether _elements names a member of a type.
func (v *View) lists(typ string, m *viewMember) bool {
	for _, name := range v.names {
		if name == m.name || name == m.json {
			return true
		}
	}
	for _, p := range v.pairs {
		if p.typ == typ && (p.name == m.name || p.name == m.json) {
			return true
		}
	}
	return false
}
