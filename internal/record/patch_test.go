package record

import (
	"encoding/base64"
	"strings"
	"testing"
)

const activePatch = `[{"op":"add","path":"/active","value":true}]`

// What a patch does, and what it is refused for (R4 section 3.1.0.6).
func TestPatch(t *testing.T) {
	r := shared(t)
	open, hidden, gone, app := unique("open"), unique("hidden"), unique("gone"), unique("app")
	r.must(body("Patient", open))
	r.must(body("Patient", app))
	r.must(body("Patient", hidden, labelled("R")))
	r.must(body("Patient", gone))
	r.mustDelete("Patient", gone)
	for _, tt := range []struct {
		name, id, ifMatch string
		fhirPath          bool
		patch             string
		c                 *Caller
		want              Kind
		version           uint64
	}{
		{name: "JSON Patch", id: open, patch: activePatch, version: 2},
		{name: "changes nothing", id: open, patch: activePatch, version: 2},
		{name: "If-Match", id: open, ifMatch: `W/"2"`, patch: `[{"op":"replace","path":"/active","value":false}]`, version: 3},
		{name: "If-Match of another version", id: open, ifMatch: `W/"2"`, patch: activePatch, want: Precondition},
		{name: "If-Match, though nothing would change", id: open, ifMatch: `W/"2"`, patch: `[]`, want: Precondition},
		{name: "FHIRPath Patch", id: open, fhirPath: true, patch: string(addPatch("Patient", "gender", `"valueCode":"other"`)), version: 4},
		{name: "a test that holds", id: open, patch: `[{"op":"test","path":"/gender","value":"other"},{"op":"remove","path":"/gender"}]`, version: 5},
		{name: "a test that fails", id: open, patch: `[{"op":"test","path":"/gender","value":"other"}]`, want: Precondition},
		{name: "no patch", id: open, patch: `{}`, want: Invalid},
		{name: "no FHIRPath Patch", id: open, fhirPath: true, patch: `{"resourceType":"Patient"}`, want: Invalid},
		{name: "a path to nowhere", id: open, patch: `[{"op":"remove","path":"/gender"}]`, want: Unprocessable},
		{name: "the result is not valid", id: open, patch: `[{"op":"add","path":"/gender","value":"x"}]`, want: Unprocessable},
		{name: "another id", id: open, patch: `[{"op":"replace","path":"/id","value":"x"}]`, want: Unprocessable},
		{name: "no id", id: open, patch: `[{"op":"remove","path":"/id"}]`, want: Unprocessable},
		{name: "another type", id: open, patch: `[{"op":"replace","path":"/resourceType","value":"Person"}]`, want: Unprocessable},
		{name: "a version of the client's choice", id: open, patch: `[{"op":"replace","path":"/meta/versionId","value":"77"}]`, version: 6},
		{name: "absent", id: unique("none"), patch: activePatch, want: Absent},
		{name: "withheld", id: hidden, patch: activePatch, want: Absent},
		{name: "withheld, the test holds", id: hidden, patch: `[{"op":"test","path":"/id","value":"` + hidden + `"}]`, want: Absent},
		{name: "deleted", id: gone, patch: activePatch, want: Gone},
		{name: "without the read scope", id: open, patch: activePatch, c: without(staff(), MayRead), want: Forbidden},
		{name: "without the update scope", id: open, patch: activePatch, c: without(staff(), MayUpdate), want: Forbidden},
		{name: "another patient's", id: open, patch: activePatch, c: patientApp(app), want: Absent},
		{name: "one's own", id: app, patch: activePatch, c: patientApp(app), version: 2},
	} {
		if tt.c == nil {
			tt.c = staff()
		}
		res, err := r.service.Patch(t.Context(), tt.c, "Patient", tt.id, Patch{FHIRPath: tt.fhirPath, Body: []byte(tt.patch)}, WriteOptions{IfMatch: tt.ifMatch})
		wantKind(t, err, tt.want, tt.name)
		if err == nil && (res.Version != tt.version || res.Created || res.JSON == nil) {
			t.Errorf("%s: %+v", tt.name, res)
		}
	}
	page, err := r.service.History(t.Context(), staff(), HistoryQuery{Type: "Patient", ID: open})
	if err != nil || len(page.Versions) != 6 || page.Versions[0].Method != "PUT" {
		t.Errorf("history: %+v, %v", page, err)
	}
	if got := string(page.Versions[0].JSON); !strings.Contains(got, `"versionId":"6"`) {
		t.Error(got)
	}
}

// What keeps others from seeing a resource stays when somebody else than the staff patches it.
func TestPatchByPatient(t *testing.T) {
	r := shared(t)
	p, other := unique("p"), unique("other")
	r.must(body("Patient", p))
	r.must(body("Patient", other))
	o := r.must(observation(unique("o"), p, labelled("R")))
	for patch, want := range map[string]Kind{
		`[{"op":"remove","path":"/meta"}]`:                                                        Forbidden,
		`[{"op":"replace","path":"/meta/security/0/code","value":"N"}]`:                           Forbidden,
		`[{"op":"replace","path":"/subject","value":{"reference":"Patient/` + other + `"}}]`:      Forbidden,
		`[{"op":"replace","path":"/subject","value":{"display":"somebody"}}]`:                     Forbidden,
		`[{"op":"replace","path":"/status","value":"amended"}]`:                                   ok,
		`[{"op":"add","path":"/meta/tag","value":[{"system":"urn:t","code":"x"}]}]`:               ok,
		`[{"op":"add","path":"/performer","value":[{"reference":"Patient/` + other + `"}]}]`:      Forbidden,
		`[{"op":"add","path":"/performer","value":[{"reference":"Practitioner/somebody-else"}]}]`: ok,
	} {
		_, err := r.service.Patch(t.Context(), patientApp(p), "Observation", o.ID, Patch{Body: []byte(patch)}, WriteOptions{})
		wantKind(t, err, want, patch)
	}
}

func binaryOf(contentType, patch string) []byte {
	return body("Binary", "", `"contentType":"`+contentType+`"`, `"data":"`+base64.StdEncoding.EncodeToString([]byte(patch))+`"`)
}

func binaryPatch(patch string) []byte { return binaryOf("application/json-patch+json", patch) }

// A PATCH entry carries Parameters, whose references are rewritten, or a Binary (R4 section 3.1.0.11.2).
func TestTransactionPatch(t *testing.T) {
	r := shared(t)
	p := unique("p")
	r.must(body("Patient", p))
	binary := binaryOf
	out := r.transact(t, staff(), ok,
		entry("PATCH", "Patient/"+p, addPatch("Patient", "managingOrganization", `"valueReference":{"reference":"`+aURN+`"}`)),
		fullEntry(aURN, "POST", "Organization", body("Organization", "", `"name":"x"`)))
	if got := r.stored("Patient", p); !strings.Contains(got, `"Organization/`+out[1].Result.ID+`"`) || out[0].Status != 200 || out[0].Result.Version != 2 {
		t.Errorf("%+v %s", out[0], got)
	}
	out = r.transact(t, staff(), ok, entry("PATCH", "Patient/"+p, binary("application/json-patch+json; charset=utf-8", activePatch)))
	if got := r.stored("Patient", p); !strings.Contains(got, `"active":true`) || out[0].Result.Version != 3 {
		t.Errorf("%+v %s", out[0], got)
	}
	out = r.transact(t, staff(), ok, entry("PATCH", "Patient/"+p, binary("application/json-patch+json", activePatch)), entry("POST", "Patient", body("Patient", "")))
	if out[0].Status != 200 || out[0].Result.Version != 3 {
		t.Errorf("a patch that changes nothing: %+v", out[0])
	}
	r.transact(t, staff(), Invalid, entry("PATCH", "Patient/"+p, binary("text/plain", activePatch)))
	r.transact(t, staff(), Invalid, entry("PATCH", "Patient/"+p, body("Patient", p)))
	r.transact(t, staff(), Invalid, entry("PATCH", "Patient/"+p, []byte(`{"resourcetype":"Parameters"}`)))
	r.transact(t, staff(), Precondition, entry("PATCH", "Patient/"+p, binary("application/json-patch+json", `[{"op":"test","path":"/active","value":false}]`)),
		entry("POST", "Patient", body("Patient", "")))
	r.transact(t, staff(), Absent, entry("PATCH", "Patient/"+unique("none"), binary("application/json-patch+json", activePatch)))
}
