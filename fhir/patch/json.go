package patch

import (
	"errors"
	"fmt"
	"strconv"
)

// JSON applies a JSON Patch (RFC 6902) to the JSON of an accepted resource. A
// patch that cannot be applied gives *Error; any other error means that doc is
// not JSON.
func JSON(doc, patch []byte) ([]byte, error) {
	b := newBudget()
	ops, err := parsePatch(patch, b)
	if err != nil {
		return nil, err
	}
	if ops.kind != array {
		return nil, fail(Malformed, "a JSON Patch is an array of operations")
	}
	if err := operationLimit(len(ops.items)); err != nil {
		return nil, err
	}
	root, err := parseDocument(doc, b)
	if err != nil {
		return nil, err
	}
	e := editor{root: root, budget: b}
	for i, op := range ops.items {
		if err := e.apply(op); err != nil {
			return nil, at(i, err)
		}
	}
	return finish(e.root, len(doc)+len(patch))
}

// parsePatch reads a patch of either kind as JSON.
func parsePatch(patch []byte, b *budget) (*node, error) {
	n, err := parse(patch, maxPatchDepth, b)
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		return nil, fail(Malformed, "%s", syntax.Error())
	}
	return n, err
}

func parseDocument(doc []byte, b *budget) (*node, error) {
	n, err := parse(doc, maxDepth, b)
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("document: %w", syntax)
	}
	return n, err
}

func operationLimit(n int) error {
	if n > maxOperations {
		return fail(TooLarge, "more than %d operations", maxOperations)
	}
	return nil
}

// finish writes the outcome of a patch.
func finish(root *node, sizeHint int) ([]byte, error) {
	prune(root, nil)
	return write(root, sizeHint)
}

// at puts the index of the operation into an error.
func at(op int, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return &Error{Op: op, Kind: e.Kind, Msg: e.Msg}
	}
	return fmt.Errorf("patch operation %s: %w", strconv.Itoa(op), err)
}

// editor applies the operations of a JSON Patch to a document.
type editor struct {
	root   *node
	budget *budget
}

// operation is one operation of a JSON Patch, read as far as its op needs.
type operation struct {
	op         string
	path, from pointer
	value      *node
}

// apply does one operation.
func (e *editor) apply(n *node) error {
	op, err := e.operation(n)
	if err != nil {
		return err
	}
	switch op.op {
	case "add":
		err = e.add(op.path, op.value)
	case "remove":
		_, err = e.remove(op.path)
	case "replace":
		err = e.replace(op.path, op.value)
	case "move":
		err = e.move(op.from, op.path)
	case "copy":
		err = e.copy(op.from, op.path)
	case "test":
		err = e.test(op.path, op.value)
	}
	var known *Error
	if errors.As(err, &known) {
		err = fail(known.Kind, "%s: %s", op.op, known.Msg)
	}
	if over := e.budget.overdrawn(); over != nil {
		return over
	}
	return err
}

// operation reads an operation (RFC 6902 section 4). Members that it does not
// need are ignored, as the RFC wants it. A value null is a value.
func (e *editor) operation(n *node) (operation, error) {
	var o operation
	if n.kind != object {
		return o, fail(Malformed, "an operation is an object")
	}
	op := n.get("op", e.budget)
	if op == nil || op.kind != text {
		return o, fail(Malformed, "op is missing, or not a string")
	}
	o.op = op.string()
	needsValue, needsFrom := false, false
	switch o.op {
	case "add", "replace", "test":
		needsValue = true
	case "move", "copy":
		needsFrom = true
	case "remove":
	default:
		return o, fail(Malformed, "op is none of add, remove, replace, move, copy, test")
	}
	var err error
	if o.path, err = e.pointer(n, "path", o.op); err != nil {
		return o, err
	}
	if needsFrom {
		if o.from, err = e.pointer(n, "from", o.op); err != nil {
			return o, err
		}
	}
	if needsValue {
		if o.value = n.get("value", e.budget); o.value == nil {
			return o, fail(Malformed, "%s: value is missing", o.op)
		}
	}
	return o, nil
}

func (e *editor) pointer(n *node, name, op string) (pointer, error) {
	m := n.get(name, e.budget)
	if m == nil || m.kind != text {
		return nil, fail(Malformed, "%s: %s is missing, or not a string", op, name)
	}
	return parsePointer(m.string(), name)
}
