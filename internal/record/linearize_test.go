package record

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/chartseal/chartseal/internal/store/storetest"
)

var linearizeRounds = flag.Int("linearize-rounds", 2, "rounds of TestLinearizable: each a resource, six clients and three restarts")

// target is what a client talks to: a service, or one with a defect.
type target interface {
	do(ctx context.Context, c call) (*Result, error)
}

// direct calls the service. All calls are about one resource, which its identifier finds.
type direct struct {
	s  *Service
	id string
}

func (d *direct) do(ctx context.Context, c call) (*Result, error) {
	opt := WriteOptions{}
	if c.version != 0 {
		opt.IfMatch = fmt.Sprintf(`W/"%d"`, c.version)
	}
	raw := body("Patient", d.id, mark(d.id), `"multipleBirthInteger":`+c.content)
	switch c.verb {
	case "GET":
		return d.s.Read(ctx, staff(), "Patient", d.id)
	case "VREAD":
		return d.s.VRead(ctx, staff(), "Patient", d.id, c.version)
	case "PUT":
		return d.s.Update(ctx, staff(), "Patient", d.id, raw, opt)
	case "PUT?":
		return d.s.UpdateWhere(ctx, staff(), "Patient", "identifier=urn:m|"+d.id, raw, opt)
	case "PATCH":
		return d.s.Patch(ctx, staff(), "Patient", d.id, Patch{Body: []byte(`[{"op":"replace","path":"/multipleBirthInteger","value":` + c.content + `}]`)}, opt)
	}
	return d.s.Delete(ctx, staff(), "Patient", d.id, opt)
}

// recorder keeps the history of calls and replies.
type recorder struct {
	start time.Time
	next  atomic.Int64 // content of the next write: each is another one

	mu  sync.Mutex
	ops []porcupine.Operation // guarded by mu
}

func (h *recorder) now() int64 { return time.Since(h.start).Nanoseconds() }

// client makes n random calls, of which half name the version that it saw last.
func (h *recorder) client(id, n int, t target, rng *rand.Rand) {
	seen := uint64(0)
	for range n {
		c := call{verb: []string{"PUT", "PUT", "PUT?", "PATCH", "PATCH", "DELETE", "GET", "GET", "VREAD"}[rng.IntN(9)]}
		switch c.verb {
		case "GET":
		case "VREAD":
			c.version = max(seen, 1)
		default:
			c.content = contentNumber(h.next.Add(1))
			if rng.IntN(2) == 0 {
				c.version = seen
			}
		}
		op := porcupine.Operation{ClientId: id, Input: c, Call: h.now()}
		res, err := t.do(context.Background(), c)
		got := replyOf(c, res, err)
		op.Output, op.Return = got, h.now()
		if got.version > 0 {
			seen = got.version
		}
		if got.kind == unknown {
			op.Return = math.MaxInt64
		}
		h.mu.Lock()
		h.ops = append(h.ops, op)
		h.mu.Unlock()
	}
}

// run lets clients work at once.
func (h *recorder) run(clients, calls int, t target, seed uint64) {
	var wg sync.WaitGroup
	for i := range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			h.client(i, calls, t, rand.New(rand.NewPCG(seed, uint64(i)))) //nolint:gosec // a test's choice of calls
		}()
	}
	wg.Wait()
}

// settled: what was not known is decided now, one way or the other.
func (h *recorder) settled() {
	for i := range h.ops {
		if h.ops[i].Return == math.MaxInt64 {
			h.ops[i].Return = h.now()
		}
	}
}

// explain reads all versions, as further operations of the history, and tells by their content, of which each write has
// another one, which of the writes of unknown outcome made a version. Fewer alternatives are left to check.
func (h *recorder) explain(t target) {
	made, deletions := map[string]uint64{}, map[uint64]bool{}
	for n := uint64(1); ; n++ {
		op := porcupine.Operation{Input: call{verb: "VREAD", version: n}, Call: h.now()}
		res, err := t.do(context.Background(), call{verb: "VREAD", version: n})
		got := replyOf(call{verb: "VREAD"}, res, err)
		op.Output, op.Return = got, h.now()
		h.ops = append(h.ops, op)
		if got.kind == noSuch {
			break
		}
		made[got.content] = n
		if got.kind == wasGone {
			deletions[n] = true
		}
	}
	for _, op := range h.ops {
		if c, got := op.Input.(call), op.Output.(reply); c.verb == "DELETE" && got.kind == done { //nolint:forcetypeassert // ours
			delete(deletions, got.version)
		}
	}
	for i := range h.ops {
		c, got := h.ops[i].Input.(call), h.ops[i].Output.(reply) //nolint:forcetypeassert // ours
		switch n := made[c.content]; {
		case got.kind != unknown || c.verb == "DELETE" && len(deletions) > 0:
		case c.verb != "DELETE" && n > 0:
			h.ops[i].Output = reply{kind: tookPlace, version: n}
		default:
			h.ops[i].Output = reply{kind: refusal}
		}
	}
}

// disturb injects faults until stop is closed.
func (r *rig) disturb(stop chan struct{}, rng *rand.Rand) {
	halves := []storetest.Fault{storetest.Failed, storetest.FailedButStored}
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(10+rng.IntN(60)) * time.Millisecond):
		}
		half := rng.IntN(2)
		switch rng.IntN(12) {
		case 0, 1, 2:
			r.faulty.Inject(storetest.OpStage, 1, halves[half])
		case 3:
			r.faulty.Inject(storetest.OpStage, 1, halves[half])
			r.faulty.Inject(storetest.OpBatch, 1, storetest.Failed)
		case 4, 5:
			r.chain.inject(stepSubmit, half == 1)
		case 6:
			r.chain.inject(stepBatchTx, false)
		default:
			ops := []storetest.Op{storetest.OpHead, storetest.OpVersion, storetest.OpDoc, storetest.OpPostings, storetest.OpSetPublished}
			r.faulty.Inject(ops[rng.IntN(len(ops))], 1+rng.IntN(3), storetest.Failed)
		}
	}
}

// The operations on one resource are linearizable: as if each took effect at one instant between its call and its
// answer, whatever fails, and over restarts.
func TestLinearizable(t *testing.T) {
	r := newRig(t)
	total := map[replyKind]int{}
	for round := range *linearizeRounds {
		h := &recorder{start: time.Now()}
		id := unique("linear")
		for segment := range 3 {
			seed := uint64(round*10 + segment) //nolint:gosec // small
			r.service.cfg.CommitTimeout = 400 * time.Millisecond
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				r.disturb(stop, rand.New(rand.NewPCG(seed, 99))) //nolint:gosec // a test's choice of faults
			}()
			h.run(6, 12, &direct{r.service, id}, seed)
			close(stop)
			<-stopped
			r.faulty.Disarm()
			r.chain.inject("", false)
			r.close()
			r.open()
			h.settled()
		}
		for _, op := range h.ops {
			total[op.Output.(reply).kind]++ //nolint:forcetypeassert // ours
		}
		h.run(1, 6, &direct{r.service, id}, 1)
		h.explain(&direct{r.service, id})
		switch porcupine.CheckOperationsTimeout(register(), h.ops, time.Minute) {
		case porcupine.Illegal:
			t.Errorf("round %d: not linearizable:\n%s", round, h)
		case porcupine.Unknown:
			t.Errorf("round %d: not decided", round)
		case porcupine.Ok:
		}
	}
	t.Logf("%d rounds: %v", *linearizeRounds, total)
}

func (h *recorder) String() (out string) {
	for _, op := range h.ops {
		out += fmt.Sprintf("%d..%d client %d: %v -> %v\n", op.Call/1000, op.Return/1000, op.ClientId, op.Input, op.Output)
	}
	return out
}

// staleReads answers some reads by what an earlier one saw.
type staleReads struct {
	target
	mu   sync.Mutex
	last *Result
	n    int
}

func (d *staleReads) do(ctx context.Context, c call) (*Result, error) {
	if c.verb != "GET" {
		return d.target.do(ctx, c)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n++; d.last != nil && d.n%4 == 0 {
		return d.last, nil
	}
	res, err := d.target.do(ctx, c)
	if err == nil && d.n%4 == 1 {
		d.last = res
	}
	return res, err
}

// noIfMatch leaves out the condition of every write.
type noIfMatch struct{ target }

func (d *noIfMatch) do(ctx context.Context, c call) (*Result, error) {
	if c.verb != "VREAD" {
		c.version = 0
	}
	return d.target.do(ctx, c)
}

// lostWrites acknowledges some updates without making them.
type lostWrites struct {
	target
	n atomic.Int64
}

func (d *lostWrites) do(ctx context.Context, c call) (*Result, error) {
	if c.verb == "PUT" && c.version == 0 && d.n.Add(1)%5 == 0 {
		if res, err := d.target.do(ctx, call{verb: "GET"}); err == nil {
			return &Result{ID: res.ID, Version: res.Version + 1}, nil
		}
	}
	return d.target.do(ctx, c)
}

// The checker can fail: it finds defects that are put in.
func TestLinearizableFindsDefects(t *testing.T) {
	r := shared(t)
	for name, broken := range map[string]func(target) target{
		"stale reads":      func(d target) target { return &staleReads{target: d} },
		"If-Match ignored": func(d target) target { return &noIfMatch{d} },
		"lost writes":      func(d target) target { return &lostWrites{target: d} },
		"none":             func(d target) target { return d },
	} {
		t.Run(name, func(t *testing.T) {
			h := &recorder{start: time.Now()}
			h.run(4, 25, broken(&direct{r.service, unique("linear")}), 7)
			got := porcupine.CheckOperationsTimeout(register(), h.ops, time.Minute)
			if want := map[bool]porcupine.CheckResult{true: porcupine.Ok, false: porcupine.Illegal}[name == "none"]; got != want {
				t.Errorf("the checker says %s", got)
			}
		})
	}
}
