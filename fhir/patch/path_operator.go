package patch

// truth reads a collection as a truth value: empty is unknown, and one item that
// is no boolean is true (FHIRPath, singleton evaluation of collections).
func (s *scope) truth(e *expr, in []item) (truth, error) {
	switch len(in) {
	case 0:
		return unknown, nil
	case 1:
		if v := in[0].value(s.budget); v.kind == valueBool {
			return v.truth, nil
		}
		return yes, nil
	}
	return unknown, fail(Failed, "path, byte %d: expected true or false, found %d elements", e.off, len(in))
}

func (s *scope) binary(e *expr) ([]item, error) {
	left, err := s.eval(e.args[0])
	if err != nil {
		return nil, err
	}
	right, err := s.eval(e.args[1])
	if err != nil {
		return nil, err
	}
	var t truth
	switch e.name {
	case "=", "!=":
		if t = sameItems(left, right, s.budget); e.name == "!=" {
			t = t.not()
		}
	case "<", "<=", ">", ">=":
		t, err = s.compare(e, left, right)
	default:
		t, err = s.logic(e, left, right)
	}
	if err != nil || t == unknown {
		return nil, err
	}
	return []item{boolItem(t == yes)}, nil
}

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

// sameItems compares collections: all items in order, unknown if one is empty.
func sameItems(x, y []item, b *budget) truth {
	if len(x) == 0 || len(y) == 0 {
		return unknown
	}
	if len(x) != len(y) {
		return no
	}
	result := yes
	for i := range x {
		switch sameValue(x[i], y[i], b) {
		case no:
			return no
		case unknown:
			result = unknown
		}
	}
	return result
}

func (s *scope) compare(e *expr, x, y []item) (truth, error) {
	if len(x) == 0 || len(y) == 0 {
		return unknown, nil
	}
	if len(x) > 1 || len(y) > 1 {
		return unknown, fail(Failed, "path, byte %d: %s compares one value with another", e.off, e.name)
	}
	result, known, ok := order(x[0], y[0], s.budget)
	switch {
	case !ok:
		return unknown, fail(Failed, "path, byte %d: %s compares values of one kind", e.off, e.name)
	case !known:
		return unknown, nil
	}
	return truthOf(holds(e.name, result)), nil
}

// logic is and, or, xor and implies (FHIRPath, boolean logic).
func (s *scope) logic(e *expr, left, right []item) (truth, error) {
	x, err := s.truth(e, left)
	if err != nil {
		return unknown, err
	}
	y, err := s.truth(e, right)
	if err != nil {
		return unknown, err
	}
	switch e.name {
	case "and":
		return both(x, y), nil
	case "or":
		return both(x.not(), y.not()).not(), nil
	case "implies":
		return both(x, y.not()).not(), nil
	}
	if x == unknown || y == unknown { // xor
		return unknown, nil
	}
	return truthOf(x != y), nil
}

func both(x, y truth) truth {
	switch {
	case x == no || y == no:
		return no
	case x == yes && y == yes:
		return yes
	}
	return unknown
}

func (s *scope) typeOperator(e *expr) ([]item, error) {
	in, err := s.eval(e.args[0])
	if err != nil {
		return nil, err
	}
	return ofType(e, e.name, in)
}

func typeFunction(_ *scope, e *expr, in []item) ([]item, error) { return ofType(e, e.name, in) }

// ofType selects by type, or tells the type of one item. A value within a path
// has a type of the namespace System, which no element has.
func ofType(e *expr, name string, in []item) ([]item, error) {
	if name != "ofType" && len(in) > 1 {
		return nil, fail(Failed, "path, byte %d: %s takes one element, found %d", e.off, name, len(in))
	}
	var out []item
	for _, it := range in {
		is := it.place != nil && it.place.typ.is(e.typeName)
		switch {
		case name == "is":
			out = append(out, boolItem(is))
		case is:
			out = append(out, it)
		}
	}
	return out, nil
}
