package conformance

import (
	"context"
	"net/http"
)

// clean deletes what the script created, newest first because older resources may be referred to.
func (r *scriptRun) clean(ctx context.Context) {
	for i := len(r.created) - 1; i >= 0; i-- {
		where := r.created[i]
		if where == "" || r.deleted[where] {
			continue
		}
		r.deleted[where] = true
		if !r.remove(ctx, r.c.base+"/"+where) {
			return // the server is gone: what is left stays
		}
	}
}

// endJobs deletes asynchronous requests that the test began (R4 async.html): servers allow a client only so many.
func (r *scriptRun) endJobs(ctx context.Context) {
	for _, job := range r.jobs {
		if !r.deleted[r.path(job)] {
			r.remove(ctx, job)
		}
	}
	r.jobs = nil
}

// remove says whether there was an answer, whatever it was.
func (r *scriptRun) remove(ctx context.Context, address string) bool {
	req := &message{method: http.MethodDelete, url: address, header: http.Header{"Accept": {fhirJSON}}}
	r.c.authorize(req)
	_, _, err := r.c.send(ctx, req)
	return err == nil
}
