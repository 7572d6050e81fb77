package patch

import "strings"

// function is one that a path may use: how many arguments it takes, and what it
// makes of the items that it is called on.
type function struct {
	least, most int
	eval        func(s *scope, e *expr, in []item) ([]item, error)
}

// lookupFunction finds a function (FHIRPath, functions; R4, fhirpath.html). All
// of them stay within the resource.
func lookupFunction(name string) (function, bool) {
	switch name {
	case "first", "last", "tail", "single":
		return function{0, 0, subset}, true
	case "skip", "take":
		return function{1, 1, skipTake}, true
	case "where":
		return function{1, 1, where}, true
	case "all":
		return function{1, 1, all}, true
	case "exists":
		return function{0, 1, exists}, true
	case "empty", "not", "count", "hasValue":
		return function{0, 0, about}, true
	case "ofType", "as", "is":
		return function{1, 1, typeFunction}, true
	case "extension":
		return function{1, 1, extension}, true
	case "startsWith", "endsWith", "contains":
		return function{1, 1, textFunction}, true
	}
	return function{}, false
}

// checkCall refuses functions that are not supported, before their arguments are
// read.
func (e *expr) checkCall() error {
	if _, ok := lookupFunction(e.name); !ok {
		return pathError(e.off, "the function %s is not supported in patches", quote(e.name))
	}
	return nil
}

func (e *expr) checkArgs() error {
	f, _ := lookupFunction(e.name)
	if len(e.args) < f.least || len(e.args) > f.most {
		return pathError(e.off, "wrong number of arguments of %s()", e.name)
	}
	if e.name == "ofType" || e.name == "as" || e.name == "is" {
		t := e.args[0]
		if t.kind != exprMember || t.base != nil && (t.base.kind != exprMember || t.base.base != nil || t.base.name != "FHIR" && t.base.name != "System") {
			return pathError(e.off, "%s() takes the name of a type", e.name)
		}
		e.typeName = t.name
	}
	return nil
}

func (s *scope) call(e *expr, in []item) ([]item, error) {
	f, _ := lookupFunction(e.name)
	s.budget.step(len(in))
	return f.eval(s, e, in)
}

func subset(_ *scope, e *expr, in []item) ([]item, error) {
	switch {
	case e.name == "single" && len(in) > 1:
		return nil, fail(Failed, "path %s: there are %d elements", quote(e.String()), len(in))
	case len(in) == 0:
		return nil, nil
	case e.name == "first":
		return in[:1], nil
	case e.name == "last":
		return in[len(in)-1:], nil
	case e.name == "tail":
		return in[1:], nil
	}
	return in, nil
}

func skipTake(s *scope, e *expr, in []item) ([]item, error) {
	n, err := s.count(e, len(in))
	if err != nil {
		return nil, err
	}
	if e.name == "skip" {
		return in[n:], nil
	}
	return in[:n], nil
}

// count evaluates an argument that is a number of items, at most most.
func (s *scope) count(e *expr, most int) (int, error) {
	arg, err := s.argument(e)
	if err != nil {
		return 0, err
	}
	t := pathToken{kind: tokenNumber, text: arg.text}
	negative := strings.HasPrefix(arg.text, "-")
	t.text = strings.TrimPrefix(t.text, "-")
	n, ok := t.natural()
	if arg.kind != valueNumber || !ok {
		return 0, pathError(e.off, "%s() takes a whole number", e.name)
	}
	if negative {
		return 0, nil
	}
	return min(n, most), nil
}

// argument evaluates the one argument of a function, a single value.
func (s *scope) argument(e *expr) (pathValue, error) {
	arg, err := s.eval(e.args[0])
	if err != nil {
		return pathValue{}, err
	}
	if len(arg) != 1 {
		return pathValue{}, fail(Failed, "path %s: the argument is not one value", quote(e.String()))
	}
	return arg[0].value(s.budget), nil
}

// test evaluates a criterion for each item until done says that it has seen
// enough.
func (s *scope) test(criterion *expr, in []item, done func(item, truth) bool) error {
	inner := *s
	for i, it := range in {
		inner.this, inner.index = it, i
		out, err := inner.eval(criterion)
		if err != nil {
			return err
		}
		t, err := inner.truth(criterion, out)
		if err != nil || done(it, t) {
			return err
		}
	}
	return nil
}

func where(s *scope, e *expr, in []item) ([]item, error) {
	var out []item
	err := s.test(e.args[0], in, func(it item, t truth) bool {
		if t == yes {
			out = append(out, it)
		}
		return false
	})
	return out, err
}

func all(s *scope, e *expr, in []item) ([]item, error) {
	result := true
	err := s.test(e.args[0], in, func(_ item, t truth) bool {
		result = t == yes
		return !result
	})
	return []item{boolItem(result)}, err
}

func exists(s *scope, e *expr, in []item) ([]item, error) {
	found := len(in) > 0
	if len(e.args) == 0 {
		return []item{boolItem(found)}, nil
	}
	found = false
	err := s.test(e.args[0], in, func(_ item, t truth) bool {
		found = t == yes
		return found
	})
	return []item{boolItem(found)}, err
}

// about gives the functions that tell something of a collection.
func about(s *scope, e *expr, in []item) ([]item, error) {
	switch e.name {
	case "empty":
		return []item{boolItem(len(in) == 0)}, nil
	case "count":
		return []item{{val: pathValue{kind: valueNumber, text: itoa(len(in))}}}, nil
	case "hasValue":
		return []item{boolItem(len(in) == 1 && in[0].value(s.budget).kind != valueNone)}, nil
	}
	t, err := s.truth(e, in) // not
	if err != nil || t == unknown {
		return nil, err
	}
	return []item{boolItem(t == no)}, nil
}

// extension selects extensions by their url, of a primitive too.
func extension(s *scope, e *expr, in []item) ([]item, error) {
	url, err := s.argument(e)
	if err != nil {
		return nil, err
	}
	var all, out []item
	for _, it := range in {
		if it.place == nil {
			continue
		}
		if elem := it.place.typ.element("extension"); elem != nil {
			all = it.place.children(elem, all, s.budget)
		}
	}
	for _, it := range all {
		u := it.place.object().get("url", s.budget)
		if url.kind == valueString && u != nil && u.string() == url.text {
			out = append(out, it)
		}
	}
	return out, nil
}

// textFunction compares the text of one item with an argument.
func textFunction(s *scope, e *expr, in []item) ([]item, error) {
	if len(in) == 0 {
		return nil, nil
	}
	arg, err := s.argument(e)
	if err != nil {
		return nil, err
	}
	if len(in) > 1 {
		return nil, fail(Failed, "path %s: there are %d elements", quote(e.String()), len(in))
	}
	v := in[0].value(s.budget)
	if arg.kind != valueString || v.kind != valueString && v.kind != valueMoment {
		return nil, nil
	}
	s.budget.step(len(v.text) / 64)
	switch e.name {
	case "startsWith":
		return []item{boolItem(strings.HasPrefix(v.text, arg.text))}, nil
	case "endsWith":
		return []item{boolItem(strings.HasSuffix(v.text, arg.text))}, nil
	}
	return []item{boolItem(strings.Contains(v.text, arg.text))}, nil
}
