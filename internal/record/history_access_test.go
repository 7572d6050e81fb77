package record

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chartseal/chartseal/internal/store"
	"github.com/chartseal/chartseal/internal/store/storetest"
)

// A version is in a history for who may see it and the current one.
func TestHistoryPermissions(t *testing.T) {
	r := shared(t)
	since := r.now()
	p, other := unique("p"), unique("other")
	r.must(body("Patient", p))
	r.must(body("Patient", other))
	lifted, raised := unique("lifted"), unique("raised")
	r.must(observation(lifted, p, labelled("R")))
	if _, err := r.service.Patch(t.Context(), patientApp(p), "Observation", lifted, Patch{Body: []byte(`[{"op":"replace","path":"/status","value":"amended"}]`)}, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.must(observation(raised, p))
	r.must(observation(raised, p, labelled("R")))
	r.must(observation(unique("others"), other))
	all := []string{"PUT " + raised + "/2", "PUT " + raised + "/1", "PUT " + lifted + "/2", "PUT " + lifted + "/1"}
	if got := r.trail(patientApp(p), HistoryQuery{Type: "Observation", Since: since}); !slices.Equal(got, all) {
		t.Errorf("the patient sees %v", got)
	}
	if got := r.trail(patientApp(p), HistoryQuery{Since: since, Count: 1}); !slices.Equal(got, append(all, "PUT "+p+"/1")) {
		t.Errorf("the patient sees of the system %v", got)
	}
	for _, q := range []HistoryQuery{{Type: "Observation", Since: since}, {Type: "Observation", Since: since, Count: 1}} {
		if got := r.trail(staff(), q); len(got) != 1 || strings.Contains(got[0], lifted) || strings.Contains(got[0], raised) {
			t.Errorf("staff sees what is restricted, or was, or will be: %v", got)
		}
	}
	_, err := r.service.History(t.Context(), staff(), HistoryQuery{Type: "Observation", ID: raised})
	wantKind(t, err, Absent, "of one that is withheld now")
	_, err = r.service.History(t.Context(), without(staff(), MayRead), HistoryQuery{Type: "Observation"})
	wantKind(t, err, Forbidden, "without the read scope")
	if got := r.trail(without(staff(), MayRead), HistoryQuery{Since: since}); len(got) != 0 {
		t.Errorf("of the system, without scopes: %v", got)
	}
	if got := r.trail(without(staff(), MaySearch), HistoryQuery{Since: since}); len(got) != 0 {
		t.Errorf("of the system, without the search scope: %v", got)
	}
}

// What is withdrawn while somebody pages is not on the next page.
func TestHistoryWithdrawn(t *testing.T) {
	r := shared(t)
	since := r.now()
	a, b := unique("a"), unique("b")
	for range 3 {
		r.must(body("Patient", a))
		r.must(body("Patient", b))
	}
	one, err := r.service.History(t.Context(), staff(), HistoryQuery{Type: "Patient", ID: a, Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	typed, err := r.service.History(t.Context(), staff(), HistoryQuery{Type: "Patient", Since: since, Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	r.must(body("Patient", a, labelled("R")))
	_, err = r.service.HistoryNext(t.Context(), staff(), "Patient", a, one.Next)
	wantKind(t, err, Absent, "the next page of what is withheld now")
	seen := 0
	for typed.Next != "" {
		if typed, err = r.service.HistoryNext(t.Context(), staff(), "Patient", "", typed.Next); err != nil {
			t.Fatal(err)
		}
		for _, v := range typed.Versions {
			if seen++; v.ID == a {
				t.Errorf("version %d of what is withheld now", v.Version)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d versions", seen)
	}
}

// A history without an end takes bounded time.
func TestHistoryTimesOut(t *testing.T) {
	r := shared(t)
	r.must(body("Patient", ""))
	r.with(func(c *Config) { c.SearchTimeout = time.Nanosecond })
	for _, q := range []HistoryQuery{{}, {Type: "Patient"}} {
		_, err := r.service.History(t.Context(), staff(), q)
		wantKind(t, err, Unavailable, "history")
	}
}

// A batch that was staged again by another writer counts once, where it was staged last.
func TestHistoryOfRestaged(t *testing.T) {
	r := newRig(t)
	id := unique("p")
	r.must(body("Patient", id))
	r.must(body("Patient", id, `"active":true`))
	ctx := t.Context()
	v, err := r.pebble.Version(ctx, r.service.resourceToken("Patient", id), 2)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := r.pebble.Doc(ctx, v.Doc)
	if err != nil {
		t.Fatal(err)
	}
	again := *v
	other, err := r.pebble.WriterOrdinal(ctx, [16]byte{9})
	if err != nil {
		t.Fatal(err)
	}
	again.Doc, again.Pos = v.Doc+1, store.Pos{Writer: other, Seq: 1}
	err = r.pebble.Stage(ctx, &store.Staging{Pos: again.Pos, Commitments: [][32]byte{v.Commitment}, Tx: []byte("x"), Versions: []store.StagedVersion{{
		Version: again, Row: doc.Row, Postings: []store.Token{v.Resource},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	seen := r.service.view().with(other, 1)
	r.service.published.Store(&seen)
	want := []string{"PUT " + id + "/2", "PUT " + id + "/1"}
	for _, q := range []HistoryQuery{{Type: "Patient", ID: id}, {}, {Type: "Patient", ID: id, Count: 1}, {Count: 1}} {
		if got := r.trail(staff(), q); !slices.Equal(got, want) {
			t.Errorf("%+v: %v", q, got)
		}
	}
}

// A store that fails in the middle fails the page: nothing is left out in silence.
func TestHistoryFaults(t *testing.T) {
	r := shared(t)
	since := r.now()
	a := unique("a")
	for range 3 {
		r.must(body("Patient", a))
		r.mustDelete("Patient", a)
	}
	r.must(body("Patient", a))
	for _, op := range []storetest.Op{storetest.OpVersion, storetest.OpDoc, storetest.OpPostingsDesc, storetest.OpHead, storetest.OpMaxDoc, storetest.OpNext} {
		for _, q := range []HistoryQuery{{Type: "Patient", ID: a}, {Type: "Patient", Since: since}, {Since: since}, {Type: "Patient", Since: since, Count: 1}} {
			for n := 1; n < 16; n++ {
				calls := r.faulty.Calls(op)
				r.faulty.Inject(op, n, storetest.Failed)
				page, err := r.service.History(t.Context(), staff(), q)
				if r.faulty.Calls(op)-calls < n { // not reached
					r.faulty.Disarm()
					break
				}
				if err == nil {
					t.Errorf("%s failed at call %d of %+v, and the page has %d versions", op, n, q, len(page.Versions))
				}
			}
		}
	}
}
