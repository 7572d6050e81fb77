package index

import (
	"net/url"
	"slices"
)

// Conditions are the parameters that narrow the search, without those that shape the answer: two conditional
// interactions with equal ones, in whatever order, compete.
func (q *Query) Conditions() url.Values {
	out := url.Values{}
	for name, values := range q.Used {
		if !slices.Contains(resultParams, name) {
			out[name] = slices.Sorted(slices.Values(values))
		}
	}
	return out
}

// Identifies tells whether the query asks for nothing but ids and business identifiers.
func (q *Query) Identifies() bool {
	return !slices.ContainsFunc(q.Criteria, func(c Criterion) bool {
		return c.Modifier != "" || c.Code != "_id" && c.Code != "identifier"
	})
}
