package index

import "github.com/chartseal/chartseal/fhir"

// Rows are rows that are not stored: of one type, to be matched by many queries. What has the codes that a query asks
// for is found without a look at the rest, so that ten thousand conditions on as many rows, each on an identifier, do
// not take their product.
type Rows struct {
	all    []*Row
	byCode map[paramCode][]*Row
}

type paramCode struct{ param, code string }

// Add takes a row in. It does not change afterwards.
func (s *Rows) Add(r *Row) {
	if s.byCode == nil {
		s.byCode = map[paramCode][]*Row{}
	}
	s.all = append(s.all, r)
	seen := map[paramCode]bool{}
	for i := range r.Values {
		v := &r.Values[i]
		k := paramCode{v.Param.Code, v.Code}
		if v.Kind == fhir.ValueToken && v.Code != "" && !seen[k] {
			seen[k] = true
			s.byCode[k] = append(s.byCode[k], r)
		}
	}
}

// Matching calls f with every row that satisfies the query, perhaps more than once, until f returns false.
func (s *Rows) Matching(q *Query, f func(*Row) bool) {
	for _, list := range s.candidates(q) {
		for _, r := range list {
			if q.Matches(r) && !f(r) {
				return
			}
		}
	}
}

func (s *Rows) candidates(q *Query) [][]*Row {
	for i := range q.Criteria {
		if lists, ok := s.byCodes(&q.Criteria[i]); ok {
			return lists
		}
	}
	return [][]*Row{s.all}
}

// byCodes are the rows that have a code of the criterion; ok is false if it asks for something else.
func (s *Rows) byCodes(c *Criterion) (lists [][]*Row, ok bool) {
	if c.Param.Type != fhir.ParamToken || c.Modifier != "" || c.Code == "_id" {
		return nil, false
	}
	for i := range c.Values {
		if c.Values[i].Code == "" {
			return nil, false
		}
		lists = append(lists, s.byCode[paramCode{c.Code, c.Values[i].Code}])
	}
	return lists, true
}
