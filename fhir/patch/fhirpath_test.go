package patch_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/chartseal/chartseal/fhir/patch"
)

// operation writes one operation of a FHIRPath Patch: type, path, and further
// parts as JSON without braces.
func operation(typ, path string, parts ...string) string {
	s := fmt.Sprintf(`{"name":"operation","part":[{"name":"type","valueCode":%q},{"name":"path","valueString":%q}`, typ, path)
	for _, p := range parts {
		s += `,{` + p + `}`
	}
	return s + `]}`
}

func name(s string) string { return fmt.Sprintf(`"name":"name","valueString":%q`, s) }

func value(x, json string) string { return fmt.Sprintf(`"name":"value","value%s":%s`, x, json) }

func integer(part string, i int) string {
	return fmt.Sprintf(`"name":%q,"valueInteger":%d`, part, i)
}

func parameters(ops ...string) []byte {
	return []byte(`{"resourceType":"Parameters","parameter":[` + strings.Join(ops, ",") + `]}`)
}

// TestFHIRPath has what the cases of HL7 do not: choices, extensions of
// primitives, lists of primitives, types, positions of members.
func TestFHIRPath(t *testing.T) {
	const given = `"name":[{"given":["a","b"],"_given":[null,{"id":"2"}]}]`
	for _, c := range []struct{ name, doc, op, want string }{
		{"bytes stay", `"multipleBirthInteger":2,"text":{"div":"\u003cdiv/>"}`, operation("add", "Patient", name("active"), value("Boolean", "true")), `"multipleBirthInteger":2,"text":{"div":"\u003cdiv/>"},"active":true`},
		{"choice replaced by another type", `"deceasedBoolean":true,"active":true`, operation("replace", "Patient.deceased", value("DateTime", `"2020"`)), `"deceasedDateTime":"2020","active":true`},
		{"choice added", `"active":true`, operation("add", "Patient", name("deceased"), value("Boolean", "false")), `"active":true,"deceasedBoolean":false`},
		{"choice as JSON names it", `"deceasedBoolean":true`, operation("delete", "Patient.deceasedBoolean"), ``},
		{"choice with extensions", `"_deceasedBoolean":{"id":"1"},"active":true`, operation("replace", "Patient.deceased", `"name":"value","valueDateTime":"2020","_valueDateTime":{"id":"2"}`), `"deceasedDateTime":"2020","_deceasedDateTime":{"id":"2"},"active":true`},
		{"primitive goes with its extensions", `"active":true,"birthDate":"2020","_birthDate":{"id":"1"}`, operation("delete", "Patient.birthDate"), `"active":true`},
		{"primitive replaced with its extensions", `"_birthDate":{"id":"1"},"active":true,"birthDate":"2020"`, operation("replace", "Patient.birthDate", value("Date", `"2021"`)), `"birthDate":"2021","active":true`},
		{"primitive without value", ``, operation("add", "Patient", name("birthDate"), `"name":"value","_valueDate":{"extension":[{"url":"u","valueCode":"x"}]}`), `"_birthDate":{"extension":[{"url":"u","valueCode":"x"}]}`},
		{"extension of a primitive", `"birthDate":"2020","active":true`, operation("add", "Patient.birthDate", name("extension"), value("Extension", `{"url":"u","valueCode":"x"}`)), `"birthDate":"2020","_birthDate":{"extension":[{"url":"u","valueCode":"x"}]},"active":true`},
		{"extension of a primitive in a list", `"name":[{"given":["a","b"]}]`, operation("insert", "Patient.name.given[1].extension", integer("index", 0), value("Extension", `{"url":"u","valueCode":"x"}`)), `"name":[{"given":["a","b"],"_given":[null,{"extension":[{"url":"u","valueCode":"x"}]}]}]`},
		{"extension of a primitive deleted", `"birthDate":"2020","_birthDate":{"extension":[{"url":"u","valueCode":"x"}]}`, operation("delete", "Patient.birthDate.extension('u')"), `"birthDate":"2020"`},
		{"extension of one of a list deleted", given, operation("delete", "Patient.name.given[1].id"), `"name":[{"given":["a","b"]}]`},
		{"add keeps in step", given, operation("add", "Patient.name", name("given"), value("String", `"c"`)), `"name":[{"given":["a","b","c"],"_given":[null,{"id":"2"},null]}]`},
		{"insert keeps in step", given, operation("insert", "Patient.name.given", integer("index", 1), value("String", `"c"`)), `"name":[{"given":["a","c","b"],"_given":[null,null,{"id":"2"}]}]`},
		{"insert with extensions", `"name":[{"given":["a","b"],"family":"f"}]`, operation("insert", "Patient.name.given", integer("index", 0), `"name":"value","valueString":"c","_valueString":{"id":"1"}`), `"name":[{"given":["c","a","b"],"_given":[{"id":"1"},null,null],"family":"f"}]`},
		{"insert without value", `"name":[{"family":"f"}]`, operation("insert", "Patient.name.given", integer("index", 0), `"name":"value","_valueString":{"id":"1"}`), `"name":[{"family":"f","_given":[{"id":"1"}]}]`},
		{"insert before extensions alone", `"name":[{"_given":[{"id":"1"}],"family":"f"}]`, operation("insert", "Patient.name.given", integer("index", 1), value("String", `"c"`)), `"name":[{"given":[null,"c"],"_given":[{"id":"1"},null],"family":"f"}]`},
		{"no member twice", `"birthDate":"2020","_birthDate":null`, operation("add", "Patient.birthDate", name("id"), value("String", `"1"`)), `"birthDate":"2020","_birthDate":{"id":"1"}`},
		{"move keeps in step", given, operation("move", "Patient.name.given", integer("source", 1), integer("destination", 0)), `"name":[{"given":["b","a"],"_given":[{"id":"2"},null]}]`},
		{"move pads", `"name":[{"given":["a","b","c"],"_given":[{"id":"1"}]}]`, operation("move", "Patient.name.given", integer("source", 0), integer("destination", 2)), `"name":[{"given":["b","c","a"],"_given":[null,null,{"id":"1"}]}]`},
		{"delete keeps in step", given, operation("delete", "Patient.name.given[0]"), `"name":[{"given":["b"],"_given":[{"id":"2"}]}]`},
		{"delete drops nulls", given, operation("delete", "Patient.name.given[1]"), `"name":[{"given":["a"]}]`},
		{"replace in a list", given, operation("replace", "Patient.name.given[1]", value("String", `"c"`)), `"name":[{"given":["a","c"]}]`},
		{"replace by extensions in a list", given, operation("replace", "Patient.name.given[0]", `"name":"value","_valueString":{"id":"1"}`), `"name":[{"given":[null,"b"],"_given":[{"id":"1"},{"id":"2"}]}]`},
		{"delete of nothing", `"active":true`, operation("delete", "Patient.name.where(use='old')"), `"active":true`},
		{"delete all of a list", given, operation("delete", "Patient.name.given[0]") + "," + operation("delete", "Patient.name.given[0]"), ``},
		{"deleted and added again", `"name":[{"given":["a"]},{"family":"f"}]`, operation("delete", "Patient.name[0].given") + "," + operation("add", "Patient.name[0]", name("given"), value("String", `"b"`)), `"name":[{"given":["b"]},{"family":"f"}]`},
		{"emptied element is no obstacle", `"maritalStatus":{"text":"x"},"active":true`, operation("delete", "Patient.maritalStatus.text") + "," + operation("add", "Patient", name("maritalStatus"), value("CodeableConcept", `{"text":"y"}`)), `"active":true,"maritalStatus":{"text":"y"}`},
		{"insert into nothing", ``, operation("insert", "Patient.name", integer("index", 0), value("HumanName", `{ "text" : "x" }`)), `"name":[{"text":"x"}]`},
		{"insert at the end", `"name":[{"text":"x"}]`, operation("insert", "name", integer("index", 1), value("HumanName", `{"text":"y"}`)), `"name":[{"text":"x"},{"text":"y"}]`},
		{"code sent as string", ``, operation("add", "Patient", name("gender"), value("String", `"male"`)), `"gender":"male"`},
		{"uri sent as string", `"identifier":[{"value":"1"}]`, operation("add", "Patient.identifier", name("system"), value("String", `"urn:x"`)), `"identifier":[{"value":"1","system":"urn:x"}]`},
		{"date for dateTime", `"identifier":[{"period":{"start":"2020"}}]`, operation("replace", "Patient.identifier.period.start", value("Date", `"2021"`)), `"identifier":[{"period":{"start":"2021"}}]`},
		{"reference", `"managingOrganization":{"reference":"Organization/1"}`, operation("replace", "Patient.managingOrganization.reference.where(startsWith('Organization/'))", value("String", `"Organization/2"`)), `"managingOrganization":{"reference":"Organization/2"}`},
		{"nested parts", ``, operation("add", "Patient", name("contact"), `"name":"value","part":[{"name":"name","part":[{"name":"family","valueString":"f"},{"name":"given","valueString":"a"},{"name":"given","valueString":"b"}]},{"name":"gender","valueCode":"male"}]`), `"contact":[{"name":{"family":"f","given":["a","b"]},"gender":"male"}]`},
		{"contained resource", ``, operation("add", "Patient", name("contained"), `"name":"value","resource":{"resourceType":"Organization","id":"o"}`), `"contained":[{"resourceType":"Organization","id":"o"}]`},
		{"in a contained resource", `"contained":[{"resourceType":"Practitioner","id":"p"},{"resourceType":"Organization","id":"o"}]`, operation("add", "Patient.contained.where($this is Organization)", name("name"), value("String", `"n"`)), `"contained":[{"resourceType":"Practitioner","id":"p"},{"resourceType":"Organization","id":"o","name":"n"}]`},
		{"choice in an extension", `"extension":[{"url":"u","valueString":"x"}]`, operation("replace", "Patient.extension('u').value", value("Quantity", `{"value":70.50}`)), `"extension":[{"url":"u","valueQuantity":{"value":70.50}}]`},
		{"narrative", `"text":{"status":"generated","div":"<div/>"}`, operation("replace", "Patient.text.div", value("String", `"<div>x</div>"`)), `"text":{"status":"generated","div":"<div>x</div>"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := patch.FHIRPath(patient(c.doc), parameters(c.op))
			if err != nil || string(got) != string(patient(c.want)) {
				t.Errorf("got  %s, %v\nwant %s", got, err, patient(c.want))
			}
		})
	}
}

// patient is a Patient with members.
func patient(members string) []byte {
	if members != "" {
		members = "," + members
	}
	return []byte(`{"resourceType":"Patient"` + members + `}`)
}

// TestFHIRPathErrors names the kind and a part of the message.
func TestFHIRPathErrors(t *testing.T) {
	doc := patient(`"name":[{"family":"Secret","given":["a","b"]},{"text":"c"}],"active":true,"deceasedBoolean":true,"contact":[{"gender":"male"}]`)
	str, human := value("String", `"Secret"`), value("HumanName", `{"text":"Secret"}`)
	for _, c := range []struct {
		name, op string
		kind     patch.Kind
		msg      string
	}{
		{"other parameter", `{"name":"x","part":[]}`, patch.Malformed, "named operation"},
		{"no parts", `{"name":"operation"}`, patch.Malformed, "has parts"},
		{"no type", `{"name":"operation","part":[{"name":"path","valueString":"Patient"}]}`, patch.Malformed, "type is missing"},
		{"unknown type", operation("remove", "Patient.name[0]"), patch.Malformed, "add, insert, delete, replace, move"},
		{"part twice", operation("delete", "Patient.name[0]", `"name":"path","valueString":"Patient"`), patch.Malformed, `two parts "path"`},
		{"needless part", operation("delete", "Patient.name[0]", str), patch.Malformed, "delete: takes the parts path"},
		{"unknown part", operation("delete", "Patient.name[0]", `"name":"x","valueString":"Secret"`), patch.Malformed, "delete: takes the parts path"},
		{"no path", `{"name":"operation","part":[{"name":"type","valueCode":"delete"}]}`, patch.Malformed, "delete: path is missing"},
		{"path no string", `{"name":"operation","part":[{"name":"type","valueCode":"delete"},{"name":"path","valueInteger":1}]}`, patch.Malformed, "path is not a string"},
		{"no value", operation("replace", "Patient.active"), patch.Malformed, "replace: value is missing"},
		{"empty value", operation("replace", "Patient.active", `"name":"value"`), patch.Malformed, "needs one value"},
		{"null value", operation("replace", "Patient.active", `"name":"value","valueBoolean":null`), patch.Malformed, "needs one value"},
		{"two values", operation("replace", "Patient.active", `"name":"value","valueBoolean":true,"valueCode":"x"`), patch.Malformed, "values of two types"},
		{"value and parts", operation("replace", "Patient.active", `"name":"value","valueBoolean":true,"part":[{"name":"x","valueCode":"x"}]`), patch.Malformed, "needs one value"},
		{"strange member", operation("replace", "Patient.active", `"name":"value","vlaue":true`), patch.Malformed, `"vlaue"`},
		{"no parts in value", operation("add", "Patient", name("contact"), `"name":"value","part":[]`), patch.Malformed, "has a member"},
		{"index missing", operation("insert", "Patient.name", human), patch.Malformed, "insert: index is missing"},
		{"index negative", operation("insert", "Patient.name", human, integer("index", -1)), patch.Malformed, "not a whole number"},
		{"index fraction", operation("insert", "Patient.name", human, `"name":"index","valueDecimal":1.0`), patch.Malformed, "not a whole number"},
		{"index too large", operation("insert", "Patient.name", human, integer("index", 3)), patch.Failed, "which has 2 elements"},
		{"insert no list", operation("insert", "Patient.active", integer("index", 0), value("Boolean", "true")), patch.Failed, "active does not repeat"},
		{"insert no name", operation("insert", "Patient.name[0]", integer("index", 0), human), patch.Failed, "does not end in the name of a list"},
		{"insert in several", operation("insert", "Patient.name.given", integer("index", 0), str), patch.Failed, `path "Patient.name" selects 2 elements`},
		{"insert unknown", operation("insert", "Patient.nmae", integer("index", 0), human), patch.Failed, `path "Patient.nmae": Patient has no such element`},
		{"move too far", operation("move", "Patient.name", integer("source", 0), integer("destination", 2)), patch.Failed, "which has 2 elements"},
		{"move from nowhere", operation("move", "Patient.telecom", integer("source", 0), integer("destination", 0)), patch.Failed, "which has 0 elements"},
		{"add to several", operation("add", "Patient.name", name("family"), str), patch.Failed, `path "Patient.name" selects 2 elements`},
		{"add to nothing", operation("add", "Patient.name.where(family = 'Other').period", name("end"), value("Date", `"2020"`)), patch.Failed, `path "Patient.name.where(…).period" selects no element`},
		{"add what is there", operation("add", "Patient", name("active"), value("Boolean", "true")), patch.Failed, "active is there already"},
		{"add another type of a choice", operation("add", "Patient", name("deceased"), value("DateTime", `"2020"`)), patch.Failed, "deceased is there already"},
		{"add unknown", operation("add", "Patient", name("colour"), str), patch.Failed, `Patient has no element "colour"`},
		{"add resourceType", operation("add", "Patient", name("resourceType"), str), patch.Failed, "has no element"},
		{"add an _x member", operation("add", "Patient", name("_active"), str), patch.Failed, "has no element"},
		{"type of value", operation("replace", "Patient.active", str), patch.Failed, "active cannot be a String"},
		{"type without kin", operation("replace", "Patient.name[0].family", value("Boolean", "true")), patch.Failed, "family cannot be a Boolean"},
		{"primitive for an object", operation("add", "Patient", name("maritalStatus"), str), patch.Failed, "maritalStatus cannot be a String"},
		{"type of choice", operation("replace", "Patient.deceased", str), patch.Failed, "deceased cannot be a String"},
		{"name and type of choice", operation("add", "Patient", name("multipleBirthBoolean"), value("Integer", "1")), patch.Failed, "not of the type"},
		{"string for a date", operation("add", "Patient", name("birthDate"), str), patch.Failed, "birthDate cannot be a String"},
		{"backbone element by type", operation("add", "Patient", name("contact"), human), patch.Failed, "contact cannot be a HumanName"},
		{"object for a primitive", operation("replace", "Patient.active", value("Boolean", "{}")), patch.Malformed, "not the JSON of a boolean"},
		{"string for an object", operation("add", "Patient", name("name"), value("HumanName", `"Secret"`)), patch.Malformed, "not the JSON of a HumanName"},
		{"parts for a primitive", operation("replace", "Patient.active", `"name":"value","part":[{"name":"id","valueString":"1"}]`), patch.Failed, "cannot be given by parts"},
		{"unknown element in parts", operation("add", "Patient", name("contact"), `"name":"value","part":[{"name":"colour","valueString":"Secret"}]`), patch.Failed, `Patient.Contact has no element "colour"`},
		{"parts twice", operation("add", "Patient", name("contact"), `"name":"value","part":[{"name":"gender","valueCode":"male"},{"name":"gender","valueCode":"male"}]`), patch.Failed, "gender is there already"},
		{"resource for a name", operation("add", "Patient", name("name"), `"name":"value","resource":{"resourceType":"Patient"}`), patch.Failed, "does not hold a resource"},
		{"replace nothing", operation("replace", "Patient.birthDate", value("Date", `"2020"`)), patch.Failed, `path "Patient.birthDate" selects no element`},
		{"replace the resource", operation("replace", "Patient", `"name":"value","resource":{"resourceType":"Patient"}`), patch.Failed, "the resource itself"},
		{"delete the resource", operation("delete", "Patient"), patch.Failed, "the resource itself"},
		{"delete several", operation("delete", "Patient.name"), patch.Failed, "selects 2 elements"},
		{"delete misspelt", operation("delete", "Patient.brithDate"), patch.Failed, "Patient has no such element"},
		{"other type", operation("delete", "Observation.status"), patch.Failed, "Patient has no such element"},
		{"a value", operation("delete", "Patient.name.count()"), patch.Failed, "gives a value, not an element"},
		{"empty path", operation("delete", ""), patch.Malformed, "ends too early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := patch.FHIRPath(doc, parameters(operation("delete", "Patient.photo"), c.op))
			msg := wantError(t, err, 1, c.kind)
			if !strings.HasPrefix(msg, "patch operation 1: ") {
				t.Errorf("%s names no operation", msg)
			}
			if !strings.Contains(msg, c.msg) || strings.Contains(msg, "Secret") || strings.Contains(msg, "Other") || got != nil {
				t.Errorf("%s, want %q in it", msg, c.msg)
			}
		})
	}
}

// TestConcurrent has types read off the descriptors by several patches at once.
func TestConcurrent(t *testing.T) {
	doc := []byte(`{"resourceType":"Encounter","participant":[{"period":{"start":"2020"}}]}`)
	text := parameters(operation("replace", "Encounter.participant.where(individual.empty()).period.start", value("DateTime", `"2021"`)))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if got, err := patch.FHIRPath(doc, text); err != nil || !strings.Contains(string(got), "2021") {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	wait.Wait()
}

// TestNoParameters is about texts that are no FHIRPath Patch, and documents that
// are no resource.
func TestNoParameters(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `{"resourceType":"Patient"}`, `{"resourceType":"Parameters","parameter":{}}`, `{"resourceType":1}`} {
		_, err := patch.FHIRPath(patient(""), []byte(text))
		wantError(t, err, -1, patch.Malformed)
	}
	for _, doc := range []string{`{`, `[]`, `{}`, `{"resourceType":"Nothing"}`} {
		if _, err := patch.FHIRPath([]byte(doc), parameters()); err == nil || !strings.HasPrefix(err.Error(), "document") {
			t.Errorf("%s: error %v", doc, err)
		}
	}
}
