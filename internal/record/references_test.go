package record

import (
	"strings"
	"testing"
)

// Conditional references mean exactly one resource, of what is stored when the Bundle is done (R4 section 3.1.0.11.3).
func TestConditionalReferences(t *testing.T) {
	r := shared(t)
	refer := func(query string) string {
		return entry("POST", "List", []byte(`{"resourceType":"List","status":"current","mode":"working","entry":[{"item":{"reference":"`+query+`"}}]}`))
	}
	practitioner := func(id, m string) []byte { return body("Practitioner", id, mark(m)) }
	for what, tt := range map[string]struct {
		before func(m string) // what is stored
		with   func(m string) []string
		query  string // of the reference; M stands for the marker
		c      *Caller
		want   Kind
		target string // of the reference; - for the result of the entry before
	}{
		"one is stored":      {before: func(m string) { r.must(practitioner("a"+m, m)) }, target: "a"},
		"none":               {want: Precondition},
		"several are stored": {before: func(m string) { r.must(practitioner("", m)); r.must(practitioner("", m)) }, want: Precondition},
		"one is created":     {with: func(m string) []string { return []string{entry("POST", "Practitioner", practitioner("", m))} }, target: "-"},
		"one is created, one stored": {
			before: func(m string) { r.must(practitioner("", m)) },
			with:   func(m string) []string { return []string{entry("POST", "Practitioner", practitioner("", m))} }, want: Precondition,
		},
		"two are created": {
			with: func(m string) []string {
				return []string{entry("POST", "Practitioner", practitioner("", m)), entry("POST", "Practitioner", practitioner("", m))}
			}, want: Precondition,
		},
		"one is updated": {
			before: func(m string) { r.must(practitioner("a"+m, m)) },
			with:   func(m string) []string { return []string{entry("PUT", "Practitioner/a"+m, practitioner("a"+m, m))} }, target: "a",
		},
		"one is updated and matches no more": {
			before: func(m string) { r.must(practitioner("a"+m, m)) },
			with: func(m string) []string {
				return []string{entry("PUT", "Practitioner/a"+m, practitioner("a"+m, "other"))}
			}, want: Precondition,
		},
		"one is updated and matches now": {
			before: func(m string) { r.must(practitioner("a"+m, "other")) },
			with:   func(m string) []string { return []string{entry("PUT", "Practitioner/a"+m, practitioner("a"+m, m))} }, target: "a",
		},
		"one is deleted": {
			before: func(m string) { r.must(practitioner("a"+m, m)) },
			with:   func(m string) []string { return []string{entry("DELETE", "Practitioner/a"+m, nil)} }, want: Precondition,
		},
		"one is deleted by a condition, another stays": {
			before: func(m string) {
				r.must(practitioner("a"+m, m))
				r.must(body("Practitioner", "b"+m, mark(m), `"gender":"other"`))
			},
			with: func(m string) []string {
				return []string{entry("DELETE", "Practitioner?gender=other&identifier="+m, nil)}
			}, target: "a",
		},
		"one exists already": {
			before: func(m string) { r.must(practitioner("a"+m, m)) },
			with: func(m string) []string {
				return []string{entry("POST", "Practitioner", practitioner("", m), `"ifNoneExist":"identifier=`+m+`"`)}
			}, target: "a",
		},
		"by a reference that needs escapes": {before: func(m string) { r.must(practitioner("a"+m, m)) }, query: "Practitioner?identifier=urn%3Am%7CM", target: "a"},
		"without a criterion":               {query: "Practitioner?_count=1", want: Invalid},
		"an unknown parameter":              {query: "Practitioner?nonsense=1", want: Invalid},
		"without the search scope":          {c: without(staff(), MaySearch), want: Forbidden},
	} {
		t.Run(what, func(t *testing.T) {
			m := unique("m")
			if tt.before != nil {
				tt.before(m)
			}
			var entries []string
			if tt.with != nil {
				entries = tt.with(m)
			}
			if tt.query == "" {
				tt.query = "Practitioner?identifier=urn:m|M"
			}
			if tt.c == nil {
				tt.c = staff()
			}
			out := r.transact(t, tt.c, tt.want, append(entries, refer(strings.Replace(tt.query, "M", m, 1)))...)
			if tt.want != ok {
				return
			}
			want := "Practitioner/" + tt.target + m
			if tt.target == "-" {
				want = "Practitioner/" + out[0].Result.ID
			}
			if got := r.stored("List", out[len(out)-1].Result.ID); !strings.Contains(got, `{"reference":"`+want+`"}`) {
				t.Errorf("want %s in %s", want, got)
			}
		})
	}
}

// A caller's references find what it may see. Staff finds by identifier what is withheld from it, and by nothing else.
func TestConditionalReferencesWithheld(t *testing.T) {
	r := shared(t)
	m, app := unique("m"), unique("app")
	r.must(body("Patient", app))
	r.must(body("Patient", unique("hidden"), mark(m), labelled("R"), `"name":[{"family":"`+m+`"}]`))
	refer := func(query string) string {
		return entry("POST", "Observation", observation("", app, `"focus":[{"reference":"`+query+`"}]`))
	}
	r.transact(t, staff(), ok, refer("Patient?identifier="+m))
	r.transact(t, staff(), Precondition, refer("Patient?family="+m))
	r.transact(t, patientApp(app), Precondition, refer("Patient?identifier="+m))
	r.transact(t, patientApp(app), ok, refer("Patient?_id="+app))
}

// Outside of a transaction nobody resolves them.
func TestConditionalReferenceAlone(t *testing.T) {
	r := shared(t)
	raw := body("Observation", "", `"status":"final"`, `"code":{"text":"x"}`, `"subject":{"reference":"Patient?identifier=1"}`)
	_, err := r.service.Create(t.Context(), staff(), "Observation", raw, WriteOptions{})
	wantKind(t, err, Invalid, "create")
	_, err = r.service.UpdateWhere(t.Context(), staff(), "Observation", "identifier=1", raw, WriteOptions{})
	wantKind(t, err, Invalid, "update")
}
