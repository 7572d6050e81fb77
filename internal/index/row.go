package index

import (
	"time"

	"github.com/chartseal/chartseal/fhir"
)

// Row is the opened index row of one version: what a query or a consent decision may ask without opening the
// resource. It is stored sealed.
type Row struct {
	Type, ID    string
	LastUpdated time.Time // milliseconds, UTC
	Security    []fhir.Coding
	Authors     []string
	Values      []fhir.Value
}

// rowFormat is the version of the encoding.
const rowFormat = 1

// MarshalBinary encodes the row: a table of the strings that occur, then the fields with indexes into it. Zero
// strings are index 0. Numbers are varints.
func (r *Row) MarshalBinary() ([]byte, error) {
	e := rowEncoder{index: map[string]uint64{"": 0}}
	e.str(r.Type)
	e.str(r.ID)
	e.int(r.LastUpdated.UnixMilli())
	e.uint(uint64(len(r.Security)))
	for _, c := range r.Security {
		e.str(c.System)
		e.str(c.Code)
	}
	e.uint(uint64(len(r.Authors)))
	for _, a := range r.Authors {
		e.str(a)
	}
	e.values(r.Values)
	return e.finish(), nil
}

// UnmarshalBinary decodes a row; ErrRow if it is damaged.
func (r *Row) UnmarshalBinary(b []byte) error {
	d, err := newRowDecoder(b)
	if err != nil {
		return err
	}
	r.Type, r.ID = d.str(), d.str()
	r.LastUpdated = time.UnixMilli(d.int()).UTC()
	r.Security = nil
	for range d.count() {
		r.Security = append(r.Security, fhir.Coding{System: d.str(), Code: d.str()})
	}
	r.Authors = nil
	for range d.count() {
		r.Authors = append(r.Authors, d.str())
	}
	r.Values = d.values(0)
	return d.end()
}

// References lists the local references of the row, as Type/id.
func (r *Row) References() []string {
	var out []string
	for i := range r.Values {
		if v := &r.Values[i]; v.Kind == fhir.ValueReference && v.RefType != "" {
			out = append(out, v.RefType+"/"+v.RefID)
		}
	}
	return out
}
