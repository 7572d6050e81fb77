package record

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chartseal/chartseal/internal/store/storetest"
)

// everything walks all pages: the ids of the matches in order, and of what is included, sorted, each once.
func (r *rig) everything(c *Caller, q EverythingQuery) (matches, included []string) {
	r.t.Helper()
	page, err := r.service.Everything(context.Background(), c, q)
	for {
		if err != nil {
			r.t.Fatal(err)
		}
		for _, m := range page.Matches {
			matches = append(matches, m.ID)
		}
		for _, m := range page.Included {
			included = append(included, m.ID)
		}
		if page.Next == "" {
			slices.Sort(included)
			return matches, slices.Compact(included)
		}
		if len(page.Matches) == 0 || len(matches) > 10_000 {
			r.t.Fatal("the pages do not end")
		}
		page, err = r.service.EverythingNext(context.Background(), c, q.Type, q.ID, page.Next)
	}
}

func TestPatientEverything(t *testing.T) {
	r := shared(t)
	p, other := unique("p"), unique("other")
	doctor, hospital, gone := unique("doctor"), unique("hospital"), unique("gone")
	r.must(body("Organization", hospital, `"name":"x"`))
	r.must(body("Practitioner", doctor))
	r.must(body("Practitioner", gone))
	r.mustDelete("Practitioner", gone)
	r.must(body("Patient", p, `"managingOrganization":{"reference":"Organization/`+hospital+`"}`))
	r.must(body("Patient", other))
	theirs := r.seed(other)
	dated := func(date string) string {
		return r.must(observation(unique("o"), p, `"effectiveDateTime":"`+date+`"`, `"performer":[{"reference":"Practitioner/`+doctor+`"},{"reference":"Practitioner/`+gone+`"},{"reference":"Practitioner/none"}]`,
			`"focus":[{"reference":"Observation/`+theirs+`"},{"reference":"Patient/`+other+`"}]`)).ID
	}
	old, recent := dated("2010-05-05"), dated("2020-05-05")
	allergy := r.must(body("AllergyIntolerance", unique("al"), `"patient":{"reference":"Patient/`+p+`"}`, `"code":{"text":"x"}`)).ID
	deleted := r.seed(p)
	r.mustDelete("Observation", deleted)
	moved := r.seed(p)
	r.must(observation(moved, other))
	since := r.now()
	late := r.must(body("Condition", unique("c"), `"subject":{"reference":"http://test/fhir/Patient/`+p+`"}`)).ID
	relative := r.must(body("RelatedPerson", unique("r"), `"patient":{"reference":"Patient/`+p+`"}`, `"birthDate":"1950-01-01"`)).ID
	day := func(s string) time.Time {
		out, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	both := []string{doctor, hospital}
	for what, tt := range map[string]struct {
		q                 EverythingQuery
		matches, included []string
	}{
		"all":                   {EverythingQuery{}, []string{p, old, recent, allergy, late, relative}, both},
		"since":                 {EverythingQuery{Since: since}, []string{late, relative}, nil},
		"types":                 {EverythingQuery{Types: []string{"Observation", "Practitioner"}}, []string{old, recent}, []string{doctor}},
		"types without a match": {EverythingQuery{Types: []string{"Practitioner"}}, nil, nil},
		"only itself":           {EverythingQuery{Types: []string{"Patient"}}, []string{p}, nil},
		"start":                 {EverythingQuery{Start: day("2015-01-01")}, []string{p, recent, allergy, late, relative}, both},
		"end":                   {EverythingQuery{End: day("2015-01-01")}, []string{p, old, allergy, late, relative}, both},
		"start and end":         {EverythingQuery{Start: day("2011-01-01"), End: day("2012-01-01")}, []string{p, allergy, late, relative}, []string{hospital}},
	} {
		for _, count := range []int{0, 1, 2, 5, 100} {
			q := tt.q
			q.Type, q.ID, q.Count = "Patient", p, count
			matches, included := r.everything(staff(), q)
			slices.Sort(tt.included)
			if !slices.Equal(matches, tt.matches) || !slices.Equal(included, tt.included) {
				t.Errorf("%s by %d: %v and %v, want %v and %v", what, count, matches, included, tt.matches, tt.included)
			}
		}
	}
	page, err := r.service.Everything(t.Context(), staff(), EverythingQuery{Type: "Patient", ID: p})
	if err != nil || page.Total != 6 || len(page.Matches[0].JSON) == 0 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestEncounterEverything(t *testing.T) {
	r := shared(t)
	p, e := unique("p"), unique("e")
	r.must(body("Patient", p))
	unlinked := r.must(body("Condition", unique("c"), `"subject":{"reference":"Patient/`+p+`"}`)).ID
	r.must(body("Encounter", e, `"status":"finished"`, `"class":{"code":"AMB"}`, `"subject":{"reference":"Patient/`+p+`"}`,
		`"diagnosis":[{"condition":{"reference":"Condition/`+unlinked+`"}}]`))
	linked := r.must(observation(unique("o"), p, `"encounter":{"reference":"Encounter/`+e+`"}`)).ID
	also := r.must(observation(unique("o"), p, `"encounter":{"reference":"Encounter/`+e+`"}`, `"hasMember":[{"reference":"Observation/`+linked+`"}]`)).ID
	r.seed(p)
	matches, included := r.everything(staff(), EverythingQuery{Type: "Encounter", ID: e})
	want := []string{p, unlinked}
	slices.Sort(want)
	if !slices.Equal(matches, []string{e, linked, also}) || !slices.Equal(included, want) {
		t.Errorf("%v and %v", matches, included)
	}
}

// Nothing is in it that the caller could not read by itself.
func TestEverythingPermissions(t *testing.T) {
	r := shared(t)
	p, hidden := unique("p"), unique("hidden")
	doctor := r.must(body("Practitioner", unique("doctor"))).ID
	r.must(body("Patient", p, `"generalPractitioner":[{"reference":"Practitioner/`+doctor+`"}]`))
	open := r.seed(p)
	restricted := r.must(observation(unique("r"), p, labelled("R"))).ID
	r.must(body("Patient", hidden, labelled("R")))
	r.seed(hidden)
	if got, _ := r.everything(staff(), EverythingQuery{Type: "Patient", ID: p}); !slices.Equal(got, []string{p, open}) {
		t.Errorf("staff: %v", got)
	}
	if got, _ := r.everything(patientApp(p), EverythingQuery{Type: "Patient", ID: p}); !slices.Equal(got, []string{p, open, restricted}) {
		t.Errorf("the patient: %v", got)
	}
	only := *staff()
	only.Allows = func(typ string, _ Interaction) bool { return typ == "Patient" }
	if got, included := r.everything(&only, EverythingQuery{Type: "Patient", ID: p}); !slices.Equal(got, []string{p}) || len(included) > 0 {
		t.Errorf("by scope: %v, %v", got, included)
	}
	for what, tt := range map[string]struct {
		c    *Caller
		id   string
		want Kind
	}{
		"withheld": {staff(), hidden, Absent}, "absent": {staff(), unique("none"), Absent}, "another's": {patientApp(p), hidden, Absent},
		"scope": {without(staff(), MayRead), p, Forbidden},
	} {
		_, err := r.service.Everything(t.Context(), tt.c, EverythingQuery{Type: "Patient", ID: tt.id})
		wantKind(t, err, tt.want, what)
	}
	r.mustDelete("Patient", p)
	_, err := r.service.Everything(t.Context(), staff(), EverythingQuery{Type: "Patient", ID: p})
	wantKind(t, err, Gone, "deleted")
}

// Pages are as of the first, without what was withdrawn since.
func TestEverythingPaging(t *testing.T) {
	r := shared(t)
	p := unique("p")
	r.must(body("Patient", p))
	var ids []string
	for range 6 {
		ids = append(ids, r.seed(p))
	}
	page, err := r.service.Everything(t.Context(), staff(), EverythingQuery{Type: "Patient", ID: p, Count: 2})
	if err != nil || page.Total != -1 {
		t.Fatal(page, err)
	}
	r.seed(p)
	r.must(observation(ids[2], p, `"valueInteger":1`))
	r.must(observation(ids[3], p, labelled("R")))
	r.mustDelete("Observation", ids[4])
	got := []string{page.Matches[1].ID}
	for page.Next != "" {
		if page, err = r.service.EverythingNext(t.Context(), staff(), "Patient", p, page.Next); err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Matches {
			got = append(got, m.ID)
			if m.Version != 1 {
				t.Errorf("version %d: not as of the first page", m.Version)
			}
		}
	}
	if want := []string{ids[0], ids[1], ids[2], ids[5]}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	page, err = r.service.Everything(t.Context(), staff(), EverythingQuery{Type: "Patient", ID: p, Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	r.must(body("Patient", p, labelled("R")))
	_, err = r.service.EverythingNext(t.Context(), staff(), "Patient", p, page.Next)
	wantKind(t, err, Absent, "the next page of what is withheld now")
}

// A page with much to include ends early instead of leaving something out.
func TestEverythingIncludesAll(t *testing.T) {
	r := shared(t)
	p := unique("p")
	r.must(body("Patient", p))
	const each = 400
	var want []string
	for range 5 {
		var entries, refs []string
		for range each {
			id := unique("d")
			want = append(want, id)
			entries = append(entries, entry("PUT", "Device/"+id, body("Device", id)))
			refs = append(refs, `{"reference":"Device/`+id+`"}`)
		}
		r.transact(t, staff(), ok, append(entries, entry("POST", "Observation", observation("", p, `"focus":[`+strings.Join(refs, ",")+`]`)))...)
	}
	first, err := r.service.Everything(t.Context(), staff(), EverythingQuery{Type: "Patient", ID: p, Count: 1000})
	if err != nil || len(first.Included) < maxIncluded || len(first.Included) > maxIncluded+each || first.Next == "" {
		t.Errorf("%d included, next %q, %v", len(first.Included), first.Next, err)
	}
	matches, included := r.everything(staff(), EverythingQuery{Type: "Patient", ID: p, Count: 1000})
	slices.Sort(want)
	if len(matches) != 6 || !slices.Equal(included, want) {
		t.Errorf("%d matches, %d included", len(matches), len(included))
	}
}

func TestEverythingFaults(t *testing.T) {
	r := shared(t)
	p := unique("p")
	r.must(body("Organization", p, `"name":"x"`))
	r.must(body("Patient", p, `"managingOrganization":{"reference":"Organization/`+p+`"}`))
	r.seed(p)
	all := func() (int, error) {
		page, err := r.service.Everything(t.Context(), staff(), EverythingQuery{Type: "Patient", ID: p})
		if err != nil {
			return 0, err
		}
		return len(page.Matches) + len(page.Included), nil
	}
	for _, op := range []storetest.Op{storetest.OpVersion, storetest.OpDoc, storetest.OpHead, storetest.OpPostings, storetest.OpNext} {
		for n := 1; n < 1000; n++ {
			r.faulty.Inject(op, n, storetest.Failed)
			got, err := all()
			if r.faulty.Pending() > 0 {
				r.faulty.Disarm()
				break
			}
			if err == nil {
				t.Errorf("%s failed at call %d, and %d are there", op, n, got)
			}
		}
	}
}
