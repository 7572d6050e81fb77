package patch

import (
	"errors"
	"slices"
)

// add puts a value at a path (RFC 6902 section 4.1): a new member or in the place
// of one, or a new element of an array.
func (e *editor) add(path pointer, value *node) error {
	if len(path) == 0 {
		e.root = value
		return nil
	}
	last := len(path) - 1
	parent, err := path[:last].resolve(e.root, e.budget)
	if err != nil {
		return err
	}
	switch parent.kind {
	case object:
		if i := parent.find(path[last], e.budget); i >= 0 {
			parent.members[i].value = value
			return nil
		}
		parent.members = append(parent.members, newNamed(path[last], value))
		return nil
	case array:
		i := len(parent.items)
		if path[last] != "-" {
			if i, err = arrayIndex(path[last]); err != nil {
				return path.fail(last, err.Error())
			}
		}
		if i > len(parent.items) {
			return path.fail(last, "the index is behind the end of the array")
		}
		parent.insertItem(i, value, e.budget)
		return nil
	}
	return path.fail(last, "the value before it is neither object nor array")
}

// place finds the parent of an existing value, and its place there.
func (e *editor) place(path pointer) (parent *node, at int, err error) {
	last := len(path) - 1
	if parent, err = path[:last].resolve(e.root, e.budget); err != nil {
		return nil, 0, err
	}
	if at, err = parent.child(path[last], e.budget); err != nil {
		return nil, 0, path.fail(last, err.Error())
	}
	return parent, at, nil
}

// remove takes a value out (section 4.2) and gives it.
func (e *editor) remove(path pointer) (*node, error) {
	if len(path) == 0 {
		return nil, fail(Failed, "the resource itself cannot be taken away by a patch")
	}
	parent, at, err := e.place(path)
	if err != nil {
		return nil, err
	}
	if parent.kind == object {
		value := parent.members[at].value
		parent.removeMember(at, e.budget)
		return value, nil
	}
	value := parent.items[at]
	parent.removeItem(at, e.budget)
	return value, nil
}

// replace puts a value in the place of another (section 4.3). RFC 6902 has it do
// as remove and add would; in place, the member also keeps its position.
func (e *editor) replace(path pointer, value *node) error {
	if len(path) == 0 {
		e.root = value
		return nil
	}
	parent, at, err := e.place(path)
	if err != nil {
		return err
	}
	if parent.kind == object {
		parent.members[at].value = value
	} else {
		parent.items[at] = value
	}
	return nil
}

// move takes a value out and adds it elsewhere (section 4.4). The path counts in
// the document without the value.
func (e *editor) move(from, path pointer) error {
	if from.contains(path) {
		return fail(Malformed, "a value cannot move into itself")
	}
	if slices.Equal(from, path) {
		_, err := from.resolve(e.root, e.budget)
		return err
	}
	value, err := e.remove(from)
	if err != nil {
		return err
	}
	return e.add(path, value)
}

// copy adds what stands elsewhere (section 4.5).
func (e *editor) copy(from, path pointer) error {
	value, err := from.resolve(e.root, e.budget)
	if err != nil {
		return err
	}
	value = value.clone(e.budget)
	if err := e.budget.overdrawn(); err != nil {
		return err
	}
	return e.add(path, value)
}

// test compares a value (section 4.6). What is not there is not equal either.
func (e *editor) test(path pointer, value *node) error {
	found, err := path.resolve(e.root, e.budget)
	var lost *Error
	if errors.As(err, &lost) {
		return fail(Test, "%s", lost.Msg)
	}
	if !equal(found, value, e.budget) {
		return fail(Test, "the value at path %s is another one", quote(path.String()))
	}
	return nil
}
