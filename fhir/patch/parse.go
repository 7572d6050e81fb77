package patch

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// syntaxError is text that is not JSON, or not JSON that a patch can be made of.
type syntaxError struct {
	off int
	msg string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("malformed JSON at byte %d: %s", e.off, e.msg)
}

// reader makes a tree of JSON text (RFC 8259). It is strict: UTF-8, no half
// surrogate pairs, no member twice. It gives a *syntaxError or TooLarge.
type reader struct {
	src      []byte
	pos      int
	depth    int
	maxDepth int
	budget   *budget
	slab     []node // nodes are made by the block
}

// parse reads the one value of a text.
func parse(src []byte, maxDepth int, b *budget) (*node, error) {
	if len(src) > maxBytes {
		return nil, fail(TooLarge, "more than %d bytes", maxBytes)
	}
	if !utf8.Valid(src) {
		return nil, &syntaxError{0, "not UTF-8"}
	}
	r := reader{src: bytes.TrimPrefix(src, []byte("\uFEFF")), maxDepth: maxDepth, budget: b}
	r.space()
	n, err := r.value()
	if err != nil {
		return nil, err
	}
	if r.space(); r.pos < len(r.src) {
		return nil, r.fail("expected the end of the text")
	}
	return n, nil
}

func (r *reader) fail(msg string) error { return &syntaxError{r.pos, msg} }

func (r *reader) node(k kind) (*node, error) {
	if r.budget.nodes--; r.budget.nodes < 0 {
		return nil, r.budget.overdrawn()
	}
	if len(r.slab) == 0 {
		r.slab = make([]node, 32)
	}
	n := &r.slab[0]
	r.slab = r.slab[1:]
	n.kind = k
	return n, nil
}

// peek is the next byte, 0 at the end.
func (r *reader) peek() byte {
	if r.pos < len(r.src) {
		return r.src[r.pos]
	}
	return 0
}

func (r *reader) space() {
	for c := r.peek(); c == ' ' || c == '\n' || c == '\r' || c == '\t'; c = r.peek() {
		r.pos++
	}
}

func (r *reader) value() (*node, error) {
	start := r.pos
	k, err := r.leaf()
	if err != nil {
		return nil, err
	}
	n, err := r.node(k)
	if err != nil || k < array {
		if n != nil {
			n.raw = r.src[start:r.pos:r.pos]
		}
		return n, err
	}
	if r.depth++; r.depth > r.maxDepth {
		return nil, fail(TooLarge, "nested more than %d deep", r.maxDepth)
	}
	r.pos++
	if k == array {
		err = r.list(']', func() error { return r.item(n) })
	} else {
		err = r.list('}', func() error { return r.member(n) })
	}
	if err == nil && k == object {
		err = r.unique(n)
	}
	r.depth--
	return n, err
}

// leaf reads a leaf, or tells that an array or object begins here.
func (r *reader) leaf() (kind, error) {
	switch c := r.peek(); {
	case c == '{':
		return object, nil
	case c == '[':
		return array, nil
	case c == '"':
		_, err := r.string()
		return text, err
	case c == '-' || '0' <= c && c <= '9':
		n := numberLength(r.src[r.pos:])
		if n == 0 {
			return 0, r.fail("malformed number")
		}
		r.pos += n
		return number, nil
	}
	for _, w := range words {
		if bytes.HasPrefix(r.src[r.pos:], w.text) {
			r.pos += len(w.text)
			return w.kind, nil
		}
	}
	return 0, r.fail("expected a JSON value")
}

var words = []struct {
	text []byte
	kind kind
}{{[]byte("true"), boolean}, {[]byte("false"), boolean}, {[]byte("null"), null}}

// list reads what is between the brackets, by each for one element.
func (r *reader) list(closing byte, each func() error) error {
	if r.space(); r.peek() == closing {
		r.pos++
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		r.space()
		switch r.peek() {
		case ',':
			r.pos++
			r.space()
		case closing:
			r.pos++
			return nil
		default:
			return r.fail("expected a comma or the end of the object or array")
		}
	}
}

func (r *reader) item(n *node) error {
	x, err := r.value()
	n.items = append(n.items, x)
	return err
}

func (r *reader) member(n *node) error {
	if r.peek() != '"' {
		return r.fail("expected a member name in double quotes")
	}
	start := r.pos
	escaped, err := r.string()
	if err != nil {
		return err
	}
	raw := r.src[start:r.pos:r.pos]
	name := raw[1 : len(raw)-1]
	if escaped {
		name = decode(raw)
	}
	if r.space(); r.peek() != ':' {
		return r.fail("expected a colon after the member name")
	}
	r.pos++
	r.space()
	x, err := r.value()
	n.members = append(n.members, member{name, raw, x})
	return err
}

// unique refuses a member that is there twice: RFC 8259 leaves open which one
// counts, and what the sender saw need not be what the receiver sees.
func (r *reader) unique(n *node) error {
	twice := false
	if len(n.members) <= 8 {
		for i := range n.members {
			for j := range i {
				twice = twice || bytes.Equal(n.members[i].name, n.members[j].name)
			}
		}
	} else {
		seen := make(map[string]bool, len(n.members))
		for _, m := range n.members {
			twice = twice || seen[string(m.name)]
			seen[string(m.name)] = true
		}
	}
	if twice {
		return r.fail("an object that ends here has a member twice")
	}
	return nil
}
