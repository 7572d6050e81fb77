package patch

import "slices"

// place is an element of the resource: where it hangs and what is there.
type place struct {
	holder  *node    // the object that has the member; nil for the resource itself
	elem    *element // nil for the resource itself
	json    string   // name of the member, without underscore
	index   int      // in the list, -1 where there is none
	value   *node    // nil if a primitive has no value
	sibling *node    // of a primitive: its id and extensions, nil if it has none
	typ     *typ
}

// primitiveMember is the JSON of a primitive element: up to two members, which
// are kept in step.
func primitiveMember(json string) (value, sibling string) { return json, "_" + json }

// drop takes the element out (fhirpatch.html, delete), its sibling too.
func (p *place) drop(b *budget) {
	x, _x := primitiveMember(p.json)
	if p.index < 0 {
		p.holder.remove(x, b)
		if p.typ.primitive {
			p.holder.remove(_x, b)
		}
		return
	}
	for _, name := range []string{x, _x} {
		if a := p.holder.get(name, b); a != nil && p.index < len(a.items) {
			a.removeItem(p.index, b)
		}
	}
}

// set puts another element in the place of this one; of a choice it may have
// another type.
func (p *place) set(o option, value, sibling *node, b *budget) {
	if p.index >= 0 {
		setItem(p.holder, p.json, p.index, value, sibling, b)
		return
	}
	x, _x := primitiveMember(p.json)
	at := p.holder.find(x, b)
	for _, name := range []string{x, _x} {
		i := p.holder.find(name, b)
		if i < 0 || name == _x && !p.typ.primitive {
			continue
		}
		if at < 0 || i < at {
			at = i
		}
		p.holder.removeMember(i, b)
	}
	insertMembers(p.holder, at, o.json, value, sibling)
}

// insertMembers writes an element that does not repeat.
func insertMembers(holder *node, at int, json string, value, sibling *node) {
	x, _x := primitiveMember(json)
	if sibling != nil {
		holder.members = slices.Insert(holder.members, at, newMember(_x, sibling))
	}
	if value != nil {
		holder.members = slices.Insert(holder.members, at, newMember(x, value))
	}
}

// lists gives the two arrays of a repeating element, nil for those that are not
// there, and the number of elements. Of complex elements there is only the first.
func lists(holder *node, json string, b *budget) (values, siblings *node, n int) {
	x, _x := primitiveMember(json)
	values, siblings = holder.get(x, b), holder.get(_x, b)
	if values != nil && values.kind == array {
		n = len(values.items)
	}
	if siblings != nil && siblings.kind == array {
		n = max(n, len(siblings.items))
	}
	return values, siblings, n
}

// pad makes both arrays n long, if they are there.
func pad(n int, b *budget, arrays ...*node) {
	for _, a := range arrays {
		for a != nil && len(a.items) < n {
			a.items = append(a.items, newNull())
			b.nodes--
		}
	}
}

// ensureLists makes what arrays the element will need.
func ensureLists(holder *node, json string, value, sibling *node, b *budget) (values, siblings *node, n int) {
	x, _x := primitiveMember(json)
	values, siblings, n = lists(holder, json, b)
	if values == nil && value != nil {
		values = &node{kind: array}
		at := len(holder.members)
		if i := holder.find(_x, b); i >= 0 {
			at = i
		}
		holder.members = slices.Insert(holder.members, at, newMember(x, values))
	}
	if siblings == nil && sibling != nil {
		siblings = &node{kind: array}
		at := len(holder.members)
		if i := holder.find(x, b); i >= 0 {
			at = i + 1
		}
		holder.members = slices.Insert(holder.members, at, newMember(_x, siblings))
	}
	pad(n, b, values, siblings)
	return values, siblings, n
}

// insertElement puts an element into a list. Both arrays keep in step: null stands
// for what an element does not have (R4 section 2.6.2.3).
func insertElement(holder *node, json string, i int, value, sibling *node, b *budget) {
	values, siblings, _ := ensureLists(holder, json, value, sibling, b)
	for _, each := range []struct{ array, item *node }{{values, value}, {siblings, sibling}} {
		if each.array == nil {
			continue
		}
		if each.item == nil {
			each.item = newNull()
		}
		each.array.insertItem(i, each.item, b)
	}
}

// setItem puts an element in the place of another of the list.
func setItem(holder *node, json string, i int, value, sibling *node, b *budget) {
	values, siblings, _ := ensureLists(holder, json, value, sibling, b)
	for _, each := range []struct{ array, item *node }{{values, value}, {siblings, sibling}} {
		if each.array == nil {
			continue
		}
		if each.item == nil {
			each.item = newNull()
			each.array.emptied = true // nulls alone are pruned from an _x array
		}
		each.array.items[i] = each.item
	}
}

// moveElement moves an element within its list.
func moveElement(holder *node, json string, from, to int, b *budget) {
	values, siblings, n := lists(holder, json, b)
	pad(n, b, values, siblings)
	for _, a := range []*node{values, siblings} {
		if a != nil {
			b.step(n / 16)
			x := a.items[from]
			a.items = slices.Insert(slices.Delete(a.items, from, from+1), to, x)
		}
	}
}

// extras is the object with the id and the extensions of a primitive. It is made
// if there is none.
func (p *place) extras(b *budget) *node {
	if p.sibling != nil && p.sibling.kind == object {
		return p.sibling
	}
	p.sibling = &node{kind: object}
	if p.index >= 0 {
		_, siblings, _ := ensureLists(p.holder, p.json, nil, p.sibling, b)
		siblings.items[p.index] = p.sibling
		return p.sibling
	}
	x, _x := primitiveMember(p.json)
	p.holder.remove(_x, b)
	at := len(p.holder.members)
	if i := p.holder.find(x, b); i >= 0 {
		at = i + 1
	}
	p.holder.members = slices.Insert(p.holder.members, at, newMember(_x, p.sibling))
	return p.sibling
}
