package fhir

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const subsettedMember = `"meta":{"tag":[` + subsettedTag + `]},`

// viewOf gives a view of a resource that Parse must accept.
func viewOf(t *testing.T, summary, elements, in string) string {
	t.Helper()
	r := parseJSON(t, in)
	v, err := ParseView(r.Type, summary, []string{elements})
	if err != nil {
		t.Fatal(err)
	}
	out := string(v.Append([]byte("before "), r.Type, r.JSON))
	if !strings.HasPrefix(out, "before ") {
		t.Fatalf("what was there is gone: %s", out)
	}
	return out[len("before "):]
}

const viewPatient = `{"resourceType":"Patient","id":"a","language":"en",` +
	`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},` +
	`"extension":[{"url":"http://x.org/e","valueCode":"x"}],"modifierExtension":[{"url":"http://x.org/m","valueCode":"x"}],` +
	`"active":true,"_active":{"id":"q"},"name":[{"id":"n","family":"\u0041","_family":{"extension":[{"url":"http://x.org/f","valueCode":"y"}]}}],` +
	`"birthDate":"2000-01-01","_birthDate":{"id":"b"},"deceasedBoolean":false,"photo":[{"contentType":"a/b","data":"AAAA"}],` +
	`"contact":[{"gender":"male"}],"link":[{"id":"l","extension":[{"url":"http://x.org/l","valueCode":"z"}],"other":{"reference":"Patient/2"},"type":"seealso"}]}`

// A part of viewPatient by its member.
func patientPart(name string) string {
	at := strings.Index(viewPatient, `"`+name+`":`)
	l := newLexer([]byte(viewPatient))
	l.pos = at + len(name) + 3
	l.skip()
	return viewPatient[at:l.pos] + ","
}

func TestView(t *testing.T) {
	head := `{"resourceType":"Patient","id":"a",` + subsettedMember
	text, active := patientPart("text"), patientPart("active")+patientPart("_active")
	birth := patientPart("birthDate") + patientPart("_birthDate")
	modifier, deceased, link := patientPart("modifierExtension"), patientPart("deceasedBoolean"), patientPart("link")
	cases := []struct{ name, summary, elements, in, want string }{
		{"false is the whole (3.1.1.5.8)", "false", "", viewPatient, viewPatient},
		{"count does not apply to one resource (3.1.1.5.8)", "count", "", viewPatient, viewPatient},
		{
			// Extensions of a data type are of the data type; those of the resource and of link are not marked.
			"true: isSummary, and modifiers that should be (ElementDefinition.isSummary)", "true", "", viewPatient,
			head + modifier + active + patientPart("name") + birth + deceased +
				`"link":[{"id":"l","other":{"reference":"Patient/2"},"type":"seealso"}]}`,
		},
		{"text: text, id, meta, mandatory (3.1.1.5.8)", "text", "", viewPatient, head + strings.TrimSuffix(text, ",") + `}`},
		{
			"data: all but text (3.1.1.5.8)", "data", "", viewPatient,
			strings.Replace(strings.Replace(viewPatient, text, "", 1), `"id":"a",`, `"id":"a",`+subsettedMember, 1),
		},
		{
			"elements, and modifiers (3.1.1.5.9)", "", "birthDate", viewPatient,
			head + modifier + active + birth + deceased + strings.TrimSuffix(link, ",") + `}`,
		},
		{
			"elements: of another type, spaces, empty names", "false", " Patient.photo , ,Observation.status,", viewPatient,
			head + modifier + active + deceased + patientPart("photo") + strings.TrimSuffix(link, ",") + `}`,
		},
		{
			"elements: below the root means the root", "", "name.family,contact.name", viewPatient,
			head + modifier + active + patientPart("name") + deceased + patientPart("contact") + strings.TrimSuffix(link, ",") + `}`,
		},
		{
			"a choice by its name (formats.html#choice)", "", "value", `{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueString":"v","_valueString":{"id":"q"}}`,
			`{"resourceType":"Observation",` + subsettedMember + `"status":"final","code":{"text":"c"},"valueString":"v","_valueString":{"id":"q"}}`,
		},
		{
			"a choice by its definition", "", "value[x]", `{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueString":"v"}`,
			`{"resourceType":"Observation",` + subsettedMember + `"status":"final","code":{"text":"c"},"valueString":"v"}`,
		},
		{
			"a choice of one type", "", "Observation.valueQuantity", `{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueString":"v"}`,
			`{"resourceType":"Observation",` + subsettedMember + `"status":"final","code":{"text":"c"}}`,
		},
		{
			"a choice of the type it has", "", "Observation.valueString", `{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueString":"v"}`,
			`{"resourceType":"Observation",` + subsettedMember + `"status":"final","code":{"text":"c"},"valueString":"v"}`,
		},
		{
			"the id goes with its extensions, text may end in backslashes", "text", "", `{"resourceType":"Basic","id":"a","_id":{"id":"i"},"author":{"display":"\\\\"},"code":{"text":"\\"}}`,
			`{"resourceType":"Basic","id":"a","_id":{"id":"i"},` + subsettedMember + `"code":{"text":"\\"}}`,
		},
		{
			"true: extensions of data types stay whole", "true", "",
			`{"resourceType":"Media","status":"completed","content":{"extension":[{"url":"http://x.org/e","valueAttachment":{"data":"AAAA"}}],"data":"AAAA"}}`,
			`{"resourceType":"Media",` + subsettedMember + `"status":"completed","content":{"extension":[{"url":"http://x.org/e","valueAttachment":{"data":"AAAA"}}]}}`,
		},
		{
			"true: no Attachment.data (ElementDefinition.isSummary), but nothing mandatory gets lost", "true", "",
			`{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"contentType":"a/b","data":"AAAA","_data":{"id":"d"}}},{"attachment":{"data":"BBBB"}}]}`,
			`{"resourceType":"DocumentReference",` + subsettedMember + `"status":"current","content":[{"attachment":{"contentType":"a/b"}},{"attachment":{"data":"BBBB"}}]}`,
		},
		{
			"true: marked, but nothing in it is", "true", "",
			`{"resourceType":"EffectEvidenceSynthesis","status":"draft","population":{"display":"d"},"exposure":{"display":"d"},"exposureAlternative":{"display":"d"},"outcome":{"display":"d"},"effectEstimate":[{"description":"d"}]}`,
			`{"resourceType":"EffectEvidenceSynthesis",` + subsettedMember + `"status":"draft","population":{"display":"d"},"exposure":{"display":"d"},"exposureAlternative":{"display":"d"},"outcome":{"display":"d"},"effectEstimate":[{"description":"d"}]}`,
		},
		{
			"true: what is empty goes (json.html)", "true", "",
			`{"resourceType":"Composition","status":"final","type":{"text":"t"},"date":"2020","author":[{"display":"a"}],"title":"t","event":[{"id":"e"  ,"extension":[{"url":"http://x.org/e","valueCode":"x"}]}]}`,
			`{"resourceType":"Composition",` + subsettedMember + `"status":"final","type":{"text":"t"},"date":"2020","author":[{"display":"a"}],"title":"t"}`,
		},
		{
			"true: a recursive definition", "true", "",
			`{"resourceType":"StructureMap","url":"http://x.org/m","name":"N","status":"draft","group":[{"name":"g","typeMode":"none","input":[{"name":"i","mode":"source"}],"rule":[{"name":"r","source":[{"context":"c"}],"rule":[{"name":"s","source":[{"context":"d"}],"extension":[{"url":"http://x.org/e","valueCode":"x"}]}]}]}]}`,
			`{"resourceType":"StructureMap",` + subsettedMember + `"url":"http://x.org/m","name":"N","status":"draft","group":[{"name":"g","typeMode":"none","input":[{"name":"i","mode":"source"}],"rule":[{"name":"r","source":[{"context":"c"}],"rule":[{"name":"s","source":[{"context":"d"}]}]}]}]}`,
		},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, viewOf(t, c.summary, c.elements, c.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestParseViewRefuses(t *testing.T) {
	for _, c := range []struct {
		typ, summary, elements, want string
	}{
		{"Patient", "yes", "", "_summary must be true, text, data, count or false"},
		{"Patient", "True", "", "_summary must be true, text, data, count or false"},
		{"Patient", "true", "name", "_summary and _elements cannot be combined"},
		{"Patient", "count", "name", "_summary and _elements cannot be combined"},
		{"Patient", "", "name,secret", "_elements: name 2 is not an element of Patient"},
		{"Patient", "", "Name", "_elements: name 1 is not an element of Patient"},
		{"Patient", "", "Patient", "_elements: name 1 is not an element of Patient"},
		{"Patient", "", "name.secret", "_elements: name 1 is not an element of Patient"},
		{"Patient", "", "_birthDate", "_elements: name 1 is not an element of Patient"},
		{"Patient", "", "Observation.name", "_elements: name 1 is not an element of Observation"},
		{"", "", "valueQuantity,secret", "_elements: name 2 is not an element of a resource type"},
		{"", "", "identifier" + strings.Repeat(".assigner.identifier", 8), "_elements: name 1 is not an element of a resource type"},
		{"", "", strings.Repeat("name,", 1001), "_elements has more than 1000 names"},
	} {
		v, err := ParseView(c.typ, c.summary, []string{c.elements})
		if err == nil || err.Error() != c.want {
			t.Errorf("%+v: got error %v", c, err)
		}
		if !v.Whole() {
			t.Errorf("%+v: a view with an error", c)
		}
	}
}

func TestParseView(t *testing.T) {
	for _, c := range []struct {
		typ, summary, elements string
		whole, count, text     bool
	}{
		{"Patient", "", "", true, false, false},
		{"Patient", "false", " ,,", true, false, false},
		{"Patient", "count", "", false, true, false},
		{"Patient", "text", "", false, false, true},
		{"Patient", "data", "", false, false, false},
		{"Patient", "false", "name", false, false, false},
		{"", "", "valueQuantity,name,Patient.id,meta,resourceType,extension,identifier.assigner.identifier.value", false, false, false},
	} {
		v, err := ParseView(c.typ, c.summary, []string{c.elements})
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if v.Whole() != c.whole || v.Count() != c.count || v.Text() != c.text {
			t.Errorf("%+v: got %t, %t, %t", c, v.Whole(), v.Count(), v.Text())
		}
	}
}

// TestViewOfOtherText gives back what is not the text of an accepted resource, whatever it is.
func TestViewOfOtherText(t *testing.T) {
	for _, in := range []string{
		``, `[]`, `{`, `{}x`, `{"a"`, `{"resourceType":"Patient"`, `{"resourceType":"Patient","name":[`, `{"resourceType":"Patient","name":"`,
		`{"resourceType":"Patient","link":[{"other":{`, `{"resourceType":"Patient","meta":`, `{"resourceType":"Patient","meta":{"tag":[`,
		`{"resourceType":"Patient","meta":{"tag":[{"code":"a]}}`, `{"resourceType":"Patient","id`, `{"resourceType":"Patient","id"`, `{"resourceType":"Patient","id":`,
	} {
		for _, summary := range []string{"true", "data"} {
			v, err := ParseView("Patient", summary, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := v.Append(nil, "Patient", []byte(in)); string(got) != in && in != `{}x` {
				t.Errorf("%s of %s gives %s", summary, in, got)
			}
		}
	}
	v, err := ParseView("", "true", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range viewPatient {
		part := []byte(viewPatient[:i])
		if got := v.Append(nil, "Patient", part[:i:i]); string(got) != viewPatient[:i] {
			t.Errorf("%d bytes of a resource give %s", i, got)
		}
	}
	if got := v.Append(nil, "Nothing", []byte(`{"resourceType":"Nothing"}`)); string(got) != `{"resourceType":"Nothing"}` {
		t.Errorf("an unknown type gives %s", got)
	}
}

func TestLoadViewsRefuses(t *testing.T) {
	for _, packed := range [][]byte{nil, []byte("x"), summaryGzip[:100], definitionsGzip[:20]} {
		if _, err := loadViews(packed); err == nil {
			t.Errorf("%d bytes are accepted", len(packed))
		}
	}
	if _, err := loadViews(gzipped(t, `{"elements":{"Patient":"nme:s"}}`)); err == nil || err.Error() != "no element Patient.nme" {
		t.Errorf("an unknown element gives %v", err)
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	if _, err := zw.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestViewAllocations: one allocation, the view itself.
func TestViewAllocations(t *testing.T) {
	v, err := ParseView("Patient", "true", nil)
	if err != nil {
		t.Fatal(err)
	}
	json := []byte(viewPatient)
	if n := testing.AllocsPerRun(100, func() { v.Append(nil, "Patient", json) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
