package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// fake is a server that says what a test tells it to, and keeps what it was asked.
type fake struct {
	caps   string
	answer func(w http.ResponseWriter, r *http.Request, body string)

	mu   sync.Mutex
	seen []seen // guarded by mu
}

type seen struct {
	method, url, body string
	header            http.Header
}

const someCaps = `{"resourceType":"CapabilityStatement","software":{"name":"fake","version":"1"},"format":["json"],"rest":[{"mode":"server",` +
	`"resource":[{"type":"Patient","interaction":[{"code":"read"}]},{"type":"Group"}]}]}`

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if r.URL.Path == "/fhir/metadata" && r.Method == http.MethodGet {
		w.Header().Set("Content-Type", fhirJSON)
		fmt.Fprint(w, f.caps)
		return
	}
	f.mu.Lock()
	f.seen = append(f.seen, seen{r.Method, r.URL.RequestURI(), string(raw), r.Header.Clone()})
	f.mu.Unlock()
	f.answer(w, r, string(raw))
}

// patientAnswer is a read of a Patient with everything that assertions look at.
func patientAnswer(w http.ResponseWriter, _ *http.Request, _ string) {
	w.Header().Set("Content-Type", "application/fhir+json; charset=utf-8")
	w.Header().Set("ETag", `W/"3"`)
	w.Header().Add("Link", "a")
	w.Header().Add("Link", "b")
	fmt.Fprint(w, `{"resourceType":"Patient","id":"1","active":true,"name":[{"family":"A"},{"family":"B","given":["C",null],"_given":[null,{"id":"x"}]}],`+
		`"multipleBirthInteger":3,"extension":[{"url":"u","valueDecimal":1.50}]}`)
}

// script wraps tests (each a list of actions) into a TestScript.
func testScriptOf(more string, tests ...string) string {
	list := make([]string, len(tests))
	for i, actions := range tests {
		list[i] = actions
		if !strings.HasPrefix(actions, `{"name"`) {
			list[i] = fmt.Sprintf(`{"name":"test %d","description":"3.1.0.2 read: x","action":[%s]}`, i, actions)
		}
	}
	return fmt.Sprintf(`{"resourceType":"TestScript","id":"s","url":"http://example.org/s","name":"S","title":"T","status":"active"%s,"test":[%s]}`, more, strings.Join(list, ","))
}

func startFake(t *testing.T, f *fake) string {
	t.Helper()
	if f.caps == "" {
		f.caps = someCaps
	}
	if f.answer == nil {
		f.answer = patientAnswer
	}
	web := httptest.NewServer(f)
	t.Cleanup(web.Close)
	return web.URL + "/fhir"
}

// runScript runs one script against the fake.
func runScript(t *testing.T, f *fake, script string, change ...func(*Options)) *ScriptResult {
	t.Helper()
	opt := Options{Base: startFake(t, f), Scripts: fstest.MapFS{"area/script.json": {Data: []byte(script)}}}
	for _, c := range change {
		c(&opt)
	}
	report, err := Run(context.Background(), opt)
	if err != nil && !errors.Is(err, ErrFailed) {
		t.Fatal(err)
	}
	if len(report.Scripts) != 1 {
		t.Fatalf("%d scripts", len(report.Scripts))
	}
	return &report.Scripts[0]
}

const readOne = `{"operation":{"type":{"code":"read"},"resource":"Patient","params":"/1","encodeRequestUrl":true,"responseId":"r"}}`

func ours(parts string) string {
	return `"extension":[{"url":"` + ExtensionURL + `","extension":[` + parts + `]}]`
}

// Every kind of assertion holds where it should, and fails where it should.
func TestAssertions(t *testing.T) {
	fixtures := `,"contained":[{"resourceType":"Patient","id":"same","name":[{"family":"B"}],"extension":[{"url":"u","valueDecimal":1.50}]},` +
		`{"resourceType":"Patient","id":"digits","extension":[{"url":"u","valueDecimal":1.5}]},{"resourceType":"Patient","id":"order","name":[{"family":"B"},{"family":"A"}]},` +
		`{"resourceType":"Patient","id":"more","gender":"male"},{"resourceType":"Patient","id":"pairs","name":[{"given":["C",null],"_given":[null,{"id":"x"}]}]},` +
		`{"resourceType":"Patient","id":"nopairs","name":[{"given":[null]}]}],"fixture":[` +
		strings.Join(mapped([]string{"same", "digits", "order", "more", "pairs", "nopairs"}, func(s string) string {
			return fmt.Sprintf(`{"id":%q,"autocreate":false,"autodelete":false,"resource":{"reference":"#%s"}}`, s, s)
		}), ",") + `]`
	var tests []string
	cases := assertionCases()
	for _, c := range cases {
		tests = append(tests, readOne+`,{"assert":{`+c.assert+`,"warningOnly":false}}`)
	}
	got := runScript(t, &fake{}, testScriptOf(fixtures, tests...))
	for i, c := range cases {
		if r := &got.Tests[i]; (r.Outcome == Passed) != c.holds || (!c.holds && !strings.Contains(strings.Join(r.Details, ";"), c.says)) {
			t.Errorf("%s: %s %v, want %v %s", c.assert, r.Outcome, r.Details, c.holds, c.says)
		}
	}
}

func mapped(list []string, f func(string) string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f(s)
	}
	return out
}

type assertionCase struct {
	assert string
	holds  bool
	says   string
}

func assertionCases() []assertionCase {
	return []assertionCase{
		{`"response":"okay"`, true, ""},
		{`"response":"notFound"`, false, "status 200 OK, want 404"},
		{`"response":"notFound","operator":"notEquals"`, true, ""},
		{`"response":"okay","operator":"notEquals"`, false, "want not 200"},
		{`"responseCode":"200"`, true, ""},
		{`"responseCode":"201, 200","operator":"in"`, true, ""},
		{`"responseCode":"201,204","operator":"in"`, false, "want 201 or 204"},
		{`"responseCode":"200,204","operator":"notIn"`, false, "want not"},
		{`"resource":"Patient"`, true, ""},
		{`"resource":"Group"`, false, `resourceType is "Patient"`},
		{`"contentType":"json"`, true, ""},
		{`"contentType":"xml"`, false, "media type"},
		{`"headerField":"ETag","value":"W/\"3\""`, true, ""},
		{`"headerField":"ETag","value":"W/\"4\""`, false, "header ETag"},
		{`"headerField":"ETag","operator":"notEmpty"`, true, ""},
		{`"headerField":"Location","operator":"notEmpty"`, false, "header Location is empty"},
		{`"headerField":"Location","operator":"empty"`, true, ""},
		{`"headerField":"ETag","operator":"empty"`, false, "want it empty"},
		{`"headerField":"ETag","operator":"contains","value":"3"`, true, ""},
		{`"headerField":"ETag","operator":"contains","value":"4"`, false, "contains"},
		{`"headerField":"ETag","operator":"notContains","value":"3"`, false, "notContains"},
		{`"headerField":"Link","operator":"in","value":"a, b"`, true, ""},
		{`"headerField":"Link","operator":"in","value":"a"`, false, "in"},
		{`"headerField":"Link","operator":"notIn","value":"c"`, true, ""},
		{`"headerField":"Link","operator":"notIn","value":"b"`, false, "notIn"},
		{`"headerField":"Link","value":"a"`, false, "a; b"},
		{`"headerField":"Accept","direction":"request","value":"application/fhir+json"`, true, ""},
		{`"headerField":"Accept","direction":"request","value":"x"`, false, "header Accept"},
		{ours(`{"url":"regex","valueBoolean":true}`) + `,"headerField":"ETag","value":"^W/\"[0-9]+\"$"`, true, ""},
		{ours(`{"url":"regex","valueBoolean":true}`) + `,"headerField":"ETag","value":"^x"`, false, "does not match"},
		{ours(`{"url":"regex","valueBoolean":true}`) + `,"headerField":"ETag","operator":"notEquals","value":"3"`, false, "matches"},
		{ours(`{"url":"target","valueCode":"header-count"}`) + `,"headerField":"Link","value":"2"`, true, ""},
		{ours(`{"url":"target","valueCode":"header-count"}`) + `,"headerField":"Link","value":"1"`, false, "number of headers"},
		{ours(`{"url":"target","valueCode":"body"}`) + `,"operator":"contains","value":"1.50"`, true, ""},
		{ours(`{"url":"target","valueCode":"body"}`) + `,"operator":"empty"`, false, "body is"},
		{ours(`{"url":"target","valueCode":"body"}`) + `,"value":"{}"`, false, "body is"},
		{ours(`{"url":"target","valueCode":"size"}`) + `,"operator":"greaterThan","value":"100"`, true, ""},
		{ours(`{"url":"target","valueCode":"size"}`) + `,"operator":"lessThan","value":"100"`, false, "size of the body"},
		{`"expression":"active"`, true, ""},
		{`"expression":"active.not()"`, false, "want true"},
		{`"expression":"name.given"`, false, "want true"},
		{`"expression":"nothing","operator":"empty"`, true, ""},
		{`"expression":"name","operator":"empty"`, false, "want it empty"},
		{`"expression":"name[0].family","value":"A"`, true, ""},
		{`"expression":"name[0].family","value":"B"`, false, `is "A"`},
		{`"expression":"name.family","value":"A"`, false, "A; B"},
		{`"expression":"name.family","operator":"contains","value":"B"`, true, ""},
		{`"expression":"multipleBirth","operator":"greaterThan","value":"2"`, true, ""},
		{`"expression":"multipleBirth","operator":"greaterThan","value":"20"`, false, "greaterThan"},
		{`"expression":"multipleBirth","operator":"lessThan","value":"20"`, true, ""},
		{`"expression":"active","operator":"eval"`, true, ""},
		{`"expression":"id.matches('(')"`, false, "matches"},
		{`"expression":"id","compareToSourceId":"r","compareToSourceExpression":"id"`, true, ""},
		{`"expression":"id","compareToSourceId":"r","compareToSourceExpression":"name[0].family"`, false, "want"},
		{`"expression":"id","compareToSourceId":"r","compareToSourceExpression":"nothing"`, false, "0 values"},
		{`"sourceId":"same","expression":"name.family","value":"B"`, true, ""},
		{`"sourceId":"nowhere","expression":"id","value":"B"`, false, "nothing is stored"},
		{`"minimumId":"same"`, true, ""},
		{`"minimumId":"digits"`, false, "1.50, want 1.5"},
		{`"minimumId":"order"`, false, "is not there"},
		{`"minimumId":"more"`, false, "gender is missing"},
		{`"minimumId":"pairs"`, true, ""},
		{`"minimumId":"nopairs"`, false, "is not there"},
		{`"navigationLinks":true`, false, "lacks the links first, last, next"},
		{`"navigationLinks":false`, true, ""},
		{`"requestMethod":"get"`, true, ""},
		{`"requestMethod":"post"`, false, "request method"},
		{`"requestURL":"Patient/1"`, true, ""},
		{`"requestURL":"${BASE}/Patient/1"`, true, ""},
		{`"requestURL":"Patient/2"`, false, "request URL"},
		{`"headerField":"ETag","value":"${nothing}"`, false, "${nothing}"},
	}
}

func TestUsage(t *testing.T) {
	for name, opt := range map[string]Options{
		"no base": {}, "no host": {Base: "http:///fhir"}, "scheme": {Base: "ftp://x/fhir"}, "query": {Base: "http://x/fhir?a=b"},
		"area": {Base: "http://x/fhir", Areas: []string{"nowhere"}}, "concurrency": {Base: "http://x/fhir", Concurrency: -1},
	} {
		if _, err := Run(context.Background(), opt); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	base := startFake(t, &fake{caps: `{"resourceType":"Patient"}`})
	if _, err := Run(context.Background(), Options{Base: base}); !errors.Is(err, ErrFailed) {
		t.Errorf("no statement: %v", err)
	}
}

// The scripts of the suite can be loaded, and every test says what it checks.
func TestSuite(t *testing.T) {
	list, err := load(Scripts(), nil)
	if err != nil {
		t.Fatal(err)
	}
	names, tests := map[string]bool{}, 0
	for _, s := range list {
		own := map[string]bool{}
		if names[s.doc.Name] || names[s.doc.URL] {
			t.Errorf("%s/%s: a name twice", s.area, s.file)
		}
		names[s.doc.Name], names[s.doc.URL] = true, true
		for _, test := range s.doc.Test {
			tests++
			asserts := 0
			for _, a := range test.Action {
				if a.Assert != nil && !*a.Assert.WarningOnly {
					asserts++
				}
			}
			if own[test.Name] || asserts == 0 || !strings.Contains(test.Description, ": ") || !strings.HasPrefix(test.spec, "http://hl7.org/fhir/R4/") {
				t.Errorf("%s/%s: %s: twice, or without assertion, section or link", s.area, s.file, test.Name)
			}
			own[test.Name] = true
		}
	}
	if tests < 350 {
		t.Errorf("%d tests", tests)
	}
	if !json.Valid([]byte(someCaps)) {
		t.Error("the fake's statement")
	}
}
