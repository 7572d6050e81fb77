package index

import "github.com/chartseal/chartseal/fhir"

// Bounds of one query over all its parameters, so that it costs bounded memory whoever sends it.
const (
	maxParams   = 1000 // parameters sent, unknown ones included
	maxOperands = 1000 // values to compare with
	maxNodes    = 5000 // tokens to read; a date takes up to some hundred, most values one
)

// budget is what the rest of a query may still cost.
type budget struct{ params, operands, nodes int }

// parse reads the alternatives of a criterion.
func (c *Criterion) parse(name, raw string, opt Options, left *budget) error {
	parts := splitEscaped(raw, ',', left.operands+1)
	if left.operands -= len(parts); left.operands < 0 {
		return &QueryError{name, "brings the query to too many values"}
	}
	for _, part := range parts {
		op, err := parseOperand(c, part, opt)
		if err != nil {
			return err
		}
		if left.nodes -= cost(c, &op); left.nodes < 0 {
			return &QueryError{name, "makes the query too complex: give fewer dates, or exact ones"}
		}
		c.Values = append(c.Values, op)
	}
	return nil
}

// cost is the number of tokens that Plan chooses for an operand.
func cost(c *Criterion, o *Operand) int {
	if c.Param.Type != fhir.ParamDate || c.Modifier == "missing" {
		return 1
	}
	n := 0
	dateOperand(func(string, string) node { n++; return nil }, o)
	return n
}
