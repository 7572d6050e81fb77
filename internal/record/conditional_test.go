package record

import (
	"context"
	"strings"
	"testing"
)

// The cases of a conditional create (R4 section 3.1.0.8.1).
func TestConditionalCreate(t *testing.T) {
	r := shared(t)
	ctx := context.Background()
	one, two := unique("one"), unique("two")
	first := r.must(body("Patient", "", mark(one)))
	r.must(body("Patient", "", mark(two)))
	r.must(body("Patient", "", mark(two)))
	tests := []struct {
		name, criterion string
		c               *Caller
		want            Kind
		created         bool
	}{
		{"none matches", "identifier=urn:m|" + unique("none"), staff(), ok, true},
		{"one matches", "identifier=urn:m|" + one, staff(), ok, false},
		{"one matches, type named", "Patient?identifier=urn:m|" + one, staff(), ok, false},
		{"one matches, question mark", "?identifier=urn:m|" + one, staff(), ok, false},
		{"several match", "identifier=urn:m|" + two, staff(), Precondition, false},
		{"unknown parameter", "nonsense=1", staff(), Invalid, false},
		{"nothing that narrows", "_count=1", staff(), Invalid, false},
		{"no query", "%zz", staff(), Invalid, false},
		{"without the search scope", "identifier=urn:m|" + one, without(staff(), MaySearch), Forbidden, false},
		{"without the create scope", "identifier=urn:m|" + one, without(staff(), MayCreate), Forbidden, false},
	}
	for _, tt := range tests {
		res, err := r.service.Create(ctx, tt.c, "Patient", body("Patient", ""), WriteOptions{IfNoneExist: tt.criterion})
		wantKind(t, err, tt.want, tt.name)
		if err != nil {
			continue
		}
		if res.Created != tt.created || !tt.created && (res.ID != first.ID || res.Version != 1 || res.JSON == nil) {
			t.Errorf("%s: %+v", tt.name, res)
		}
	}
}

// Blindness makes no duplicates, and tells nothing but what the identifier tells.
func TestConditionalCreateWithheld(t *testing.T) {
	r := shared(t)
	ctx := context.Background()
	id, marker := unique("p"), unique("m")
	r.must(body("Patient", id, mark(marker), labelled("R"), `"gender":"other"`, `"name":[{"family":"`+marker+`"}]`))
	if r.read("Patient", id) != nil {
		t.Fatal("the patient is not withheld")
	}
	got, err := r.service.Create(ctx, staff(), "Patient", body("Patient", ""), WriteOptions{IfNoneExist: "identifier=" + marker})
	if err != nil || got.ID != id || got.JSON != nil || got.Created {
		t.Errorf("by identifier: %+v, %v", got, err)
	}
	for _, criterion := range []string{"family=" + marker, "identifier=" + marker + "&gender=other", "identifier:missing=false&family=" + marker} {
		got, err = r.service.Create(ctx, staff(), "Patient", body("Patient", ""), WriteOptions{IfNoneExist: criterion})
		if err != nil || !got.Created {
			t.Errorf("%s found what is withheld: %+v, %v", criterion, got, err)
		}
	}
	got, err = r.service.Create(ctx, without(staff(), MayRead), "Patient", body("Patient", ""), WriteOptions{IfNoneExist: "identifier=" + r.visibleMarker()})
	if err != nil || got.Created || got.JSON != nil {
		t.Errorf("without the read scope: %+v, %v", got, err)
	}
}

// visibleMarker is of a patient that staff sees.
func (r *rig) visibleMarker() string {
	m := unique("visible")
	r.must(body("Patient", "", mark(m)))
	return m
}

// The cases of a conditional update (R4 section 3.1.0.5.3).
func TestConditionalUpdate(t *testing.T) {
	r := shared(t)
	ctx := context.Background()
	one, two, taken, gone := unique("one"), unique("two"), unique("taken"), unique("gone")
	first := r.must(body("Patient", "", mark(one)))
	r.must(body("Patient", "", mark(two)))
	r.must(body("Patient", "", mark(two)))
	r.must(body("Patient", taken))
	r.must(body("Patient", gone))
	r.mustDelete("Patient", gone)
	free := unique("free")
	tests := []struct {
		name, query, id, ifMatch string
		want                     Kind
		wantID                   string // "-": any new one
		version                  uint64
	}{
		{"none matches, no id", unique("none"), "", "", ok, "-", 1},
		{"none matches, an id that is free", unique("none"), free, "", ok, free, 1},
		{"none matches, an id that was deleted", unique("none"), gone, "", ok, gone, 3},
		{"none matches, an id that is taken", unique("none"), taken, "", Conflict, "", 0},
		{"one matches, no id", one, "", "", ok, first.ID, 2},
		{"one matches, its id", one, first.ID, "", ok, first.ID, 3},
		{"one matches, another id", one, unique("other"), "", Invalid, "", 0},
		{"one matches, If-Match of it", one, "", `W/"3"`, ok, first.ID, 4},
		{"one matches, If-Match of another version", one, "", `W/"3"`, Precondition, "", 0},
		{"none matches, If-Match", unique("none"), "", `W/"1"`, Precondition, "", 0},
		{"several match", two, "", "", Precondition, "", 0},
		{"several match, id of none of them", two, free, "", Precondition, "", 0},
	}
	for _, tt := range tests {
		res, err := r.service.UpdateWhere(ctx, staff(), "Patient", "identifier=urn:m|"+tt.query, body("Patient", tt.id, mark(tt.query)), WriteOptions{IfMatch: tt.ifMatch})
		wantKind(t, err, tt.want, tt.name)
		if err != nil {
			continue
		}
		right := res.ID == tt.wantID || tt.wantID == "-" && res.ID != ""
		if !right || res.Version != tt.version || res.Created != (tt.version == 1 || tt.wantID == gone) {
			t.Errorf("%s: %s version %d, created %v", tt.name, res.ID, res.Version, res.Created)
		}
	}
	_, err := r.service.UpdateWhere(ctx, staff(), "Patient", "", body("Patient", ""), WriteOptions{})
	wantKind(t, err, Invalid, "without a query")
	_, err = r.service.UpdateWhere(ctx, without(staff(), MayCreate), "Patient", "identifier="+unique("none"), body("Patient", ""), WriteOptions{})
	wantKind(t, err, Forbidden, "a new resource without the create scope")
}

// A patient's app creates by a conditional update, though it may not choose ids.
func TestConditionalUpdateByPatient(t *testing.T) {
	r := shared(t)
	p, marker := unique("p"), unique("m")
	r.must(body("Patient", p))
	raw := observation("", p, mark(marker))
	res, err := r.service.UpdateWhere(context.Background(), patientApp(p), "Observation", "identifier="+marker, raw, WriteOptions{})
	if err != nil || !res.Created {
		t.Fatalf("create: %+v, %v", res, err)
	}
	again, err := r.service.UpdateWhere(context.Background(), patientApp(p), "Observation", "identifier="+marker, raw, WriteOptions{})
	if err != nil || again.Created || again.ID != res.ID || again.Version != 2 {
		t.Errorf("update: %+v, %v", again, err)
	}
	_, err = r.service.UpdateWhere(context.Background(), patientApp(p), "Observation", "identifier="+unique("none"), observation(unique("o"), p), WriteOptions{})
	wantKind(t, err, Absent, "an id of the app's choice")
}

// The cases of a conditional patch (R4 section 3.1.0.6).
func TestConditionalPatch(t *testing.T) {
	r := shared(t)
	ctx := context.Background()
	one, two, hidden := unique("one"), unique("two"), unique("hidden")
	first := r.must(body("Patient", "", mark(one)))
	r.must(body("Patient", "", mark(two)))
	r.must(body("Patient", "", mark(two)))
	r.must(body("Patient", "", mark(hidden), labelled("R")))
	p := Patch{Body: []byte(`[{"op":"add","path":"/active","value":true}]`)}
	for _, tt := range []struct {
		name, query, ifMatch string
		want                 Kind
	}{
		{"none matches", unique("none"), "", Absent},
		{"one matches", one, "", ok},
		{"If-Match", one, `W/"9"`, Precondition},
		{"several match", two, "", Precondition},
		{"a withheld one matches", hidden, "", Absent},
	} {
		res, err := r.service.PatchWhere(ctx, staff(), "Patient", "identifier="+tt.query, p, WriteOptions{IfMatch: tt.ifMatch})
		wantKind(t, err, tt.want, tt.name)
		if err == nil && (res.ID != first.ID || res.Version != 2) {
			t.Errorf("%s: %+v", tt.name, res)
		}
	}
	r.must(body("Patient", "", mark(hidden)))
	_, err := r.service.PatchWhere(ctx, staff(), "Patient", "identifier="+hidden, p, WriteOptions{})
	wantKind(t, err, ok, "one matches that the caller sees, and another")
	_, err = r.service.PatchWhere(ctx, staff(), "Patient", "", p, WriteOptions{})
	wantKind(t, err, Invalid, "without a query")
}

// The cases of a conditional delete (R4 section 3.1.0.7.1).
func TestConditionalDelete(t *testing.T) {
	r := shared(t)
	ctx := context.Background()
	one, two := unique("one"), unique("two")
	first := r.must(body("Patient", "", mark(one)))
	a, b := r.must(body("Patient", "", mark(two))), r.must(body("Patient", "", mark(two)))
	drop := func(query, ifMatch string) (int, error) {
		got, err := r.service.DeleteWhere(ctx, staff(), "Patient", query, WriteOptions{IfMatch: ifMatch})
		return len(got), err
	}
	n, err := drop("identifier="+unique("none"), "")
	if n != 0 || err != nil {
		t.Errorf("none matches: %d, %v", n, err)
	}
	_, err = drop("identifier="+one, `W/"2"`)
	wantKind(t, err, Precondition, "If-Match of another version")
	if n, err = drop("identifier="+one, `W/"1"`); n != 1 || err != nil || r.version("Patient", first.ID) != 2 {
		t.Errorf("one matches: %d, %v", n, err)
	}
	_, err = drop("identifier="+two, "")
	wantKind(t, err, Precondition, "several match, one at a time")
	r.with(func(c *Config) { c.DeleteMany = true })
	if n, err = drop("identifier="+two, ""); n != 2 || err != nil {
		t.Errorf("several match: %d, %v", n, err)
	}
	if r.read("Patient", a.ID) != nil || r.read("Patient", b.ID) != nil {
		t.Error("not deleted")
	}
	_, err = drop("", "")
	wantKind(t, err, Invalid, "without a query")
}

// A conditional delete takes what its caller sees, unless it names what it deletes.
func TestConditionalDeleteWithheld(t *testing.T) {
	r := shared(t)
	r.with(func(c *Config) { c.DeleteMany = true })
	family, marker := unique("f"), unique("m")
	r.must(body("Patient", unique("open"), `"name":[{"family":"`+family+`"}]`))
	hidden := r.must(body("Patient", unique("hidden"), `"name":[{"family":"`+family+`"}]`, mark(marker), labelled("R")))
	got, err := r.service.DeleteWhere(context.Background(), staff(), "Patient", "family="+family, WriteOptions{})
	if err != nil || len(got) != 1 || got[0].ID == hidden.ID {
		t.Errorf("by a property: %d deleted, %v", len(got), err)
	}
	got, err = r.service.DeleteWhere(context.Background(), staff(), "Patient", "identifier="+marker, WriteOptions{})
	if err != nil || len(got) != 1 || got[0].ID != hidden.ID {
		t.Errorf("by identifier: %v, %v", got, err)
	}
}

func TestConditionalDeleteOfTooMany(t *testing.T) {
	r := shared(t)
	r.with(func(c *Config) { c.DeleteMany = true })
	marker := unique("many")
	entry := `{"resource":{"resourceType":"Basic","code":{"text":"x"},` + mark(marker) + `},"request":{"method":"POST","url":"Basic"}}`
	r.transact(t, staff(), ok, strings.Split(strings.Repeat(entry+"\n", maxDeletes+1), "\n")[:maxDeletes+1]...)
	_, err := r.service.DeleteWhere(context.Background(), staff(), "Basic", "identifier="+marker, WriteOptions{})
	wantKind(t, err, TooLarge, "more than may go at once")
	one, err := r.service.Search(context.Background(), staff(), "Basic", map[string][]string{"identifier": {marker}, "_count": {"1"}}, true)
	if err != nil {
		t.Fatal(err)
	}
	r.mustDelete("Basic", one.Matches[0].ID)
	got, err := r.service.DeleteWhere(context.Background(), staff(), "Basic", "identifier="+marker, WriteOptions{})
	if err != nil || len(got) != maxDeletes {
		t.Errorf("%d deleted, %v", len(got), err)
	}
}
