package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

func done(size int) func(context.Context) *answer {
	return func(context.Context) *answer { return &answer{status: 200, body: make([]byte, size)} }
}

func untilCancelled(ctx context.Context) *answer {
	<-ctx.Done()
	return &answer{status: 503}
}

func TestJobsAreBoundedAndExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJobs(time.Now)
		var ids []string
		for range jobsPerCaller {
			one, err := j.start("a", "GET", 10, done(5))
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, one.id)
		}
		synctest.Wait()
		if _, err := j.start("a", "GET", 1, done(1)); record.KindOf(err) != record.Throttled {
			t.Errorf("one job too many: %v", err)
		}
		if _, err := j.start("b", "GET", jobBytes, done(1)); record.KindOf(err) != record.Unavailable {
			t.Errorf("too many bytes: %v", err)
		}
		if _, err := j.find("b", ids[0]); !errors.Is(err, errNoJob) {
			t.Errorf("another caller finds the job: %v", err)
		}
		if err := j.cancel("b", ids[0]); !errors.Is(err, errNoJob) {
			t.Errorf("another caller cancels the job: %v", err)
		}
		got, err := j.find("a", ids[0])
		if err != nil || got.answer == nil || !got.expires.Equal(time.Now().Add(jobKept)) {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := j.cancel("a", ids[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := j.find("a", ids[0]); !errors.Is(err, errNoJob) {
			t.Errorf("a deleted job is found: %v", err)
		}
		time.Sleep(jobKept + time.Second)
		synctest.Wait()
		if _, err := j.find("a", ids[1]); !errors.Is(err, errNoJob) {
			t.Errorf("an expired job is found: %v", err)
		}
		if len(j.byID) != 0 || j.bytes != 0 {
			t.Errorf("%d jobs, %d bytes are kept", len(j.byID), j.bytes)
		}
		j.close()
	})
}

func TestJobsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJobs(time.Now)
		one, err := j.start("a", "GET", 10, untilCancelled)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := j.find("a", one.id); err != nil || got.answer != nil {
			t.Errorf("a job that runs: %+v, %v", got, err)
		}
		if err := j.cancel("a", one.id); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // its goroutine ends, or this never returns
		if _, err := j.start("a", "GET", 10, untilCancelled); err != nil {
			t.Fatal(err)
		}
		j.close()
		if _, err := j.start("a", "GET", 10, done(1)); record.KindOf(err) != record.Unavailable {
			t.Errorf("a job after the end: %v", err)
		}
		if j.bytes != 0+0 && len(j.byID) == 0 {
			t.Errorf("%d bytes of no job", j.bytes)
		}
	})
}

func TestJobAnswerTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJobs(time.Now)
		one, err := j.start("a", "GET", 0, func(context.Context) *answer { return &answer{status: 200, body: make([]byte, jobBytes+1)} })
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got, err := j.find("a", one.id)
		if err != nil || got.answer == nil || got.answer.problem == nil || got.answer.status != http.StatusRequestEntityTooLarge || len(got.answer.body) != 0 {
			t.Errorf("%+v, %v", got.answer, err)
		}
		j.close()
	})
}

// A request that is deferred answers 202 at once, then its own answer in a Bundle, and to its own client alone.
func TestDeferred(t *testing.T) {
	s := authenticated(t)
	may := true
	s.stillMay = func(context.Context, *record.Caller, *record.Disclosure) (bool, error) { return may, nil }
	release := make(chan struct{})
	s.echo.GET("/fhir/slow", s.negotiate(s.deferrable(func(c echo.Context) error {
		<-release
		if c.QueryParam("fail") != "" {
			return &record.Error{Kind: record.Precondition, Msg: "no"}
		}
		return sendJSON(c, http.StatusOK, []byte(`{"resourceType":"Patient","id":"`+c.Request().Header.Get("If-None-Match")+`"}`))
	})))
	send := func(method, url, client string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, url, nil)
		r.Header.Set("Client", client)
		r.Header.Set("Prefer", "respond-async")
		r.Header.Set("If-None-Match", "kept")
		return ask(s, r)
	}
	place := func(w *httptest.ResponseRecorder) string {
		t.Helper()
		if w.Code != http.StatusAccepted || w.Header().Get("Preference-Applied") != "respond-async" {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
		return strings.TrimPrefix(w.Header().Get("Content-Location"), "http://localhost")
	}
	good, bad := place(send("GET", "/fhir/slow", "a")), place(send("GET", "/fhir/slow?fail=1", "a"))
	w := send("GET", good, "a")
	if w.Code != http.StatusAccepted || w.Header().Get("X-Progress") == "" || w.Header().Get("Retry-After") == "" {
		t.Errorf("while it runs: %d %v", w.Code, w.Header())
	}
	if w := send("GET", good, "b"); w.Code != http.StatusNotFound {
		t.Errorf("another client: %d", w.Code)
	}
	close(release)
	await := func(path string) *httptest.ResponseRecorder {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			if w := send("GET", path, "a"); w.Code != http.StatusAccepted {
				return w
			}
		}
		t.Fatal("the job does not end")
		return nil
	}
	w = await(good)
	want := `{"resourceType":"Bundle","type":"batch-response","entry":[{"resource":{"resourceType":"Patient","id":"kept"},"response":{"status":"200 OK"}}]}`
	if w.Code != http.StatusOK || w.Body.String() != want || w.Header().Get("Expires") == "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w = await(bad); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"status":"412 Precondition Failed","outcome":{"resourceType":"OperationOutcome"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	may = false // what it shows has been withdrawn since
	if w := send("GET", good, "a"); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "Patient") {
		t.Errorf("withdrawn: %d %s", w.Code, w.Body)
	}
	may = true
	if w := send("DELETE", good, "b"); w.Code != http.StatusNotFound {
		t.Errorf("another client deletes: %d", w.Code)
	}
	if w := send("DELETE", good, "a"); w.Code != http.StatusAccepted {
		t.Errorf("delete: %d", w.Code)
	}
	if w := send("GET", good, "a"); w.Code != http.StatusNotFound {
		t.Errorf("after delete: %d", w.Code)
	}
}
