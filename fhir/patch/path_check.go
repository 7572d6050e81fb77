package patch

import "slices"

// checker finds the elements that a path names in no type that they could have,
// whatever the resource holds. A misspelt name would otherwise select nothing,
// and a delete of nothing succeeds.
type checker struct {
	root   []*typ
	budget *budget
}

// types gives the types that the outcome of an expression can have, nil where
// they are not known or where it is a value. Names start from the types this.
func (c *checker) types(e *expr, this []*typ) ([]*typ, error) {
	switch e.kind {
	case exprThis:
		return this, nil
	case exprRoot:
		return c.root, nil
	case exprBinary, exprType:
		for _, arg := range e.args {
			if _, err := c.types(arg, this); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case exprMember, exprCall, exprIndex:
	default:
		return nil, nil
	}
	base := this
	if e.base != nil {
		var err error
		if base, err = c.types(e.base, this); err != nil {
			return nil, err
		}
	}
	c.budget.step(1 + len(base))
	switch e.kind {
	case exprIndex:
		return base, nil
	case exprCall:
		return c.call(e, base, this)
	}
	return c.member(e, base)
}

func (c *checker) member(e *expr, base []*typ) ([]*typ, error) {
	if e.base == nil && len(base) == 1 && base[0] == c.root[0] && base[0].is(e.name) {
		return base, nil
	}
	var out []*typ
	known, found := len(base) > 0, false
	for _, t := range base {
		if t.resource {
			known = false
			continue
		}
		elem := t.element(e.name)
		if elem == nil {
			continue
		}
		found = true
		for _, o := range elem.options {
			if !slices.Contains(out, o.typ) {
				out = append(out, o.typ)
			}
		}
	}
	switch {
	case !known:
		return nil, nil
	case !found:
		return nil, fail(Failed, "path %s: %s has no such element", quote(e.String()), base[0].name)
	}
	return out, nil
}

func (c *checker) call(e *expr, base, this []*typ) ([]*typ, error) {
	switch e.name {
	case "where", "all", "exists":
		for _, arg := range e.args {
			if _, err := c.types(arg, base); err != nil {
				return nil, err
			}
		}
		if e.name == "where" {
			return base, nil
		}
		return nil, nil
	case "ofType", "as":
		if t := resourceType(e.typeName); t != nil {
			return []*typ{t}, nil
		}
		return slices.DeleteFunc(slices.Clone(base), func(t *typ) bool { return t.resource || !t.is(e.typeName) }), nil
	case "first", "last", "tail", "single", "skip", "take":
		return base, nil
	case "is":
		return nil, nil
	case "extension":
		return []*typ{extensionType()}, nil
	}
	for _, arg := range e.args {
		if _, err := c.types(arg, this); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
