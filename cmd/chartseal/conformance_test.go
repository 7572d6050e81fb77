package main

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/chartseal/chartseal/conformance"
	"github.com/chartseal/chartseal/fhir"
)

// The suite may not import our parser, so its scripts are held against it here: they are resources that others can
// read (R4 testscript.html).
func TestConformanceScriptsAreTestScripts(t *testing.T) {
	n := 0
	err := fs.WalkDir(conformance.Scripts(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".json" || strings.HasSuffix(name, ".fixture.json") {
			return err
		}
		raw, err := fs.ReadFile(conformance.Scripts(), name)
		if err != nil {
			return err
		}
		n++
		checkResource(t, name, "TestScript", raw)
		return nil
	})
	if err != nil || n < 40 {
		t.Errorf("%d scripts: %v", n, err)
	}
}

// What is reported is a TestReport (R4 testreport.html), whatever became of the tests.
func TestConformanceReportsAreTestReports(t *testing.T) {
	done := []conformance.ActionResult{{Kind: "operation", Result: "pass"}, {Kind: "assert", Result: "fail", Message: "status 400, want 201"}}
	s := conformance.ScriptResult{Name: "A", Title: "B", URL: "http://example.org/TestScript/a", Setup: done, Teardown: done[:1], Tests: []conformance.TestResult{
		{Name: "passed", Description: "x", Outcome: conformance.Passed, Actions: done[:1]},
		{Name: "failed", Description: "x", Outcome: conformance.Failed, Actions: done},
		{Name: "skipped", Description: "x", Outcome: conformance.Skipped},
	}}
	report := conformance.Report{Base: "http://example.org/fhir", Started: time.Now(), Scripts: []conformance.ScriptResult{s}}
	raw, err := report.TestReport(&report.Scripts[0])
	if err != nil {
		t.Fatal(err)
	}
	checkResource(t, "report", "TestReport", raw)
}

func checkResource(t *testing.T, name, typ string, raw []byte) {
	t.Helper()
	r, err := fhir.Parse(raw, fhir.Limits{})
	var invalid *fhir.Invalid
	if errors.As(err, &invalid) {
		for _, i := range invalid.Issues[:min(5, len(invalid.Issues))] {
			t.Errorf("%s: %v: %s", name, i.Expression, i.Diagnostics)
		}
		return
	}
	if err != nil || r.Type != typ {
		t.Errorf("%s: %v", name, err)
	}
}
