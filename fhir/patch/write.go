package patch

import "bytes"

// write gives the text of the outcome. What the patch has nested too deeply or
// made too long for any resource is refused.
func write(root *node, sizeHint int) ([]byte, error) {
	w := writer{out: make([]byte, 0, sizeHint)}
	w.value(root, 1)
	switch {
	case w.deep:
		return nil, fail(TooLarge, "the outcome is nested more than %d deep", maxDepth)
	case len(w.out) > maxBytes:
		return nil, fail(TooLarge, "the outcome has more than %d bytes", maxBytes)
	}
	return w.out, nil
}

type writer struct {
	out  []byte
	deep bool
}

func (w *writer) value(n *node, depth int) {
	switch {
	case w.deep || len(w.out) > maxBytes:
		return
	case n.kind < array:
		w.out = append(w.out, n.raw...)
		return
	case depth > maxDepth:
		w.deep = true
		return
	case n.kind == array:
		w.out = append(w.out, '[')
		for i, x := range n.items {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.value(x, depth+1)
		}
		w.out = append(w.out, ']')
		return
	}
	w.out = append(w.out, '{')
	for i, m := range n.members {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = append(append(w.out, m.raw...), ':')
		w.value(m.value, depth+1)
	}
	w.out = append(w.out, '}')
}

// prune drops what removals have emptied, from the leaves up, as the package
// comment says. Names are those of the members that hold the arrays: what goes
// from an _x array leaves null, for its elements belong to those of x by their
// places. An _x array that a removal has left with nulls alone says nothing.
func prune(n *node, name []byte) {
	sibling := bytes.HasPrefix(name, []byte("_"))
	if n.kind == object {
		kept := n.members[:0]
		for _, m := range n.members {
			if m.value.kind >= array {
				prune(m.value, m.name)
			}
			if m.value.gone() {
				n.emptied = true
				continue
			}
			kept = append(kept, m)
		}
		clear(n.members[len(kept):])
		n.members = kept
		return
	}
	kept := n.items[:0]
	for _, x := range n.items {
		if x.kind >= array {
			prune(x, nil)
		}
		if x.gone() {
			n.emptied = true
			if !sibling {
				continue
			}
			x = newNull()
		}
		kept = append(kept, x)
	}
	clear(n.items[len(kept):])
	n.items = kept
	if sibling && n.emptied && n.allNull() {
		n.items = nil
	}
}
