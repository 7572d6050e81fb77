package patch

import "slices"

// kind is the kind of a JSON value.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

// node is one JSON value. A leaf is a piece of the text that it was read from.
type node struct {
	kind    kind
	emptied bool     // an operation has taken something out: see prune
	raw     []byte   // of a leaf: its token, quotes included
	members []member // of an object, in order
	items   []*node  // of an array
}

// member is one member of an object.
type member struct {
	name  []byte // decoded
	raw   []byte // as written, quotes included
	value *node
}

// newNull is the value null.
func newNull() *node { return &node{kind: null, raw: []byte("null")} }

// newMember names a value; the name is an element name, which needs no escapes.
func newMember(name string, value *node) member {
	raw := []byte(`"` + name + `"`)
	return member{name: raw[1 : len(raw)-1], raw: raw, value: value}
}

// find gives the place of a member, -1 if there is none.
func (n *node) find(name string, b *budget) int {
	if n == nil || n.kind != object {
		return -1
	}
	for i := range n.members {
		if string(n.members[i].name) == name {
			b.step(i + 1)
			return i
		}
	}
	b.step(len(n.members) + 1)
	return -1
}

// get is the value of a member, nil if there is none.
func (n *node) get(name string, b *budget) *node {
	if i := n.find(name, b); i >= 0 {
		return n.members[i].value
	}
	return nil
}

// remove takes a member out, if it is there.
func (n *node) remove(name string, b *budget) {
	if i := n.find(name, b); i >= 0 {
		n.removeMember(i, b)
	}
}

func (n *node) removeMember(i int, b *budget) {
	b.step((len(n.members) - i) / 8)
	n.members = slices.Delete(n.members, i, i+1)
	n.emptied = true
}

func (n *node) removeItem(i int, b *budget) {
	b.step((len(n.items) - i) / 32)
	n.items = slices.Delete(n.items, i, i+1)
	n.emptied = true
}

func (n *node) insertItem(i int, value *node, b *budget) {
	b.step((len(n.items) - i) / 32)
	n.items = slices.Insert(n.items, i, value)
}

// gone reports whether removals have emptied the value, so that it will be
// pruned if nothing is added.
func (n *node) gone() bool {
	return n.emptied && len(n.members) == 0 && len(n.items) == 0
}

// allNull reports whether an array holds nothing but null.
func (n *node) allNull() bool {
	for _, x := range n.items {
		if x.kind != null {
			return false
		}
	}
	return true
}

// clone copies a value. The copies of leaves share their text, so what they cost
// is paid in nodes; what the outcome grows by is paid in bytes.
func (n *node) clone(b *budget) *node {
	b.nodes--
	b.copied -= len(n.raw) + 1
	if b.nodes < 0 || b.copied < 0 {
		return n // overdrawn: the operation fails
	}
	out := &node{kind: n.kind, emptied: n.emptied, raw: n.raw}
	if len(n.members) > 0 {
		out.members = make([]member, len(n.members))
		for i, m := range n.members {
			b.copied -= len(m.raw) + 1
			out.members[i] = member{name: m.name, raw: m.raw, value: m.value.clone(b)}
		}
	}
	if len(n.items) > 0 {
		out.items = make([]*node, len(n.items))
		for i, x := range n.items {
			out.items[i] = x.clone(b)
		}
	}
	return out
}

// newNamed names a value by any text.
func newNamed(name string, value *node) member {
	raw := appendString(nil, name)
	return member{name: []byte(name), raw: raw, value: value}
}

// appendString writes a string token; what need not be escaped is not.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
