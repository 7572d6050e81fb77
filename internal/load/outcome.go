package load

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Issue is one OperationOutcome.issue as the server wrote it. Diagnostics may quote clinical content: show it to the operator, do not log it.
type Issue struct {
	Severity    string   `json:"severity"`
	Code        string   `json:"code"`
	Diagnostics string   `json:"diagnostics,omitempty"`
	Expression  []string `json:"expression,omitempty"`
}

// Failure is something that is not on the server after the run.
type Failure struct {
	Source string  `json:"source"`           // file, file:line or file:line-line; for a batch entry file#entry[n]
	Status int     `json:"status,omitempty"` // HTTP status; 0: no answer, see Error
	Issues []Issue `json:"issues,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// String gives one line for a terminal.
func (f Failure) String() string {
	var b strings.Builder
	b.WriteString(f.Source)
	if f.Status != 0 {
		fmt.Fprintf(&b, ": %d %s", f.Status, http.StatusText(f.Status))
	}
	if f.Error != "" {
		b.WriteString(": " + f.Error)
	}
	for _, i := range f.Issues {
		fmt.Fprintf(&b, "; %s %s", i.Severity, i.Code)
		if len(i.Expression) > 0 {
			b.WriteString(" at " + strings.Join(i.Expression, ", "))
		}
		if i.Diagnostics != "" {
			b.WriteString(": " + i.Diagnostics)
		}
	}
	return b.String()
}

// operationOutcome is the part of an OperationOutcome that is shown; details stands in where diagnostics is missing.
type operationOutcome struct {
	Issue []struct {
		Issue
		Details struct {
			Text string `json:"text"`
		} `json:"details"`
	} `json:"issue"`
}

func issuesOf(raw []byte) []Issue {
	var o operationOutcome
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil
	}
	list := make([]Issue, 0, len(o.Issue))
	for _, i := range o.Issue {
		if i.Diagnostics == "" {
			i.Diagnostics = i.Details.Text
		}
		list = append(list, i.Issue)
	}
	return list
}

// responseBundle is what is read of a transaction-response or batch-response.
type responseBundle struct {
	ResourceType string `json:"resourceType"`
	Entry        []struct {
		Response struct {
			Status  string          `json:"status"`
			Outcome json.RawMessage `json:"outcome"`
		} `json:"response"`
	} `json:"entry"`
}

// judge reads an answer to a Bundle of want entries: how many are in, and what is not. An answer that does not account for every entry
// is a failure, because silence is not storage.
func judge(source string, ans *answer, want int) (stored int, failures []Failure) {
	if ans.status == http.StatusAccepted { // durable, to become visible: the body is not the response Bundle
		return want, nil
	}
	if ans.status < 200 || ans.status > 299 {
		return 0, []Failure{{Source: source, Status: ans.status, Issues: issuesOf(ans.body)}}
	}
	var b responseBundle
	if err := json.Unmarshal(ans.body, &b); err != nil || b.ResourceType != "Bundle" {
		return 0, []Failure{{Source: source, Status: ans.status, Error: "the answer is not a Bundle"}}
	}
	if len(b.Entry) != want {
		return 0, []Failure{{Source: source, Status: ans.status, Error: fmt.Sprintf("%d entries sent, %d answered", want, len(b.Entry))}}
	}
	for i, e := range b.Entry {
		if strings.HasPrefix(e.Response.Status, "2") || strings.HasPrefix(e.Response.Status, "304") {
			stored++
			continue
		}
		status := 0
		if _, err := fmt.Sscanf(e.Response.Status, "%d", &status); err != nil {
			status = ans.status
		}
		failures = append(failures, Failure{Source: fmt.Sprintf("%s#entry[%d]", source, i), Status: status, Issues: issuesOf(e.Response.Outcome)})
	}
	return stored, failures
}
