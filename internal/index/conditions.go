package index

import (
	"net/url"
	"slices"
)

// Conditions are the parameters that narrow the search, without those that shape the answer: two conditional
// interactions with equal ones compete.
func (q *Query) Conditions() url.Values {
	out := url.Values{}
	for name, values := range q.Used {
		if !slices.Contains(resultParams, name) {
			out[name] = values
		}
	}
	return out
}
