package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func requiring(expr string) string { return ours(`{"url":"requires","valueString":"` + expr + `"}`) }

// named makes a test with an extension.
func named(name, extension, actions string) string {
	return fmt.Sprintf(`{"name":%q,"description":"3.1.0.2 read: x",%s,"action":[%s]}`, name, extension, actions)
}

func outcomes(r *ScriptResult) []string {
	var out []string
	for _, t := range r.Tests {
		out = append(out, fmt.Sprintf("%s %s %v", t.Name, t.Outcome, t.Details))
	}
	return out
}

// A test of what is not advertised, or of what does not apply, is skipped.
func TestSkips(t *testing.T) {
	ok := readOne + `,{"assert":{"response":"okay","warningOnly":false}}`
	f := &fake{}
	got := outcomes(runScript(t, f, testScriptOf("",
		named("there", requiring("rest.resource.where(type='Patient').exists()"), ok),
		named("not there", requiring("rest.resource.where(type='Basic').exists()"), ok),
		named("no boolean", requiring("rest.resource"), ok),
		named("broken", requiring("rest.resource.matches('(')"), ok),
		`{"name":"assumed","description":"s: x","action":[`+readOne+`,{"assert":{"response":"created","warningOnly":false,`+ours(`{"url":"assume","valueBoolean":true}`)+`}},`+readOne+`]}`,
		`{"name":"warned","description":"s: x","action":[`+readOne+`,{"assert":{"response":"created","warningOnly":true}}]}`,
	)))
	want := []string{
		"there passed []", "not there skipped [not advertised: rest.resource.where(type='Basic').exists()]", "no boolean skipped [not advertised: rest.resource]",
		"broken failed [rest.resource.matches('(')", "assumed skipped [not applicable: status 200 OK, want 201]", "warned passed []",
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%s\nwant %s", got[i], want[i])
		}
	}
	if len(f.seen) != 3 {
		t.Errorf("%d requests", len(f.seen))
	}
}

func TestScriptRequirements(t *testing.T) {
	capability := `,"metadata":{"capability":[{"required":true,"validated":false,"capabilities":"http://hl7.org/fhir/CapabilityStatement/base",` +
		requiring("rest.resource.where(type='Basic').exists()") + `}]}`
	f := &fake{}
	r := runScript(t, f, testScriptOf(capability, readOne))
	if r.Tests[0].Outcome != Skipped || len(f.seen) != 0 {
		t.Error(outcomes(r), len(f.seen))
	}
}

// A setup that fails fails the tests; one whose assumption does not hold skips them.
func TestSetup(t *testing.T) {
	setup := func(more string) string {
		return `,"setup":{"action":[` + readOne + `,{"assert":{"response":"created","warningOnly":false` + more + `}}]},"teardown":{"action":[` + readOne + `]}`
	}
	f := &fake{}
	r := runScript(t, f, testScriptOf(setup(""), readOne))
	if diff := cmp.Diff([]string{"test 0 failed [setup: status 200 OK, want 201]"}, outcomes(r)); diff != "" || len(f.seen) != 2 || len(r.SetupExchanges) != 1 {
		t.Error(diff, len(f.seen))
	}
	r = runScript(t, &fake{}, testScriptOf(setup(","+ours(`{"url":"assume","valueBoolean":true}`)), readOne))
	if r.Tests[0].Outcome != Skipped {
		t.Error(outcomes(r))
	}
}

// After a failed assertion the others on the same answer still count; the next operation is not sent.
func TestFailureEndsTest(t *testing.T) {
	bad := func(more string) string { return `{"assert":{"response":"created","warningOnly":false` + more + `}}` }
	f := &fake{}
	r := runScript(t, f, testScriptOf("", readOne+","+bad("")+`,{"assert":{"resource":"Group","warningOnly":false}},`+readOne+`,{"assert":{"response":"okay","warningOnly":false}}`,
		readOne+","+bad(","+ours(`{"url":"stopTestOnFail","valueBoolean":true}`))+`,{"assert":{"resource":"Group","warningOnly":false}}`))
	if len(r.Tests[0].Details) != 2 || len(r.Tests[1].Details) != 1 || len(f.seen) != 2 {
		t.Error(outcomes(r), len(f.seen))
	}
	var results []string
	for _, a := range r.Tests[0].Actions {
		results = append(results, a.Result)
	}
	if diff := cmp.Diff([]string{"pass", "fail", "fail", "skip", "skip"}, results); diff != "" {
		t.Error(diff)
	}
}

func TestForEach(t *testing.T) {
	each := func(name, in string) string {
		return `{"url":"forEach","extension":[{"url":"name","valueString":"` + name + `"},{"url":"in","valueString":"` + in + `"}]}`
	}
	read := `{"operation":{"url":"${type}/1","encodeRequestUrl":true}},{"assert":{"expression":"'${type}'","value":"Patient","warningOnly":false}}`
	r := runScript(t, &fake{}, testScriptOf("",
		named("types", ours(each("type", "rest.resource.type")), read),
		named("none", ours(each("type", "rest.resource.where(type='Basic').type")), read),
		named("nested", ours(each("type", "rest.resource.type")+","+each("code", "rest.resource.where(type='${type}').interaction.code")),
			`{"operation":{"url":"${type}/${code}","encodeRequestUrl":true}},{"assert":{"requestURL":"Patient/read","warningOnly":false}}`),
	))
	want := []string{`types failed [type Group: 'Group' is "Group", want equals "Patient"]`, "none skipped [the server advertises nothing of this kind]", "nested passed []"}
	if diff := cmp.Diff(want, outcomes(r)); diff != "" {
		t.Error(diff)
	}
}

func TestAutocreate(t *testing.T) {
	more := `,"contained":[{"resourceType":"Patient","id":"p","active":true}],"fixture":[{"id":"p","autocreate":true,"autodelete":true,"resource":{"reference":"#p"}}]`
	f := &fake{answer: creating}
	r := runScript(t, f, testScriptOf(more, `{"operation":{"type":{"code":"read"},"targetId":"p","encodeRequestUrl":true}}`))
	var got []string
	for _, s := range f.seen {
		got = append(got, s.method+" "+s.url)
	}
	if diff := cmp.Diff([]string{"POST /fhir/Patient", "GET /fhir/Patient/new", "DELETE /fhir/Patient/new"}, got); diff != "" || r.Tests[0].Outcome != Passed {
		t.Error(diff, outcomes(r))
	}
	f = &fake{answer: func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusTeapot) }}
	if r = runScript(t, f, testScriptOf(more, readOne)); !strings.Contains(outcomes(r)[0], "autocreate p: status 418") {
		t.Error(outcomes(r))
	}
}

func TestStopOnFailure(t *testing.T) {
	bad := testScriptOf("", readOne+`,{"assert":{"response":"created","warningOnly":false}}`, readOne)
	files := fstest.MapFS{}
	for i := range 20 {
		files[fmt.Sprintf("area/s%02d.json", i)] = &fstest.MapFile{Data: []byte(bad)}
	}
	var told int
	report, err := Run(context.Background(), Options{
		Base: startFake(t, &fake{}), Scripts: files, Concurrency: 1, StopOnFailure: true, Progress: func(string, int) { told++ },
	})
	if !errors.Is(err, ErrFailed) || report.Count() != (Counts{Failed: 1}) || told != 1 {
		t.Error(err, report.Count(), told)
	}
	report, err = Run(context.Background(), Options{Base: startFake(t, &fake{}), Scripts: files})
	if !errors.Is(err, ErrFailed) || report.Count() != (Counts{Failed: 20, Passed: 20}) {
		t.Error(err, report.Count())
	}
}
