package index

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/chartseal/chartseal/fhir"
)

// Matching finds what a look at every row finds, and no more.
func TestRows(t *testing.T) {
	var rows Rows
	var all []*Row
	for i := range 30 {
		raw := fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"urn:a","value":"%d"},{"system":"urn:b","value":"%d"},{"value":"%d"}],
			"gender":"%s","active":%v,"name":[{"family":"F%d"}],"birthDate":"19%02d-01-01"}`, i%7, i%5, i%3, []string{"male", "female"}[i%2], i%3 == 0, i%4, 50+i)
		r, err := fhir.Parse([]byte(raw), fhir.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		row := NewRow(r, "http://test/fhir", fmt.Sprint("p", i), time.Unix(0, 0))
		rows.Add(row)
		all = append(all, row)
	}
	for _, query := range []string{
		"identifier=urn:a|3", "identifier=3", "identifier=|1", "identifier=urn:a|", "identifier=urn:a|3,urn:b|4", "identifier=urn:a|3,urn:b|", "identifier=none",
		"gender=male&identifier=urn:a|2", "identifier:missing=true", "identifier:missing=false&gender=female", "_id=p4", "_id=p4,p5&gender=male", "family=f1",
		"birthdate=ge1960&gender=male", "family=f1&identifier=urn:b|2", "active=true&gender=female",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParseQuery("Patient", values, Options{Location: time.UTC, Strict: true})
		if err != nil {
			t.Fatal(query, err)
		}
		var want, got []string
		for _, r := range all {
			if q.Matches(r) {
				want = append(want, r.ID)
			}
		}
		rows.Matching(q, func(r *Row) bool { got = append(got, r.ID); return true })
		slices.Sort(got)
		slices.Sort(want)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
		n := 0
		rows.Matching(q, func(*Row) bool { n++; return false })
		if n != min(1, len(want)) {
			t.Errorf("%s: %d calls after it was told to stop", query, n)
		}
	}
}

// Two conditional interactions compete if they ask the same, in whatever order; ids and identifiers identify.
func TestConditions(t *testing.T) {
	parse := func(query string) *Query {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParseQuery("Patient", values, Options{Location: time.UTC, Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	a, b := parse("identifier=1&identifier=2&_count=3&active=true"), parse("active=true&identifier=2&identifier=1")
	if a.Conditions().Encode() != b.Conditions().Encode() {
		t.Errorf("%v, %v", a.Conditions(), b.Conditions())
	}
	if c := parse("identifier=1,2&active=true"); c.Conditions().Encode() == b.Conditions().Encode() {
		t.Error("another condition is the same")
	}
	for query, want := range map[string]bool{
		"identifier=1": true, "_id=1&identifier=2": true, "identifier=1&active=true": false, "identifier:missing=false": false, "family=x": false,
	} {
		if got := parse(query).Identifies(); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}
