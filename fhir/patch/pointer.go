package patch

import (
	"slices"
	"strconv"
	"strings"
)

// pointer is a JSON pointer (RFC 6901) in its decoded segments.
type pointer []string

// parsePointer reads the pointer in the member of an operation.
func parsePointer(s, member string) (pointer, error) {
	if s == "" {
		return nil, nil
	}
	if s[0] != '/' {
		return nil, fail(Malformed, "%s %s is no JSON pointer: it does not begin with a slash", member, quote(s))
	}
	p := pointer(strings.Split(s[1:], "/"))
	if len(p) > maxPathDepth {
		return nil, fail(TooLarge, "%s has more than %d segments", member, maxPathDepth)
	}
	for i, seg := range p {
		var b strings.Builder
		for {
			before, after, found := strings.Cut(seg, "~")
			b.WriteString(before)
			if !found {
				break
			}
			switch {
			case strings.HasPrefix(after, "0"):
				b.WriteByte('~')
			case strings.HasPrefix(after, "1"):
				b.WriteByte('/')
			default:
				return nil, fail(Malformed, "%s %s is no JSON pointer: ~ is followed by neither 0 nor 1", member, quote(s))
			}
			seg = after[1:]
		}
		p[i] = b.String()
	}
	return p, nil
}

// String writes the pointer with its escapes.
func (p pointer) String() string {
	var b strings.Builder
	for _, seg := range p {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(seg, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// contains reports whether q leads to a place within the value at p.
func (p pointer) contains(q pointer) bool {
	return len(q) > len(p) && slices.Equal(p, q[:len(p)])
}

// resolve follows the pointer from the document.
func (p pointer) resolve(doc *node, b *budget) (*node, error) {
	n := doc
	for i, seg := range p {
		at, err := n.child(seg, b)
		if err != nil {
			return nil, p.fail(i, err.Error())
		}
		if n.kind == object {
			n = n.members[at].value
		} else {
			n = n.items[at]
		}
	}
	return n, nil
}

// fail says at which segment a pointer led nowhere.
func (p pointer) fail(i int, why string) error {
	return fail(Failed, "path %s: %s", quote(p[:i+1].String()), why)
}

// lost is why a segment leads nowhere.
type lost string

func (l lost) Error() string { return string(l) }

// child is the place of what a segment names in an object or array.
func (n *node) child(seg string, b *budget) (int, error) {
	switch n.kind {
	case object:
		if i := n.find(seg, b); i >= 0 {
			return i, nil
		}
		return 0, lost("there is no such member")
	case array:
		i, err := arrayIndex(seg)
		switch {
		case err != nil:
			return 0, err
		case i >= len(n.items):
			return 0, lost("the array has " + strconv.Itoa(len(n.items)) + " elements")
		}
		return i, nil
	}
	return 0, lost("the value before it is neither object nor array")
}

// arrayIndex reads an index (RFC 6901 section 4): digits without a leading zero.
// What is longer than any array is the largest int32.
func arrayIndex(seg string) (int, error) {
	switch {
	case seg == "-":
		return 0, lost("the place behind the last element holds nothing")
	case seg == "" || digits([]byte(seg)) < len(seg) || seg[0] == '0' && len(seg) > 1:
		return 0, lost("not an array index")
	}
	i, err := strconv.ParseInt(seg, 10, 32)
	if err != nil {
		return 1<<31 - 1, nil //nolint:nilerr // the digits are fine, there are many
	}
	return int(i), nil
}
