package fhir

import (
	"bytes"
	"slices"
	"strconv"
)

// maxIssues bounds how many issues one input can produce.
const maxIssues = 100

// located is an issue at a byte offset of the input.
type located struct {
	off   int
	issue Issue
}

// segment is one step of the path to the current element.
type segment struct {
	*field
	index int // -1 outside of an array
}

// report adds an issue about the current element.
func (s *scanner) report(off int, code, text string) {
	s.build = false
	if len(s.issues) < maxIssues {
		s.issues = append(s.issues, located{off, Issue{
			Severity: "error", Code: code, Diagnostics: text, Expression: s.expression(),
		}})
	}
}

// reportFragment adds an issue about a reference to a contained resource that is
// not there. Its expression follows.
func (s *scanner) reportFragment(off int) {
	s.build = false
	if len(s.issues) < maxIssues {
		s.issues = append(s.issues, located{off, Issue{
			Severity: "error", Code: "value", Diagnostics: noFragment,
		}})
	}
}

const noFragment = "no contained resource has the id that the reference names"

// addExpressions goes over the input once more for the expressions of issues
// about fragments.
func (s *scanner) addExpressions() {
	wanted := map[int]*Issue{}
	for i := range s.issues {
		if x := &s.issues[i]; x.issue.Diagnostics == noFragment {
			wanted[x.off] = &x.issue
		}
	}
	if len(wanted) == 0 {
		return
	}
	again := scanner{schema: s.schema, wanted: wanted, lexer: lexer{src: s.src, maxDepth: s.maxDepth}}
	if s.entries != nil {
		again.entries = &[]span{}
	}
	if bytes.HasPrefix(s.src, []byte(byteOrderMark)) {
		again.pos = len(byteOrderMark)
	}
	again.document()
}

// expression is the FHIRPath of the current element: names and indexes only, as
// OperationOutcome.issue.expression wants it.
func (s *scanner) expression() []string {
	if s.root == "" {
		return nil
	}
	b := []byte(s.root)
	for _, p := range s.path {
		b = append(append(b, '.'), p.name...)
		if p.index >= 0 {
			b = append(strconv.AppendInt(append(b, '['), int64(p.index), 10), ']')
		}
	}
	return []string{string(b)}
}

// invalid turns what was found into the error to return, nil when there was
// nothing to find fault with.
func (s *scanner) invalid() error {
	if s.failed != nil {
		s.issues = append(s.issues, located{s.failed.off, Issue{
			Severity: "fatal", Code: s.failed.code, Diagnostics: s.failed.text, Expression: s.expression(),
		}})
	}
	s.addExpressions()
	return invalidAt(s.src, s.issues)
}

// invalidAt sorts issues into document order and adds lines and columns.
func invalidAt(src []byte, found []located) error {
	if len(found) == 0 {
		return nil
	}
	slices.SortStableFunc(found, func(a, b located) int { return a.off - b.off })
	e := &Invalid{Issues: make([]Issue, len(found))}
	at, line, start := 0, 1, 0 // start: where the line begins
	if bytes.HasPrefix(src, []byte(byteOrderMark)) {
		start = len(byteOrderMark)
	}
	for i, f := range found {
		off := min(f.off, len(src))
		line += bytes.Count(src[at:off], []byte{'\n'})
		if nl := bytes.LastIndexByte(src[at:off], '\n'); nl >= 0 {
			start = at + nl + 1
		}
		at = off
		e.Issues[i] = f.issue
		e.Issues[i].Line, e.Issues[i].Column = line, off-start+1
	}
	return e
}
