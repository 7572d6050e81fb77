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
	Created     time.Time // of the first version, milliseconds, UTC
	Security    []fhir.Coding
	Codes       []fhir.Coding // every coding in the resource
	Classes     []fhir.Coding // profiles and content types
	Authors     []string
	Related     []string // Type/id of everything that the resource refers to
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
	e.int(r.Created.UnixMilli())
	for _, list := range [][]fhir.Coding{r.Security, r.Codes, r.Classes} {
		e.codings(list)
	}
	e.strs(r.Authors)
	e.strs(r.Related)
	e.values(r.Values)
	return e.finish(), nil
}

// UnmarshalBinary decodes a row; ErrRow if it is damaged.
func (r *Row) UnmarshalBinary(b []byte) error {
	d, err := r.header(b)
	if err != nil {
		return err
	}
	r.Values = d.values(0)
	return d.end()
}

// UnmarshalHeader decodes a row without its search values, which are most of it: enough for a consent decision.
func (r *Row) UnmarshalHeader(b []byte) error {
	d, err := r.header(b)
	if err != nil {
		return err
	}
	if d.bad {
		return ErrRow
	}
	return nil
}

func (r *Row) header(b []byte) (*rowDecoder, error) {
	d, err := newRowDecoder(b)
	if err != nil {
		return nil, err
	}
	r.Type, r.ID = d.str(), d.str()
	r.LastUpdated = time.UnixMilli(d.int()).UTC()
	r.Created = time.UnixMilli(d.int()).UTC()
	r.Security, r.Codes, r.Classes = d.codings(), d.codings(), d.codings()
	r.Authors, r.Related = d.strs(), d.strs()
	return d, nil
}
