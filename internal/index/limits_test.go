package index

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// size counts the nodes of a plan.
func size(n node) int {
	total := 1
	switch n := n.(type) {
	case orNode:
		for _, c := range n.children {
			total += size(c)
		}
	case andNode:
		for _, c := range n.children {
			total += size(c)
		}
	}
	return total
}

func list(n int, form string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(form, i)
	}
	return strings.Join(parts, ",")
}

// A query costs bounded memory, whatever a client sends.
func TestQueryIsBounded(t *testing.T) {
	repeated := func(name string, n int) url.Values { return url.Values{name: strings.Split(list(n, "x%d"), ",")} }
	for _, tc := range []struct {
		name   string
		values url.Values
		ok     bool
	}{
		{"a long list", url.Values{"_id": {list(1000, "x%d")}}, true},
		{"one too many", url.Values{"_id": {list(1001, "x%d")}}, false},
		{"lists together", url.Values{"_id": {list(600, "x%d")}, "family": {list(600, "x%d")}}, false},
		{"the same parameter again", url.Values{"_id": {list(600, "x%d"), list(600, "y%d")}}, false},
		{"many criteria", repeated("family", 1000), true},
		{"too many criteria", repeated("family", 1001), false},
		{"too many unknown parameters", repeated("nonsense", 1001), false},
		{"too many empty parameters", url.Values{"family": make([]string, 1001)}, false},
		{"some dates", url.Values{"birthdate": {list(40, "ge19%02d-05-17")}}, true},
		{"many dates", url.Values{"birthdate": {list(1000, "ge1980-06-15T00:00:00.%03dZ")}}, false},
		{"many dates in many criteria", url.Values{"birthdate": strings.Split(list(1000, "ge1980-06-15T00:00:00.%03dZ"), ",")}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q, err := ParseQuery("Patient", tc.values, Options{Location: time.UTC})
			if !tc.ok {
				var qe *QueryError
				if !errors.As(err, &qe) {
					t.Fatalf("got %v, want a QueryError", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if n := size(q.Plan(plainTokens{}).root); n > 2*maxNodes {
				t.Errorf("the plan has %d nodes", n)
			}
		})
	}
}

// What ParseQuery counts is what Plan builds, so that the limit holds for every kind of operand.
func TestCostIsThePlansSize(t *testing.T) {
	for _, query := range []string{
		"family=anna", "family:contains=x", "_id=1,2,3", "birthdate=1980", "birthdate=ge1980-06", "birthdate=lt2001-02-03",
		"birthdate=sa1999", "birthdate=eb1999-01-01,ap2000", "organization=Organization/1", "identifier=a|b,c|,|d",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParseQuery("Patient", values, Options{Location: time.UTC})
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for i := range q.Criteria {
			for j := range q.Criteria[i].Values {
				want += cost(&q.Criteria[i], &q.Criteria[i].Values[j])
			}
		}
		if n := leaves(q.Plan(plainTokens{}).root); n != want {
			t.Errorf("%s: counted %d, planned %d", query, want, n)
		}
	}
}

func leaves(n node) int {
	total := 0
	switch n := n.(type) {
	case orNode:
		for _, c := range n.children {
			total += leaves(c)
		}
	case andNode:
		for _, c := range n.children {
			total += leaves(c)
		}
	default:
		return 1
	}
	return total
}
