package record

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chartseal/chartseal/internal/store/storetest"
)

// trail writes a history as Type/id versions, newest first, walking all pages.
func (r *rig) trail(c *Caller, q HistoryQuery) []string {
	r.t.Helper()
	var out []string
	page, err := r.service.History(context.Background(), c, q)
	for {
		if err != nil {
			r.t.Fatal(err)
		}
		if q.Count > 0 && len(page.Versions) > q.Count {
			r.t.Errorf("a page of %d", len(page.Versions))
		}
		for _, v := range page.Versions {
			out = append(out, fmt.Sprintf("%s %s/%d", v.Method, v.ID, v.Version))
		}
		if page.Next == "" {
			return out
		}
		if len(page.Versions) == 0 || len(out) > 10_000 {
			r.t.Fatal("the pages do not end")
		}
		page, err = r.service.HistoryNext(context.Background(), c, q.Type, q.ID, page.Next)
	}
}

// After since, only what this test writes is in a history of a type or of the system.
func (r *rig) now() time.Time {
	now := r.service.stamp().Add(time.Millisecond)
	for !r.service.stamp().After(now) {
		time.Sleep(100 * time.Microsecond)
	}
	return now
}

func TestHistory(t *testing.T) {
	r := shared(t)
	since := r.now()
	a, b := unique("a"), unique("b")
	r.must(body("Patient", a))
	r.must(body("Basic", b, `"code":{"text":"x"}`))
	r.must(body("Patient", a, `"active":true`))
	r.mustDelete("Patient", a)
	made := r.must(body("Patient", ""))
	r.must(body("Patient", a))
	if _, err := r.service.Patch(t.Context(), staff(), "Patient", a, Patch{Body: []byte(activePatch)}, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	instance := []string{"PUT " + a + "/5", "PUT " + a + "/4", "DELETE " + a + "/3", "PUT " + a + "/2", "PUT " + a + "/1"}
	typed := []string{instance[0], instance[1], "POST " + made.ID + "/1", instance[2], instance[3], instance[4]}
	system := append(slices.Clone(typed[:5]), "PUT "+b+"/1", instance[4])
	for _, count := range []int{0, 1, 2, 3, 100} {
		for what, tt := range map[string]struct {
			q    HistoryQuery
			want []string
		}{
			"instance": {HistoryQuery{Type: "Patient", ID: a}, instance},
			"type":     {HistoryQuery{Type: "Patient", Since: since}, typed},
			"system":   {HistoryQuery{Since: since}, system},
		} {
			tt.q.Count = count
			if got := r.trail(staff(), tt.q); !slices.Equal(got, tt.want) {
				t.Errorf("%s by %d: %v, want %v", what, count, got, tt.want)
			}
		}
	}
	page, err := r.service.History(t.Context(), staff(), HistoryQuery{Type: "Patient", ID: a, Count: 5})
	if err != nil || page.Total != 5 || page.Next != "" {
		t.Errorf("a page that holds all: %+v, %v", page, err)
	}
	if v := page.Versions[2]; !v.Deleted || v.JSON != nil {
		t.Errorf("a deletion: %+v", v)
	}
	if page, err = r.service.History(t.Context(), staff(), HistoryQuery{Type: "Patient", ID: a, Count: 4}); err != nil || page.Total != -1 || page.Next == "" {
		t.Errorf("a page that does not: %+v, %v", page, err)
	}
	_, err = r.service.History(t.Context(), staff(), HistoryQuery{Type: "Patient", ID: unique("none")})
	wantKind(t, err, Absent, "of what never was")
}

// _since and _at (R4 section 3.1.0.14): by a clock that the test moves.
func TestHistoryTimes(t *testing.T) {
	r := newRig(t)
	begin := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	at := func(minute int) time.Time { return begin.Add(time.Duration(minute) * time.Minute) }
	minute := 0
	r.service.now = func() time.Time { return at(minute) }
	a, b := unique("a"), unique("b")
	for _, w := range []struct {
		minute int
		do     func()
	}{
		{1, func() { r.must(body("Basic", a, `"code":{"text":"1"}`)) }},
		{2, func() { r.must(body("Basic", b, `"code":{"text":"1"}`)) }},
		{3, func() { r.must(body("Basic", a, `"code":{"text":"2"}`)) }},
		{5, func() { r.mustDelete("Basic", a) }},
		{7, func() { r.must(body("Basic", b, `"code":{"text":"2"}`)) }},
	} {
		minute = w.minute
		w.do()
	}
	v := func(id string, n int) string { return fmt.Sprintf("%s/%d", id, n) }
	for what, tt := range map[string]struct {
		q    HistoryQuery
		want []string
	}{
		"since, at the very time":       {HistoryQuery{Since: at(5)}, []string{v(b, 2), v(a, 3)}},
		"since, just after":             {HistoryQuery{Since: at(5).Add(time.Millisecond)}, []string{v(b, 2)}},
		"since, after all":              {HistoryQuery{Since: at(8)}, nil},
		"at, between":                   {HistoryQuery{AtLow: at(4), AtHigh: at(4).Add(time.Second)}, []string{v(a, 2), v(b, 1)}},
		"at, while deleted":             {HistoryQuery{AtLow: at(6), AtHigh: at(6).Add(time.Second)}, []string{v(a, 3), v(b, 1)}},
		"at, over a change":             {HistoryQuery{AtLow: at(2), AtHigh: at(4)}, []string{v(a, 2), v(b, 1), v(a, 1)}},
		"at, ending at a change":        {HistoryQuery{AtLow: at(2), AtHigh: at(3)}, []string{v(b, 1), v(a, 1)}},
		"at, beginning at a change":     {HistoryQuery{AtLow: at(3), AtHigh: at(4)}, []string{v(a, 2), v(b, 1)}},
		"at, before all":                {HistoryQuery{AtLow: at(0), AtHigh: at(1)}, nil},
		"at, open end":                  {HistoryQuery{AtLow: at(6)}, []string{v(b, 2), v(a, 3), v(b, 1)}},
		"since and at":                  {HistoryQuery{Since: at(3), AtLow: at(4), AtHigh: at(6)}, []string{v(a, 3), v(a, 2)}},
		"of one resource":               {HistoryQuery{ID: a, Since: at(3)}, []string{v(a, 3), v(a, 2)}},
		"of one resource, at some time": {HistoryQuery{ID: a, AtLow: at(4), AtHigh: at(5)}, []string{v(a, 2)}},
	} {
		for _, count := range []int{1, 100} {
			q := tt.q
			q.Type, q.Count = "Basic", count
			var got []string
			for _, line := range r.trail(staff(), q) {
				if _, name, _ := strings.Cut(line, " "); strings.HasPrefix(name, a) || strings.HasPrefix(name, b) {
					got = append(got, name)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s, by %d: %v, want %v", what, count, got, tt.want)
			}
		}
	}
}

// A walk by _since ends where nothing can follow any more, and not at the end of the store.
func TestHistorySinceStopsEarly(t *testing.T) {
	r := newRig(t)
	r.must(body("Patient", ""))
	later := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	r.service.now = func() time.Time { return later }
	r.must(body("Patient", ""))
	calls := r.faulty.Calls(storetest.OpDoc)
	for _, q := range []HistoryQuery{{Since: later.Add(-time.Hour)}, {Type: "Patient", Since: later.Add(-time.Hour)}} {
		if got := r.trail(staff(), q); len(got) != 1 {
			t.Errorf("%v", got)
		}
	}
	if n := r.faulty.Calls(storetest.OpDoc) - calls; n > 12 {
		t.Errorf("%d documents read", n)
	}
	// A write that began before another one may be staged after it.
	r.service.now = func() time.Time { return later.Add(-time.Second) }
	r.must(body("Patient", ""))
	for _, q := range []HistoryQuery{{Since: later}, {Type: "Patient", Since: later}} {
		if got := r.trail(staff(), q); len(got) != 1 {
			t.Errorf("behind an older one: %v", got)
		}
	}
}

// Pages show what the first one saw, whatever is written meanwhile.
func TestHistoryIsStable(t *testing.T) {
	r := shared(t)
	for _, q := range []HistoryQuery{{Type: "Patient"}, {}, {Type: "Patient", ID: unique("a")}} {
		since := r.now()
		a := q.ID
		if a == "" {
			a, q.Since = unique("a"), since
		}
		for i := range 6 {
			r.must(body("Patient", a, fmt.Sprintf(`"multipleBirthInteger":%d`, i)))
		}
		q.Count = 2
		want := r.trail(staff(), q)
		page, err := r.service.History(t.Context(), staff(), q)
		var got []string
		for err == nil {
			for _, v := range page.Versions {
				got = append(got, fmt.Sprintf("%s %s/%d", v.Method, v.ID, v.Version))
			}
			if page.Next == "" {
				break
			}
			r.must(body("Patient", a))
			r.must(body("Patient", ""))
			r.mustDelete("Patient", a)
			page, err = r.service.HistoryNext(t.Context(), staff(), q.Type, q.ID, page.Next)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v: %v, want %v; %v", q, got, want, err)
		}
	}
}
