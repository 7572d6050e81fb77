package patch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/chartseal/chartseal/fhir/patch"
)

// checkOutcome is what holds of any document and patch.
func checkOutcome(t *testing.T, doc, got []byte, err error, took time.Duration) {
	if took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	var e *patch.Error
	switch {
	case err == nil:
		if !json.Valid(got) {
			t.Errorf("not JSON: %q", got)
		}
		if compact := compact(t, got); !bytes.Equal(compact, got) {
			t.Errorf("white space in %q", got)
		}
	case errors.As(err, &e):
		if got != nil || e.Kind.String() == "unknown" || e.Msg == "" || e.Op < -1 {
			t.Errorf("error %#v with %q", e, got)
		}
	case json.Valid(doc) && bytes.HasPrefix(doc, []byte(`{"resourceType":"Patient"`)) && !bytes.Contains(doc[1:], []byte("resourceType")):
		t.Logf("refused document: %v", err) // a member twice, half a surrogate pair
	}
}

func FuzzJSONPatch(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"foo":["bar","baz"]}`, `[{"op":"add","path":"/foo/1","value":"qux"}]`},
		{`{"foo":{"bar":1.50,"waldo":"\u00e9"},"qux":{}}`, `[{"op":"move","from":"/foo/waldo","path":"/qux/thud"},{"op":"remove","path":"/foo/bar"}]`},
		{`{"a":{"b":[1,2]}}`, `[{"op":"copy","from":"","path":"/a/b/-"},{"op":"test","path":"/a/b/0","value":1.0}]`},
		{`{"given":["a",null],"_given":[null,{"id":"x"}]}`, `[{"op":"remove","path":"/_given/1/id"},{"op":"replace","path":"/given/0","value":null}]`},
		{`{"/":9,"~1":10}`, `[{"op":"test","path":"/~01","value":10e0}]`},
		{`{}`, `[{"op":"add","path":"","value":[[[]]]},{"op":"add","path":"/0/0/-","value":{"":""}}]`},
		{`{"a":1}`, `[{"op":"add","op":"remove","path":"/a"}]`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, doc, text []byte) {
		start := time.Now()
		got, err := patch.JSON(doc, text)
		checkOutcome(t, doc, got, err, time.Since(start))
	})
}

// FuzzFHIRPathPatch puts one operation together, with further parts as text.
func FuzzFHIRPathPatch(f *testing.F) {
	doc := string(patient(`"contained":[{"resourceType":"Organization","id":"o"}],"name":[{"given":["a","b"],"_given":[null,{"id":"2"}]}],"birthDate":"2020","deceasedBoolean":true,"contact":[{"gender":"male"}]`))
	for _, seed := range [][3]string{
		{"add", "Patient", name("active") + "},{" + value("Boolean", "true")},
		{"add", "Patient.contact[0]", name("name") + `},{"name":"value","part":[{"name":"family","valueString":"x"}]`},
		{"add", "Patient.birthDate", name("extension") + "},{" + value("Extension", `{"url":"u","valueCode":"x"}`)},
		{"insert", "Patient.name.given", integer("index", 1) + "},{" + value("String", `"c"`)},
		{"replace", "Patient.deceased.ofType(boolean)", value("DateTime", `"2020"`)},
		{"move", "Patient.name.given", integer("source", 1) + "},{" + integer("destination", 0)},
		{"delete", "Patient.name.where(given contains 'a' or $index = 0 and period.start < @2020-01-01T10:00+02:00).given[0]", `"name":"x","valueCode":"y"`},
		{"delete", "Patient.name.given.where($this.startsWith('b') implies id = 'x' xor %resource.active)", ""},
		{"delete", "Patient.contained.where($this is FHIR.Organization).extension('u').value.as(Quantity).value", ""},
		{"delete", "Patient.name.given.skip(1).take(-1).single().first().exists(true = {}).not()", ""},
	} {
		f.Add([]byte(doc), seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, doc []byte, typ, path, parts string) {
		quoted, _ := json.Marshal([]string{typ, path})
		both := bytes.SplitN(quoted[1:len(quoted)-1], []byte(`","`), 2)
		text := `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":` + string(both[0]) + `"},{"name":"path","valueString":"` + string(both[1]) + `}`
		if parts != "" {
			text += `,{` + parts + `}`
		}
		start := time.Now()
		got, err := patch.FHIRPath(doc, []byte(text+`]}]}`))
		checkOutcome(t, doc, got, err, time.Since(start))
	})
}
