package record

import (
	"testing"
)

// CapabilityStatement.rest.resource.referencePolicy "enforced".
func TestStrictReferences(t *testing.T) {
	r := shared(t)
	p, gone := unique("p"), unique("gone")
	r.must(body("Patient", p))
	r.must(body("Patient", gone))
	r.mustDelete("Patient", gone)
	hidden := unique("hidden")
	r.must(body("Patient", hidden, labelled("R")))
	r.with(func(c *Config) { c.StrictReferences = true })
	none := unique("none")
	focus := func(ref string) []byte { return observation("", p, `"focus":[{"reference":"`+ref+`"}]`) }
	for _, tt := range []struct {
		what, ref string
		c         *Caller
		want      Kind
	}{
		{"there", "Patient/" + p, staff(), ok},
		{"there, absolute", "http://test/fhir/Patient/" + p, staff(), ok},
		{"there, a version", "Patient/" + p + "/_history/1", staff(), ok},
		{"absent", "Patient/" + none, staff(), Unprocessable},
		{"absent, absolute", "http://test/fhir/Patient/" + none, staff(), Unprocessable},
		{"deleted", "Patient/" + gone, staff(), Unprocessable},
		{"another server's", "http://other.example/fhir/Patient/" + none, staff(), ok},
		{"a URN", aURN, staff(), ok},
		{"withheld from staff, which records blindly", "Patient/" + hidden, staff(), ok},
		{"of another patient is as if absent", "Observation/" + r.seed(hidden), patientApp(p), Unprocessable},
		{"absent, asked by a patient", "Observation/" + none, patientApp(p), Unprocessable},
		{"one's own", "Observation/" + r.seed(p), patientApp(p), ok},
	} {
		_, err := r.service.Create(t.Context(), tt.c, "Observation", focus(tt.ref), WriteOptions{})
		wantKind(t, err, tt.want, tt.what)
	}
	self := unique("o")
	_, err := r.service.Update(t.Context(), staff(), "Observation", self, observation(self, p, `"focus":[{"reference":"Observation/`+self+`"}]`), WriteOptions{})
	wantKind(t, err, ok, "to itself")
	_, err = r.service.Delete(t.Context(), staff(), "Observation", self, WriteOptions{})
	wantKind(t, err, ok, "delete what only refers to itself")
	_, err = r.service.Patch(t.Context(), staff(), "Patient", p, Patch{Body: []byte(`[{"op":"add","path":"/generalPractitioner","value":[{"reference":"Practitioner/` + none + `"}]}]`)}, WriteOptions{})
	wantKind(t, err, Unprocessable, "a patch")
}

// seed makes an Observation of a patient.
func (r *rig) seed(patient string) string {
	return r.must(observation(unique("o"), patient)).ID
}

func TestStrictDeletes(t *testing.T) {
	r := shared(t)
	r.with(func(c *Config) { c.StrictReferences, c.DeleteMany = true, true })
	m := unique("m")
	p, q := unique("p"), unique("q")
	r.must(body("Patient", p, mark(m)))
	r.must(body("Patient", q))
	o := r.must(observation(unique("o"), p, mark(m)))
	_, err := r.service.Delete(t.Context(), staff(), "Patient", p, WriteOptions{})
	wantKind(t, err, Conflict, "referred to")
	_, err = r.service.DeleteWhere(t.Context(), staff(), "Patient", "identifier="+m, WriteOptions{})
	wantKind(t, err, Conflict, "referred to, by a condition")
	toQ := `[{"op":"replace","path":"/subject/reference","value":"Patient/` + q + `"}]`
	for what, tt := range map[string]struct {
		entries []string
		want    Kind
	}{
		"and the referrer stays as it is": {[]string{entry("PUT", "Observation/"+o.ID, observation(o.ID, p, mark(m)))}, Unprocessable},
		"and a patch keeps the reference": {[]string{entry("PATCH", "Observation/"+o.ID, binaryPatch(`[{"op":"replace","path":"/status","value":"amended"}]`))}, Unprocessable},
		"and a patch changes nothing":     {[]string{entry("PATCH", "Observation/"+o.ID, binaryPatch(`[]`))}, Unprocessable},
		"and another referrer comes":      {[]string{entry("DELETE", "Observation/"+o.ID, nil), entry("POST", "Observation", observation("", p))}, Unprocessable},
	} {
		t.Run(what, func(t *testing.T) {
			r.transact(t, staff(), tt.want, append(tt.entries, entry("DELETE", "Patient/"+p, nil))...)
		})
	}
	r.transact(t, staff(), ok, entry("PATCH", "Observation/"+o.ID, binaryPatch(toQ)), entry("DELETE", "Patient/"+p, nil))
	r.transact(t, staff(), ok, entry("DELETE", "Patient/"+q, nil), entry("DELETE", "Observation?identifier="+m, nil))
	if r.read("Patient", p) != nil || r.read("Patient", q) != nil || r.read("Observation", o.ID) != nil {
		t.Error("not deleted")
	}
	a, b := unique("a"), unique("b")
	r.transact(t, staff(), ok, entry("PUT", "Patient/"+a, body("Patient", a, `"link":[{"type":"seealso","other":{"reference":"Patient/`+b+`"}}]`)), entry("PUT", "Patient/"+b, body("Patient", b)))
	_, err = r.service.Delete(t.Context(), staff(), "Patient", b, WriteOptions{})
	wantKind(t, err, Conflict, "referred to by another of its type")
}
