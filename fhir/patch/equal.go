package patch

import "bytes"

// equal compares two values as RFC 6902 section 4.6 does: strings by their
// characters, numbers by value, objects whatever the order of their members.
//
// In FHIR 1.0 and 1.00 differ in precision (R4, decimal), but a test of a JSON
// Patch is JSON's: a client that read a number into a float and tests for it must
// not fail for a zero that it never saw.
func equal(x, y *node, b *budget) bool {
	b.step(1 + (len(x.raw)+len(y.raw))/64)
	if x.kind != y.kind || b.steps < 0 {
		return false
	}
	switch x.kind {
	case number:
		return equalNumbers(x.raw, y.raw)
	case text:
		return bytes.Equal(x.raw, y.raw) || bytes.Equal(decode(x.raw), decode(y.raw))
	case array:
		if len(x.items) != len(y.items) {
			return false
		}
		for i := range x.items {
			if !equal(x.items[i], y.items[i], b) {
				return false
			}
		}
		return true
	case object:
		return equalMembers(x.members, y.members, b)
	}
	return bytes.Equal(x.raw, y.raw)
}

func equalMembers(x, y []member, b *budget) bool {
	if len(x) != len(y) {
		return false
	}
	var index map[string]*node // of y, made when the order first differs
	for i := range x {
		other := y[i].value
		if index != nil || !bytes.Equal(x[i].name, y[i].name) {
			if index == nil {
				index = make(map[string]*node, len(y))
				for _, m := range y {
					index[string(m.name)] = m.value
				}
			}
			other = index[string(x[i].name)]
		}
		if other == nil || !equal(x[i].value, other, b) {
			return false
		}
	}
	return true
}
