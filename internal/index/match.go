package index

import (
	"strings"
	"time"

	"github.com/chartseal/chartseal/fhir"
)

// Matches decides exactly whether a row satisfies every criterion of the query.
func (q *Query) Matches(r *Row) bool {
	if q.Type != r.Type {
		return false
	}
	for i := range q.Criteria {
		if !q.Criteria[i].matches(r) {
			return false
		}
	}
	return true
}

// matches: any operand against any value of the parameter.
func (c *Criterion) matches(r *Row) bool {
	for i := range c.Values {
		if c.matchesOperand(r, &c.Values[i]) {
			return true
		}
	}
	return false
}

func (c *Criterion) matchesOperand(r *Row, o *Operand) bool {
	switch c.Code {
	case "_id":
		if c.Modifier == "missing" {
			return !o.Missing
		}
		return !o.HasSystem && o.Code == r.ID
	case "_lastUpdated":
		if c.Modifier == "missing" {
			return !o.Missing
		}
		return matchDate(o, r.LastUpdated, r.LastUpdated.Add(time.Millisecond))
	}
	present := false
	for i := range r.Values {
		v := &r.Values[i]
		if v.Param.Code != c.Code {
			continue
		}
		present = true
		if c.Modifier != "missing" && c.matchesValue(v, o) {
			return true
		}
	}
	return c.Modifier == "missing" && present != o.Missing
}

func (c *Criterion) matchesValue(v *fhir.Value, o *Operand) bool {
	switch v.Kind {
	case fhir.ValueToken:
		return matchToken(v, o)
	case fhir.ValueString:
		return matchString(c.Modifier, v.String, o.Text)
	case fhir.ValueDate:
		return matchDate(o, v.Low, v.High)
	case fhir.ValueReference:
		return matchReference(v, o)
	case fhir.ValueURI:
		return v.URI == o.Text
	}
	return false
}

// matchToken compares codes exactly (R4 section 3.1.1.5.10; code systems decide about case, and most care).
func matchToken(v *fhir.Value, o *Operand) bool {
	switch {
	case !o.HasSystem:
		return v.Code == o.Code
	case o.System == "":
		return v.System == "" && v.Code == o.Code
	case o.Code == "":
		return v.System == o.System
	default:
		return v.System == o.System && v.Code == o.Code
	}
}

func matchString(modifier, value, want string) bool {
	switch modifier {
	case "exact":
		return value == want
	case "contains":
		return strings.Contains(fhir.Fold(value), fhir.Fold(want))
	default:
		return strings.HasPrefix(fhir.Fold(value), fhir.Fold(want))
	}
}

func matchReference(v *fhir.Value, o *Operand) bool {
	switch {
	case o.RefURL != "":
		return o.RefURL == v.RefURL || v.RefVersion != "" && o.RefURL == v.RefURL+"|"+v.RefVersion
	case v.RefType == "" || v.RefID != o.RefID:
		return false
	case o.RefType != "" && v.RefType != o.RefType:
		return false
	default:
		return o.RefVersion == "" || o.RefVersion == v.RefVersion
	}
}

// matchDate compares the half-open interval [low, high) of a value with that of the operand (R4 section
// 3.1.1.4.5). A zero time is an open end.
func matchDate(o *Operand, low, high time.Time) bool {
	inside := !low.IsZero() && !high.IsZero() && !low.Before(o.Low) && !high.After(o.High)
	above := high.IsZero() || high.After(o.High) // some of the value lies above the operand
	below := low.IsZero() || low.Before(o.Low)   // some of it lies below
	switch o.Prefix {
	case "eq":
		return inside
	case "ne":
		return !inside
	case "gt":
		return above
	case "ge":
		return above || inside
	case "lt":
		return below
	case "le":
		return below || inside
	case "sa":
		return !low.IsZero() && !low.Before(o.High)
	case "eb":
		return !high.IsZero() && !high.After(o.Low)
	default: // ap: overlap
		return (high.IsZero() || high.After(o.Low)) && (low.IsZero() || low.Before(o.High))
	}
}
