package record

import (
	"strings"
	"testing"
)

// Tags and security labels survive an update that omits them, also one of a resource that was deleted.
func TestUpdateKeepsLabels(t *testing.T) {
	r := shared(t)
	id := unique("p")
	r.must(body("Patient", id, `"meta":{"profile":["http://example.org/p"],"tag":[{"system":"urn:tag","code":"a"}],"security":[{"system":"`+confidentiality+`","code":"N"}]}`))
	r.must(body("Patient", id, tagged("b")))
	want := func(what, yes string, no ...string) {
		t.Helper()
		got := r.stored("Patient", id)
		if !strings.Contains(got, yes) {
			t.Errorf("%s: no %s in %s", what, yes, got)
		}
		for _, n := range no {
			if strings.Contains(got, n) {
				t.Errorf("%s: %s in %s", what, n, got)
			}
		}
	}
	want("update", `"tag":[{"system":"urn:tag","code":"b"},{"system":"urn:tag","code":"a"}]`, "profile")
	want("update", `"security":[{"system":"`+confidentiality+`","code":"N"}]`)
	r.mustDelete("Patient", id)
	res := r.must(body("Patient", id))
	if !res.Created || res.Version != 4 || !strings.Contains(string(res.JSON), `"code":"N"`) {
		t.Errorf("%+v %s", res, res.JSON)
	}
	want("over a deletion", `"code":"a"`)
	if _, err := r.service.Patch(t.Context(), staff(), "Patient", id, Patch{Body: []byte(`[{"op":"remove","path":"/meta"}]`)}, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	want("a patch takes them away", `"meta":{"versionId":"5"`, "urn:tag", confidentiality)
	_, err := r.service.Update(t.Context(), staff(), "Patient", id,
		body("Patient", id, `"meta":{"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]}`), WriteOptions{})
	wantKind(t, err, Unprocessable, "a summary as the body of an update")
}

// Whoever may not see a resource may overwrite it as staff, and gets nothing back that was in it.
func TestUpdateOfWithheld(t *testing.T) {
	r := shared(t)
	for what, c := range map[string]*Caller{"withheld": staff(), "without the read scope": without(staff(), MayRead)} {
		id := unique("p")
		r.must(body("Patient", id, labelled("R", "N"), `"gender":"other"`))
		res, err := r.service.Update(t.Context(), c, "Patient", id, body("Patient", id), WriteOptions{})
		if err != nil || res.JSON != nil || res.Version != 2 {
			t.Errorf("%s: %+v, %v", what, res, err)
		}
		if got := r.stored("Patient", id); !strings.Contains(got, `"code":"R"`) {
			t.Errorf("%s: the label is gone: %s", what, got)
		}
		r.mustDelete("Patient", id)
		if res, err = r.service.Update(t.Context(), c, "Patient", id, body("Patient", id), WriteOptions{}); err != nil || res.JSON != nil {
			t.Errorf("%s, over a deletion: %+v, %v", what, res, err)
		}
	}
}

func TestEditMeta(t *testing.T) {
	r := shared(t)
	id, hidden, gone := unique("p"), unique("hidden"), unique("gone")
	r.must(body("Patient", id, tagged("a")))
	r.must(body("Patient", hidden, labelled("R")))
	r.must(body("Patient", gone))
	r.mustDelete("Patient", gone)
	edit := func(id, meta string, remove bool, c *Caller, opt WriteOptions) (*Result, error) {
		return r.service.EditMeta(t.Context(), c, "Patient", id, []byte(meta), remove, opt)
	}
	b := `{"tag":[{"system":"urn:tag","code":"b"}]}`
	res, err := edit(id, b, false, staff(), WriteOptions{})
	if err != nil || res.Version != 2 || !strings.Contains(string(res.JSON), `"code":"a"},{"system":"urn:tag","code":"b"`) {
		t.Fatalf("add: %+v, %v", res, err)
	}
	if res, err = edit(id, b, false, staff(), WriteOptions{}); err != nil || res.Version != 2 || r.version("Patient", id) != 2 {
		t.Errorf("add what is there: %+v, %v", res, err)
	}
	if res, err = edit(id, b, true, staff(), WriteOptions{IfMatch: `W/"2"`}); err != nil || res.Version != 3 || strings.Contains(string(res.JSON), `"b"`) {
		t.Errorf("remove: %+v, %v", res, err)
	}
	if res, err = edit(id, b, true, staff(), WriteOptions{}); err != nil || res.Version != 3 {
		t.Errorf("remove what is not there: %+v, %v", res, err)
	}
	for _, tt := range []struct {
		what, id, meta, ifMatch string
		c                       *Caller
		want                    Kind
	}{
		{"no Meta", id, `[]`, "", staff(), Invalid},
		{"an unknown member", id, `{"nonsense":1}`, "", staff(), Invalid},
		{"If-Match", id, b, `W/"1"`, staff(), Precondition},
		{"withheld", hidden, b, "", staff(), Absent},
		{"absent", unique("none"), b, "", staff(), Absent},
		{"deleted", gone, b, "", staff(), Gone},
		{"scope", id, b, "", without(staff(), MayUpdate), Forbidden},
		{"read scope", id, b, "", without(staff(), MayRead), Forbidden},
	} {
		_, err := edit(tt.id, tt.meta, false, tt.c, WriteOptions{IfMatch: tt.ifMatch})
		wantKind(t, err, tt.want, tt.what)
	}
	own := r.must(observation(unique("o"), id, labelled("R")))
	_, err = r.service.EditMeta(t.Context(), patientApp(id), "Observation", own.ID, []byte(`{"security":[{"system":"`+confidentiality+`","code":"R"}]}`), true, WriteOptions{})
	wantKind(t, err, Forbidden, "a patient lifts a restriction")
}

// $meta of a type and of the system: each label once, of what the caller sees.
func TestLabels(t *testing.T) {
	r := shared(t)
	a, b, old, hidden := unique("a"), unique("b"), unique("old"), unique("hidden")
	r.must(body("Basic", "", `"code":{"text":"x"}`, tagged(a)))
	r.must(body("Basic", "", `"code":{"text":"x"}`, tagged(a, b)))
	r.must(body("Basic", old, `"code":{"text":"x"}`, tagged(old)))
	r.mustDelete("Basic", old)
	p := unique("p")
	r.must(body("Patient", p))
	r.must(body("Basic", "", `"code":{"text":"x"}`, `"meta":{"tag":[{"system":"urn:tag","code":"`+hidden+`"}],"security":[{"system":"`+confidentiality+`","code":"R"}]}`, `"subject":{"reference":"Patient/`+p+`"}`))
	for _, typ := range []string{"Basic", ""} {
		got, err := r.service.Labels(t.Context(), staff(), typ)
		if err != nil || strings.Count(string(got), a+`"`) != 1 || strings.Count(string(got), b+`"`) != 1 {
			t.Errorf("%q: %s, %v", typ, got, err)
		}
		if strings.Contains(string(got), old) || strings.Contains(string(got), hidden) || strings.Contains(string(got), "versionId") {
			t.Errorf("%q tells too much: %s", typ, got)
		}
	}
	if got, err := r.service.Labels(t.Context(), patientApp(p), "Basic"); err != nil || !strings.Contains(string(got), hidden) {
		t.Errorf("the patient's own: %s, %v", got, err)
	}
	if got, err := r.service.Labels(t.Context(), staff(), "VisionPrescription"); err != nil || string(got) != "{}" {
		t.Errorf("none: %s, %v", got, err)
	}
	r.must(body("Slot", "", `"status":"free"`, `"schedule":{"reference":"Schedule/1"}`, `"start":"2024-01-01T00:00:00Z"`, `"end":"2024-01-01T00:00:00Z"`))
	if got, err := r.service.Labels(t.Context(), staff(), "Slot"); err != nil || string(got) != "{}" {
		t.Errorf("no labels: %s, %v", got, err)
	}
	for _, no := range []Interaction{MayRead, MaySearch} {
		_, err := r.service.Labels(t.Context(), without(staff(), no), "Basic")
		wantKind(t, err, Forbidden, "scope")
		if got, err := r.service.Labels(t.Context(), without(staff(), no), ""); err != nil || string(got) != "{}" {
			t.Errorf("without scopes: %s, %v", got, err)
		}
	}
}
