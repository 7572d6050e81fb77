package patch

import (
	"slices"
	"strings"
)

// fhirOperation is one operation of a FHIRPath Patch, as sent.
type fhirOperation struct {
	op     string
	path   string
	name   string
	value  *given
	index  int // insert
	source int // move
	target int // move: destination
}

// takes are the parts of each operation (fhirpatch.html), type aside. All of them
// are needed. Others are refused: what they are meant for can only be guessed.
var takes = map[string][]string{
	"add":     {"path", "name", "value"},
	"insert":  {"path", "value", "index"},
	"delete":  {"path"},
	"replace": {"path", "value"},
	"move":    {"path", "source", "destination"},
}

// operations gives the parameters of a patch, each of them an operation.
func operations(parameters *node, b *budget) ([]*node, error) {
	if parameters.kind != object || parameters.typeName() != "Parameters" {
		return nil, fail(Malformed, "a FHIRPath Patch is a Parameters resource")
	}
	list := parameters.get("parameter", b)
	if list == nil {
		return nil, nil
	}
	if list.kind != array {
		return nil, fail(Malformed, "Parameters.parameter is an array")
	}
	return list.items, operationLimit(len(list.items))
}

// readOperation reads one parameter.
func readOperation(p *node, b *budget) (*fhirOperation, error) {
	parts := p.get("part", b)
	if p.get("name", b).string() != "operation" || parts == nil || parts.kind != array {
		return nil, fail(Malformed, "a parameter of a FHIRPath Patch is named operation and has parts")
	}
	byName := map[string]*node{}
	for _, part := range parts.items {
		name := part.get("name", b).string()
		if byName[name] != nil {
			return nil, fail(Malformed, "there are two parts %s", quote(name))
		}
		byName[name] = part
	}
	o := &fhirOperation{}
	if err := byName["type"].stringPart("type", &o.op); err != nil {
		return nil, err
	}
	needed, ok := takes[o.op]
	if !ok {
		return nil, fail(Malformed, "type is none of add, insert, delete, replace, move")
	}
	for name := range byName {
		if name != "type" && !slices.Contains(needed, name) {
			return nil, fail(Malformed, "%s: takes the parts %s, and no others", o.op, strings.Join(needed, ", "))
		}
	}
	for _, name := range needed {
		if err := o.read(byName[name], name); err != nil {
			return nil, prefix(o.op, err)
		}
	}
	return o, nil
}

// read reads the part of a name.
func (o *fhirOperation) read(part *node, name string) (err error) {
	switch name {
	case "path":
		return part.stringPart(name, &o.path)
	case "name":
		return part.stringPart(name, &o.name)
	case "index":
		return part.integerPart(name, &o.index)
	case "source":
		return part.integerPart(name, &o.source)
	case "destination":
		return part.integerPart(name, &o.target)
	}
	if part == nil {
		return fail(Malformed, "%s is missing", name)
	}
	o.value, err = readGiven(part, name)
	return err
}

// stringPart reads a part that is some kind of string: R4 asks for a code as type
// and strings else, but senders mix them up, and no harm comes of it.
func (n *node) stringPart(name string, to *string) error {
	v, err := n.simple(name, text, "a string")
	if err == nil {
		*to = v.string()
	}
	return err
}

// integerPart reads a part that is a whole number, not negative.
func (n *node) integerPart(name string, to *int) error {
	v, err := n.simple(name, number, "a whole number")
	if err != nil {
		return err
	}
	t := pathToken{kind: tokenNumber, text: string(v.raw)}
	i, ok := t.natural()
	if !ok || digits(v.raw) < len(v.raw) {
		return fail(Malformed, "%s is not a whole number", name)
	}
	*to = i
	return nil
}

func (n *node) simple(name string, k kind, what string) (*node, error) {
	if n == nil {
		return nil, fail(Malformed, "%s is missing", name)
	}
	g, err := readGiven(n, name)
	if err != nil {
		return nil, err
	}
	if g.typeName == "" || g.value == nil || g.value.kind != k {
		return nil, fail(Malformed, "%s is not %s", name, what)
	}
	return g.value, nil
}
