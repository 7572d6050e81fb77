package conformance

import (
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// someReport has one test of each outcome, and text that every format has to escape.
func someReport() *Report {
	at := time.Date(2026, 3, 4, 15, 16, 17, 0, time.UTC)
	x := Exchange{
		Label: "l", Method: "POST", URL: "http://fhir.example/r4/Patient/4f5ad72c-0c55-4f2b-8f7b-1f5f0f3f6a01?_id=abc&x=a%7C5f0c8d0e-1c2d-12-x&y=ST5XTHR7WJS3NB67DIYXROZZKU",
		RequestHeader: []Header{{"Accept", fhirJSON}, {"Authorization", "[credentials]"}}, RequestBody: `{"id": "p-1", "div": "<b>&</b>"}`, Status: 400,
		ResponseHeader: []Header{{"Date", "Wed, 04 Mar 2026 15:16:17 GMT"}, {"X-Request-Id", "R1"}, {"Location", "http://fhir.example/r4/Patient/abcdefghijklmnop"}},
		ResponseBody:   `{"issued":"2026-03-04T15:16:17.123Z"}`, Seconds: 0.25,
	}
	actions := []ActionResult{{Kind: "operation", Label: "send", Result: "pass"}, {Kind: "assert", Result: "fail", Message: "status 400, want 201"}}
	return &Report{Base: "http://fhir.example/r4", Server: "A <server> 1.0", Started: at, Scripts: []ScriptResult{
		{Area: "create", Name: "CreateBasic", File: "basic", Title: "Create", URL: "http://example.org/TestScript/create", Started: at, Setup: actions[:1], Tests: []TestResult{
			{Name: "good", Description: "3.1.0.8 create: good", Spec: "http://hl7.org/fhir/R4/http.html#create", Outcome: Passed, Actions: actions[:1], Exchanges: []Exchange{x}, Seconds: 0.5},
			{Name: "bad & <b>", Description: "3.1.0.8 create: bad", Spec: "http://hl7.org/fhir/R4/http.html#create", Outcome: Failed, Details: []string{"status 400, want 201"}, Actions: actions, Exchanges: []Exchange{x}, Seconds: 0.5},
		}},
		{Area: "read", Name: "ReadBasic", File: "basic", Title: "Read", URL: "http://example.org/TestScript/read", Started: at, Tests: []TestResult{
			{Name: "skipped", Description: "3.1.0.2 read: x", Outcome: Skipped, Details: []string{"not advertised"}},
			{Name: "warned", Description: "3.1.0.2 read: y", Outcome: Passed, Warnings: []string{"a warning"}, Actions: actions[:1]},
		}, Teardown: actions[:1]},
	}}
}

// The files of a saved report, byte by byte.
func TestGoldenReports(t *testing.T) {
	dir := t.TempDir()
	if err := someReport().Save(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"report.txt", "junit.xml", "report.html", "testreport/create-basic.json", "testreport/read-basic.json"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "report", filepath.Base(name))
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "report.json")); err != nil {
		t.Error(err)
	}
	if err := someReport().Save(filepath.Join(dir, "report.txt")); err == nil {
		t.Error("a folder that is a file")
	}
}

func TestJUnitParses(t *testing.T) {
	var b strings.Builder
	if err := someReport().WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 4 || got.Failures != 1 || got.Skipped != 1 || len(got.Suites) != 2 || got.Suites[0].Cases[1].Failure == nil || got.Suites[1].Cases[0].Skipped == nil {
		t.Errorf("%+v", got)
	}
}

// The HTML page is well-formed, needs nothing else, and can be published.
func TestHTML(t *testing.T) {
	var b strings.Builder
	if err := someReport().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	var open []string
	for _, m := range regexp.MustCompile(`<(/?)([a-z0-9]+)[^>]*>`).FindAllStringSubmatch(page, -1) {
		switch {
		case m[2] == "meta" || m[2] == "br":
		case m[1] == "":
			open = append(open, m[2])
		case len(open) == 0 || open[len(open)-1] != m[2]:
			t.Fatalf("</%s> closes %v", m[2], open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("not closed: %v", open)
	}
	for _, wanted := range []string{`<html lang="en">`, `<main>`, `<caption>`, `scope="col"`, `<details class="failed" open>`, `href="http://hl7.org/fhir/R4/http.html#create"`, "A &lt;server&gt; 1.0", "&lt;b&gt;&amp;&lt;/b&gt;"} {
		if !strings.Contains(page, wanted) {
			t.Errorf("%s is not there", wanted)
		}
	}
	for _, unwanted := range []string{"<script", "src=", "<link", "fhir.example", "15:16", "4f5ad72c", "5f0c8d0e", "ST5XT", "abcdefghijklmnop", "p-1", ">R1"} {
		if strings.Contains(page, unwanted) {
			t.Errorf("%s is there", unwanted)
		}
	}
}

// What R4 testreport.html requires is there.
func TestTestReport(t *testing.T) {
	r := someReport()
	for i, want := range []string{"fail", "pass"} {
		raw, err := r.TestReport(&r.Scripts[i])
		if err != nil {
			t.Fatal(err)
		}
		var got testReport
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if got.ResourceType != "TestReport" || got.Status != "completed" || got.Result != want || got.TestScript["reference"] != r.Scripts[i].URL || len(got.Participant) != 2 {
			t.Errorf("%+v", got)
		}
		for _, test := range got.Test {
			if len(test.Action) == 0 {
				t.Errorf("%s has no action", test.Name)
			}
			for _, a := range test.Action {
				if (a["operation"].Result == "") == (a["assert"].Result == "") {
					t.Errorf("%s: either an operation or an assertion: %v", test.Name, a)
				}
			}
		}
	}
}
