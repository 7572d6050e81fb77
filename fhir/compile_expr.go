package fhir

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// branch is one compiled path: steps from the context item, or from the
// resource, to items of the given types.
type branch struct {
	fromResource bool
	steps        []step
	types        []protoreflect.MessageDescriptor
}

// step turns the items in one span of the arena into items appended to it. Its
// key names what it does, so that parameters of a type can share equal steps.
type step struct {
	key string
	run func(c *evaluation, from, to int)
}

// with returns the branch extended by one step.
func (b branch) with(s step, types []protoreflect.MessageDescriptor) branch {
	b.steps = append(slices.Clip(b.steps), s)
	b.types = types
	return b
}

// compiled is an expression made ready for one context type: either paths or a
// truth value.
type compiled struct {
	branches []branch
	truth    truthFunc
}

// scope is what names in an expression refer to.
type scope struct {
	resource protoreflect.MessageDescriptor   // the type that is compiled
	context  []protoreflect.MessageDescriptor // what the expression is applied to
	outer    bool                             // context is the resource itself
}

// compile resolves an expression against the descriptors. A name that does not
// exist is an error; a path that starts at another resource type has no
// branches, because definitions join the paths of all their base types by |.
func compile(n *exprNode, s scope) (compiled, error) {
	switch n.op {
	case opContext:
		return compiled{branches: []branch{{types: s.context}}}, nil
	case opResource:
		return compiled{branches: []branch{{fromResource: true, types: []protoreflect.MessageDescriptor{s.resource}}}}, nil
	case opName:
		return compileName(n, s)
	case opUnion:
		var out compiled
		for _, arg := range n.args {
			c, err := compilePath(arg, s)
			if err != nil {
				return compiled{}, err
			}
			out.branches = append(out.branches, c...)
		}
		return out, nil
	case opIndex:
		return compileIndex(n.in, n.index, s)
	case opAs:
		return compileAs(n, s)
	case opCall:
		return compileCall(n, s)
	default:
		truth, err := compileTruth(n, s)
		return compiled{truth: truth}, err
	}
}

// compilePath compiles what must be a path.
func compilePath(n *exprNode, s scope) ([]branch, error) {
	c, err := compile(n, s)
	if err == nil && c.truth != nil {
		err = fmt.Errorf("%w: a truth value where elements are expected", errExpression)
	}
	return c.branches, err
}

// compileName handles an element name, and at the start of an expression the
// name of a resource type.
func compileName(n *exprNode, s scope) (compiled, error) {
	if n.in.op == opContext && s.outer {
		switch {
		case n.name == string(s.resource.Name()), n.name == "Resource",
			n.name == "DomainResource" && isDomainResource(string(s.resource.Name())):
			return compile(n.in, s)
		case Storable(n.name):
			return compiled{}, nil
		}
	}
	in, err := compilePath(n.in, s)
	if err != nil {
		return compiled{}, err
	}
	var out compiled
	for _, b := range in {
		refs, types := childFields(b.types, n.name)
		if len(refs) == 0 {
			return compiled{}, fmt.Errorf("%w: no element %s", errExpression, n.name)
		}
		out.branches = append(out.branches, b.with(step{key: "." + n.name, run: fieldStep(refs)}, types))
	}
	return out, nil
}

func compileIndex(in *exprNode, index int, s scope) (compiled, error) {
	branches, err := compilePath(in, s)
	if err != nil {
		return compiled{}, err
	}
	if len(branches) > 1 {
		return compiled{}, fmt.Errorf("%w: index on a union", errExpression)
	}
	for i, b := range branches {
		branches[i] = b.with(step{key: "[" + strconv.Itoa(index) + "]", run: func(c *evaluation, from, to int) {
			if from+index < to {
				c.items = append(c.items, c.items[from+index])
			}
		}}, b.types)
	}
	return compiled{branches: branches}, nil
}

func compileAs(n *exprNode, s scope) (compiled, error) {
	in, err := compilePath(n.in, s)
	if err != nil {
		return compiled{}, err
	}
	var out compiled
	for _, b := range in {
		types := typesNamed(b.types, n.name)
		if len(types) == 0 {
			return compiled{}, fmt.Errorf("%w: an element is never a %s", errExpression, n.name)
		}
		out.branches = append(out.branches, b.with(step{key: " as " + strings.ToLower(n.name), run: asStep(types)}, types))
	}
	return out, nil
}

// compileCall handles the functions that select elements; those that give a
// truth value are compileTruth's.
func compileCall(n *exprNode, s scope) (compiled, error) {
	switch {
	case n.name == "first" && len(n.args) == 0:
		return compileIndex(n.in, 0, s)
	case n.name == "where" && len(n.args) == 1:
		return compileWhere(n.in, n.args[0], s)
	case n.name == "extension" && len(n.args) == 1 && n.args[0].op == opString:
		url := &exprNode{op: opEqual, args: []*exprNode{{op: opName, in: &exprNode{}, name: "url"}, n.args[0]}}
		return compileWhere(&exprNode{op: opName, in: n.in, name: "extension"}, url, s)
	}
	truth, err := compileTruth(n, s)
	return compiled{truth: truth}, err
}

// compileWhere keeps the items for which the criterion is true; the criterion
// sees each item as its context.
func compileWhere(in, criterion *exprNode, s scope) (compiled, error) {
	branches, err := compilePath(in, s)
	if err != nil {
		return compiled{}, err
	}
	for i, b := range branches {
		truth, err := compileTruth(criterion, scope{resource: s.resource, context: b.types})
		if err != nil {
			return compiled{}, err
		}
		branches[i] = b.with(step{key: ".where(" + criterion.key() + ")", run: func(c *evaluation, from, to int) {
			for i := from; i < to; i++ {
				if e := c.items[i]; truth(c, e) == isTrue {
					c.items = append(c.items, e)
				}
			}
		}}, b.types)
	}
	return compiled{branches: branches}, nil
}

// key writes a node in one canonical form.
func (n *exprNode) key() string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(strconv.Itoa(int(n.op)) + "(" + n.in.key() + ")" + strconv.Quote(n.name) + strconv.Itoa(n.index) + strconv.FormatBool(n.truth))
	for _, a := range n.args {
		b.WriteString("," + a.key())
	}
	return b.String()
}
