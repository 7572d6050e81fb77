package index

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/chartseal/chartseal/fhir"
)

// ErrRow is a row that does not decode.
var ErrRow = errors.New("index: damaged row")

// maxComponents bounds the nesting of composites in a row.
const maxComponents = 2

type rowEncoder struct {
	index   map[string]uint64
	strings []byte
	body    []byte
}

func (e *rowEncoder) uint(n uint64) { e.body = binary.AppendUvarint(e.body, n) }
func (e *rowEncoder) int(n int64)   { e.body = binary.AppendVarint(e.body, n) }

func (e *rowEncoder) str(s string) {
	i, ok := e.index[s]
	if !ok {
		i = uint64(len(e.index))
		e.index[s] = i
		e.strings = binary.AppendUvarint(e.strings, uint64(len(s)))
		e.strings = append(e.strings, s...)
	}
	e.uint(i)
}

func (e *rowEncoder) strs(list []string) {
	e.uint(uint64(len(list)))
	for _, s := range list {
		e.str(s)
	}
}

func (e *rowEncoder) codings(list []fhir.Coding) {
	e.uint(uint64(len(list)))
	for _, c := range list {
		e.str(c.System)
		e.str(c.Code)
	}
}

func (e *rowEncoder) float(f float64) {
	e.body = binary.BigEndian.AppendUint64(e.body, math.Float64bits(f))
}

// instant keeps nanoseconds: FHIR instants may be finer than milliseconds. A zero time is an open end.
func (e *rowEncoder) instant(t time.Time) {
	if t.IsZero() {
		e.uint(0)
		return
	}
	e.uint(1)
	e.int(t.Unix())
	e.uint(uint64(t.Nanosecond())) //nolint:gosec // in [0, 999999999]
}

func (e *rowEncoder) finish() []byte {
	out := make([]byte, 0, len(e.strings)+len(e.body)+4)
	out = append(out, rowFormat)
	out = binary.AppendUvarint(out, uint64(len(e.index)-1))
	out = append(out, e.strings...)
	return append(out, e.body...)
}

func (e *rowEncoder) values(vs []fhir.Value) {
	e.uint(uint64(len(vs)))
	for i := range vs {
		e.value(&vs[i])
	}
}

func (e *rowEncoder) value(v *fhir.Value) {
	e.uint(uint64(v.Param.Ordinal))
	e.body = append(e.body, byte(v.Kind), v.Component)
	switch v.Kind {
	case fhir.ValueToken:
		e.token(v)
	case fhir.ValueString:
		e.str(v.String)
	case fhir.ValueDate:
		e.instant(v.Low)
		e.instant(v.High)
	case fhir.ValueReference:
		for _, s := range []string{v.RefType, v.RefID, v.RefVersion, v.RefURL, v.IdentSystem, v.IdentValue, v.Text} {
			e.str(s)
		}
	case fhir.ValueNumber, fhir.ValueQuantity:
		e.float(v.NumLow)
		e.float(v.NumHigh)
		for _, s := range []string{v.Num, v.Unit, v.UnitSystem, v.UnitCode} {
			e.str(s)
		}
	case fhir.ValueURI:
		e.str(v.URI)
	case fhir.ValueComposite:
		e.values(v.Components)
	}
}

func (e *rowEncoder) token(v *fhir.Value) {
	has := uint64(0)
	if v.HasSystem {
		has = 1
	}
	e.uint(has)
	e.str(v.System)
	e.str(v.Code)
	e.str(v.Text)
	e.codings(v.Types)
}

// rowDecoder reads what rowEncoder wrote. After the first fault every read gives zero, and end reports it.
type rowDecoder struct {
	strings []string
	b       []byte
	bad     bool
}

func newRowDecoder(b []byte) (*rowDecoder, error) {
	if len(b) == 0 || b[0] != rowFormat {
		return nil, ErrRow
	}
	d := &rowDecoder{b: b[1:]}
	n := d.count()
	d.strings = make([]string, 1, n+1)
	for range n {
		d.strings = append(d.strings, string(d.take(d.uint())))
	}
	if d.bad {
		return nil, ErrRow
	}
	return d, nil
}

func (d *rowDecoder) uint() uint64 {
	n, l := binary.Uvarint(d.b)
	if l <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[l:]
	return n
}

func (d *rowDecoder) int() int64 {
	n, l := binary.Varint(d.b)
	if l <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[l:]
	return n
}

// count reads a number of items, each of which takes at least a byte, so that a damaged row cannot make the
// decoder allocate more than it holds.
func (d *rowDecoder) count() int {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return 0
	}
	return int(n) //nolint:gosec // at most len(d.b)
}

func (d *rowDecoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *rowDecoder) byte() byte {
	if b := d.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (d *rowDecoder) str() string {
	i := d.uint()
	if i >= uint64(len(d.strings)) {
		d.bad = true
		return ""
	}
	return d.strings[i]
}

func (d *rowDecoder) strs() (out []string) {
	for range d.count() {
		out = append(out, d.str())
	}
	return out
}

func (d *rowDecoder) codings() (out []fhir.Coding) {
	for range d.count() {
		out = append(out, fhir.Coding{System: d.str(), Code: d.str()})
	}
	return out
}

func (d *rowDecoder) float() float64 {
	b := d.take(8)
	if len(b) != 8 {
		return 0
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

func (d *rowDecoder) instant() time.Time {
	if d.uint() == 0 {
		return time.Time{}
	}
	secs, nanos := d.int(), d.uint()
	if nanos >= 1e9 {
		d.bad = true
		return time.Time{}
	}
	return time.Unix(secs, int64(nanos)).UTC()
}

func (d *rowDecoder) end() error {
	if d.bad || len(d.b) != 0 {
		return ErrRow
	}
	return nil
}

func (d *rowDecoder) values(depth int) []fhir.Value {
	if depth > maxComponents {
		d.bad = true
		return nil
	}
	n := d.count()
	out := make([]fhir.Value, 0, n)
	for range n {
		if d.bad {
			return nil
		}
		out = append(out, d.value(depth))
	}
	return out
}

func (d *rowDecoder) value(depth int) (v fhir.Value) {
	if v.Param = fhir.ParamByOrdinal(d.uint()); v.Param == nil {
		d.bad = true
		return v
	}
	v.Kind, v.Component = fhir.ValueKind(d.byte()), d.byte()
	switch v.Kind {
	case fhir.ValueToken:
		v.HasSystem = d.uint() == 1
		v.System, v.Code, v.Text = d.str(), d.str(), d.str()
		v.Types = d.codings()
	case fhir.ValueString:
		v.String = d.str()
	case fhir.ValueDate:
		v.Low, v.High = d.instant(), d.instant()
	case fhir.ValueReference:
		for _, p := range []*string{&v.RefType, &v.RefID, &v.RefVersion, &v.RefURL, &v.IdentSystem, &v.IdentValue, &v.Text} {
			*p = d.str()
		}
	case fhir.ValueNumber, fhir.ValueQuantity:
		v.NumLow, v.NumHigh = d.float(), d.float()
		v.Num, v.Unit, v.UnitSystem, v.UnitCode = d.str(), d.str(), d.str(), d.str()
	case fhir.ValueURI:
		v.URI = d.str()
	case fhir.ValueComposite:
		v.Components = d.values(depth + 1)
	default:
		d.bad = true
	}
	return v
}
