package index

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

func TestParseQueryRefuses(t *testing.T) {
	for _, q := range []string{
		"name:near=x", "identifier=a|b|c", "identifier=|", "birthdate=200", "birthdate=xx2000", "birthdate=2000-13",
		"identifier:missing=maybe", "organization=a/b", "_count=-1", "_count=x",
	} {
		values, err := url.ParseQuery(q)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseQuery("Patient", values, Options{Location: time.UTC})
		var qe *QueryError
		if !errors.As(err, &qe) {
			t.Errorf("%s: got %v, want a QueryError", q, err)
		}
	}
}

func TestParseQueryReportsUnknown(t *testing.T) {
	values := url.Values{"nonsense": {"1"}, "family": {""}, "gender": {"male"}}
	q, err := ParseQuery("Patient", values, Options{Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"family", "nonsense"}, q.Ignored); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(url.Values{"gender": {"male"}}, q.Used); d != "" {
		t.Error(d)
	}
	if _, err := ParseQuery("Patient", values, Options{Location: time.UTC, Strict: true}); err == nil {
		t.Error("strict handling accepted an unknown parameter")
	}
}

func TestEscapes(t *testing.T) {
	values := url.Values{"family": {`a\,b,c\\d`}, "identifier": {`urn\|x|1\|2`}}
	q, err := ParseQuery("Patient", values, Options{Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]Operand{}
	for _, c := range q.Criteria {
		got[c.Code] = c.Values
	}
	want := map[string][]Operand{
		"family":     {{Text: "a,b"}, {Text: `c\d`}},
		"identifier": {{System: "urn|x", Code: "1|2", HasSystem: true}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Intervals against comparisons, from the table of R4 section 3.1.1.4.5.
func TestMatchDate(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	day := func(s string) Operand { return Operand{Low: at(s), High: at(s).AddDate(0, 0, 1)} }
	for _, tc := range []struct {
		prefix, operand, low, high string
		want                       bool
	}{
		{"eq", "2013-01-14", "2013-01-14", "2013-01-15", true},
		{"eq", "2013-01-14", "2013-01-13", "2013-01-15", false},
		{"ne", "2013-01-14", "2013-01-14", "2013-01-15", false},
		{"ne", "2013-01-14", "2013-01-15", "2013-01-16", true},
		{"lt", "2013-01-14", "2013-01-13", "2013-01-20", true},
		{"lt", "2013-01-14", "2013-01-14", "2013-01-15", false},
		{"gt", "2013-01-14", "2013-01-01", "2013-01-16", true},
		{"gt", "2013-01-14", "2013-01-14", "2013-01-15", false},
		{"ge", "2013-01-14", "2013-01-14", "2013-01-15", true},
		{"le", "2013-01-14", "2013-01-14", "2013-01-15", true},
		{"sa", "2013-03-14", "2013-03-15", "2013-03-16", true},
		{"sa", "2013-03-14", "2013-03-14", "2013-03-20", false},
		{"eb", "2013-03-14", "2013-03-12", "2013-03-14", true},
		{"eb", "2013-03-14", "2013-03-12", "2013-03-15", false},
		{"ap", "2013-03-14", "2013-03-14", "2013-03-15", true},
	} {
		o := day(tc.operand)
		o.Prefix = tc.prefix
		if got := matchDate(&o, at(tc.low), at(tc.high)); got != tc.want {
			t.Errorf("%s%s on [%s,%s): %v", tc.prefix, tc.operand, tc.low, tc.high, got)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add("family=a&birthdate=ge2000&identifier=x|y")
	f.Add(`_id=1,2&organization=Organization/1\,`)
	f.Fuzz(func(_ *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		q, err := ParseQuery("Patient", values, Options{Location: time.UTC, Base: "http://b/fhir"})
		if err != nil {
			return
		}
		q.Plan(plainTokens{})
		q.Matches(&Row{Type: "Patient", ID: "1", Values: []fhir.Value{{Param: fhir.LookupParam("Patient", "family"), Kind: fhir.ValueString, String: "a"}}})
	})
}

// sliceIter is a posting list.
type sliceIter struct {
	docs []store.DocID
	i    int
}

func (s *sliceIter) Next() bool { s.i++; return s.i < len(s.docs) }
func (s *sliceIter) SeekGE(d store.DocID) bool {
	for s.i = 0; s.i < len(s.docs) && s.docs[s.i] < d; s.i++ {
	}
	return s.i < len(s.docs)
}
func (s *sliceIter) Doc() store.DocID { return s.docs[s.i] }
func (s *sliceIter) Err() error       { return nil }
func (s *sliceIter) Close() error     { return nil }

func leaf(docs ...store.DocID) iterator { return &postingIter{it: &sliceIter{docs: docs, i: -1}} }

func collect(it iterator) (out []store.DocID) {
	for d := store.DocID(1); it.seek(d); d = it.doc() + 1 {
		out = append(out, it.doc())
	}
	return out
}

func TestIterators(t *testing.T) {
	and := &andIter{children: []iterator{leaf(1, 3, 5, 7, 9), leaf(2, 3, 7, 8, 9, 11), leaf(3, 9, 10)}}
	if d := cmp.Diff([]store.DocID{3, 9}, collect(and)); d != "" {
		t.Error(d)
	}
	or := &orIter{children: []iterator{leaf(1, 5), leaf(), leaf(5, 6, 20)}}
	if d := cmp.Diff([]store.DocID{1, 5, 6, 20}, collect(or)); d != "" {
		t.Error(d)
	}
	nested := &andIter{children: []iterator{&orIter{children: []iterator{leaf(1, 4), leaf(2, 8)}}, leaf(2, 4, 6, 8)}}
	if d := cmp.Diff([]store.DocID{2, 4, 8}, collect(nested)); d != "" {
		t.Error(d)
	}
	if got := collect(&oneIter{}); got != nil {
		t.Errorf("an absent resource gave %v", got)
	}
}
