package gateway

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/chartseal/chartseal/internal/record"
)

// Bounds of the jobs. What they ask and answer is plaintext, and lies in memory only: a job dies with the process.
const (
	jobsPerCaller = 8
	jobsInAll     = 256
	jobBytes      = 256 << 20        // requests that run and answers that wait, together
	jobRun        = time.Hour        // how long one may take
	jobKept       = 15 * time.Minute // how long its answer waits to be fetched
)

// job is one request whose client does not wait for the answer.
type job struct {
	id, owner, method string
	begun             time.Time
	cancel            context.CancelFunc
	bytes             int64

	// Set when it has ended, under the lock of jobs.
	answer  *answer
	expires time.Time
}

// jobs holds them. Its methods are safe for concurrent use.
type jobs struct {
	now  func() time.Time
	ctx  context.Context //nolint:containedctx // ends all jobs when the server closes
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu    sync.Mutex
	byID  map[string]*job // guarded by mu, like what follows
	bytes int64
}

func newJobs(now func() time.Time) *jobs {
	ctx, stop := context.WithCancel(context.Background())
	return &jobs{now: now, ctx: ctx, stop: stop, byID: map[string]*job{}}
}

// start runs f in the background for a caller.
func (j *jobs) start(owner, method string, bytes int64, f func(context.Context) *answer) (*job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	mine := 0
	for _, other := range j.byID {
		if other.owner == owner {
			mine++
		}
	}
	if mine >= jobsPerCaller {
		return nil, &record.Error{Kind: record.Throttled, Msg: "too many asynchronous requests of this client: fetch or delete the earlier ones"}
	}
	if len(j.byID) >= jobsInAll || j.bytes+bytes > jobBytes || j.ctx.Err() != nil {
		return nil, &record.Error{Kind: record.Unavailable, Msg: "the server has too many asynchronous requests; try again later"}
	}
	ctx, cancel := context.WithTimeout(j.ctx, jobRun)
	one := &job{id: rand.Text(), owner: owner, method: method, begun: j.now(), cancel: cancel, bytes: bytes}
	j.byID[one.id] = one
	j.bytes += bytes
	j.wg.Go(func() {
		defer cancel()
		j.end(one, f(ctx))
	})
	return one, nil
}

// end keeps the answer until it expires; one that is too large gives way to a problem.
func (j *jobs) end(one *job, a *answer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.byID[one.id] != one {
		return // cancelled
	}
	size := int64(len(a.body))
	if j.bytes-one.bytes+size > jobBytes {
		p := toProblem(&record.Error{Kind: record.TooLarge, Code: "too-costly", Msg: "the answer is larger than what the server can keep; ask for less at a time"})
		a, size = &answer{status: p.status, header: a.header, problem: &p, disclosure: a.disclosure}, 0
	}
	j.bytes += size - one.bytes
	one.bytes, one.answer, one.expires = size, a, j.now().Add(jobKept)
	time.AfterFunc(jobKept, func() { j.remove(one) })
}

// find gives a caller's job as it is now; Absent for one that is not there or of another.
func (j *jobs) find(owner, id string) (job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	one, ok := j.byID[id]
	if !ok || one.owner != owner {
		return job{}, errNoJob
	}
	return *one, nil
}

var errNoJob = &record.Error{Kind: record.Absent, Msg: "there is no such asynchronous request of this client, or its answer has expired"}

// cancel ends a caller's job and forgets it.
func (j *jobs) cancel(owner, id string) error {
	one, err := j.find(owner, id)
	if err != nil {
		return err
	}
	one.cancel()
	j.mu.Lock()
	defer j.mu.Unlock()
	if kept, ok := j.byID[id]; ok {
		j.drop(kept)
	}
	return nil
}

func (j *jobs) remove(one *job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.byID[one.id] == one {
		j.drop(one)
	}
}

// drop forgets a job. The caller holds mu.
func (j *jobs) drop(one *job) {
	delete(j.byID, one.id)
	j.bytes -= one.bytes
}

// close cancels what runs and waits for it.
func (j *jobs) close() {
	j.mu.Lock()
	j.stop()
	j.mu.Unlock()
	j.wg.Wait()
}
