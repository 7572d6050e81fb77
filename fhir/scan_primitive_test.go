package fhir

import (
	"strings"
	"testing"
)

func TestPrimitives(t *testing.T) {
	cases := []struct {
		prim primitive
		good []string
		bad  []string
	}{
		{primID, []string{"a", "A-1.b", strings.Repeat("a", 64)}, []string{"", "a b", "a_b", "é", "a/b", strings.Repeat("a", 65)}},
		{primCode, []string{"a", "a b", "a\tb", "é"}, []string{" a", "a ", "a  b", " "}},
		{
			primURI,
			[]string{"", "a", "http://a.b/c", "urn:uuid:a:b", "http://a.b:80/c", "http://a/é", "%41", "a/b:c"},
			[]string{"a b", "http://a b", "%zz", "http://[x", ":a", "http://a.b:c", "a\u007f"},
		},
		{
			primOID,
			[]string{"urn:oid:1.2.3", "urn:oid:0.0", "urn:oid:2.10.999"},
			[]string{"1.2.3", "urn:oid:1", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:1.", "urn:oid:1.a", "urn:oid:12.1"},
		},
		{
			primUUID,
			[]string{"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
			[]string{"c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873d-ec9a-4326-a141-556f43239520", "urn:uuid:c757873dxec9a-4326-a141-556f43239520", "urn:uuid:c757873d"},
		},
		{primBase64, []string{"AAAA", "AAA=", "AA==", "AA A=", "\nAAAA\n"}, []string{"", "A", "AAA", "A===", "AA=A", "AA-_", "===="}},
		{
			primDate,
			[]string{"2020", "2020-02", "2020-02-29", "1900-02-28", "2000-02-29", "0001"},
			[]string{"", "20", "0000", "2020-00", "2020-13", "2020-1", "2021-02-29", "1900-02-29", "2020-04-31", "2020-01-01T00:00:00Z", "2020-01-00", "2020x", "-2020"},
		},
		{
			primDateTime,
			[]string{"2020", "2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01T23:59:59.1-13:59", "2020-01-01T00:00:00+14:00", "2016-12-31T23:59:60Z"},
			[]string{
				"2020-01-01T00:00:00", "2020-01-01T24:00:00Z", "2020-01-01T00:60:00Z", "2020-01-01T00:00:61Z", "2020-01-01T00:00Z", "2020-01-01T00:00:00.Z",
				"2020-01-01T00:00:00+14:01", "2020-01-01T00:00:00+1400", "2020-01-01T00:00:00z", "2020-01-01 00:00:00Z", "2020-01-01T00:00:00Z ", "2020-01-01T",
			},
		},
		{primInstant, []string{"2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000000+01:00"}, []string{"2020", "2020-01-01", "2020-01-01T00:00:00"}},
		{primCurrency, []string{"EUR", "USD"}, []string{"", "eur", "EURO", "E R", "€", "EU1"}},
		{primTime, []string{"00:00:00", "23:59:60.999"}, []string{"24:00:00", "00:00", "00:00:00Z", "00:00:00.", "1:00:00", ""}},
	}
	for _, c := range cases {
		typ := &typ{prim: c.prim}
		for _, v := range c.good {
			if p := typ.problem([]byte(v)); p != "" {
				t.Errorf("%q: %s", v, p)
			}
		}
		for _, v := range c.bad {
			if typ.problem([]byte(v)) == "" {
				t.Errorf("%q is accepted as primitive %d", v, c.prim)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	cases := []struct {
		prim primitive
		good string
		bad  string
	}{
		{primInteger, "0 1 -1 2147483647 -2147483648", "1.0 1e2 -0 2147483648 -2147483649 99999999999999999999"},
		{primUnsignedInt, "0 1 2147483647", "-1 1.5 2147483648"},
		{primPositiveInt, "1 2147483647", "0 -1 2147483648"},
		{primDecimal, "0 -0 1.50 1e400 -1.0E-10", ""},
	}
	for _, c := range cases {
		typ := &typ{prim: c.prim}
		for _, v := range strings.Fields(c.good) {
			if p := typ.numberProblem([]byte(v)); p != "" {
				t.Errorf("%s: %s", v, p)
			}
		}
		for _, v := range strings.Fields(c.bad) {
			if typ.numberProblem([]byte(v)) == "" {
				t.Errorf("%s is accepted as primitive %d", v, c.prim)
			}
		}
	}
}

// TestSchema compares a few tables with the specification, and checks that each
// primitive of the generated messages has rules of its own.
func TestSchema(t *testing.T) {
	s := r4Schema()
	if n := len(s.resources); n != 146 {
		t.Errorf("%d resource types", n)
	}
	extension := s.resources["Patient"].members["extension"].typ
	values := 0
	for name, m := range extension.members {
		if m.name == "value" && !m.sibling {
			values++
			if known := m.index >= 0 && m.option != nil; known != (name != "valueMeta") {
				t.Errorf("%s: place %v in the message", name, m.place)
			}
		}
	}
	if values != 50 {
		t.Errorf("Extension.value[x] has %d types, R4 has 50", values)
	}
	prims := map[primitive]bool{}
	seen := map[*typ]bool{}
	var walk func(*typ)
	walk = func(x *typ) {
		if seen[x] {
			return
		}
		seen[x] = true
		if x.shape == shapePrimitive {
			prims[x.prim] = true
		}
		if x.prim == primEnum && len(x.codes) == 0 {
			t.Errorf("a required value set has no codes")
		}
		for _, m := range x.members {
			walk(m.typ)
		}
	}
	for _, r := range s.resources {
		walk(r)
	}
	for p := primString; p <= primCurrency; p++ {
		if !prims[p] {
			t.Errorf("no element is of primitive %d", p)
		}
	}
	gender := s.resources["Patient"].members["gender"].typ.codes
	if _, ok := gender["female"]; !ok || len(gender) != 4 {
		t.Errorf("gender codes %v", gender)
	}
}
