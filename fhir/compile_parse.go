package fhir

import (
	"errors"
	"fmt"
	"strings"
)

// exprOp is what a node of a parsed expression does with its input.
type exprOp uint8

const (
	opContext  exprOp = iota // the item that the expression is applied to
	opResource               // %resource
	opName                   // .name: a child element, or at the start a type name
	opIndex                  // [n]
	opAs                     // as T, .as(T), .ofType(T)
	opIs                     // is T, .is(T)
	opCall                   // .name(args)
	opUnion
	opAnd
	opOr
	opEqual
	opNotEqual
	opString
	opBool
)

// exprNode is a node of the subset of FHIRPath that search parameters use: the
// paths, filters and type tests of R4's definitions and of the packages, no
// arithmetic and no variables but %resource.
type exprNode struct {
	op    exprOp
	in    *exprNode   // what it is applied to
	args  []*exprNode // of opCall; the two sides of an operator
	name  string      // element, type, function, or text of a literal
	index int
	truth bool
}

var errExpression = errors.New("unsupported search expression")

// maxExprDepth bounds recursion over hostile input; R4 needs 4.
const maxExprDepth = 64

type exprParser struct {
	src   string
	pos   int
	depth int
}

// parseExpression parses a whole search parameter expression.
func parseExpression(src string) (*exprNode, error) {
	p := &exprParser{src: src}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos != len(p.src) {
		return nil, p.fail("unexpected text")
	}
	return n, nil
}

func (p *exprParser) fail(what string) error {
	return fmt.Errorf("%w: %s at byte %d", errExpression, what, p.pos)
}

func (p *exprParser) space() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// symbol consumes a punctuation symbol.
func (p *exprParser) symbol(s string) bool {
	p.space()
	if strings.HasPrefix(p.src[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

// keyword consumes a word operator.
func (p *exprParser) keyword(s string) bool {
	p.space()
	rest := p.src[p.pos:]
	if !strings.HasPrefix(rest, s) || len(rest) > len(s) && isNameByte(rest[len(s)]) {
		return false
	}
	p.pos += len(s)
	return true
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func (p *exprParser) identifier() (string, error) {
	p.space()
	start := p.pos
	for p.pos < len(p.src) && isNameByte(p.src[p.pos]) {
		p.pos++
	}
	if start == p.pos || p.src[start] <= '9' {
		p.pos = start
		return "", p.fail("a name is expected")
	}
	return p.src[start:p.pos], nil
}

// binary parses a left-associative level: sides of next joined by the operator
// that accept finds.
func (p *exprParser) binary(next func() (*exprNode, error), accept func() (exprOp, bool)) (*exprNode, error) {
	left, err := next()
	if err != nil {
		return nil, err
	}
	for {
		op, ok := accept()
		if !ok {
			return left, nil
		}
		right, err := next()
		if err != nil {
			return nil, err
		}
		left = &exprNode{op: op, args: []*exprNode{left, right}}
	}
}

// The levels follow FHIRPath's precedence: is/as bind tighter than |, then
// equality, and, or.
func (p *exprParser) or() (*exprNode, error) {
	if p.depth++; p.depth > maxExprDepth {
		return nil, p.fail("too deep")
	}
	defer func() { p.depth-- }()
	return p.binary(p.and, func() (exprOp, bool) { return opOr, p.keyword("or") })
}

func (p *exprParser) and() (*exprNode, error) {
	return p.binary(p.equality, func() (exprOp, bool) { return opAnd, p.keyword("and") })
}

func (p *exprParser) equality() (*exprNode, error) {
	return p.binary(p.union, func() (exprOp, bool) {
		if p.symbol("!=") {
			return opNotEqual, true
		}
		return opEqual, p.symbol("=")
	})
}

func (p *exprParser) union() (*exprNode, error) {
	return p.binary(p.typed, func() (exprOp, bool) { return opUnion, p.symbol("|") })
}

func (p *exprParser) typed() (*exprNode, error) {
	n, err := p.path()
	if err != nil {
		return nil, err
	}
	for {
		op := opAs
		switch {
		case p.keyword("as"):
		case p.keyword("is"):
			op = opIs
		default:
			return n, nil
		}
		name, err := p.typeName()
		if err != nil {
			return nil, err
		}
		n = &exprNode{op: op, in: n, name: name}
	}
}

// typeName reads a type, with or without the namespace FHIR.
func (p *exprParser) typeName() (string, error) {
	name, err := p.identifier()
	if err == nil && name == "FHIR" && p.symbol(".") {
		return p.identifier()
	}
	return name, err
}
