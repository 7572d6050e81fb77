package index

import (
	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// Tokenizer makes blind tokens; internal/seal's Sealer is one.
type Tokenizer interface {
	Token(typ, param, kind, value string) store.Token
}

// ResourceToken is the blind name of a resource.
func ResourceToken(t Tokenizer, typ, id string) store.Token { return t.Token(typ, "", "resource", id) }

// Plan finds candidates by tokens; the query's criteria decide on the opened row.
type Plan struct {
	root  node
	exact bool // the tokens alone decide: no row needs to be opened
	query *Query
}

// Exact reports whether every candidate matches without a look at its row.
func (p *Plan) Exact() bool { return p.exact }

// Matches decides on an opened row.
func (p *Plan) Matches(r *Row) bool { return p.query.Matches(r) }

// node is a step of a plan.
type node interface{ isNode() }

type (
	tokenNode    struct{ token store.Token }
	resourceNode struct{ resource store.Token } // the newest visible version of one resource
	orNode       struct{ children []node }
	andNode      struct{ children []node }
)

func (tokenNode) isNode()    {}
func (resourceNode) isNode() {}
func (orNode) isNode()       {}
func (andNode) isNode()      {}

// Plan chooses the tokens of each criterion. A criterion that would need a wide range of tokens is left to the
// rows when another one narrows the search already.
func (q *Query) Plan(t Tokenizer) *Plan {
	p := &Plan{query: q, exact: true}
	var narrow, wide []node
	for i := range q.Criteria {
		n, exact, broad := q.criterion(t, &q.Criteria[i])
		p.exact = p.exact && exact
		switch {
		case n == nil:
		case broad:
			wide = append(wide, n)
		default:
			narrow = append(narrow, n)
		}
	}
	children := narrow
	if len(narrow) == 0 {
		children = wide
	} else if len(wide) > 0 {
		p.exact = false // left to the rows
	}
	switch len(children) {
	case 0:
		p.root = tokenNode{t.Token(q.Type, "", "all", "")}
	case 1:
		p.root = children[0]
	default:
		p.root = andNode{children}
	}
	return p
}

// criterion gives the node of one criterion: nil if only rows can answer it; exact if its tokens decide; broad
// if it reads many postings.
func (q *Query) criterion(t Tokenizer, c *Criterion) (n node, exact, broad bool) {
	var alternatives []node
	exact = true
	for i := range c.Values {
		a, ok, wide := q.operand(t, c, &c.Values[i])
		if a == nil {
			return nil, false, true
		}
		exact, broad = exact && ok, broad || wide
		alternatives = append(alternatives, a)
	}
	if len(alternatives) == 1 {
		return alternatives[0], exact, broad
	}
	return orNode{alternatives}, exact, broad
}

func (q *Query) operand(t Tokenizer, c *Criterion, o *Operand) (n node, exact, broad bool) {
	tok := func(kind, value string) node { return tokenNode{t.Token(q.Type, c.Code, kind, value)} }
	if c.Modifier == "missing" {
		if o.Missing {
			return nil, false, true
		}
		return tok("p", ""), c.Code != "_id" && c.Code != "_lastUpdated", true
	}
	switch c.Param.Type {
	case fhir.ParamToken:
		if c.Code == "_id" {
			return resourceNode{ResourceToken(t, q.Type, o.Code)}, !o.HasSystem, false
		}
		kind, value := tokenKind(o)
		return tok(kind, value), true, false
	case fhir.ParamReference:
		kind, value := referenceKind(o)
		return tok(kind, value), true, false
	case fhir.ParamURI:
		return tok("u", o.Text), true, false
	case fhir.ParamString:
		return stringOperand(tok, c, o)
	default:
		return dateOperand(tok, o), false, true
	}
}

// tokenKind names the token that answers an operand of a token parameter (R4 section 3.1.1.5.10).
func tokenKind(o *Operand) (kind, value string) {
	switch {
	case !o.HasSystem:
		return "c", o.Code
	case o.System == "":
		return "nc", o.Code
	case o.Code == "":
		return "s", o.System
	default:
		return "sc", o.System + "|" + o.Code
	}
}

// referenceKind names the token that answers an operand of a reference parameter (R4 section 3.1.1.5.12).
func referenceKind(o *Operand) (kind, value string) {
	switch {
	case o.RefURL != "":
		return "u", o.RefURL
	case o.RefVersion != "":
		return "rv", o.RefType + "/" + o.RefID + "/_history/" + o.RefVersion
	case o.RefType != "":
		return "r", o.RefType + "/" + o.RefID
	default:
		return "i", o.RefID
	}
}

// stringOperand searches by the longest indexed prefix; what lies beyond it, and case for :exact, is the row's.
func stringOperand(tok func(kind, value string) node, c *Criterion, o *Operand) (n node, exact, broad bool) {
	folded := fhir.Fold(o.Text)
	switch {
	case c.Modifier == "contains":
		return tok("p", ""), false, true
	case c.Modifier == "exact":
		return tok("w", folded), false, false
	}
	prefix, runes := longestPrefix(folded)
	if runes < minPrefix {
		return tok("p", ""), false, true
	}
	return tok(prefixKind(runes), prefix), prefix == folded, false
}

// dateOperand covers every interval that can satisfy the comparison, a day wider at each side for time zones
// and rounding; rows do the exact comparison (R4 section 3.1.1.5.7).
func dateOperand(tok func(kind, value string) node, o *Operand) node {
	low, high := dayOf(o.Low)-1, dayOf(o.High)+1
	switch o.Prefix {
	case "eq":
		return dayRange(tok, "l", low, high)
	case "gt", "ge":
		return dayRange(tok, "h", low, maxDay)
	case "sa":
		return dayRange(tok, "l", low, maxDay)
	case "lt", "le":
		return dayRange(tok, "l", 0, high)
	case "eb":
		return dayRange(tok, "h", 0, high)
	default: // ne, ap: most values qualify
		return tok("p", "")
	}
}
