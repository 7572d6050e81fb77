package patch

import (
	"strconv"
	"strings"
)

func itoa(i int) string { return strconv.Itoa(i) }

// natural reads an integer literal; one that is too large for any list is the
// largest int32.
func (t *pathToken) natural() (int, bool) {
	if t.kind != tokenNumber || strings.Contains(t.text, ".") {
		return 0, false
	}
	i, err := strconv.ParseInt(t.text, 10, 32)
	if err != nil {
		i = 1<<31 - 1
	}
	return int(i), true
}

// term reads what an expression begins with.
func (p *pathParser) term() (*expr, error) {
	t := p.tok
	e := &expr{kind: exprLiteral, off: t.off}
	switch {
	case t.kind == tokenName && !t.quoted && (t.text == "true" || t.text == "false"):
		e.value = pathValue{kind: valueBool, truth: truthOf(t.text == "true")}
	case t.kind == tokenName:
		return p.invocation(nil)
	case t.kind == tokenString:
		e.value = pathValue{kind: valueString, text: t.text}
	case t.kind == tokenNumber:
		return p.numberTerm(e, "")
	case t.kind == tokenDate:
		m, ok := newMoment(t.text)
		if !ok {
			return nil, pathError(t.off, "malformed date or time")
		}
		e.value = pathValue{kind: valueMoment, text: t.text, moment: m}
	case t.kind == tokenSymbol:
		return p.symbolTerm(e)
	default:
		return nil, pathError(t.off, "the expression ends too early")
	}
	return e, p.next()
}

// numberTerm reads a number behind its sign.
func (p *pathParser) numberTerm(e *expr, sign string) (*expr, error) {
	if p.tok.kind != tokenNumber {
		return nil, pathError(p.tok.off, "expected a number")
	}
	// A literal may begin with zeros, which JSON numbers must not; newDecimal
	// does not mind.
	e.value = pathValue{kind: valueNumber, text: sign + p.tok.text}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokenString || p.operator(calendarUnits) != "" {
		return nil, pathError(p.tok.off, "quantities with units are not supported in patches")
	}
	return e, nil
}

var calendarUnits = []string{
	"year", "month", "week", "day", "hour", "minute", "second", "millisecond",
	"years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds",
}

// symbolTerm reads a term that begins with a symbol.
func (p *pathParser) symbolTerm(e *expr) (*expr, error) {
	symbol, off := p.tok.text, p.tok.off
	if err := p.next(); err != nil {
		return nil, err
	}
	switch symbol {
	case "(":
		inner, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	case "{":
		e.kind = exprEmpty
		return e, p.expect("}")
	case "+":
		return p.numberTerm(e, "")
	case "-":
		return p.numberTerm(e, "-")
	case "$", "%":
		name := p.tok.text
		switch {
		case p.tok.kind != tokenName:
		case symbol == "$" && name == "this":
			e.kind = exprThis
			return e, p.next()
		case symbol == "$" && name == "index":
			e.kind = exprIndexOf
			return e, p.next()
		case symbol == "%" && (name == "resource" || name == "rootResource" || name == "context"):
			e.kind = exprRoot
			return e, p.next()
		}
		return nil, pathError(off, "only $this, $index, %%resource, %%rootResource and %%context are supported in patches")
	}
	return nil, pathError(off, "unexpected symbol")
}
