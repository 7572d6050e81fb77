package patch

import "strings"

// given is a value as Parameters carry it: value[x], a resource, or parts.
type given struct {
	typeName string // of value[x], in the spelling of its name: HumanName, DateTime
	value    *node  // of value[x] or resource
	sibling  *node  // of a primitive: _value[x]
	parts    []*node
	resource bool
}

// readGiven reads the value of a part (R4, Parameters); what is the name of the
// part, for messages.
func readGiven(part *node, what string) (*given, error) {
	g := &given{}
	seen := 0
	for _, m := range part.members {
		name := string(m.name)
		switch {
		case name == "name" || name == "id" || name == "extension" || name == "_name" || name == "modifierExtension":
			continue
		case name == "part" && m.value.kind == array && len(m.value.items) > 0:
			g.parts = m.value.items
		case name == "resource" && m.value.kind == object:
			g.resource, g.value = true, m.value
		case strings.HasPrefix(name, "value") && len(name) > len("value"):
			if !g.setType(name[len("value"):]) {
				return nil, fail(Malformed, "%s has values of two types", what)
			}
			g.value = m.value
			if g.sibling != nil {
				seen--
			}
		case strings.HasPrefix(name, "_value") && len(name) > len("_value") && m.value.kind == object:
			if !g.setType(name[len("_value"):]) {
				return nil, fail(Malformed, "%s has values of two types", what)
			}
			g.sibling = m.value
			if g.value != nil {
				seen--
			}
		default:
			return nil, fail(Malformed, "%s has a member that a part of Parameters has not: %s", what, quote(name))
		}
		seen++
	}
	if seen != 1 || g.value != nil && g.value.kind == null {
		return nil, fail(Malformed, "%s needs one value", what)
	}
	return g, nil
}

func (g *given) setType(name string) bool {
	if g.typeName == "" {
		g.typeName = name
	}
	return g.typeName == name
}

// build makes of a value what the element can hold, and picks the option of a
// choice by the type.
func (g *given) build(elem *element, b *budget) (o option, value, sibling *node, err error) {
	switch {
	case g.parts != nil:
		return g.buildParts(elem, b)
	case g.resource:
		if !elem.options[0].typ.resource {
			return o, nil, nil, fail(Failed, "%s does not hold a resource", elem.name)
		}
		return elem.options[0], g.value, nil, nil
	}
	o, ok := elem.accepting(g.typeName)
	if !ok {
		return o, nil, nil, fail(Failed, "%s cannot be a %s", elem.name, strings.Trim(quote(g.typeName), `"`))
	}
	switch {
	case o.typ.primitive && g.value != nil && g.value.kind >= array,
		!o.typ.primitive && (g.value == nil || g.value.kind != object || g.sibling != nil):
		return o, nil, nil, fail(Malformed, "the value is not the JSON of a %s", o.typ.name)
	}
	return o, g.value, g.sibling, nil
}

// accepting finds the option for a type: the one of that type if there is one.
func (e *element) accepting(typeName string) (option, bool) {
	for _, o := range e.options {
		if upperFirst(o.typ.name) == typeName {
			return o, true
		}
	}
	for _, o := range e.options {
		if o.typ.accepts(typeName) {
			return o, true
		}
	}
	return option{}, false
}

// buildParts makes an object by adding each part, as an anonymous type has it
// (fhirpatch.html): for elements that have no type of their own to name.
func (g *given) buildParts(elem *element, b *budget) (o option, value, sibling *node, err error) {
	o = elem.options[0]
	if elem.choice() || o.typ.primitive || o.typ.resource {
		return o, nil, nil, fail(Failed, "%s cannot be given by parts", elem.name)
	}
	value = &node{kind: object}
	for _, part := range g.parts {
		name := part.get("name", b).string()
		if part.kind != object || name == "" {
			return o, nil, nil, fail(Malformed, "a part has no name")
		}
		inner, err := readGiven(part, "part "+quote(name))
		if err != nil {
			return o, nil, nil, err
		}
		if err := addElement(value, o.typ, name, inner, b); err != nil {
			return o, nil, nil, err
		}
	}
	return o, value, nil, nil
}

// addElement adds an element to an object: at the end of a list, or if there is
// none yet (fhirpatch.html, add).
func addElement(holder *node, t *typ, name string, g *given, b *budget) error {
	elem := t.element(name)
	if elem == nil {
		return fail(Failed, "%s has no element %s", t.name, quote(name))
	}
	o, value, sibling, err := g.build(elem, b)
	if err != nil {
		return err
	}
	if elem.choice() && name != elem.name && name != o.json {
		return fail(Failed, "the value is not of the type that %s names", quote(name))
	}
	if elem.list {
		_, _, n := lists(holder, o.json, b)
		insertElement(holder, o.json, n, value, sibling, b)
		return nil
	}
	for _, other := range elem.options {
		x, _x := primitiveMember(other.json)
		for _, member := range []string{x, _x} {
			if there := holder.get(member, b); there != nil && !there.gone() {
				return fail(Failed, "%s is there already, and does not repeat", elem.name)
			}
			holder.remove(member, b)
		}
	}
	insertMembers(holder, len(holder.members), o.json, value, sibling)
	return nil
}
