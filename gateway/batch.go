package gateway

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// How many entries of a batch are worked on at a time. Writes mostly wait, and those that wait together share a commit
// of the ledger: a batch takes a fraction of what its entries take one after the other. Reads use processors that
// other requests want too.
const (
	writesAtOnce = 128
	readsAtOnce  = 4
)

// maxAnswer bounds the resources that a batch or a transaction gives back, in bytes. Only reads can go beyond it.
const maxAnswer = 32 << 20

// runner runs entries of one Bundle for one caller.
type runner struct {
	s      *Server
	caller *record.Caller
	header http.Header // of every entry: preferences
	key    string      // Idempotency-Key of the Bundle
	bytes  atomic.Int64
}

func (s *Server) runner(c echo.Context, key string) *runner {
	x := exchangeOf(c)
	r := &runner{s: s, caller: x.caller, key: key, header: http.Header{}}
	returns := x.prefer.returns
	if returns == "" {
		returns = returnMinimal
	}
	r.header["Prefer"] = []string{"return=" + returns}
	if x.prefer.handling != "" {
		r.header["Prefer"][0] += ", handling=" + x.prefer.handling
	}
	return r
}

// batch runs the entries phase by phase, those of a phase at the same time; none affects another (R4 section
// 3.1.0.11.1).
func (r *runner) batch(ctx context.Context, b *fhir.Bundle) []*answer {
	answers := make([]*answer, len(b.Entries))
	for p := range lastPhase + 1 {
		r.phase(ctx, b, answers, p)
	}
	return answers
}

// phase runs the entries of one phase. Those with the same target form a line and run in their order.
func (r *runner) phase(ctx context.Context, b *fhir.Bundle, answers []*answer, p int) {
	requests, lines := r.lines(b, answers, p)
	atOnce := writesAtOnce
	if p == lastPhase {
		atOnce = readsAtOnce
	}
	var wg sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for _, line := range lines {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			for _, i := range line {
				answers[i] = r.run(ctx, requests[i])
			}
		})
	}
	wg.Wait()
}

// lines are the entries of a phase by their index, with their requests. An entry that is none has its answer already.
func (r *runner) lines(b *fhir.Bundle, answers []*answer, p int) (requests map[int]*inner, lines [][]int) {
	requests, index := map[int]*inner{}, map[string]int{}
	for i := range b.Entries {
		e := &b.Entries[i]
		if phase(e.Method) != p {
			continue
		}
		in, err := r.request(e)
		if err != nil {
			p := toProblem(err)
			answers[i] = &answer{status: p.status, header: http.Header{}, problem: &p}
			continue
		}
		requests[i] = in
		target := targetOf(in)
		at, known := index[target]
		if !known || target == "" || p == lastPhase {
			at = len(lines)
			lines = append(lines, nil)
			index[target] = at
		}
		lines[at] = append(lines[at], i)
	}
	return requests, lines
}

// request is the entry's, with what belongs to the whole Bundle.
func (r *runner) request(e *fhir.BundleEntry) (*inner, error) {
	in, err := r.s.entryRequest(e)
	if err != nil {
		return nil, err
	}
	in.caller = r.caller
	for name, lines := range r.header {
		in.header[name] = lines
	}
	if r.key != "" {
		in.header["Idempotency-Key"] = []string{r.key + "#" + e.Path}
	}
	return in, nil
}

func (r *runner) run(ctx context.Context, in *inner) *answer {
	reads := phase(in.method) == lastPhase
	if reads && r.bytes.Load() > maxAnswer {
		p := toProblem(&record.Error{Kind: record.Invalid, Code: "too-costly", Msg: "the answer to the Bundle becomes too large; ask for less, or one by one"})
		return &answer{status: p.status, header: http.Header{}, problem: &p}
	}
	a := r.s.ask(ctx, in)
	if in.method == http.MethodHead {
		a.body = nil
	}
	r.bytes.Add(int64(len(a.body)))
	return a
}
