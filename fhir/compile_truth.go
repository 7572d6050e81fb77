package fhir

import "fmt"

// truth is FHIRPath's three-valued logic: an operand that has no value makes a
// comparison empty, neither true nor false.
type truth uint8

const (
	isEmpty truth = iota
	isFalse
	isTrue
)

// truthFunc evaluates a condition on a context item.
type truthFunc func(c *evaluation, e element) truth

func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return isFalse
}

func (t truth) not() truth {
	switch t {
	case isTrue:
		return isFalse
	case isFalse:
		return isTrue
	}
	return isEmpty
}

// compileTruth compiles what must be a truth value. A path counts as one where
// a criterion is expected only if it is compared or tested.
func compileTruth(n *exprNode, s scope) (truthFunc, error) {
	switch {
	case n.op == opAnd, n.op == opOr:
		return compileLogic(n, s)
	case n.op == opEqual, n.op == opNotEqual:
		return compileEqual(n, s)
	case n.op == opIs:
		return compileIs(n, s)
	case n.op == opCall && n.name == "exists" && len(n.args) <= 1:
		in := n.in
		if len(n.args) == 1 {
			in = &exprNode{op: opCall, in: n.in, name: "where", args: n.args}
		}
		return compileExists(in, s)
	case n.op == opCall && n.name == "empty" && len(n.args) == 0:
		exists, err := compileExists(n.in, s)
		return func(c *evaluation, e element) truth { return exists(c, e).not() }, err
	case n.op == opCall && n.name == "not" && len(n.args) == 0:
		in, err := compileTruth(n.in, s)
		return func(c *evaluation, e element) truth { return in(c, e).not() }, err
	}
	return nil, fmt.Errorf("%w: %s is not a supported condition", errExpression, n.name)
}

// compileLogic is and/or; with an empty side the result is still known if the
// other side decides it.
func compileLogic(n *exprNode, s scope) (truthFunc, error) {
	left, err := compileTruth(n.args[0], s)
	if err != nil {
		return nil, err
	}
	right, err := compileTruth(n.args[1], s)
	if err != nil {
		return nil, err
	}
	decisive := isFalse
	if n.op == opOr {
		decisive = isTrue
	}
	return func(c *evaluation, e element) truth {
		l := left(c, e)
		if l == decisive {
			return l
		}
		r := right(c, e)
		if l == isEmpty && r != decisive {
			return isEmpty
		}
		return r
	}, nil
}

func compileExists(in *exprNode, s scope) (truthFunc, error) {
	branches, err := compilePath(in, s)
	return func(c *evaluation, e element) truth {
		from, to := c.collect(branches, e)
		c.items = c.items[:from]
		return truthOf(to > from)
	}, err
}

// compileEqual compares a path with a literal on the right, by the primitive's
// text or truth. Values of different types are unequal (FHIRPath section 6.1).
func compileEqual(n *exprNode, s scope) (truthFunc, error) {
	branches, err := compilePath(n.args[0], s)
	if err != nil {
		return nil, err
	}
	literal := n.args[1]
	if literal.op != opString && literal.op != opBool {
		return nil, fmt.Errorf("%w: comparison with something else than a literal", errExpression)
	}
	return func(c *evaluation, e element) truth {
		from, to := c.collect(branches, e)
		result := isEmpty
		if to > from {
			result = truthOf(to == from+1 && equalsLiteral(c.items[from], literal))
		}
		c.items = c.items[:from]
		if n.op == opNotEqual {
			result = result.not()
		}
		return result
	}, nil
}

func equalsLiteral(e element, literal *exprNode) bool {
	if literal.op == opBool {
		value, ok := booleanValue(e)
		return ok && value == literal.truth
	}
	text, ok := primitiveText(e)
	return ok && text == literal.name
}

// compileIs is a type test. On resolve() it looks at the reference instead of
// what it points to, because nothing is read here.
func compileIs(n *exprNode, s scope) (truthFunc, error) {
	in, resolve := n.in, false
	if in.op == opCall && in.name == "resolve" && len(in.args) == 0 {
		in, resolve = in.in, true
	}
	branches, err := compilePath(in, s)
	if err != nil {
		return nil, err
	}
	test := func(_ *evaluation, e element) bool { return isNamed(descriptorFor(e), n.name) }
	if resolve {
		test = func(c *evaluation, e element) bool { return c.referenceType(e) == n.name }
	}
	return func(c *evaluation, e element) truth {
		from, to := c.collect(branches, e)
		result := isEmpty
		if to > from {
			result = truthOf(to == from+1 && test(c, c.items[from]))
		}
		c.items = c.items[:from]
		return result
	}, nil
}
