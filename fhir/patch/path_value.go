package patch

import (
	"cmp"
	"strings"
)

// truth is a value of FHIRPath's three-valued logic.
type truth int8

const (
	unknown truth = iota // the empty collection
	yes
	no
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// valueKind is the kind of a value that can be compared.
type valueKind uint8

const (
	valueNone valueKind = iota // a complex element, or one without a value
	valueBool
	valueString
	valueNumber
	valueMoment
)

// pathValue is a value within a path: a literal, the outcome of a function, or
// what a primitive element holds.
type pathValue struct {
	kind   valueKind
	truth  truth
	text   string // of a string, of a number, of a moment as written
	moment moment
}

// item is one item of a collection: an element of the resource, or a value.
type item struct {
	place *place // nil for a value
	val   pathValue
}

func boolItem(b bool) item { return item{val: pathValue{kind: valueBool, truth: truthOf(b)}} }

// temporal are the primitive types that are compared as moments.
var temporal = map[string]bool{"date": true, "dateTime": true, "instant": true, "time": true}

// value is what the item is compared by.
func (it item) value(b *budget) pathValue {
	if it.place == nil {
		return it.val
	}
	n := it.place.value
	if n == nil || !it.place.typ.primitive {
		return pathValue{}
	}
	b.step(len(n.raw) / 64)
	switch n.kind {
	case boolean:
		return pathValue{kind: valueBool, truth: truthOf(string(n.raw) == "true")}
	case number:
		return pathValue{kind: valueNumber, text: string(n.raw)}
	case text:
		s := n.string()
		if temporal[it.place.typ.name] {
			if m, ok := newMoment(s); ok {
				return pathValue{kind: valueMoment, text: s, moment: m}
			}
		}
		return pathValue{kind: valueString, text: s}
	}
	return pathValue{}
}

// sameValue is equality of two items (FHIRPath, equals). A string is compared
// with the text of a date, which FHIRPath would call different: patches are
// written by hand, and quotes are easily put for @.
func sameValue(x, y item, b *budget) truth {
	v, w := x.value(b), y.value(b)
	switch {
	case v.kind == valueNone && w.kind == valueNone && x.place != nil && y.place != nil:
		if x.place.value == nil || y.place.value == nil {
			return unknown
		}
		return truthOf(equal(x.place.value, y.place.value, b))
	case v.kind == valueNone || w.kind == valueNone:
		return no
	case v.kind == valueMoment && w.kind == valueMoment:
		order, known := v.moment.compare(w.moment)
		if !known && v.moment.timeOnly == w.moment.timeOnly {
			return unknown
		}
		return truthOf(known && order == 0)
	case v.kind == valueBool && w.kind == valueBool:
		return truthOf(v.truth == w.truth)
	case v.kind == valueNumber && w.kind == valueNumber:
		return truthOf(equalNumbers([]byte(v.text), []byte(w.text)))
	case v.kind == valueNumber || w.kind == valueNumber || v.kind == valueBool || w.kind == valueBool:
		return no
	}
	return truthOf(v.text == w.text)
}

// order compares two items by <; ok is false where they cannot be ordered.
func order(x, y item, b *budget) (result int, known, ok bool) {
	v, w := x.value(b), y.value(b)
	switch {
	case v.kind == valueNone && x.place != nil && x.place.value == nil,
		w.kind == valueNone && y.place != nil && y.place.value == nil:
		return 0, false, true // no value, but extensions
	case v.kind == valueNumber && w.kind == valueNumber:
		d, okD := newDecimal([]byte(v.text))
		e, okE := newDecimal([]byte(w.text))
		return d.compare(e), okD && okE, true
	case v.kind == valueMoment && w.kind == valueMoment:
		result, known = v.moment.compare(w.moment)
		return result, known, true
	case v.kind == valueString && w.kind == valueString:
		return strings.Compare(v.text, w.text), true, true
	case v.kind == valueMoment && w.kind == valueString, v.kind == valueString && w.kind == valueMoment:
		m, okM := newMoment(v.text)
		n, okN := newMoment(w.text)
		if !okM || !okN {
			return 0, false, false
		}
		result, known = m.compare(n)
		return result, known, true
	}
	return 0, false, false
}

// holds reports whether an order satisfies an operator.
func holds(op string, order int) bool {
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return cmp.Compare(order, 0) >= 0
}
