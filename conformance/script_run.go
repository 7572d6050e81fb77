package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errSkip marks an assumption that does not hold: the test does not apply to this server.
var errSkip = errors.New("not applicable")

// maxDetails bounds what one test reports. A loop over all types would repeat itself.
const maxDetails = 20

// scriptRun is one script being run. It belongs to one goroutine.
type scriptRun struct {
	suite       *suite
	c           *client
	s           *script
	id          string // part of every identifier that this run writes
	test        int    // 0 in setup and teardown
	loop        map[string]string
	uuids       map[string]string
	stored      map[string]*message // by requestId and responseId
	located     map[string]string   // Type/id of what was sent or answered under an id
	lastRequest *message
	last        *message
	created     []string
	jobs        []string // status URLs of asynchronous requests
	deleted     map[string]bool
	exchanges   []Exchange
}

func newScriptRun(s *suite, sc *script) *scriptRun {
	return &scriptRun{
		suite: s, c: s.c, s: sc, id: newUUID()[:13], loop: map[string]string{}, uuids: map[string]string{}, stored: map[string]*message{},
		located: map[string]string{}, deleted: map[string]bool{},
	}
}

// run executes setup, tests and teardown (R4 testscript.html section 4.4.5), then deletes what the script left.
func (r *scriptRun) run(ctx context.Context) *ScriptResult {
	d := &r.s.doc
	out := &ScriptResult{Area: r.s.area, Name: d.Name, File: r.s.file, Title: d.Title, URL: d.URL, Started: time.Now().UTC()}
	defer r.clean(context.WithoutCancel(ctx)) // also after an interruption
	skip, broken := r.setup(ctx, out)
	for i, t := range d.Test {
		if ctx.Err() != nil {
			break
		}
		r.test = i + 1
		result := r.runTest(ctx, t, skip, broken)
		out.Tests = append(out.Tests, result)
		if result.Outcome == Failed && r.suite.opt.StopOnFailure {
			break
		}
	}
	r.test, r.last = 0, nil
	after := &TestResult{}
	r.actions(context.WithoutCancel(ctx), d.Teardown.Action, after, "")
	out.Teardown = after.Actions
	r.autodelete()
	return out
}

// setup says why the tests cannot run: skip if the server lacks something, broken if the setup failed.
func (r *scriptRun) setup(ctx context.Context, out *ScriptResult) (skip, broken string) {
	lacks, err := r.suite.missing(r.s.requires)
	if err != nil {
		return "", err.Error()
	}
	if lacks != "" {
		return "not advertised: " + lacks, ""
	}
	before := &TestResult{Outcome: Passed}
	if err := r.autocreate(ctx); err != nil {
		before.fail("", err)
	} else {
		r.actions(ctx, r.s.doc.Setup.Action, before, "")
	}
	out.Setup = before.Actions
	switch before.Outcome {
	case Failed:
		out.SetupExchanges = r.exchanges
		return "", "setup: " + before.Details[0]
	case Skipped:
		return before.Details[0], ""
	}
	return "", ""
}

func (r *scriptRun) runTest(ctx context.Context, t *scriptTest, skip, broken string) TestResult {
	out := TestResult{Name: t.Name, Description: t.Description, Spec: t.spec, Outcome: Passed}
	if lacks, err := r.suite.missing(t.requires); err != nil {
		broken = err.Error()
	} else if lacks != "" && skip == "" {
		skip = "not advertised: " + lacks
	}
	if skip != "" {
		out.Outcome, out.Details = Skipped, []string{skip}
		return out
	}
	if broken != "" {
		out.fail("", errors.New(broken))
		return out
	}
	start := time.Now()
	r.exchanges, r.last = nil, nil
	turns := 0
	err := r.each(t.loops, func() {
		turns++
		if ctx.Err() == nil {
			r.actions(ctx, t.Action, &out, r.where(t.loops))
		}
	})
	r.endJobs(context.WithoutCancel(ctx))
	if err != nil {
		out.fail("", err)
	}
	if turns == 0 && out.Outcome == Passed {
		out.Outcome, out.Details = Skipped, []string{"the server advertises nothing of this kind"}
	}
	out.Seconds, out.Exchanges = time.Since(start).Seconds(), r.exchanges
	if len(t.loops) > 0 && out.Outcome != Failed {
		out.Exchanges = out.Exchanges[:min(1, len(out.Exchanges))] // one stands for all
	}
	return out
}

// actions runs a list. After a failure the other assertions on the same answer still say what they find, and the next
// operation is not sent: it would build on what is not there.
func (r *scriptRun) actions(ctx context.Context, list []*scriptAction, out *TestResult, where string) {
	failed, ended := false, false
	for _, a := range list {
		if a.Operation != nil {
			ended = ended || failed
			if ended {
				out.add("operation", a.Operation.Description, "skip", "")
				continue
			}
			if err := r.operate(ctx, a.Operation); err != nil {
				failed, ended = true, true
				out.add("operation", a.Operation.Description, "error", err.Error())
				out.fail(where, err)
				continue
			}
			out.add("operation", a.Operation.Description, "pass", "")
			continue
		}
		if ended {
			out.add("assert", a.Assert.Description, "skip", "")
			continue
		}
		ok := r.assert(a.Assert, out, where)
		failed = failed || !ok
		ended = !ok && (a.Assert.stop || a.Assert.assume)
	}
}

// assert checks one assertion and says whether the test goes on.
func (r *scriptRun) assert(a *assertion, out *TestResult, where string) bool {
	err := r.check(a)
	text := a.Description
	switch {
	case err == nil:
		out.add("assert", text, "pass", "")
		return true
	case *a.WarningOnly:
		out.add("assert", text, "warning", err.Error())
		out.Warnings = appendBounded(out.Warnings, where+described(a, err))
		return true
	case a.assume:
		out.add("assert", text, "skip", err.Error())
		if out.Outcome == Passed {
			out.Outcome, out.Details = Skipped, []string{fmt.Sprintf("%v: %s%s", errSkip, where, described(a, err))}
		}
		return false
	}
	out.add("assert", text, "fail", err.Error())
	out.fail(where, errors.New(described(a, err)))
	return false
}

func described(a *assertion, err error) string {
	if a.Description == "" {
		return err.Error()
	}
	return a.Description + ": " + err.Error()
}

// autocreate stores the fixtures that ask for it (TestScript.fixture.autocreate).
func (r *scriptRun) autocreate(ctx context.Context) error {
	for i := range r.s.doc.Fixture {
		f := &r.s.doc.Fixture[i]
		if !*f.Autocreate {
			continue
		}
		plain := true
		o := &operation{SourceID: f.ID, Label: "autocreate", Encode: &plain}
		o.Type.Code = "create"
		if err := r.operate(ctx, o); err != nil {
			return fmt.Errorf("autocreate %s: %w", f.ID, err)
		}
		if r.last.status != 201 {
			return fmt.Errorf("autocreate %s: status %d", f.ID, r.last.status)
		}
		r.stored["autocreate."+f.ID] = r.last
	}
	return nil
}

// autodelete hands the fixtures that ask for it to the clean-up (TestScript.fixture.autodelete).
func (r *scriptRun) autodelete() {
	for i := range r.s.doc.Fixture {
		f := &r.s.doc.Fixture[i]
		if where := r.located[f.ID]; *f.Autodelete && where != "" {
			r.created = append(r.created, where)
		}
	}
}
