package e2e

import (
	"fmt"
	"net/http"
	"strings"
)

// victim is a resource to patch, and a look at it afterwards: a patch that is refused leaves it as it was.
func (x *siege) victim() (path string, unchanged func(x *siege) error) {
	id := x.s.create(x.staff, "Patient", patientJSON)
	return "/fhir/Patient/" + id, func(x *siege) error {
		if got := x.s.do(http.StatusOK, "GET", "/Patient/"+id, x.staff, "").header.Get("ETag"); got != `W/"1"` {
			return fmt.Errorf("the refused patch left version %s", got)
		}
		return nil
	}
}

// jsonPatchAttacks: RFC 6902 lets a patch copy, so that a few lines could become gigabytes.
func jsonPatchAttacks(x *siege) []attack {
	path, unchanged := x.victim()
	row := func(name string, body func() []byte, want ...int) attack {
		return attack{name: name, method: "PATCH", path: path, body: body, want: want, end: unchanged, fields: []string{"Content-Type: application/json-patch+json"}}
	}
	ops := func(list ...string) func() []byte { return text("[" + strings.Join(list, ",") + "]") }
	var doubling []string
	for range 60 {
		doubling = append(doubling, `{"op":"copy","from":"/name/0","path":"/name/0/x"}`, `{"op":"copy","from":"/name/0/x","path":"/name/0/y"}`)
	}
	add := func(path, value string) string {
		return `{"op":"add","path":` + quoted(path) + `,"value":` + value + `}`
	}
	deepValue := strings.Repeat("[", 60) + strings.Repeat("]", 60)
	return []attack{
		row("copies that double 60 times", ops(doubling...), 413, 422),
		row("900 copies of 1 MB", ops(append([]string{add("/x", quoted(strings.Repeat("a", 1<<20)))}, strings.Split(strings.Repeat(`{"op":"copy","from":"/x","path":"/y"};`, 899)+`{"op":"copy","from":"/x","path":"/y"}`, ";")...)...), 413, 422),
		row("100,000 operations", repeated(`[{"op":"test","path":"/active","value":true}`, `,{"op":"test","path":"/active","value":true}`, 100_000, "]"), 413),
		row("1,000 inserts at the head of 100,000 elements", ops(append([]string{add("/x", "[0"+strings.Repeat(",0", 100_000)+"]")}, strings.Split(strings.Repeat(add("/x/0", "1")+";", 998)+add("/x/0", "1"), ";")...)...), 413, 422),
		row("900 tests of a list of 5,000 elements", func() []byte {
			list := "[0" + strings.Repeat(",0", 4_999) + "]"
			return []byte("[" + add("/x", list) + strings.Repeat(`,{"op":"test","path":"/x","value":`+list+`}`, 900) + "]")
		}, 413, 422),
		row("a pointer of 100,000 parts", ops(`{"op":"remove","path":"`+strings.Repeat("/a", 100_000)+`"}`), 400, 413, 422),
		row("a pointer of 1 MB", ops(`{"op":"remove","path":"/`+strings.Repeat("pointer", 150_000)+`"}`), 400, 413, 422),
		row("a pointer with a broken escape", ops(`{"op":"remove","path":"/name~2"}`), 400),
		row("a pointer without its slash", ops(`{"op":"remove","path":"name"}`), 400),
		row("index 10^18", ops(add("/name/1000000000000000000", "1")), 422),
		row("index -1", ops(add("/name/-1", "1")), 422),
		row("index 01", ops(add("/name/00", "1")), 422),
		row("index 1e0", ops(add("/name/1e0", "1")), 422),
		row("a value moved into itself", ops(`{"op":"move","from":"/name","path":"/name/0/family"}`), 400, 422),
		row("the whole replaced by itself, 900 times", ops(strings.Split(strings.Repeat(`{"op":"copy","from":"","path":"/x"};`, 899)+`{"op":"copy","from":"","path":"/x"}`, ";")...), 413, 422),
		row("the whole removed", ops(`{"op":"remove","path":""}`), 422),
		row("the whole replaced by null", ops(`{"op":"replace","path":"","value":null}`), 400, 422),
		row("another id", ops(add("/id", `"`+marker+`"`)), 400, 422),
		row("another resourceType", ops(add("/resourceType", `"Observation"`)), 400, 422),
		row("60 levels, 20 times within each other", ops(add("/x", deepValue), `{"op":"copy","from":"/x","path":"`+"/x"+strings.Repeat("/0", 58)+`"}`, `{"op":"copy","from":"/x","path":"`+"/x"+strings.Repeat("/0", 100)+`"}`), 400, 413, 422),
		row("an unknown operation", ops(`{"op":"`+marker+`","path":"/active"}`), 400),
		row("the same member twice", ops(`{"op":"test","op":"remove","path":"/active"}`), 400),
		row("a value of 15 MB", ops(add("/x", quoted(strings.Repeat("a", 15<<20)))), 413, 422),
		row("a test of a number with 1e999999999", ops(`{"op":"test","path":"/multipleBirthInteger","value":1e999999999}`), 400, 412, 422),
		row("no list", text(`{"op":"remove","path":"/name"}`), 400),
		row("not JSON", text(marker), 400),
		row("a list of null", text("[null]"), 400),
		row("an element of no effect: __proto__", ops(add("/__proto__/x", "1")), 422),
		{name: "a conditional patch that matches none", method: "PATCH", path: "/fhir/Patient?identifier=" + marker, body: ops(add("/active", "true")), want: []int{404}, fields: []string{"Content-Type: application/json-patch+json"}},
	}
}

// fhirPathAttacks: FHIRPath is a language, and the path of a patch may be any expression of its (R4 fhirpatch.html).
func fhirPathAttacks(x *siege) []attack {
	op := func(path string) string {
		return `{"name":"operation","part":[{"name":"type","valueCode":"delete"},{"name":"path","valueString":` + quoted(path) + `}]}`
	}
	params := func(parts ...string) func() []byte {
		return text(`{"resourceType":"Parameters","parameter":[` + strings.Join(parts, ",") + `]}`)
	}
	victim, unchanged := x.victim()
	var out []attack
	row := func(name string, body func() []byte, want ...int) {
		out = append(out, attack{name: name, method: "PATCH", path: victim, body: body, want: want, end: unchanged})
	}
	n := 4_000
	for _, e := range []struct{ name, path string }{
		{"2,000 brackets", strings.Repeat("(", 2_000) + "Patient" + strings.Repeat(")", 2_000)},
		{"brackets, never closed", strings.Repeat("(", n)},
		{"where in where", strings.Repeat("Patient.name.where(", 200) + "true" + strings.Repeat(")", 200)},
		{"1,000 minus signs", "Patient.name[" + strings.Repeat("-", n) + "1]"},
		{"1,000 nots", "Patient.where(" + strings.TrimSuffix(strings.Repeat("true.not().", 300), ".") + ")"},
		{"descendants of descendants", "Patient" + strings.Repeat(".descendants()", 250)},
		{"children of children", "Patient" + strings.Repeat(".children()", 300)},
		{"repeat of repeat", "Patient" + strings.Repeat(".repeat($this.repeat($this))", 100)},
		{"repeat of all", "Patient.repeat(children() | $this | children().children())"},
		{"unions that double", "Patient.name" + strings.Repeat(" | Patient.name", 200)},
		{"combine that doubles", strings.Repeat("Patient.descendants().combine(", 60) + "Patient" + strings.Repeat(")", 60)},
		{"a regular expression that backtracks", "Patient.name.where(family.matches('(a+)+(b+)+$'))"},
		{"a regular expression of 10^9 repeats", "Patient.name.where(family.matches('((a{1000}){1000}){1000}'))"},
		{"replaceMatches that grows", "Patient.name.where(family.replaceMatches('', 'xxxxxxxxxx')" + strings.Repeat(".replaceMatches('x','xxxxxxxxxx')", 50) + " = 'x')"},
		{"a string of 5 MB", "Patient.name.where(family = '" + strings.Repeat(marker, 500_000) + "')"},
		{"10^999999999", "Patient.name.where(1e999999999 > 1)"},
		{"power tower", "Patient.name.where(" + strings.Repeat("9.power(", 100) + "9" + strings.Repeat(")", 100) + " > 1)"},
		{"index -1", "Patient.name[-1]"},
		{"resolve", "Patient.generalPractitioner.resolve()"},
		{"an environment variable", "%unheardof"},
		{"trace", "Patient.name.trace('" + marker + "')"},
		{"an unknown function", "Patient.unheardof('" + marker + "')"},
		{"nothing", ""},
		{"a comment that never ends", "Patient /* " + marker},
		{"a string that never ends", "Patient.name.where(family = '" + marker},
		{"NUL", "Patient\x00"},
		{"quoted identifiers", strings.Repeat("`Patient`.", 300) + "name"},
		{"iif in iif", strings.Repeat("iif(true,", 300) + "Patient" + strings.Repeat(")", 300)},
		{"aggregate", "Patient.descendants().aggregate($total & $total & 'x', 'x')"},
	} {
		row("path: "+e.name, params(op(e.path)), 400, 413, 422)
	}
	for _, e := range []struct{ name, path string }{ // to delete what is not there is no error (R4 fhirpatch.html#delete)
		{"1,000 indexes", "Patient.name" + strings.Repeat("[1]", 1_000)},
		{"an index of 3,000 digits", "Patient.name[" + strings.Repeat("9", 3_000) + "]"},
		{"index 2^64", "Patient.name[18446744073709551616]"},
		{"1,000 indexes that lead back", "Patient.contact" + strings.Repeat("[0]", 1_000)},
	} {
		row("path to nowhere: "+e.name, params(op(e.path)), 200, 400, 422)
	}
	row("100,000 operations", params(strings.Split(strings.Repeat(op("Patient.x")+";", 99_999)+op("Patient.x"), ";")...), 413)
	row("1,000 operations that look at all", params(strings.Split(strings.Repeat(op("Patient.descendants().where(id='x')")+";", 999)+op("Patient.nowhere.x"), ";")...), 400, 413, 422)
	row("no operations", params(), 400, 413, 422)
	row("an operation of no type", params(`{"name":"operation","part":[{"name":"path","valueString":"Patient"}]}`), 400)
	row("the same part twice", params(`{"name":"operation","part":[{"name":"type","valueCode":"delete"},{"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient.active"}]}`), 400)
	row("another resource", text(patientJSON), 400)
	return out
}

// operationAttacks are about Parameters and what operations do with them (R4 operations.html).
func operationAttacks(x *siege) []attack {
	one := "/fhir/Patient/" + x.patient
	row := func(name, path string, body func() []byte, want ...int) attack {
		return attack{name: name, path: path, body: body, want: want}
	}
	out := []attack{
		row("$validate of nothing", "/fhir/Patient/$validate", text(""), 400),
		row("$validate of garbage", "/fhir/Patient/$validate", text(marker), 200, 400),
		row("$validate of Parameters in Parameters", "/fhir/Patient/$validate", nested("", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":`, patientJSON, `}]}`, 20, ""), 200, 400),
		{name: "$validate of 100,000 issues", path: "/fhir/Patient/$validate", want: []int{200}, body: repeated(`{"resourceType":"Patient","name":[{"use":"x"}`, `,{"use":"`+marker+`"}`, 100_000, `]}`), ok: quietOutcome},
		row("$validate of "+amount(x.size(200_000, 1_000_000))+" parameters", "/fhir/Patient/$validate", repeated(`{"resourceType":"Parameters","parameter":[{"name":"a"}`, `,{"name":"a"}`, x.size(200_000, 1_000_000), `]}`), 400), row("$validate of "+amount(x.size(100_000, 400_000))+" different parameters", "/fhir/Patient/$validate", func() []byte {
			return manyMembers(`{"resourceType":"Parameters","parameter":[{"name":"a"}`, `,{"name":"a%d","valueCode":"x"}`, x.size(100_000, 400_000), `]}`)
		}, 400),
		row("$validate, the same parameter twice", "/fhir/Patient/$validate", text(`{"resourceType":"Parameters","parameter":[{"name":"resource","resource":`+patientJSON+`},{"name":"resource","resource":{"resourceType":"Observation"}}]}`), 200, 400),
		row("$validate of another type", "/fhir/Patient/$validate?mode="+marker, text(patientJSON), 400),
		row("Parameters with the same member twice", "/fhir/Patient/$validate", text(`{"resourceType":"Parameters","resourceType":"Patient","parameter":[]}`), 200, 400),
		row("$meta-add of no Meta", one+"/$meta-add", text(`{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"unheardof":"`+marker+`"}}]}`), 400),
		row("$meta-add of nothing", one+"/$meta-add", text(`{"resourceType":"Parameters"}`), 400),
		row("$meta-add of null", one+"/$meta-add", text(`{"resourceType":"Parameters","parameter":[null,{"name":null},{"name":"meta","valueMeta":null}]}`), 400),
		row("$meta-add with the same member twice", one+"/$meta-add", text(`{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"x"}],"tag":[{"code":"y"}]}}]}`), 400),
		row("$meta-add of a tag with NUL", one+"/$meta-add", text(`{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"a\u0000"}]}}]}`), 400),
		row("Parameters in other spelling", one+"/$meta-add", text(`{"RESOURCETYPE":"Parameters","PARAMETER":[{"name":"meta","valueMeta":{}}]}`), 400),
		row("$meta-add of "+amount(x.size(2_000, 100_000))+" tags", one+"/$meta-add", func() []byte {
			return manyMembers(`{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"a"}`, `,{"system":"urn:x","code":"`+marker+`%d"}`, x.size(2_000, 100_000), `]}}]}`)
		}, 200, 400, 413, 422), row("$meta-delete of "+amount(x.size(2_000, 100_000))+" tags", one+"/$meta-delete", func() []byte {
			return manyMembers(`{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"a"}`, `,{"system":"urn:x","code":"`+marker+`%d"}`, x.size(2_000, 100_000), `]}}]}`)
		}, 200, 400, 413),
		row("$verify-receipt of garbage", "/fhir/$verify-receipt", text(marker), 200, 400),
		row("$verify-receipt of 100,000 brackets", "/fhir/$verify-receipt", repeated("", "[", 100_000, ""), 200, 400),
		row("$verify-receipt of nothing", "/fhir/$verify-receipt", text(""), 200, 400),
		row("an unknown operation", "/fhir/Patient/$"+marker, text("{}"), 404),
		row("$everything by POST of garbage", one+"/$everything", text(marker), 400),
		row("$lastn by POST of garbage", "/fhir/Observation/$lastn", text(marker), 400),
		row("$docref by POST of garbage", "/fhir/DocumentReference/$docref", text(marker), 400),
	}
	for _, path := range []string{"Patient/" + x.patient + "/$everything?_count=-1", "Patient/" + x.patient + "/$everything?start=" + marker, "Patient/" + x.patient + "/$everything?_type=" + marker, "Patient/" + x.patient + "/$everything?_since=9999", "Observation/$lastn?max=" + strings.Repeat("9", 50) + "&patient=x&category=y", "Observation/$lastn", "DocumentReference/$docref?patient=" + marker + "%00", "DocumentReference/$docref?patient=../x", "_history?_since=" + marker, "Patient/_history?_count=0", "Patient/_history?_at=ge" + marker, "$async-status/" + marker, "$write-status/" + marker, "Patient/$receipt", "Patient/" + x.patient + "/_history/1/$receipt?x=" + marker} {
		out = append(out, attack{name: "GET " + abbreviated(strings.ReplaceAll(path, x.patient, "ID")), path: "/fhir/" + path, want: []int{200, 400, 404, 405}})
	}
	return append(out, x.asyncFlood())
}

// quietOutcome is an answer of 200 whose body is about what was sent.
func quietOutcome(r *reply) error {
	if err := cut(r); err != nil {
		return err
	}
	return r.refusal(false)
}
