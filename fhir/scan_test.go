package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// issuesOf gives the issues of an input, one per line: place, code, expression, text.
func issuesOf(t *testing.T, in string) string {
	t.Helper()
	_, err := Parse([]byte(in), Limits{})
	if err == nil {
		return ""
	}
	var inv *Invalid
	if !errors.As(err, &inv) {
		t.Fatalf("error is not *Invalid: %v", err)
	}
	var b strings.Builder
	for _, i := range inv.Issues {
		fmt.Fprintf(&b, "%d:%d %s %s %s: %s\n", i.Line, i.Column, i.Severity, i.Code, strings.Join(i.Expression, ","), i.Diagnostics)
	}
	return b.String()
}

// TestScanJSON covers text that is not JSON, or not what FHIR builds on.
func TestScanJSON(t *testing.T) {
	cases := []struct{ in, want string }{
		{``, "1:1 fatal structure : expected a JSON object\n"},
		{" \n [1]", "2:2 fatal structure : expected a JSON object\n"},
		{"\uFEFF[]", "1:1 fatal structure : expected a JSON object\n"},
		{"{\"resourceType\":\"Patient\",\n\"id\":\"\xff\"}", "2:7 fatal structure : input is not UTF-8\n"},
		{"{\"resourceType\":\"Patient\"}\r\n {}", "2:2 fatal structure Patient: unexpected text after the resource\n"},
		{`{"resourceType":"Patient"`, "1:26 fatal structure Patient: expected a comma or the end of the object or array\n"},
		{`{"resourceType":"Patient",}`, "1:27 fatal structure Patient: expected a member name in double quotes\n"},
		{`{"resourceType":"Patient","id" "a"}`, "1:32 fatal structure Patient: expected a colon after the member name\n"},
		{`{"resourceType":"Patient","active":tru}`, "1:36 fatal structure Patient.active: expected a JSON value\n"},
		{`{"resourceType":"Patient","id":"a`, "1:34 fatal structure Patient.id: string has no end\n"},
		{"{\"resourceType\":\"Patient\",\"id\":\"a\tb\"}", "1:34 fatal structure Patient.id: control character in a string\n"},
		{`{"resourceType":"Patient","id":"\x"}`, "1:33 fatal structure Patient.id: invalid escape sequence in a string\n"},
		{`{"resourceType":"Patient","id":"\ud83d"}`, "1:33 fatal structure Patient.id: invalid escape sequence in a string\n"},
		{`{"resourceType":"Patient","multipleBirthInteger":01}`, "1:50 fatal structure Patient.multipleBirth: malformed number\n"},
		{`{"resourceType":"Patient","name":[{"given":["a" "b"]}]}`, "1:49 fatal structure Patient.name[0].given[0]: expected a comma or the end of the object or array\n"},
		{`{"id":"a"}`, "1:1 error required : resourceType is missing\n"},
		{`{"resourceType":1}`, "1:17 error structure : resourceType must be a string\n"},
		{`{"resourceType":"Patients"}`, "1:17 error not-supported : resourceType is not a FHIR R4 resource type\n"},
		{`{"resourceType":"Patient","resourceType":"Patient"}`, "1:27 error structure Patient.resourceType: element occurs twice\n"},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, issuesOf(t, c.in)); diff != "" {
			t.Errorf("%s:\n%s", c.in, diff)
		}
	}
}

// TestScanElements covers one broken rule of R4 each, in the members of a
// Patient that has nothing else.
func TestScanElements(t *testing.T) {
	const ext = `{"url":"x:y","valueString":"s"}`
	cases := []struct{ in, want string }{
		// structure
		{`"foo":1`, "27 structure Patient: unknown element foo"},
		{`"_foo":1`, "27 structure Patient: unknown element _foo"},
		{`"Mrs 1":1`, "27 structure Patient: unknown element"},
		{`"BirthDate":"2020"`, "27 structure Patient: unknown element BirthDate"},
		{`"patientId":"1"`, "27 structure Patient: unknown element patientId"},
		{`"managingOrganization":{"organizationId":"1"}`, "51 structure Patient.managingOrganization: unknown element organizationId"},
		{`"_name":[]`, "27 structure Patient: unknown element _name"},
		{`"active":true,"active":true`, "41 structure Patient.active: element occurs twice"},
		{`"active":true,"\u0061ctive":true`, "41 structure Patient.active: element occurs twice"},
		{`"_active":{"id":"a"},"_active":{"id":"a"}`, "48 structure Patient.active: element occurs twice"},
		{`"deceasedBoolean":true,"deceasedDateTime":"2020"`, "50 structure Patient.deceased: only one type of the choice may be used"},
		{`"deceasedBoolean":true,"_deceasedDateTime":{"id":"a"}`, "50 structure Patient.deceased: only one type of the choice may be used"},
		{`"name":{"text":"a"}`, "34 structure Patient.name: element repeats: expected an array"},
		{`"birthDate":["2020"]`, "39 structure Patient.birthDate: element does not repeat: no array here"},
		{`"name":[[{"text":"a"}]]`, "35 structure Patient.name[0]: element does not repeat: no array here"},
		{`"name":["a"]`, "35 structure Patient.name[0]: expected an object"},
		{`"birthDate":{"extension":[` + ext + `]}`, "39 structure Patient.birthDate: expected a string"},
		{`"_birthDate":"2020"`, "40 structure Patient.birthDate: expected an object"},
		{`"active":"true"`, "36 structure Patient.active: expected true or false"},
		{`"multipleBirthInteger":"1"`, "50 structure Patient.multipleBirth: expected a number"},
		{`"contained":[{"id":"a"}]`, "40 required Patient.contained[0]: resourceType is missing"},
		// null and empty values
		{`"active":null`, "36 structure Patient.active: null is not allowed here"},
		{`"name":[null]`, "35 structure Patient.name[0]: null is not allowed here"},
		{`"_birthDate":null`, "40 structure Patient.birthDate: null is not allowed here"},
		{`"name":[]`, "34 structure Patient.name: an array may not be empty"},
		{`"name":[{}]`, "35 invariant Patient.name[0]: ele-1: an object may not be empty"},
		{`"name":[{"id":"a"}]`, "35 invariant Patient.name[0]: ele-1: an object needs more than an id"},
		{`"id":""`, "32 value Patient.id: a string may not be empty"},
		{`"name":[{"given":["a",null]}]`, "44 structure Patient.name[0].given: null stands for nothing: the sibling array is missing"},
		{`"name":[{"_given":[null,{"id":"a"}]}]`, "45 structure Patient.name[0].given: null stands for nothing: the sibling array is missing"},
		{`"name":[{"given":["a"],"_given":[null,{"id":"a"}]}]`, "44 structure Patient.name[0].given: array and its underscore sibling differ in length"},
		{`"name":[{"given":["a",null],"_given":[{"id":"a"},null]}]`, "44 structure Patient.name[0].given: null in an array and in its underscore sibling at the same index"},
		{`"name":[{"_given":[{}]}]`, "46 invariant Patient.name[0].given[0]: ele-1: an object may not be empty"},
		// extensions
		{`"extension":[{"url":"x:y"}]`, "40 invariant Patient.extension[0]: ext-1: an extension has either a value or extensions"},
		{`"extension":[{"url":"x:y","valueString":"a","extension":[` + ext + `]}]`, "40 invariant Patient.extension[0]: ext-1: an extension has either a value or extensions"},
		{`"extension":[{"valueString":"a"}]`, "40 required Patient.extension[0]: missing required element url"},
		{`"_birthDate":{"extension":[{"url":"x:y","valueCode":" a"}]}`, "79 value Patient.birthDate.extension[0].value: code has leading, trailing or repeated white space"},
		{`"extension":[{"url":"x:y","valueMeta":{"versionId":"a b"}}]`, "78 value Patient.extension[0].value.versionId: id is not 1 to 64 letters, digits, hyphens or dots"},
		// values
		{`"id":"a_b"`, "32 value Patient.id: id is not 1 to 64 letters, digits, hyphens or dots"},
		{`"gender":"MALE"`, "36 code-invalid Patient.gender: code is not in the required value set"},
		{`"birthDate":"2021-02-29"`, "39 value Patient.birthDate: not a date of the form YYYY, YYYY-MM or YYYY-MM-DD"},
		{`"deceasedDateTime":"2020-01-01T10:00Z"`, "46 value Patient.deceased: not a dateTime (a time needs seconds and a time zone)"},
		{`"multipleBirthInteger":2147483648`, "50 value Patient.multipleBirth: integer does not fit in 32 bits"},
		{`"multipleBirthInteger":1.0`, "50 value Patient.multipleBirth: not an integer"},
		{`"implicitRules":"a b"`, "43 value Patient.implicitRules: not a URI"},
		{`"name":[{"text":"a\u0000"}]`, "43 value Patient.name[0].text: string contains a control character"},
		{`"photo":[{"data":"AAA"}]`, "44 value Patient.photo[0].data: not base64"},
		{`"photo":[{"size":-1}]`, "44 value Patient.photo[0].size: integer may not be negative"},
		{`"telecom":[{"rank":0}]`, "46 value Patient.telecom[0].rank: integer must be positive"},
		{`"link":[{"other":{"display":"a"}}]`, "35 required Patient.link[0]: missing required element type"},
		{`"text":{"status":"generated","div":"<div>a</div>"}`, "62 value Patient.text.div: narrative div does not declare the XHTML namespace"},
		// references
		{`"managingOrganization":{"reference":"Patient/1"}`, "63 value Patient.managingOrganization.reference: reference to a Patient is not allowed here"},
		{`"managingOrganization":{"reference":"Patient?a=b"}`, "63 value Patient.managingOrganization.reference: reference to a Patient is not allowed here"},
		{`"managingOrganization":{"reference":"Foo/1"}`, "63 value Patient.managingOrganization.reference: reference to something that is not an R4 resource type"},
		{`"managingOrganization":{"reference":"Organization/a_b"}`, "63 value Patient.managingOrganization.reference: relative reference is not of the form Type/id"},
		{`"managingOrganization":{"reference":"Organization/1/_history/"}`, "63 value Patient.managingOrganization.reference: relative reference is not of the form Type/id"},
		{`"managingOrganization":{"reference":"#p"}`, "63 value Patient.managingOrganization.reference: no contained resource has the id that the reference names"},
	}
	for _, c := range cases {
		column, rest, _ := strings.Cut(c.want, " ")
		want := "1:" + column + " error " + rest + "\n"
		if diff := cmp.Diff(want, issuesOf(t, `{"resourceType":"Patient",`+c.in+`}`)); diff != "" {
			t.Errorf("%s:\n%s", c.in, diff)
		}
	}
}

// TestScanAccepts covers the edges of the rules from the other side.
func TestScanAccepts(t *testing.T) {
	for _, in := range []string{
		`"name":[{"given":["a",null],"_given":[null,{"id":"a"}]}]`,
		`"name":[{"_given":[null,{"extension":[{"url":"x:y","valueBoolean":true}]}],"given":["a",null]}]`,
		`"_birthDate":{"id":"a"},"birthDate":"2020"`,
		`"_birthDate":{"extension":[{"url":"x:y","valueCode":"unknown"}]}`,
		`"deceasedDateTime":"2020-02-29T23:59:60.123456789+14:00"`,
		`"multipleBirthInteger":-2147483648`,
		`"managingOrganization":{"reference":"Organization/1/_history/2"}`,
		`"managingOrganization":{"reference":"Organization?identifier=http://example.org/a|b/c"}`,
		`"managingOrganization":{"reference":"urn:uuid:whatever"}`,
		`"managingOrganization":{"reference":"https://example.org/fhir/Patient/1"}`,
		`"managingOrganization":{"reference":"#o"},"contained":[{"id":"o","resourceType":"Organization","partOf":{"reference":"#"}}]`,
		`"communication":[{"language":{"text":"a"},"preferred":false}]`,
		`"implicitRules":"urn:oid:1.2.3"`,
		`"implicitRules":"../a?b=%20#c"`,
		`"meta":{"profile":["http://example.org/StructureDefinition/a|1.0"]}`,
	} {
		if got := issuesOf(t, `{"resourceType":"Patient",`+in+`}`); got != "" {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// TestScanOrder checks that issues come in document order with their lines.
func TestScanOrder(t *testing.T) {
	const in = "{\n  \"gender\": \"x\",\n  \"contact\": [{}],\r\n  \"generalPractitioner\": [{\"reference\": \"#gp\"}],\n" +
		"  \"resourceType\": \"Patient\",\n  \"link\": [{\"type\": \"é\", \"x\": 1}]\n}"
	const want = `2:13 error code-invalid Patient.gender: code is not in the required value set
3:15 error invariant Patient.contact[0]: ele-1: an object may not be empty
4:41 error value Patient.generalPractitioner[0].reference: no contained resource has the id that the reference names
6:12 error required Patient.link[0]: missing required element other
6:21 error code-invalid Patient.link[0].type: code is not in the required value set
6:27 error structure Patient.link[0]: unknown element x
`
	if diff := cmp.Diff(want, issuesOf(t, in)); diff != "" {
		t.Error(diff)
	}
}

// wellFormed is the lexer's judgement of a whole text.
func wellFormed(raw []byte) (*lexer, bool) {
	l := newLexer(raw)
	l.space()
	ok := l.skip()
	l.space()
	if ok && l.pos != len(raw) {
		ok = l.fail(l.pos, "text follows")
	}
	return &l, ok
}

// sameAsStandard compares the lexer with encoding/json. They may differ only in
// what encoding/json lets through on purpose: half surrogate pairs.
func sameAsStandard(t *testing.T, raw []byte) {
	t.Helper()
	if !utf8.Valid(raw) || len(raw) > 1<<16 {
		return
	}
	l, got := wellFormed(raw)
	want := json.Valid(raw)
	if got == want {
		return
	}
	if want && l.failed.text == "invalid escape sequence in a string" {
		if r := hex4(raw[l.failed.off:]); 0xD800 <= r && r <= 0xDFFF {
			return
		}
	}
	t.Errorf("lexer says %v (%v), encoding/json %v: %q", got, l.err(), want, raw)
}

// TestLexerDifferential breaks real resources in every position of a stride and
// compares the verdicts.
func TestLexerDifferential(t *testing.T) {
	seeds := [][]byte{
		[]byte(`{"a":[1,-0.5e+10,true,false,null,"\u00e9\n\ud83d\ude00",{}, [] ]}`), []byte(` 0 `), []byte(`-`), []byte(`""`),
	}
	seeds = append(seeds, resources(t)[:5]...)
	for _, seed := range seeds {
		sameAsStandard(t, seed)
		stride := 1 + len(seed)/400
		for i := 0; i < len(seed); i += stride {
			sameAsStandard(t, seed[:i])
			sameAsStandard(t, append(bytes.Clone(seed[:i]), seed[i+1:]...))
			for _, c := range []byte("{}[]\",:\\0.e-tn u\x00\x7f\n") {
				changed := bytes.Clone(seed)
				changed[i] = c
				sameAsStandard(t, changed)
			}
		}
	}
}

func FuzzLexer(f *testing.F) {
	for _, s := range []string{`{"a":[1.5e-3,"\u0041"]}`, `[]`, `"\ud800"`, "\"\x7f\"", `{"a":{"a":null}} `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { sameAsStandard(t, raw) })
}

// seedForms adds what the Synthea resources do not have.
func seedForms(f *testing.F) {
	f.Helper()
	for _, s := range slices.Concat(containedForms, []string{
		linked,
		`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"a"}]}]}`,
		`{"resourceType":"Basic","extension":[{"url":"a","valueMeta":{"tag":[{"code":"a"}]}},{"url":"b","valueBase64Binary":"AA A="}]}`,
		`{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient","id":"1"}},` +
			`{"name":"b","part":[{"name":"c","valueMeta":{"versionId":"1"}},{"name":"d","resource":{"resourceType":"Parameters"}}]}]}`,
		`{"resourceType":"Binary","contentType":"text/plain","data":"QU\/B QUFB\nQQ==","securityContext":{"reference":"Patient/1/_history/2"}}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient",` +
			`"contained":[{"id":"p","resourceType":"Practitioner"}],"generalPractitioner":[{"_reference":{"id":"r"},"reference":"#p"}]},` +
			`"request":{"method":"POST","url":"Patient"}}]}`,
		`{"entry":[{"resource":{"id":"1","resourceType":"Patient"}}],"type":"collection","resourceType":"Bundle"}`,
		`{"resourceType":"Condition","subject":{"display":"a"},"clinicalStatus":{"coding":[{"code":"active",` +
			`"system":"http://terminology.hl7.org/CodeSystem/condition-clinical"}]}}`,
	}) {
		f.Add([]byte(s))
	}
}

// FuzzScan checks what acceptance promises: JSON, the text of encoding/json's
// Compact, and a second scan that changes nothing.
func FuzzScan(f *testing.F) {
	for _, raw := range resources(f)[200:230] {
		f.Add(raw)
	}
	seedForms(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := newScanner(raw, Limits{})
		if err != nil {
			return
		}
		s.compact = true
		typ := s.document()
		if s.invalid() != nil {
			return
		}
		got := s.compacted()
		var want bytes.Buffer
		if err := json.Compact(&want, bytes.TrimPrefix(raw, []byte(byteOrderMark))); err != nil {
			t.Fatalf("accepted what is not JSON: %v", err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("compacted to %s, want %s", got, want.Bytes())
		}
		if again := compact(t, got); !bytes.Equal(again, got) {
			t.Fatalf("second scan gives %s", again)
		}
		r, err := Parse(raw, Limits{})
		if err != nil || r.Type != typ.name || !bytes.Equal(r.JSON, got) {
			t.Fatalf("accepted, but Parse gives %v, %v", r, err)
		}
	})
}
