package record

import (
	"testing"
)

// If-Match and If-None-Match (R4 section 3.1.0.5.1; RFC 9110 section 13.1).
func TestPreconditions(t *testing.T) {
	r := shared(t)
	id, gone := unique("p"), unique("gone")
	r.must(body("Patient", id))
	r.must(body("Patient", id))
	r.must(body("Patient", gone))
	r.mustDelete("Patient", gone)
	for _, tt := range []struct {
		id, ifMatch, ifNoneMatch string
		want                     Kind
	}{
		{id, `W/"1"`, "", Precondition},
		{id, `W/"1", W/"3"`, "", Precondition},
		{id, `W/"3"`, "", Precondition},
		{id, `2`, "", Invalid},
		{id, `W/2`, "", Invalid},
		{id, `W/"2"x`, "", Invalid},
		{id, `W/"another server's"`, "", Invalid},
		{id, `W/"another-server's"`, "", Precondition},
		{id, `"2",`, "", Invalid},
		{id, `"2" "3"`, "", Invalid},
		{id, `"a,b"`, "", Precondition},
		{id, `"02"`, "", Precondition},
		{id, `""`, "", Precondition},
		{id, "", `*`, Precondition},
		{id, "", `W/"2"`, Precondition},
		{id, "", `"1", "2"`, Precondition},
		{id, "", `**`, Invalid},
		{gone, `*`, "", Precondition},
		{gone, `W/"2"`, "", Precondition},
		{unique("none"), `*`, "", Precondition},
		{id, `W/"2"`, `W/"7"`, ok},
		{id, `"1","3"`, "", ok},
		{id, `*`, "", ok},
		{gone, "", `*`, ok},
		{unique("none"), "", `*`, ok},
		{id, "", `W/"another-server's"`, ok},
	} {
		_, err := r.service.Update(t.Context(), staff(), "Patient", tt.id, body("Patient", tt.id), WriteOptions{IfMatch: tt.ifMatch, IfNoneMatch: tt.ifNoneMatch})
		wantKind(t, err, tt.want, tt.ifMatch+" and "+tt.ifNoneMatch)
	}
}

// A server may ask for If-Match: of updates of what is there.
func TestRequireIfMatch(t *testing.T) {
	r := shared(t)
	r.with(func(c *Config) { c.RequireIfMatch = true })
	id, m := unique("p"), unique("m")
	r.must(body("Patient", id, mark(m)))
	_, err := r.service.Update(t.Context(), staff(), "Patient", id, body("Patient", id, mark(m)), WriteOptions{})
	wantKind(t, err, Invalid, "update")
	_, err = r.service.Patch(t.Context(), staff(), "Patient", id, Patch{Body: []byte(activePatch)}, WriteOptions{})
	wantKind(t, err, Invalid, "patch")
	r.transact(t, staff(), Invalid, entry("PUT", "Patient/"+id, body("Patient", id, mark(m))))
	_, err = r.service.Update(t.Context(), staff(), "Patient", id, body("Patient", id, mark(m)), WriteOptions{IfNoneMatch: "*"})
	wantKind(t, err, Precondition, "create of what is there")
	_, err = r.service.UpdateWhere(t.Context(), staff(), "Patient", "identifier="+m, body("Patient", "", mark(m)), WriteOptions{})
	wantKind(t, err, ok, "conditional update")
	_, err = r.service.Delete(t.Context(), staff(), "Patient", id, WriteOptions{})
	wantKind(t, err, ok, "delete")
}

// A delete of what is not there is no error, and tells nobody else what is there.
func TestDeleteTellsNothing(t *testing.T) {
	r := shared(t)
	p, other, gone := unique("p"), unique("other"), unique("gone")
	r.must(body("Patient", p))
	r.must(body("Patient", other))
	theirs := r.seed(other)
	r.must(observation(gone, p))
	r.mustDelete("Observation", gone)
	for what, tt := range map[string]struct {
		c    *Caller
		id   string
		want Kind
	}{
		"absent": {staff(), unique("none"), ok}, "deleted": {staff(), gone, ok}, "one's own, deleted": {patientApp(p), gone, ok},
		"another's": {patientApp(p), theirs, Absent}, "absent, by a patient": {patientApp(p), unique("none"), Absent},
	} {
		res, err := r.service.Delete(t.Context(), tt.c, "Observation", tt.id, WriteOptions{})
		wantKind(t, err, tt.want, what)
		if res != nil {
			t.Errorf("%s: %+v", what, res)
		}
	}
	if r.version("Observation", gone) != 2 || r.read("Observation", theirs) == nil {
		t.Error("something was deleted")
	}
}
