package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// testReport is a TestReport (R4 testreport.html).
type testReport struct {
	ResourceType string              `json:"resourceType"`
	Name         string              `json:"name"`
	Status       string              `json:"status"`
	TestScript   object              `json:"testScript"`
	Result       string              `json:"result"`
	Score        json.Number         `json:"score,omitempty"`
	Tester       string              `json:"tester"`
	Issued       string              `json:"issued"`
	Participant  []object            `json:"participant"`
	Setup        *testReportActions  `json:"setup,omitempty"`
	Test         []testReportActions `json:"test,omitempty"`
	Teardown     *testReportActions  `json:"teardown,omitempty"`
}

type testReportActions struct {
	Name        string                    `json:"name,omitempty"`
	Description string                    `json:"description,omitempty"`
	Action      []map[string]actionReport `json:"action"`
}

type actionReport struct {
	Result  string `json:"result"`
	Message string `json:"message,omitempty"`
}

type object = map[string]any

// TestReport gives what a script found as a TestReport resource.
func (r *Report) TestReport(s *ScriptResult) ([]byte, error) {
	c := s.Count()
	out := testReport{
		ResourceType: "TestReport", Name: s.Name, Status: "completed", TestScript: object{"reference": s.URL, "display": s.Title}, Result: "pass",
		Tester: "chartseal conformance", Issued: s.Started.Format(time.RFC3339),
		Participant: []object{
			{"type": "test-engine", "uri": "https://github.com/chartseal/chartseal", "display": "chartseal conformance"},
			{"type": "server", "uri": r.Base, "display": display(r.Server)},
		},
		Setup: reported("", "", s.Setup), Teardown: reported("", "", s.Teardown),
	}
	if c.Failed > 0 {
		out.Result = "fail"
	}
	if n := c.Passed + c.Failed; n > 0 {
		out.Score = json.Number(fmt.Sprintf("%.1f", math.Floor(1000*float64(c.Passed)/float64(n))/10))
	}
	for i := range s.Tests {
		t := &s.Tests[i]
		actions := t.Actions
		if len(actions) == 0 { // it did not run; an action is required
			result := map[Outcome]string{Failed: "error", Skipped: "skip", Passed: "pass"}[t.Outcome]
			actions = []ActionResult{{Kind: "operation", Result: result, Message: strings.Join(t.Details, "; ")}}
		}
		out.Test = append(out.Test, *reported(t.Name, t.Description, actions))
	}
	raw, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("TestReport: %w", err)
	}
	return append(raw, '\n'), nil
}

func display(server string) string {
	if server == "" {
		return "server under test"
	}
	return server
}

func reported(name, description string, list []ActionResult) *testReportActions {
	if len(list) == 0 {
		return nil
	}
	out := &testReportActions{Name: name, Description: description}
	for _, a := range list {
		text := strings.TrimSpace(a.Message)
		if text == "" {
			text = a.Label
		} else if a.Label != "" {
			text = a.Label + ": " + text
		}
		out.Action = append(out.Action, map[string]actionReport{a.Kind: {Result: a.Result, Message: text}})
	}
	return out
}
