package fhir

import (
	"strconv"
	"strings"
)

// path parses a term and the invocations and indexes that follow it.
func (p *exprParser) path() (*exprNode, error) {
	n, err := p.term()
	for err == nil {
		switch {
		case p.symbol("["):
			n, err = p.subscript(n)
		case p.symbol("."):
			n, err = p.invocation(n)
		default:
			return n, nil
		}
	}
	return nil, err
}

func (p *exprParser) term() (*exprNode, error) {
	switch {
	case p.symbol("("):
		n, err := p.or()
		if err == nil && !p.symbol(")") {
			err = p.fail("a closing parenthesis is expected")
		}
		return n, err
	case p.symbol("'"):
		return p.stringLiteral()
	case p.symbol("%"):
		if !p.keyword("resource") {
			return nil, p.fail("unknown variable")
		}
		return &exprNode{op: opResource}, nil
	case p.symbol("$"):
		if !p.keyword("this") {
			return nil, p.fail("unknown variable")
		}
		return &exprNode{op: opContext}, nil
	case p.keyword("true"):
		return &exprNode{op: opBool, truth: true}, nil
	case p.keyword("false"):
		return &exprNode{op: opBool}, nil
	}
	return p.invocation(&exprNode{op: opContext})
}

// stringLiteral reads up to the closing quote; R4's expressions use no escapes
// but \' and \\.
func (p *exprParser) stringLiteral() (*exprNode, error) {
	var b strings.Builder
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		p.pos++
		switch {
		case c == '\'':
			return &exprNode{op: opString, name: b.String()}, nil
		case c == '\\' && p.pos < len(p.src) && strings.IndexByte(`'\`, p.src[p.pos]) >= 0:
			b.WriteByte(p.src[p.pos])
			p.pos++
		case c == '\\':
			return nil, p.fail("unknown escape")
		default:
			b.WriteByte(c)
		}
	}
	return nil, p.fail("unfinished string")
}

func (p *exprParser) subscript(in *exprNode) (*exprNode, error) {
	p.space()
	start := p.pos
	for p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '9' {
		p.pos++
	}
	i, err := strconv.Atoi(p.src[start:p.pos])
	if err != nil {
		return nil, p.fail("an index is expected")
	}
	if !p.symbol("]") {
		return nil, p.fail("a closing bracket is expected")
	}
	return &exprNode{op: opIndex, in: in, index: i}, nil
}

// invocation parses an element name or a function call.
func (p *exprParser) invocation(in *exprNode) (*exprNode, error) {
	name, err := p.identifier()
	if err != nil {
		return nil, err
	}
	if !p.symbol("(") {
		return &exprNode{op: opName, in: in, name: name}, nil
	}
	if op, ok := map[string]exprOp{"as": opAs, "ofType": opAs, "is": opIs}[name]; ok {
		typ, err := p.typeName()
		if err == nil && !p.symbol(")") {
			err = p.fail("a closing parenthesis is expected")
		}
		return &exprNode{op: op, in: in, name: typ}, err
	}
	n := &exprNode{op: opCall, in: in, name: name}
	for !p.symbol(")") {
		if len(n.args) > 0 && !p.symbol(",") {
			return nil, p.fail("a comma is expected")
		}
		arg, err := p.or()
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, arg)
	}
	return n, nil
}
