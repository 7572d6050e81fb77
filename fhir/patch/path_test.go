package patch

import (
	"errors"
	"strings"
	"testing"
)

const pathDoc = `{"resourceType":"Patient","id":"p","contained":[{"resourceType":"Organization","id":"o","name":"org"}],
"extension":[{"url":"u1","valueString":"x"},{"url":"u2","valueQuantity":{"value":1.50}},{"url":"u2","extension":[{"url":"deep","valueCode":"y"}]}],
"identifier":[{"use":"official","system":"urn:a","value":"1"},{"use":"old","system":"urn:b","value":"2","period":{"start":"2020-01","end":"2021-05-06T10:00:00+02:00"}},{"system":"urn:a","value":"it's"}],
"active":true,"name":[{"family":"Fa","given":["a","b","c"],"_given":[null,{"id":"g2"},{"extension":[{"url":"e","valueBoolean":true}]}]},{"text":"t","period":{"start":"2019"}}],
"contact":[{"name":{"given":[null],"_given":[{"id":"n"}]}}],"birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"time","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
"deceasedDateTime":"2020-02-03","multipleBirthInteger":2,"telecom":[{"rank":1},{"rank":3},{"rank":2,"_value":{"id":"v"}}]}`

// eval gives what a path selects, as JSON joined by blanks; for a primitive
// without value its _x.
func eval(t *testing.T, path string) (string, error) {
	t.Helper()
	b := newBudget()
	root, err := parse([]byte(pathDoc), maxDepth, b)
	if err != nil {
		t.Fatal(err)
	}
	e, err := parsePath(path)
	if err != nil {
		return "", err
	}
	at := item{place: &place{index: -1, value: root, typ: resourceType("Patient")}}
	c := checker{root: []*typ{at.place.typ}, budget: b}
	if _, err := c.types(e, c.root); err != nil {
		return "", err
	}
	s := scope{root: at, this: at, budget: b}
	items, err := s.eval(e)
	var out []string
	for _, it := range items {
		switch {
		case it.place == nil && it.val.kind == valueBool:
			out = append(out, []string{"", "yes", "no"}[it.val.truth])
		case it.place == nil:
			out = append(out, "="+it.val.text)
		default:
			n := it.place.value
			if n == nil {
				n = it.place.sibling
			}
			text, err := write(n, 0)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(text))
		}
	}
	return strings.Join(out, " "), err
}

func TestPath(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"Patient.id", `"p"`},
		{"id", `"p"`},
		{" Patient . id ", `"p"`},
		{"Resource.id", `"p"`},
		{"DomainResource.active", `true`},
		{"%resource.id", `"p"`},
		{"$this.id", `"p"`},
		{"`Patient`.`id`", `"p"`},
		{"(Patient.name)[0].family", `"Fa"`},
		{"Patient.name.given", `"a" "b" "c"`},
		{"Patient.name.given[1]", `"b"`},
		{"Patient.name[1].text", `"t"`},
		{"Patient.name[7].text", ``},
		{"Patient.name[99999999999].text", ``},
		{"Patient.name.given.first()", `"a"`},
		{"Patient.name.given.last()", `"c"`},
		{"Patient.name.given.tail()", `"b" "c"`},
		{"Patient.name.given.skip(1).take(1)", `"b"`},
		{"Patient.name.given.skip(9)", ``},
		{"Patient.name.given.skip(-1).take(-1)", ``},
		{"Patient.name.given.take(9)", `"a" "b" "c"`},
		{"Patient.photo.first()", ``},
		{"Patient.active.single()", `true`},
		{"Patient.name.given.where($index = 2)", `"c"`},
		{"Patient.name.given.where($this = 'b')", `"b"`},
		{"Patient.name.given.where(id = 'g2')", `"b"`},
		{"Patient.name.given[1].id", `"g2"`},
		{"Patient.name.given.extension.value", `true`},
		{"Patient.name.given.extension('e').value", `true`},
		{"Patient.deceased", `"2020-02-03"`},
		{"Patient.deceasedDateTime", `"2020-02-03"`},
		{"Patient.deceased.ofType(dateTime)", `"2020-02-03"`},
		{"Patient.deceased.ofType(boolean)", ``},
		{"Patient.deceased as FHIR.dateTime", `"2020-02-03"`},
		{"Patient.deceased.as(boolean)", ``},
		{"Patient.deceased is dateTime", `yes`},
		{"Patient.deceased.is(date)", `no`},
		{"Patient.name.first() is HumanName", `yes`},
		{"Patient is DomainResource", `yes`},
		{"Patient.contained.ofType(Organization).name", `"org"`},
		{"Patient.contained.where(id = 'o').name", `"org"`},
		{"Patient.contained.first() is Resource", `yes`},
		{"Patient.contained.where($this is Patient).birthDate", ``},
		{"Patient.name.first() is Element", `yes`},
		{"Patient.name.first() is BackboneElement", `no`},
		{"Patient.extension('u1').value", `"x"`},
		{"Patient.extension('u2').value.value", `1.50`},
		{"Patient.extension.where(url = 'u2').extension('deep').value", `"y"`},
		{"Patient.extension('nothing').value", ``},
		{"Patient.extension.value.ofType(Quantity).value", `1.50`},
		{"Patient.extension.where(value = 'x').url", `"u1"`},
		{"Patient.extension.where(value.unit.empty()).url", `"u1" "u2" "u2"`},
		{"Patient.birthDate.extension('time').value", `"1974-12-25T14:35:45-05:00"`},
		{"Patient.identifier.where(use = 'official').value", `"1"`},
		{`Patient.identifier.where(use = "official").value`, `"1"`},
		{"Patient.identifier.where(use != 'official').value", `"2"`},
		{"Patient.identifier.where((use = 'official').not()).value", `"2"`},
		{"Patient.identifier.where(use.exists().not()).value", `"it's"`},
		{"Patient.identifier.where(use.empty()).value", `"it's"`},
		{`Patient.identifier.where(value = 'it\'s').system`, `"urn:a"`},
		{`Patient.identifier.where(value = 'i\u0074\'s').system`, `"urn:a"`},
		{"Patient.identifier.where(system = 'urn:a' and use = 'official').value", `"1"`},
		{"Patient.identifier.where(use = 'old' or value = '1').value", `"1" "2"`},
		{"Patient.identifier.where(use = 'old' xor value = '2').value", ``},
		{"Patient.identifier.where(use.exists() implies use = 'old').value", `"2" "it's"`},
		{"Patient.identifier.where({}).value", ``},
		{"Patient.identifier.where(period).value", `"2"`},
		{"Patient.identifier.where(period.exists(start = '2020-01')).value", `"2"`},
		{"Patient.identifier.where(period.start = @2020-01).value", `"2"`},
		{"Patient.identifier.where(period.start = @2020-01-05).value", ``},
		{"Patient.identifier.where(period.start < @2020-02).value", `"2"`},
		{"Patient.identifier.where(period.end = @2021-05-06T08:00:00Z).value", `"2"`},
		{"Patient.identifier.where(period.end > @2021-05-06T07:59Z).value", `"2"`},
		{"Patient.identifier.where(period.end >= @2021-05-06T10:00).value", ``},
		{"Patient.identifier.where(period.end < '2022').value", `"2"`},
		{"Patient.identifier.where(value.startsWith('it')).system", `"urn:a"`},
		{"Patient.identifier.where(system.endsWith('b') and system.contains(':')).value", `"2"`},
		{"Patient.identifier.all(system.exists())", `yes`},
		{"Patient.identifier.all(use.exists())", `no`},
		{"Patient.identifier.exists(use = 'old')", `yes`},
		{"Patient.identifier.exists(use = 'temp')", `no`},
		{"Patient.identifier.skip(2).all(use = 'official')", `no`},
		{"Patient.identifier.skip(2).exists(use = 'official')", `no`},
		{"Patient.contact.name.given", `{"id":"n"}`},
		{"@2020-01-01.exists()", `yes`},
		{"Patient.identifier.count()", `=3`},
		{"Patient.identifier.count() = 3.0", `yes`},
		{"Patient.identifier.system = Patient.identifier.system", `yes`},
		{"Patient.identifier.system != Patient.identifier.value", `yes`},
		{"Patient.identifier[0] = Patient.identifier[0]", `yes`},
		{"Patient.identifier[0] = Patient.identifier[1]", `no`},
		{"Patient.identifier[0] = 'x'", `no`},
		{"Patient.active = true", `yes`},
		{"Patient.active = 'true'", `no`},
		{"Patient.active.not()", `no`},
		{"Patient.photo.not()", ``},
		{"Patient.photo = 'x'", ``},
		{"true xor {}", ``},
		{"false and {}", `no`},
		{"true or {}", `yes`},
		{"true and {}", ``},
		{"Patient.multipleBirth = 2", `yes`},
		{"Patient.multipleBirth > -2", `yes`},
		{"Patient.multipleBirth <= +1.99", `no`},
		{"Patient.name.family < 'Fb'", `yes`},
		{"Patient.birthDate = @1974-12-25", `yes`},
		{"Patient.birthDate != '1974-12-25'", `no`},
		{"Patient.birthDate != @T12:14", `yes`},
		{"Patient.birthDate != @1974-12", ``},
		{"Patient.telecom.where(rank >= 2).rank", `3 2`},
		{"Patient.telecom.value", `{"id":"v"}`},
		{"Patient.telecom.value.hasValue()", `no`},
		{"Patient.telecom.value = 'x'", `no`},
		{"Patient.telecom.value < 'x'", ``},
		{"Patient.id.hasValue()", `yes`},
		{"Patient.telecom[0].rank.extension", ``},
		{"Patient.extension.value.unit", ``},
		{"Patient.contained.name", `"org"`},
		{"Patient.contained.where(birthDate = '2020')", ``},
	} {
		got, err := eval(t, c.path)
		if err != nil || got != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.path, got, err, c.want)
		}
	}
}

func TestPathErrors(t *testing.T) {
	for _, c := range []struct {
		path string
		kind Kind
		msg  string
	}{
		{"", Malformed, "ends too early"},
		{"Patient.", Malformed, "byte 8: expected the name of an element"},
		{"Patient..id", Malformed, "byte 8: expected the name of an element"},
		{"Patient id", Malformed, "byte 8: unexpected token"},
		{"Patient.name[", Malformed, "an index has to be a whole number"},
		{"Patient.name[1.5]", Malformed, "an index has to be a whole number"},
		{"Patient.name[-1]", Malformed, "an index has to be a whole number"},
		{"Patient.name[0", Malformed, "expected ]"},
		{"Patient.name.where(use='x'", Malformed, "expected ,"},
		{"Patient.name.where(use='x)", Malformed, "a quoted text has no end"},
		{`Patient.name.where(use='\x')`, Malformed, "invalid escape sequence"},
		{`Patient.name.where(use='\b')`, Malformed, "invalid escape sequence"},
		{"Patient.name.where()", Malformed, "wrong number of arguments of where()"},
		{"Patient.name.first(1)", Malformed, "wrong number of arguments of first()"},
		{"Patient.name.ofType('x')", Malformed, "takes the name of a type"},
		{"Patient.name.ofType(a.b)", Malformed, "takes the name of a type"},
		{"Patient.name is 'x'", Malformed, "expected the name of a type"},
		{"Patient.name.skip('a')", Malformed, "takes a whole number"},
		{"Patient.managingOrganization.resolve()", Malformed, `the function "resolve" is not supported`},
		{"Patient.descendants()", Malformed, `the function "descendants" is not supported`},
		{"Patient.name | Patient.contact", Malformed, "the operator | is not supported"},
		{"Patient.name.where(use in ('x'))", Malformed, "the operator in is not supported"},
		{"1 + 1", Malformed, "the operator + is not supported"},
		{"Patient.extension.where(value = 1 'mg')", Malformed, "quantities with units"},
		{"Patient.extension.where(value = 1 day)", Malformed, "quantities with units"},
		{"%ucum", Malformed, "only $this"},
		{"$total", Malformed, "only $this"},
		{"@2020-13", Malformed, "malformed date or time"},
		{"@", Malformed, "malformed date or time"},
		{"Patient;id", Malformed, "byte 7: unexpected character"},
		{"Patient.name é", Malformed, "unexpected character"},
		{strings.Repeat("(", 500), TooLarge, "nested too deeply"},
		{"true" + strings.Repeat(" and true", 100), TooLarge, "nested too deeply"},
		{strings.Repeat("a", 5000), TooLarge, "more than 4096 bytes"},
		{"Patient.nmae", Failed, `path "Patient.nmae": Patient has no such element`},
		{"Patient.name.colour", Failed, `path "Patient.name.colour": HumanName has no such element`},
		{"Patient.name.where(colour = 'Secret')", Failed, `path "colour": HumanName has no such element`},
		{"Patient.name.where(family = 'Secret').colour", Failed, `path "Patient.name.where(…).colour"`},
		{"Patient.photo.colour", Failed, `path "Patient.photo.colour": Attachment has no such element`},
		{"Patient.photo.where(colour = 'Secret')", Failed, `path "colour": Attachment has no such element`},
		{"Patient.deceased.colour", Failed, "boolean has no such element"},
		{"Patient.extension('x').colour", Failed, "Extension has no such element"},
		{"Patient.extension.value.colour", Failed, "has no such element"},
		{"Patient.contained.ofType(Organization).colour", Failed, "Organization has no such element"},
		{"Patient.name.exists(colour)", Failed, "HumanName has no such element"},
		{"Patient.name.first().last().tail().colour", Failed, "HumanName has no such element"},
		{"Patient.id.startsWith(colour)", Failed, "Patient has no such element"},
		{"(Patient.name is HumanName) and Patient.colour", Failed, "Patient has no such element"},
		{"Patient.birthDate.value", Failed, "date has no such element"},
		{"Patient.name.count().x", Failed, "a value has no elements"},
		{"Patient.name.given.single()", Failed, "there are 3 elements"},
		{"Patient.identifier.where(%resource.name.given)", Failed, "expected true or false, found 3 elements"},
		{"Patient.name.given < 'Secret'", Failed, "compares one value with another"},
		{"Patient.active < 1", Failed, "compares values of one kind"},
		{"Patient.birthDate < 'Secret'", Failed, "compares values of one kind"},
		{"Patient.name.given.startsWith('Secret')", Failed, "there are 3 elements"},
		{"Patient.extension({})", Failed, "the argument is not one value"},
		{"Patient.name.given is string", Failed, "takes one element"},
	} {
		_, err := eval(t, c.path)
		var e *Error
		if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(e.Msg, c.msg) || strings.Contains(e.Msg, "Secret") {
			t.Errorf("%.60s: %v, want %v: %s", c.path, err, c.kind, c.msg)
		}
	}
}
