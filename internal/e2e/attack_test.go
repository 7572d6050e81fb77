package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	attacksFull   = flag.Bool("attacks.full", false, "send the attacks at full size, and wait for every time-out")
	attacksReport = flag.String("attacks.report", "", "write the table of attacks to this Markdown file")
)

// attack is one row of docs/attacks.md: something that no client sends in good faith.
type attack struct {
	name   string
	method string // default POST, or GET without a body
	path   string // below the server's root
	fields []string
	body   func() []byte
	token  string // default: a token with every right; none: "-"

	raw func() []byte         // instead of all above: bytes for the wire
	run func(x *siege) *reply // instead of all above: more than one request
	ok  func(*reply) error    // looks at an answer that came as wanted
	end func(x *siege) error  // looks at the server afterwards

	want    []int // statuses, one of which must come; 0: the connection is closed without an answer
	plain   bool  // net/http answers, before any code of ours: no OperationOutcome
	peak    int   // MB that the process may grow by; default maxPeak
	within  time.Duration
	volumes int // bytes sent, where the row cannot tell by itself
}

// Bounds that every attack must keep. They are generous, so that a slow machine does not fail the test; the figures of
// the table are what counts.
const (
	maxPeak    = 256 // MB
	maxTime    = 20 * time.Second
	maxRead    = 2 * time.Second // of a normal read after the attack
	maxRefusal = 128 << 10       // bytes of a refusal
	maxIssues  = 101             // 100 and one that says that there are more
)

// marker is part of every value that an attack sends, where a value has room for it. No refusal and no line of the
// log may show it.
const marker = "Zqxhostile"

// result is what an attack cost.
type result struct {
	group, name string
	sent        int
	answer      string
	took, cpu   time.Duration
	peak        int           // growth of the resident memory at its peak, in kB
	slowest     time.Duration // normal read while the attack ran
	open        []string      // what is not as it should be
}

// TestAttacks sends hostile input to the real binary. Each must get the answer that the table states, in bounded time
// and memory, and leave a server that answers others.
func TestAttacks(t *testing.T) {
	results := make([][]result, 2)
	t.Run("all", func(t *testing.T) {
		t.Run("at once", func(t *testing.T) {
			t.Parallel()
			results[0] = newSiege(t).all(attackGroups)
		})
		t.Run("slow", func(t *testing.T) {
			t.Parallel()
			results[1] = newSiege(t, shortTimeouts()...).all(slowGroups)
		})
	})
	if *attacksReport != "" {
		if err := writeAttacks(*attacksReport, slices.Concat(results...)); err != nil {
			t.Fatal(err)
		}
	}
}

// attackGroup is a section of the table.
type attackGroup struct {
	name    string
	attacks func(*siege) []attack
}

var attackGroups = []attackGroup{
	{"JSON: nesting", nestingAttacks},
	{"JSON: members, numbers, strings", jsonAttacks},
	{"JSON: characters", characterAttacks},
	{"Narrative", narrativeAttacks},
	{"Bodies and codings", bodyAttacks},
	{"Ids and paths", pathAttacks},
	{"Queries", queryAttacks},
	{"Request line and Host", lineAttacks},
	{"Framing", framingAttacks},
	{"Headers", headerAttacks},
	{"Tokens", tokenAttacks},
	{"Bundles", bundleAttacks},
	{"JSON Patch", jsonPatchAttacks},
	{"FHIRPath Patch", fhirPathAttacks},
	{"Operations", operationAttacks},
	{"Pages", amountAttacks},
}

var slowGroups = []attackGroup{{"Slow and silent clients", slowAttacks}}

// all runs the groups in order, each attack as a subtest.
func (x *siege) all(groups []attackGroup) []result {
	var out []result
	for _, g := range groups {
		x.t.Run(g.name, func(t *testing.T) {
			for _, a := range g.attacks(x) {
				t.Run(a.name, func(t *testing.T) {
					r := x.suffer(t, &a)
					r.group, r.name = g.name, a.name
					out = append(out, r)
				})
			}
		})
	}
	return out
}

// suffer carries out an attack, measures it and checks what it led to.
func (x *siege) suffer(t *testing.T, a *attack) result {
	t.Helper()
	x.refresh()
	send, volume := x.prepare(a)
	logged := x.logSize()
	m := x.measure()
	got := send()
	r := m.end()
	r.sent, r.answer = max(volume, a.volumes, got.sent), got.describe()
	t.Logf("%s; %d B sent, %s, CPU %s, %+d MB, slowest read %s", r.answer, r.sent, r.took.Round(time.Millisecond), r.cpu, r.peak>>10, r.slowest.Round(time.Millisecond))
	for _, err := range x.judge(a, got, &r, logged) {
		t.Errorf("%v\n%s", err, got.excerpt())
		r.open = append(r.open, err.Error())
	}
	return r
}

// judge lists what is wrong with an answer, its cost and what it left behind.
func (x *siege) judge(a *attack, got *reply, r *result, logged int) (wrong []error) {
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	note(got.check(a))
	if limit := max(a.peak, maxPeak); r.peak>>10 > limit {
		note(fmt.Errorf("grew by more than %d MB", limit))
	}
	if limit := max(a.within, maxTime); r.took > limit {
		note(fmt.Errorf("took more than %s", limit))
	}
	if x.loggedSince(logged, marker) {
		note(errors.New("the log shows what was sent"))
	}
	note(x.unharmed())
	if a.end != nil {
		note(a.end(x))
	}
	return wrong
}

// prepare builds the bytes before the clock runs.
func (x *siege) prepare(a *attack) (send func() *reply, volume int) {
	switch {
	case a.run != nil:
		return func() *reply { return a.run(x) }, 0
	case a.raw != nil:
		b := a.raw()
		return func() *reply { return x.send(b) }, len(b)
	}
	b := x.request(a)
	return func() *reply { return x.send(b) }, len(b)
}

// check compares an answer with what the row states, and with what holds for all refusals.
func (r *reply) check(a *attack) error {
	if !slices.Contains(a.want, r.status) {
		return fmt.Errorf("answered %s, want %v", r.describe(), a.want)
	}
	if r.status >= http.StatusBadRequest {
		if err := r.refusal(a.plain); err != nil {
			return err
		}
	}
	if a.ok != nil {
		return a.ok(r)
	}
	return nil
}

// refusal: an OperationOutcome of bounded size that quotes nothing.
func (r *reply) refusal(plain bool) error {
	if bytes.Contains(r.body, []byte(marker)) || r.headerHas(marker) {
		return fmt.Errorf("the refusal quotes what was sent")
	}
	if len(r.body) > maxRefusal {
		return fmt.Errorf("the refusal has %d bytes", len(r.body))
	}
	if plain || r.headOnly {
		return nil
	}
	if got := r.header.Get("Content-Type"); !strings.HasPrefix(got, "application/fhir+json") && !strings.HasPrefix(got, "application/json") {
		return fmt.Errorf("the refusal is %q", got)
	}
	var outcome struct {
		Type  string           `json:"resourceType"`
		Issue []map[string]any `json:"issue"`
	}
	if err := json.Unmarshal(r.body, &outcome); err != nil {
		return fmt.Errorf("the refusal is no OperationOutcome: %w", err)
	}
	if outcome.Type != "OperationOutcome" || len(outcome.Issue) == 0 {
		return errors.New("the refusal is no OperationOutcome, or one without issues")
	}
	if len(outcome.Issue) > maxIssues {
		return fmt.Errorf("the refusal has %d issues", len(outcome.Issue))
	}
	return nil
}
