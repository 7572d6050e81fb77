package fhir

import (
	"math"
	"reflect"
	"strconv"
	"strings"

	dt "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
)

const currencySystem = "urn:iso:std:iso:4217"

var numberConverters = map[string]convertFunc{
	"Decimal":     appendDecimal,
	"Integer":     appendInteger,
	"PositiveInt": appendInteger,
	"UnsignedInt": appendInteger,
	"Range":       rangeConverter(ValueNumber),
}

var quantityConverters = map[string]convertFunc{
	"Quantity":       appendQuantity,
	"SimpleQuantity": appendQuantity,
	"MoneyQuantity":  appendQuantity,
	"Age":            appendQuantity,
	"Count":          appendQuantity,
	"Distance":       appendQuantity,
	"Duration":       appendQuantity,
	"Money":          appendMoney,
	"Range":          rangeConverter(ValueQuantity),
	"SampledData":    appendSamples,
}

func appendDecimal(_ *evaluation, p *Param, e element, dst []Value) []Value {
	d, _ := e.(*dt.Decimal)
	if low, high, err := ParseNumberRange(d.GetValue()); err == nil {
		v := add(&dst, p, ValueNumber)
		v.Num, v.NumLow, v.NumHigh = d.GetValue(), low, high
	}
	return dst
}

func appendInteger(_ *evaluation, p *Param, e element, dst []Value) []Value {
	var value int64
	var extensions []*dt.Extension
	switch v := e.(type) {
	case interface {
		GetValue() int32
		GetExtension() []*dt.Extension
	}:
		value, extensions = int64(v.GetValue()), v.GetExtension()
	case interface {
		GetValue() uint32
		GetExtension() []*dt.Extension
	}:
		value, extensions = int64(v.GetValue()), v.GetExtension()
	}
	if !hasNoValue(extensions) {
		v := add(&dst, p, ValueNumber)
		v.Num, v.NumLow, v.NumHigh = strconv.FormatInt(value, 10), float64(value), float64(value)
	}
	return dst
}

// quantity is what Quantity and its specialisations have in common.
type quantity interface {
	GetValue() *dt.Decimal
	GetUnit() *dt.String
	GetSystem() *dt.Uri
	GetCode() *dt.Code
}

func appendQuantity(_ *evaluation, p *Param, e element, dst []Value) []Value {
	q, ok := e.(quantity)
	if !ok {
		return dst
	}
	low, high, err := ParseNumberRange(q.GetValue().GetValue())
	if err != nil {
		return dst
	}
	v := add(&dst, p, ValueQuantity)
	v.Num, v.NumLow, v.NumHigh = q.GetValue().GetValue(), low, high
	v.Unit, v.UnitSystem, v.UnitCode = q.GetUnit().GetValue(), q.GetSystem().GetValue(), q.GetCode().GetValue()
	v.applyComparator(comparatorOf(e))
	return dst
}

// comparatorOf is the code of Quantity.comparator, whose message differs for
// each specialisation. It is set rarely.
func comparatorOf(e element) string {
	field := reflect.ValueOf(e).Elem().FieldByName("Comparator")
	if !field.IsValid() || field.IsNil() {
		return ""
	}
	c, _ := wrappedCode(field.Interface())
	return c.Code
}

// applyComparator widens the range of a quantity that states a bound only: the
// true value of "< 5" is anywhere below 5 exactly.
func (v *Value) applyComparator(comparator string) {
	if comparator == "" {
		return
	}
	exact, err := strconv.ParseFloat(v.Num, 64)
	if err != nil {
		return
	}
	switch comparator {
	case "<", "<=":
		v.NumLow, v.NumHigh = math.Inf(-1), exact
	case ">", ">=":
		v.NumLow, v.NumHigh = exact, math.Inf(1)
	}
}

func appendMoney(_ *evaluation, p *Param, e element, dst []Value) []Value {
	money, _ := e.(*dt.Money)
	low, high, err := ParseNumberRange(money.GetValue().GetValue())
	if err != nil {
		return dst
	}
	v := add(&dst, p, ValueQuantity)
	v.Num, v.NumLow, v.NumHigh = money.GetValue().GetValue(), low, high
	if currency := money.GetCurrency().GetValue(); currency != "" {
		v.UnitSystem, v.UnitCode = currencySystem, currency
	}
	return dst
}

// rangeConverter takes the ends of a Range as exact (R4 section 2.24.0.9) and a
// missing one as open; the unit is that of an end that has one.
func rangeConverter(kind ValueKind) convertFunc {
	return func(_ *evaluation, p *Param, e element, dst []Value) []Value {
		r, _ := e.(*dt.Range)
		low, lowErr := strconv.ParseFloat(r.GetLow().GetValue().GetValue(), 64)
		high, highErr := strconv.ParseFloat(r.GetHigh().GetValue().GetValue(), 64)
		if lowErr != nil && highErr != nil {
			return dst
		}
		unit := r.GetLow()
		if lowErr != nil {
			low, unit = math.Inf(-1), r.GetHigh()
		}
		if highErr != nil {
			high = math.Inf(1)
		}
		v := add(&dst, p, kind)
		v.NumLow, v.NumHigh = low, high
		v.Unit, v.UnitSystem, v.UnitCode = unit.GetUnit().GetValue(), unit.GetSystem().GetValue(), unit.GetCode().GetValue()
		return dst
	}
}

// appendSamples takes the bounds of the sampled values, as the definition of
// value-quantity asks: origin + sample * factor. The letters E, L and U stand
// for an error and for values beyond the limits of detection.
func appendSamples(_ *evaluation, p *Param, e element, dst []Value) []Value {
	s, _ := e.(*dt.SampledData)
	factor := decimalOr(s.GetFactor(), 1)
	origin := decimalOr(s.GetOrigin().GetValue(), 0)
	low, high := math.Inf(1), math.Inf(-1)
	for _, sample := range strings.Fields(s.GetData().GetValue()) {
		value, err := strconv.ParseFloat(sample, 64)
		switch {
		case sample == "L":
			value = decimalOr(s.GetLowerLimit(), math.Inf(-1))
		case sample == "U":
			value = decimalOr(s.GetUpperLimit(), math.Inf(1))
		case err != nil || math.IsNaN(value):
			continue
		}
		at := origin + value*factor
		low, high = min(low, at), max(high, at)
	}
	if low > high {
		return dst
	}
	unit := s.GetOrigin()
	v := add(&dst, p, ValueQuantity)
	v.NumLow, v.NumHigh = low, high
	v.Unit, v.UnitSystem, v.UnitCode = unit.GetUnit().GetValue(), unit.GetSystem().GetValue(), unit.GetCode().GetValue()
	return dst
}

func decimalOr(d *dt.Decimal, otherwise float64) float64 {
	if value, err := strconv.ParseFloat(d.GetValue(), 64); err == nil {
		return value
	}
	return otherwise
}
