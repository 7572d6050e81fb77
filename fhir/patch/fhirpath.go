package patch

import (
	"errors"
	"fmt"
)

// FHIRPath applies a FHIRPath Patch (R4, fhirpatch.html), the JSON of a Parameters
// resource, to the JSON of an accepted resource. A patch that cannot be applied
// gives *Error; any other error means that doc is no resource.
func FHIRPath(doc, parameters []byte) ([]byte, error) {
	b := newBudget()
	patch, err := parsePatch(parameters, b)
	if err != nil {
		return nil, err
	}
	ops, err := operations(patch, b)
	if err != nil {
		return nil, err
	}
	root, err := parseDocument(doc, b)
	if err != nil {
		return nil, err
	}
	t := resourceType(root.typeName())
	if root.kind != object || t == nil {
		return nil, errors.New("document: not a resource")
	}
	f := fhirEditor{root: item{place: &place{index: -1, value: root, typ: t}}, budget: b}
	for i, op := range ops {
		err := f.apply(op)
		if over := b.overdrawn(); over != nil {
			err = over
		}
		if err != nil {
			return nil, at(i, err)
		}
	}
	return finish(root, len(doc)+len(parameters))
}

// fhirEditor applies the operations of a FHIRPath Patch to a resource.
type fhirEditor struct {
	root   item
	budget *budget
}

// prefix puts the operation before the message of an error.
func prefix(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return fail(e.Kind, "%s: %s", op, e.Msg)
	}
	return fmt.Errorf("%s: %w", op, err)
}

func (f *fhirEditor) apply(n *node) error {
	o, err := readOperation(n, f.budget)
	if err != nil {
		return err
	}
	path, err := parsePath(o.path)
	if err != nil {
		return prefix(o.op, err)
	}
	check := checker{root: []*typ{f.root.place.typ}, budget: f.budget}
	if _, err := check.types(path, check.root); err != nil {
		return prefix(o.op, err)
	}
	switch o.op {
	case "add":
		err = f.add(o, path)
	case "insert":
		err = f.insert(o, path)
	case "delete":
		err = f.delete(path)
	case "replace":
		err = f.replace(o, path)
	case "move":
		err = f.move(o, path)
	}
	if err != nil {
		return prefix(o.op, err)
	}
	return nil
}

// find gives the one element that a path selects, nil for none.
func (f *fhirEditor) find(path *expr) (*place, error) {
	s := scope{root: f.root, this: f.root, budget: f.budget}
	items, err := s.eval(path)
	switch {
	case err != nil:
		return nil, err
	case len(items) > 1:
		return nil, fail(Failed, "path %s selects %d elements", quote(path.String()), len(items))
	case len(items) == 0:
		return nil, nil
	case items[0].place == nil:
		return nil, fail(Failed, "path %s gives a value, not an element of the resource", quote(path.String()))
	}
	return items[0].place, nil
}

// one is find for operations that need an element.
func (f *fhirEditor) one(path *expr) (*place, error) {
	p, err := f.find(path)
	if err == nil && p == nil {
		err = fail(Failed, "path %s selects no element", quote(path.String()))
	}
	return p, err
}

// holder is the object that an element's own elements are in.
func (f *fhirEditor) holder(p *place) *node {
	if p.typ.primitive {
		return p.extras(f.budget)
	}
	return p.value
}

func (f *fhirEditor) add(o *fhirOperation, path *expr) error {
	p, err := f.one(path)
	if err != nil {
		return err
	}
	if p.typ.element(o.name) == nil {
		return fail(Failed, "%s has no element %s", p.typ.name, quote(o.name))
	}
	return addElement(f.holder(p), p.typ, o.name, o.value, f.budget)
}

func (f *fhirEditor) delete(path *expr) error {
	p, err := f.find(path)
	if err != nil || p == nil { // "if found"
		return err
	}
	if p.holder == nil {
		return fail(Failed, "the resource itself cannot be taken away by a patch")
	}
	p.drop(f.budget)
	return nil
}

func (f *fhirEditor) replace(o *fhirOperation, path *expr) error {
	p, err := f.one(path)
	if err != nil {
		return err
	}
	if p.holder == nil {
		return fail(Failed, "the resource itself cannot be replaced by a patch")
	}
	option, value, sibling, err := o.value.build(p.elem, f.budget)
	if err != nil {
		return err
	}
	p.set(option, value, sibling, f.budget)
	return nil
}

// list finds the repeating element that a path names: the element that has it,
// its JSON name and its length. The path ends in the name, for what a path
// selects is elements and not the list that they are in, which may be empty.
func (f *fhirEditor) list(path *expr) (p *place, elem *element, n int, err error) {
	if path.kind != exprMember {
		return nil, nil, 0, fail(Failed, "path %s does not end in the name of a list", quote(path.String()))
	}
	base := path.base
	if base == nil {
		base = &expr{kind: exprThis}
	}
	if p, err = f.one(base); err != nil {
		return nil, nil, 0, err
	}
	elem = p.typ.element(path.name)
	switch {
	case elem == nil:
		return nil, nil, 0, fail(Failed, "%s has no element %s", p.typ.name, quote(path.name))
	case !elem.list:
		return nil, nil, 0, fail(Failed, "%s does not repeat", elem.name)
	}
	if holder := p.object(); holder != nil {
		_, _, n = lists(holder, elem.options[0].json, f.budget)
	}
	return p, elem, n, nil
}

func (f *fhirEditor) insert(o *fhirOperation, path *expr) error {
	p, elem, n, err := f.list(path)
	if err != nil {
		return err
	}
	if o.index > n {
		return fail(Failed, "index is behind the end of %s, which has %d elements", quote(path.String()), n)
	}
	option, value, sibling, err := o.value.build(elem, f.budget)
	if err != nil {
		return err
	}
	insertElement(f.holder(p), option.json, o.index, value, sibling, f.budget)
	return nil
}

func (f *fhirEditor) move(o *fhirOperation, path *expr) error {
	p, elem, n, err := f.list(path)
	if err != nil {
		return err
	}
	if o.source >= n || o.target >= n {
		return fail(Failed, "source or destination is behind the end of %s, which has %d elements", quote(path.String()), n)
	}
	moveElement(p.object(), elem.options[0].json, o.source, o.target, f.budget)
	return nil
}
