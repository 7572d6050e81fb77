package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func batchOf(entries ...string) string {
	return `{"resourceType":"Bundle","type":"batch","entry":[` + strings.Join(entries, ",\n") + `]}`
}

// Whatever can be asked for alone can be asked for in a batch.
func TestBatchOfEverything(t *testing.T) {
	s := start(t)
	tok := s.staff()
	id := s.create(tok, "Patient", identified("", "B1", "Batch"))
	other := s.create(tok, "Patient", identified("", "B2", "Batch"))
	patch := base64.StdEncoding.EncodeToString([]byte(`[{"op":"add","path":"/active","value":true}]`))
	get := func(url string) string { return `{"request":{"method":"GET","url":"` + url + `"}}` }
	for _, tc := range []struct {
		name, entry, status, holds string
	}{
		{"read", get("Patient/" + id), "200", `"resource":{`},
		{"read of a part", get("Patient/" + id + "?_elements=identifier"), "200", "SUBSETTED"},
		{"read of nothing", get("Patient/none"), "404", `"outcome":{"resourceType":"OperationOutcome"`},
		{"vread", get("Patient/" + id + "/_history/1"), "200", `"versionId":"1"`},
		{"history", get("Patient/" + id + "/_history"), "200", `"type":"history"`},
		{"history of a type", get("Patient/_history?_count=1"), "200", `"type":"history"`},
		{"search", get("Patient?identifier=urn:mrn|B1"), "200", `"type":"searchset"`},
		{"metadata", get("metadata"), "200", `"resource":{"resourceType":"CapabilityStatement"`},
		{"receipt", get("Patient/" + id + "/$receipt"), "200", `"resource":{"resourceType":"Binary","contentType":"application/json"`},
		{"unknown operation", get("Patient/" + id + "/$nothing"), "404", "metadata"},
		{"unknown type", get("Pateint/1"), "404", "Patient"},
		{"head", `{"request":{"method":"HEAD","url":"Patient/` + id + `"}}`, "200", `"etag":"W/\"1\""`},
		{"create", `{"resource":` + identified("", "B3", "New") + `,"request":{"method":"POST","url":"Patient"}}`, "201", `"location":"Patient/`},
		{"create on condition", `{"resource":` + identified("", "B1", "New") + `,"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:mrn|B1"}}`, "200", id},
		{"update", `{"resource":` + identified("b4", "B4", "New") + `,"request":{"method":"PUT","url":"Patient/b4"}}`, "201", `"location":"Patient/b4/_history/1"`},
		{"update of another version", `{"resource":` + identified("b4", "B4", "New") + `,"request":{"method":"PUT","url":"Patient/b4","ifMatch":"W/\"7\""}}`, "412", "outcome"},
		{"update on condition", `{"resource":` + identified("", "B4", "Newer") + `,"request":{"method":"PUT","url":"Patient?identifier=urn:mrn|B4"}}`, "200", "Patient/b4/_history/2"},
		{"JSON Patch", `{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"` + patch + `"},"request":{"method":"PATCH","url":"Patient/b4"}}`, "200", "Patient/b4/_history/3"},
		{"FHIRPath Patch", `{"resource":{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.active"}]}]},"request":{"method":"PATCH","url":"Patient/b4"}}`, "200", "Patient/b4/_history/4"},
		{"delete", `{"request":{"method":"DELETE","url":"Patient/` + other + `"}}`, "204", "etag"},
		{"delete on condition", `{"request":{"method":"DELETE","url":"Patient?identifier=urn:mrn|B3"}}`, "204", ""},
	} {
		a := s.do(http.StatusOK, "POST", "", tok, batchOf(tc.entry))
		list := entries(t, a)
		if len(list) != 1 || status(list[0]) != tc.status || !strings.Contains(string(a.body), tc.holds) {
			t.Errorf("%s: %s", tc.name, a.body)
		}
		if tc.name == "head" && list[0]["resource"] != nil {
			t.Errorf("HEAD gives a resource")
		}
	}
	whole := s.do(http.StatusOK, "POST", "", tok, batchOf(`{"resource":`+identified("", "B9", "Whole")+`,"request":{"method":"POST","url":"Patient"}}`), "Prefer", "return=representation")
	if e := entries(t, whole)[0]; e["resource"] == nil || !strings.HasPrefix(fmt.Sprint(e["fullUrl"]), s.base()+"/Patient/") {
		t.Errorf("return=representation: %s", whole.body)
	}
}

// DELETE goes before POST, POST before PUT and PATCH, and those before reads; entries about the same keep their order.
func TestBatchOrder(t *testing.T) {
	s := start(t)
	tok := s.staff()
	s.do(201, "PUT", "/Patient/o1", tok, identified("o1", "O1", "Old"))
	put := func(n int) string { // of the version after n; the first one brings back what was deleted
		match := ""
		if n > 2 {
			match = fmt.Sprintf(`,"ifMatch":"W/\"%d\""`, n)
		}
		return fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":"Patient/o1"%s}}`, identified("o1", "O1", fmt.Sprintf("V%d", n+1)), match)
	}
	a := s.do(200, "POST", "", tok, batchOf(
		`{"request":{"method":"GET","url":"Patient/o1"}}`,
		put(2), put(3), put(4), put(5),
		`{"request":{"method":"DELETE","url":"Patient/o1"}}`,
	))
	var got []string
	for _, e := range entries(t, a) {
		got = append(got, status(e))
	}
	if strings.Join(got, " ") != "200 201 200 200 200 204" || !strings.Contains(string(a.body), `"family":"V6"`) {
		t.Errorf("%v: %s", got, a.body)
	}
}

// The errors of an entry point into the Bundle, as those of a transaction do.
func TestBatchErrorsAreLocated(t *testing.T) {
	s := start(t)
	a := s.do(200, "POST", "", s.staff(), batchOf(
		`{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`,
		"{\"resource\":{\n \"resourceType\":\"Patient\",\n \"birthDate\":\"never\"},\"request\":{\"method\":\"POST\",\"url\":\"Patient\"}}",
		`{"resource":{"resourceType":"Patient","id":"x"},"request":{"method":"PUT","url":"Patient/y"}}`,
		`{"request":{"method":"GET","url":"Patient/none"}}`,
	))
	list := entries(t, a)
	issue := func(i int) string {
		o, _ := list[i]["response"].(map[string]any)["outcome"].(map[string]any)
		return fmt.Sprint(o["issue"])
	}
	if got := issue(1); !strings.Contains(got, "Bundle.entry[1].resource.birthDate") || !strings.Contains(got, "valueInteger:4") {
		t.Errorf("entry 1: %s", got)
	}
	if got := issue(2); !strings.Contains(got, "Bundle.entry[2].resource") {
		t.Errorf("entry 2: %s", got)
	}
	if got := issue(3); !strings.Contains(got, "Bundle.entry[3]") {
		t.Errorf("entry 3: %s", got)
	}
}

// A repeated batch with a key changes nothing a second time.
func TestBatchIdempotency(t *testing.T) {
	s := start(t)
	tok := s.staff()
	var list []string
	for i := range 5 {
		list = append(list, `{"resource":`+identified("", fmt.Sprintf("I%d", i), "Idem")+`,"request":{"method":"POST","url":"Patient"}}`)
	}
	key := []string{"Idempotency-Key", strings.Repeat("k", 256)}
	first := locations(t, s.do(200, "POST", "", tok, batchOf(list...), key...))
	again := s.do(200, "POST", "", tok, batchOf(list...), key...)
	if strings.Join(first, " ") != strings.Join(locations(t, again), " ") || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%v, then %v %v", first, locations(t, again), again.header)
	}
	if n := count(t, s.do(200, "GET", "/Patient?family=idem", tok, "")); n != 5 {
		t.Errorf("%d patients", n)
	}
}

// Scopes and consents hold for entries as for requests.
func TestBatchGrantsNothing(t *testing.T) {
	s := start(t)
	staff := s.staff()
	id := s.create(staff, "Patient", patientJSON)
	reader := s.token("--scope", "user/Patient.r", "--user", "Practitioner/1", "--client", "reader")
	a := s.do(200, "POST", "", reader, batchOf(
		`{"request":{"method":"GET","url":"Patient/`+id+`"}}`,
		`{"request":{"method":"GET","url":"Patient?family=testperson"}}`,
		`{"request":{"method":"DELETE","url":"Patient/`+id+`"}}`,
		`{"resource":`+patientJSON+`,"request":{"method":"POST","url":"Patient"}}`,
	))
	var got []string
	for _, e := range entries(t, a) {
		got = append(got, status(e))
	}
	if strings.Join(got, " ") != "200 403 403 403" {
		t.Errorf("%v", got)
	}
}

// The reads of a transaction see what it wrote, and may be of any kind.
func TestTransactionReads(t *testing.T) {
	s := start(t)
	tok := s.staff()
	body := `{"resourceType":"Bundle","type":"transaction","entry":[
		{"request":{"method":"GET","url":"Patient?identifier=urn:mrn|T7"}},
		{"request":{"method":"HEAD","url":"Patient/t7"}},
		{"request":{"method":"GET","url":"Patient/none"}},
		{"resource":` + identified("t7", "T7", "Seen") + `,"request":{"method":"PUT","url":"Patient/t7"}}]}`
	a := s.do(200, "POST", "", tok, body)
	list := entries(t, a)
	var got []string
	for _, e := range list {
		got = append(got, status(e))
	}
	if strings.Join(got, " ") != "200 200 404 201" || !strings.Contains(string(a.body), `"total":1`) || list[1]["resource"] != nil {
		t.Errorf("%v %s", got, a.body)
	}
}
