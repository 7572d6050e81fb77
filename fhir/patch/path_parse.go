package patch

import "strings"

// exprKind is the kind of an expression.
type exprKind uint8

const (
	exprThis    exprKind = iota // $this, or what an expression starts from
	exprRoot                    // %resource
	exprIndexOf                 // $index
	exprLiteral
	exprEmpty  // {}
	exprMember // base.name
	exprCall   // base.name(args)
	exprIndex  // base[n]
	exprBinary // args[0] name args[1]
	exprType   // args[0] name typeName, with name is or as
)

// expr is one expression of a path.
type expr struct {
	kind     exprKind
	name     string // member, function or operator
	typeName string
	base     *expr // nil for the start of the expression
	args     []*expr
	value    pathValue
	index    int
	off      int
}

// pathParser reads the part of FHIRPath that patches may use.
type pathParser struct {
	pathLexer
	depth int
}

// parsePath reads a whole path.
func parsePath(s string) (*expr, error) {
	if len(s) > maxPath {
		return nil, fail(TooLarge, "the path has more than %d bytes", maxPath)
	}
	p := pathParser{pathLexer: pathLexer{src: s}}
	if err := p.next(); err != nil {
		return nil, err
	}
	e, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokenEnd {
		return nil, pathError(p.tok.off, "unexpected token")
	}
	return e, nil
}

// levels are the binary operators, the loosest first (FHIRPath, operator
// precedence). What patches do not need is left out and refused by name.
var levels = [][]string{
	{"implies"}, {"or", "xor"}, {"and"}, {"=", "!="}, {"<", "<=", ">", ">="}, {"is", "as"},
}

// unknownOperators are told from mistakes.
var unknownOperators = []string{"~", "!~", "in", "contains", "|", "+", "-", "&", "*", "/", "div", "mod"}

func (p *pathParser) binary(level int) (*expr, error) {
	if level == len(levels) {
		return p.postfix()
	}
	if p.depth++; p.depth > maxPathDepth*len(levels) {
		return nil, fail(TooLarge, "the path is nested too deeply")
	}
	defer func() { p.depth-- }()
	e, err := p.binary(level + 1)
	for n := 0; err == nil; n++ {
		off := p.tok.off
		op := p.operator(levels[level])
		if op == "" {
			return e, p.knownOperator()
		}
		if n > maxPathDepth {
			return nil, fail(TooLarge, "the path is nested too deeply")
		}
		if err = p.next(); err != nil {
			return nil, err
		}
		if op == "is" || op == "as" {
			var name string
			name, err = p.typeName()
			e = &expr{kind: exprType, name: op, typeName: name, args: []*expr{e}, off: off}
			continue
		}
		var right *expr
		right, err = p.binary(level + 1)
		e = &expr{kind: exprBinary, name: op, args: []*expr{e, right}, off: off}
	}
	return nil, err
}

// operator is the current token if it is one of these operators.
func (p *pathParser) operator(of []string) string {
	if p.tok.kind == tokenSymbol || p.tok.kind == tokenName && !p.tok.quoted {
		for _, op := range of {
			if op == p.tok.text {
				return op
			}
		}
	}
	return ""
}

func (p *pathParser) knownOperator() error {
	if op := p.operator(unknownOperators); op != "" {
		return pathError(p.tok.off, "the operator %s is not supported in patches", op)
	}
	return nil
}

// postfix reads a term and the steps behind it.
func (p *pathParser) postfix() (*expr, error) {
	e, err := p.term()
	for err == nil {
		switch {
		case p.symbol("."):
			if err = p.next(); err == nil {
				e, err = p.invocation(e)
			}
		case p.symbol("["):
			e, err = p.indexer(e)
		default:
			return e, nil
		}
	}
	return nil, err
}

func (p *pathParser) symbol(s string) bool { return p.tok.kind == tokenSymbol && p.tok.text == s }

// expect reads a symbol.
func (p *pathParser) expect(s string) error {
	if !p.symbol(s) {
		return pathError(p.tok.off, "expected %s", s)
	}
	return p.next()
}

// invocation reads a member or a function call.
func (p *pathParser) invocation(base *expr) (*expr, error) {
	if p.tok.kind != tokenName {
		return nil, pathError(p.tok.off, "expected the name of an element or function")
	}
	e := &expr{kind: exprMember, name: p.tok.text, base: base, off: p.tok.off}
	if err := p.next(); err != nil || !p.symbol("(") {
		return e, err
	}
	e.kind = exprCall
	if err := e.checkCall(); err != nil {
		return nil, err
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	for !p.symbol(")") {
		if len(e.args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		arg, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		e.args = append(e.args, arg)
	}
	if err := e.checkArgs(); err != nil {
		return nil, err
	}
	return e, p.next()
}

// indexer reads [n].
func (p *pathParser) indexer(base *expr) (*expr, error) {
	e := &expr{kind: exprIndex, base: base, off: p.tok.off}
	if err := p.next(); err != nil {
		return nil, err
	}
	i, ok := p.tok.natural()
	if !ok {
		return nil, pathError(p.tok.off, "an index has to be a whole number")
	}
	e.index = i
	if err := p.next(); err != nil {
		return nil, err
	}
	return e, p.expect("]")
}

// typeName reads a name with a possible namespace, which it drops.
func (p *pathParser) typeName() (string, error) {
	for {
		if p.tok.kind != tokenName {
			return "", pathError(p.tok.off, "expected the name of a type")
		}
		name := p.tok.text
		if err := p.next(); err != nil {
			return "", err
		}
		if (name != "FHIR" && name != "System") || !p.symbol(".") {
			return name, nil
		}
		if err := p.next(); err != nil {
			return "", err
		}
	}
}

// String shows the path without what stands in parentheses, for messages.
func (e *expr) String() string {
	switch e.kind {
	case exprMember, exprCall, exprIndex:
		s := ""
		if e.base != nil && e.base.kind != exprThis {
			s = e.base.String()
		}
		if e.kind == exprIndex {
			return s + "[" + itoa(e.index) + "]"
		}
		if s != "" {
			s += "."
		}
		s += e.name
		if e.kind == exprCall && len(e.args) > 0 {
			return s + "(…)"
		} else if e.kind == exprCall {
			s += "()"
		}
		return s
	case exprType:
		return "(" + strings.Join([]string{e.args[0].String(), e.name, e.typeName}, " ") + ")"
	case exprRoot:
		return "%resource"
	case exprThis:
		return "$this"
	}
	return "…"
}
