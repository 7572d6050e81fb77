package patch

// scope is what an expression is evaluated in.
type scope struct {
	root   item // the resource
	this   item // what names start from
	index  int  // $index
	budget *budget
}

// eval gives the items that an expression selects, in order. It costs steps for
// every item that it looks at.
func (s *scope) eval(e *expr) ([]item, error) {
	s.budget.step(1)
	if err := s.budget.overdrawn(); err != nil {
		return nil, err
	}
	switch e.kind {
	case exprThis:
		return []item{s.this}, nil
	case exprRoot:
		return []item{s.root}, nil
	case exprIndexOf:
		return []item{{val: pathValue{kind: valueNumber, text: itoa(s.index)}}}, nil
	case exprLiteral:
		return []item{{val: e.value}}, nil
	case exprEmpty:
		return nil, nil
	case exprBinary:
		return s.binary(e)
	case exprType:
		return s.typeOperator(e)
	}
	base := []item{s.this}
	if e.base != nil {
		var err error
		if base, err = s.eval(e.base); err != nil {
			return nil, err
		}
	}
	switch e.kind {
	case exprIndex:
		if e.index >= len(base) {
			return nil, nil
		}
		return base[e.index : e.index+1], nil
	case exprCall:
		return s.call(e, base)
	}
	return s.member(e, base)
}

// member goes from elements to those of a name within them. At the start of an
// expression the name may also be the type of what it starts from.
func (s *scope) member(e *expr, base []item) ([]item, error) {
	if e.base == nil && s.this.place != nil && s.this.place.typ.is(e.name) && s.this.place.elem == nil {
		return base, nil
	}
	var out []item
	for _, it := range base {
		if it.place == nil {
			return nil, fail(Failed, "path %s: a value has no elements", quote(e.String()))
		}
		elem := it.place.typ.element(e.name)
		if elem == nil { // other types of the choice have it: see checker
			continue
		}
		out = it.place.children(elem, out, s.budget)
		if err := s.budget.overdrawn(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// object is the JSON object that holds the elements of this one, nil if there is
// none: for a primitive its _x.
func (p *place) object() *node {
	n := p.value
	if p.typ.primitive {
		n = p.sibling
	}
	if n == nil || n.kind != object {
		return nil
	}
	return n
}

// children appends the elements of a name.
func (p *place) children(elem *element, out []item, b *budget) []item {
	holder := p.object()
	if holder == nil {
		return out
	}
	for _, o := range elem.options {
		x, _x := primitiveMember(o.json)
		value, sibling := holder.get(x, b), (*node)(nil)
		if o.typ.primitive {
			sibling = holder.get(_x, b)
		}
		if value == nil && sibling == nil {
			continue
		}
		child := place{holder: holder, elem: elem, json: o.json, index: -1, typ: o.typ}
		if !elem.list {
			out = child.appendTo(out, value, sibling)
			continue
		}
		_, _, n := lists(holder, o.json, b)
		b.step(n)
		for i := range n {
			child.index = i
			out = child.appendTo(out, nth(value, i), nth(sibling, i))
		}
	}
	return out
}

// nth is an element of an array, nil if it has none there.
func nth(n *node, i int) *node {
	if n == nil || n.kind != array || i >= len(n.items) {
		return nil
	}
	return n.items[i]
}

// appendTo appends one element with its value and sibling. An element of a list
// that has neither is still there: it has an index.
func (p place) appendTo(out []item, value, sibling *node) []item {
	if value != nil && value.kind == null {
		value = nil
	}
	if sibling != nil && sibling.kind == null {
		sibling = nil
	}
	p.value, p.sibling = value, sibling
	if p.typ.resource && value != nil {
		if t := resourceType(value.typeName()); t != nil {
			p.typ = t
		}
	}
	return append(out, item{place: &p})
}

// typeName is the resourceType of a resource.
func (n *node) typeName() string {
	for _, m := range n.members {
		if string(m.name) == "resourceType" {
			return m.value.string()
		}
	}
	return ""
}

// is reports whether a name in is, as or ofType is that of the type or of one that
// it specialises.
func (t *typ) is(name string) bool {
	switch name {
	case "Resource", "DomainResource":
		return resourceType(t.name) != nil
	case "Element":
		return resourceType(t.name) == nil
	case "BackboneElement":
		return !t.primitive && resourceType(t.name) == nil && t.element("modifierExtension") != nil
	}
	return t.name == name
}
