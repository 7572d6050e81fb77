package e2e

import (
	"fmt"
	"strings"
)

// text makes a body of a string.
func text(s string) func() []byte { return func() []byte { return []byte(s) } }

// repeated makes a body of a part that comes n times.
func repeated(before, part string, n int, after string) func() []byte {
	return func() []byte { return []byte(before + strings.Repeat(part, n) + after) }
}

// nested makes a body of n brackets around something.
func nested(before, open, within, shut string, n int, after string) func() []byte {
	return func() []byte {
		return []byte(before + strings.Repeat(open, n) + within + strings.Repeat(shut, n) + after)
	}
}

// deep are the nestings that are tried: just beyond the limit, and far beyond.
var deep = []int{65, 1_000, 100_000}

// nestingAttacks: the limit is 64 levels of objects and arrays.
func nestingAttacks(x *siege) []attack {
	patch := "/fhir/Patient/" + x.patient
	out := []attack{
		{
			name: "63 levels of extensions: not an attack", path: "/fhir/Patient", want: []int{201},
			body: nested(`{"resourceType":"Patient"`, `,"extension":[{"url":"http://example.org/x"`, `,"valueBoolean":true`, `}]`, 31, `}`),
		},
		{
			name: "65 levels of extensions", path: "/fhir/Patient", want: []int{400},
			body: nested(`{"resourceType":"Patient"`, `,"extension":[{"url":"http://example.org/x"`, `,"valueBoolean":true`, `}]`, 32, `}`),
		},
		{name: amount(x.size(1_000_000, 5_000_000)) + " brackets, never closed", path: "/fhir/Patient", want: []int{400}, body: repeated("", "[", x.size(1_000_000, 5_000_000), "")},
		{name: "100,000 objects, never closed", path: "/fhir/Patient", want: []int{400}, body: repeated("", `{"a":`, 100_000, "")},
	}
	for _, n := range deep {
		for _, form := range []attack{
			{name: "arrays", path: "/fhir/Patient", want: []int{400}, body: nested(`{"resourceType":"Patient","name":`, "[", "", "]", n, `}`)},
			{name: "objects", path: "/fhir/Patient", want: []int{400}, body: nested(`{"resourceType":"Patient","name":`, `{"name":`, "1", "}", n, `}`)},
			{name: "contained", path: "/fhir/Patient", want: []int{400}, body: nested(`{"resourceType":"Patient"`, `,"contained":[{"resourceType":"Patient"`, "", "}]", n/2+1, `}`)},
			{name: "extensions", path: "/fhir/Patient", want: []int{400}, body: nested(`{"resourceType":"Patient"`, `,"extension":[{"url":"urn:x"`, "", "}]", n/2+1, `}`)},
			{name: "Questionnaire items", path: "/fhir/Questionnaire", want: []int{400}, body: nested(`{"resourceType":"Questionnaire","status":"draft"`, `,"item":[{"linkId":"1","type":"group"`, "", "}]", n/2+1, `}`)},
			{name: "parts of Parameters", path: "/fhir/Patient/" + x.patient + "/$meta-add", want: []int{400}, body: nested(`{"resourceType":"Parameters","parameter":[{"name":"meta"`, `,"part":[{"name":"x"`, "", "}]", n/2+1, `}]}`)},
			{name: "an entry of a batch", path: "/fhir", want: []int{400}, body: nested(`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"`, `,"extension":[{"url":"urn:x"`, "", "}]", n/2+1, `}}]}`)},
			{
				name:   "a value in a JSON Patch",
				method: "PATCH",
				path:   patch,
				want:   []int{400, 413, 422},
				fields: []string{"Content-Type: application/json-patch+json"},
				body:   nested(`[{"op":"add","path":"/extension","value":`, `[{"url":"urn:x","extension":`, "[]", "}]", n/2+1, `}]`),
			},
			{
				name: "a value in a FHIRPath Patch", method: "PATCH", path: patch, want: []int{400, 413, 422},
				body: nested(`{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient"},{"name":"name","valueString":"extension"},{"name":"value"`,
					`,"part":[{"name":"extension"`, `,"valueBoolean":true`, "}]", n/2+1, `}]}]}`),
			},
		} {
			form.name = fmt.Sprintf("%s, %d levels", form.name, n)
			out = append(out, form)
		}
	}
	return out
}

// patient wraps members of a Patient.
func patient(members string) func() []byte { return text(`{"resourceType":"Patient",` + members + `}`) }

// broken are bodies of POST Patient that get 400.
func broken(name string, body func() []byte) attack {
	return attack{name: name, path: "/fhir/Patient", body: body, want: []int{400}}
}

// accepted are bodies that are legal, however odd.
func accepted(name, typ string, body func() []byte) attack {
	return attack{name: name, path: "/fhir/" + typ, body: body, want: []int{201}}
}

// jsonAttacks are about members, numbers, strings and sheer amounts (R4 json.html, datatypes.html).
func jsonAttacks(x *siege) []attack {
	million := x.size(200_000, 1_000_000)
	return append(numberAttacks(x), []attack{
		broken("the same member twice", patient(`"active":true,"active":false`)),
		broken("the same member twice, one escaped", patient(`"active":true,"a\u0063tive":false`)),
		broken("resourceType twice", text(`{"resourceType":"Patient","active":true,"resourceType":"Observation"}`)),
		broken("the same member twice, deep within", patient(`"name":[{"family":"`+marker+`","family":"x"}]`)),
		broken("100,000 times the same member", repeated(`{"resourceType":"Patient"`, `,"active":true`, 100_000, `}`)),
		{name: amount(million/2) + " unknown members", path: "/fhir/Patient", want: []int{400}, body: func() []byte {
			return manyMembers(`{"resourceType":"Patient"`, `,"`+marker+`%d":1`, million/2, `}`)
		}},
		broken("a member named in 1 MB", patient(`"`+strings.Repeat(marker, 100_000)+`":1`)),
		broken("other spelling of a member", patient(`"Active":true`)),
		broken("__proto__ and constructor", patient(`"__proto__":{"active":true},"constructor":1`)),
		broken("a string of 10 MB", repeated(`{"resourceType":"Patient","name":[{"family":"`, marker, 1_000_000, `"}]}`)),
		accepted("a string of 1,000,000 characters", "Patient", repeated(`{"resourceType":"Patient","name":[{"family":"`, "x", 1_000_000, `"}]}`)),
		accepted("a string of 300,000 escapes", "Patient", repeated(`{"resourceType":"Patient","name":[{"family":"`, `\u00e9`, 300_000, `"}]}`)),
		accepted(fmt.Sprintf("base64 of %d MB", x.size(1, 15))+"", "Binary", repeated(`{"resourceType":"Binary","contentType":"application/octet-stream","data":"`, "AAAA", x.size(1, 15)<<18, `"}`)),
		broken(fmt.Sprintf("base64 of %d MB", x.size(1, 15))+" that ends amiss", repeated(`{"resourceType":"Binary","contentType":"application/octet-stream","data":"`, "AAAA", x.size(1, 15)<<18, `A"}`)),
		broken("an array of "+amount(million)+" numbers", repeated(`{"resourceType":"Patient","name":[0`, ",0", million, `]}`)),
		broken("an array of "+amount(million)+" nulls", repeated(`{"resourceType":"Patient","name":[{"given":[null`, ",null", million, `]}]}`)),
		broken(amount(million)+" empty objects", repeated(`{"resourceType":"Patient","name":[{}`, ",{}", million, `]}`)),
		{
			name: amount(million) + " given names", path: "/fhir/Patient", want: []int{422}, // more values than are indexed
			peak: 384, // the parsed names alone
			body: repeated(`{"resourceType":"Patient","name":[{"given":["x"`, `,"x"`, million, `]}]}`),
		},
		{
			name: "100,000 issues in one resource", path: "/fhir/Patient", want: []int{400}, ok: cut,
			body: repeated(`{"resourceType":"Patient","name":[{"use":"x"}`, `,{"use":"`+marker+`"}`, 100_000, `]}`),
		},
		{name: amount(x.size(10_000, 100_000)) + " different identifiers, all indexed", path: "/fhir/Patient", want: []int{201, 400, 413, 422}, body: func() []byte {
			return manyMembers(`{"resourceType":"Patient","identifier":[{"value":"x"}`, `,{"system":"urn:`+marker+`","value":"%d"}`, x.size(10_000, 100_000), `]}`)
		}},
		{name: "not an object", path: "/fhir/Patient", want: []int{400}, body: text(`"` + marker + `"`)},
		{name: "an empty body", path: "/fhir/Patient", want: []int{400}, body: text(``)},
		{name: "null", path: "/fhir/Patient", want: []int{400}, body: text(`null`)},
	}...)
}

// cut: of very many issues the first hundred are told.
func cut(r *reply) error {
	if n := strings.Count(string(r.body), `"severity"`); n < 50 {
		return fmt.Errorf("only %d issues", n)
	}
	return nil
}

// amount writes a number for a name.
func amount(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func manyMembers(before, each string, n int, after string) []byte {
	b := []byte(before)
	for i := range n {
		b = fmt.Appendf(b, each, i)
	}
	return append(b, after...)
}

// numberAttacks: a decimal keeps its digits (R4 datatypes.html#decimal), whatever they stand for; nothing may spell
// one out.
func numberAttacks(x *siege) []attack {
	var out []attack
	extension := func(name, value string) func() []byte {
		return patient(`"extension":[{"url":"urn:x","value` + name + `":` + value + `}]`)
	}
	for _, bad := range []string{"01", "+1", ".5", "1.", "0x10", "NaN", "-Infinity", "1e", "1e+", "--1", "1_000", `"1"`, "1,5"} {
		out = append(out, broken("decimal "+bad, extension("Decimal", bad)))
	}
	for _, bad := range []string{"2147483648", "-2147483649", "1e2", "1.0", "1e999999999", "-0.5"} {
		out = append(out, broken("integer "+bad, extension("Integer", bad)))
	}
	for _, odd := range []string{"1e-400", "-0", "0e999999999"} {
		out = append(out, attack{name: "decimal " + odd, path: "/fhir/Patient", want: []int{201, 400}, body: extension("Decimal", odd)})
	}
	observation := func(value string) func() []byte {
		return text(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":` + value + `,"system":"http://unitsofmeasure.org","code":"kg"}}`)
	}
	for _, huge := range []string{"1e999999999", "-1e999999999", "1e-999999999", "9e99999999999999999999"} {
		out = append(out,
			attack{name: "an indexed quantity of " + huge, path: "/fhir/Observation", want: []int{201, 400}, body: observation(huge)},
			attack{name: "a search for the quantity " + huge, path: "/fhir/Observation?value-quantity=lt" + huge + "||kg", want: []int{200, 400}})
	}
	digits := strings.Repeat("7", x.size(100_000, 1_000_000))
	return append(out,
		attack{name: "an indexed quantity of " + amount(len(digits)) + " digits", path: "/fhir/Observation", want: []int{201, 400}, body: observation(digits)},
		attack{name: "an indexed quantity of " + amount(len(digits)) + " decimals", path: "/fhir/Observation", want: []int{201, 400}, body: observation("0." + digits)},
		attack{name: "a search for a quantity of 30,000 digits", path: "/fhir/Observation?value-quantity=" + digits[:30_000], want: []int{200, 400}},
		broken("an integer of "+amount(len(digits))+" digits", extension("Integer", digits)),
		broken("a date of "+amount(len(digits))+" digits", patient(`"birthDate":"`+digits+`"`)),
		broken("an instant in the year 99999", patient(`"meta":{"lastUpdated":"99999-01-01T00:00:00Z"}`)),
	)
}
