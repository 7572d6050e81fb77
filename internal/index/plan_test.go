package index

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// plainTokens makes tokens without a key: enough to compare them.
type plainTokens struct{}

func (plainTokens) Token(typ, param, kind, value string) store.Token {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q%q%q%q", typ, param, kind, value))
	return store.Token(sum[:16])
}

// holds evaluates a plan on the tokens of one document.
func holds(n node, tokens []store.Token, self store.Token) bool {
	switch n := n.(type) {
	case tokenNode:
		return slices.Contains(tokens, n.token)
	case resourceNode:
		return n.resource == self
	case orNode:
		return slices.ContainsFunc(n.children, func(c node) bool { return holds(c, tokens, self) })
	case andNode:
		return !slices.ContainsFunc(n.children, func(c node) bool { return !holds(c, tokens, self) })
	}
	return false
}

func param(t interface{ Fatalf(string, ...any) }, typ, code string) *fhir.Param {
	p := fhir.LookupParam(typ, code)
	if p == nil {
		t.Fatalf("no parameter %s of %s", code, typ)
	}
	return p
}

var words = []string{"Ä", "Ana", "ana", "Anabel", "ANABELLA Müller", "anabellissima", "Mu", "müller-ana", "x y  z", "Ånä"}

func drawInstant(t *rapid.T, label string) time.Time {
	return time.Unix(rapid.Int64Range(-3_000_000_000, 4_500_000_000).Draw(t, label), 0).UTC()
}

func drawValue(t *rapid.T) fhir.Value {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		v := fhir.Value{Param: param(t, "Patient", "identifier"), Kind: fhir.ValueToken}
		v.Code = rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "code")
		v.System = rapid.SampledFrom([]string{"", "urn:a", "urn:b"}).Draw(t, "system")
		v.HasSystem = v.System != ""
		return v
	case 1:
		return fhir.Value{Param: param(t, "Patient", "family"), Kind: fhir.ValueString, String: rapid.SampledFrom(words).Draw(t, "word")}
	case 2:
		v := fhir.Value{Param: param(t, "Patient", "birthdate"), Kind: fhir.ValueDate}
		v.Low = drawInstant(t, "low")
		v.High = v.Low.Add(time.Duration(rapid.Int64Range(1, 400*86400).Draw(t, "span")) * time.Second)
		switch rapid.IntRange(0, 5).Draw(t, "open") {
		case 0:
			v.Low = time.Time{}
		case 1:
			v.High = time.Time{}
		}
		return v
	default:
		v := fhir.Value{Param: param(t, "Patient", "organization"), Kind: fhir.ValueReference}
		if rapid.Bool().Draw(t, "literal") {
			v.RefType, v.RefID = "Organization", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id")
			v.RefVersion = rapid.SampledFrom([]string{"", "1"}).Draw(t, "version")
		} else {
			v.RefURL = "http://x/Organization/a"
		}
		return v
	}
}

func drawQuery(t *rapid.T) url.Values {
	prefix := rapid.SampledFrom([]string{"", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"}).Draw(t, "prefix")
	date := rapid.SampledFrom([]string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04:05Z"}).Draw(t, "precision")
	word := rapid.SampledFrom(words).Draw(t, "word")
	all := []struct{ name, value string }{
		{"identifier", rapid.SampledFrom([]string{"1", "|1", "urn:a|", "urn:a|1", "2,urn:b|1"}).Draw(t, "token")},
		{"identifier:missing", rapid.SampledFrom([]string{"true", "false"}).Draw(t, "missing")},
		{"family", word},
		{"family:exact", word},
		{"family:contains", word},
		{"birthdate", prefix + drawInstant(t, "instant").Format(date)},
		{"organization", rapid.SampledFrom([]string{"a", "Organization/b", "http://x/Organization/a", "Organization/a/_history/1"}).Draw(t, "reference")},
		{"organization:Organization", "a"},
		{"_id", rapid.SampledFrom([]string{"p1", "p2", "p2,p1"}).Draw(t, "id")},
		{"_lastUpdated", prefix + drawInstant(t, "updated").Format(date)},
	}
	q := url.Values{}
	for range rapid.IntRange(1, 3).Draw(t, "criteria") {
		c := rapid.SampledFrom(all).Draw(t, "criterion")
		q.Add(c.name, c.value)
	}
	return q
}

// Tokens never miss a match, and where a plan claims to be exact they never find more.
func TestTokensNeverMiss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tok plainTokens
		row := &Row{Type: "Patient", ID: "p1", LastUpdated: drawInstant(t, "now")}
		b := tokenBuilder{t: tok, typ: "Patient", seen: map[store.Token]struct{}{}}
		b.add("", "all", "")
		b.add("_lastUpdated", "p", "")
		b.date("_lastUpdated", row.LastUpdated, row.LastUpdated.Add(time.Millisecond))
		for range rapid.IntRange(0, 4).Draw(t, "values") {
			row.Values = append(row.Values, drawValue(t))
			b.value(&row.Values[len(row.Values)-1])
		}
		q, err := ParseQuery("Patient", drawQuery(t), Options{Location: time.UTC})
		if err != nil {
			t.Fatalf("parse: %v", err)
		}
		plan := q.Plan(tok)
		candidate := holds(plan.root, b.tokens, ResourceToken(tok, "Patient", "p1"))
		matches := q.Matches(row)
		if matches && !candidate {
			t.Fatalf("missed: %v on %+v", q.Used, row.Values)
		}
		if plan.Exact() && candidate && !matches {
			t.Fatalf("exact plan found too much: %v on %+v", q.Used, row.Values)
		}
	})
}

func TestRowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := &Row{
			Type: "Patient", ID: "p1", LastUpdated: drawInstant(t, "now"), Created: drawInstant(t, "created"),
			Security: []fhir.Coding{{System: "s", Code: "R"}}, Codes: []fhir.Coding{{System: "l", Code: "1"}}, Authors: []string{"Practitioner/1"}, Related: []string{"A/1"},
		}
		for range rapid.IntRange(0, 5).Draw(t, "values") {
			row.Values = append(row.Values, drawValue(t))
		}
		b, err := row.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var got Row
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", *row) {
			t.Fatalf("got %+v\nwant %+v", got, *row)
		}
		if len(b) > 1 {
			if err := got.UnmarshalBinary(b[:len(b)-1]); err == nil {
				t.Fatal("a cut row was accepted")
			}
		}
	})
}

func FuzzRow(f *testing.F) {
	row := &Row{Type: "Patient", ID: "p", Values: []fhir.Value{{Param: fhir.LookupParam("Patient", "family"), Kind: fhir.ValueString, String: "x"}}}
	b, err := row.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Row
		if r.UnmarshalBinary(b) != nil {
			return
		}
		again, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var r2 Row
		if err := r2.UnmarshalBinary(again); err != nil {
			t.Fatalf("what was decoded does not encode: %v", err)
		}
	})
}

// A day range covers exactly its days.
func TestDayRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tok plainTokens
		f := func(kind, value string) node { return tokenNode{tok.Token("T", "d", kind, value)} }
		low := rapid.IntRange(0, maxDay).Draw(t, "low")
		high := rapid.IntRange(low, maxDay).Draw(t, "high")
		n := dayRange(f, "l", low, high)
		day := rapid.IntRange(max(0, low-300), min(maxDay, high+300)).Draw(t, "day")
		var tokens []store.Token
		eachDayPrefix("l", day, func(kind, prefix string) { tokens = append(tokens, tok.Token("T", "d", kind, prefix)) })
		if got, want := holds(n, tokens, store.Token{}), day >= low && day <= high; got != want {
			t.Fatalf("day %d in [%d,%d]: %v", day, low, high, got)
		}
	})
}
