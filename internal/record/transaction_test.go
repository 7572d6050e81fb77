package record

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chartseal/chartseal/fhir"
)

// bundle parses a transaction of the given entries.
func (r *rig) bundle(t *testing.T, entries ...string) *fhir.Bundle {
	t.Helper()
	b, err := fhir.ParseBundle([]byte(`{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`), fhir.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// transact runs a transaction and expects a kind of error, or ok.
func (r *rig) transact(t *testing.T, c *Caller, want Kind, entries ...string) []EntryResult {
	t.Helper()
	out, err := r.service.Transaction(context.Background(), c, r.bundle(t, entries...), WriteOptions{})
	wantKind(t, err, want, t.Name())
	if err != nil {
		return make([]EntryResult, len(entries))
	}
	return out
}

// entry is one of a Bundle: raw may be nil; request holds further members such as `"ifMatch":"…"`.
func entry(method, url string, raw []byte, request ...string) string {
	return fullEntry("", method, url, raw, request...)
}

func fullEntry(fullURL, method, url string, raw []byte, request ...string) string {
	out := "{"
	if fullURL != "" {
		out += `"fullUrl":"` + fullURL + `",`
	}
	if raw != nil {
		out += `"resource":` + string(raw) + `,`
	}
	return out + `"request":{"method":"` + method + `","url":"` + url + `"` + strings.Join(append([]string{""}, request...), ",") + `}}`
}

// addPatch is a FHIRPath Patch that adds one element.
func addPatch(path, name, value string) []byte {
	return body("Parameters", "", `"parameter":[{"name":"operation","part":[{"name":"type","valueCode":"add"},{"name":"path","valueString":"`+path+`"},
		{"name":"name","valueString":"`+name+`"},{"name":"value",`+value+`}]}]`)
}

const aURN, bURN = "urn:uuid:11111111-1111-4111-8111-111111111111", "urn:uuid:22222222-2222-4222-8222-222222222222"

// DELETE, POST, PUT and PATCH in this order, whatever the order of the entries (R4 section 3.1.0.11.2).
func TestTransactionOrder(t *testing.T) {
	r := shared(t)
	t.Run("If-None-Exist is asked when the deletions are done", func(t *testing.T) {
		m := unique("m")
		old := r.must(body("Patient", "", mark(m)))
		out := r.transact(t, staff(), ok,
			fullEntry(aURN, "POST", "Patient", body("Patient", "", mark(m)), `"ifNoneExist":"identifier=`+m+`"`),
			fullEntry(bURN, "POST", "Observation", body("Observation", "", `"status":"final"`, `"code":{"text":"x"}`, `"subject":{"reference":"`+aURN+`"}`)),
			entry("DELETE", "Patient/"+old.ID, nil))
		made := out[0].Result
		if out[0].Status != 201 || made.ID == old.ID || r.read("Patient", old.ID) != nil {
			t.Errorf("%+v", out[0])
		}
		if got := r.stored("Observation", out[1].Result.ID); !strings.Contains(got, `"Patient/`+made.ID+`"`) {
			t.Error(got)
		}
	})
	t.Run("answers are in the order of the request", func(t *testing.T) {
		put, gone := unique("put"), unique("gone")
		r.must(body("Patient", gone))
		out := r.transact(t, staff(), ok,
			entry("GET", "Patient/"+put, nil), entry("PUT", "Patient/"+put, body("Patient", put)),
			entry("POST", "Patient", body("Patient", "")), entry("DELETE", "Patient/"+gone, nil), entry("DELETE", "Patient/"+unique("none"), nil))
		var status []int
		for _, e := range out {
			status = append(status, e.Status)
		}
		if fmt.Sprint(status) != "[0 201 201 204 204]" || out[1].Result.ID != put || out[3].Result.ID != gone || out[4].Result != nil {
			t.Errorf("%v", status)
		}
	})
}

// Two entries that change the same resource make the transaction fail, also where conditions find it.
func TestTransactionOverlaps(t *testing.T) {
	r := shared(t)
	r.with(func(c *Config) { c.DeleteMany = true })
	m := unique("m")
	p := r.must(body("Patient", unique("p"), mark(m)))
	name, cond := "Patient/"+p.ID, "Patient?identifier="+m
	raw, same := body("Patient", p.ID, mark(m)), body("Patient", "", mark(m))
	patch := addPatch("Patient", "active", `"valueBoolean":true`)
	fresh := unique("fresh")
	tests := map[string][]string{
		"PUT and PUT":                        {entry("PUT", name, raw), entry("PUT", name, raw)},
		"PUT and DELETE":                     {entry("PUT", name, raw), entry("DELETE", name, nil)},
		"PUT and PATCH":                      {entry("PUT", name, raw), entry("PATCH", name, patch)},
		"conditional PUT and PUT":            {entry("PUT", cond, same), entry("PUT", name, raw)},
		"conditional PUT and DELETE":         {entry("PUT", cond, same), entry("DELETE", name, nil)},
		"conditional PATCH and PUT":          {entry("PATCH", cond, patch), entry("PUT", name, raw)},
		"conditional DELETE and PUT":         {entry("DELETE", cond, nil), entry("PUT", name, raw)},
		"two conditions, one match":          {entry("PUT", cond, same), entry("DELETE", cond+"&active:missing=true", nil)},
		"one condition twice":                {entry("PUT", cond, same), entry("DELETE", cond, nil)},
		"conditional PUT and what is made":   {entry("PUT", "Patient?identifier="+fresh, body("Patient", "")), entry("POST", "Patient", body("Patient", "", mark(fresh)))},
		"If-None-Exist of what is made":      {entry("POST", "Patient", body("Patient", "", mark(fresh))), entry("POST", "Patient", body("Patient", ""), `"ifNoneExist":"identifier=`+fresh+`"`)},
		"conditional PATCH and what is made": {entry("PATCH", cond, patch), entry("POST", "Patient", same)},
		"conditional PUT makes the id of a PUT": {
			entry("PUT", "Patient?identifier="+fresh, body("Patient", fresh)), entry("PUT", "Patient/"+fresh, body("Patient", fresh)),
		},
	}
	for what, entries := range tests {
		t.Run(what, func(t *testing.T) {
			_, err := r.service.Transaction(context.Background(), staff(), r.bundle(t, entries...), WriteOptions{})
			wantKind(t, err, Invalid, what)
			if err == nil || !strings.Contains(err.Error(), "another entry creates") && !strings.Contains(err.Error(), "change the same resource") {
				t.Errorf("refused for another reason: %v", err)
			}
			if r.version("Patient", p.ID) != 1 {
				t.Error("something was stored")
			}
		})
	}
	t.Run("finding is not changing", func(t *testing.T) {
		none := `"ifNoneExist":"identifier=` + m
		out := r.transact(t, staff(), ok,
			entry("POST", "Patient", same, none+`"`), entry("POST", "Patient", same, none+`&active:missing=true"`), entry("PUT", name, raw))
		if out[0].Status != 200 || out[0].Result.ID != p.ID || out[1].Result.ID != p.ID || out[2].Result.Version != 2 {
			t.Errorf("%+v", out)
		}
	})
}

// ifMatch, ifNoneMatch and ifNoneExist hold for their entry, and fail the whole.
func TestTransactionPreconditions(t *testing.T) {
	r := shared(t)
	p, m, two := unique("p"), unique("m"), unique("two")
	r.must(body("Patient", p, mark(m)))
	r.must(body("Patient", "", mark(two)))
	r.must(body("Patient", "", mark(two)))
	other := func() (string, string) {
		id := unique("other")
		return id, entry("PUT", "Patient/"+id, body("Patient", id))
	}
	patch := addPatch("Patient", "active", `"valueBoolean":true`)
	for what, tt := range map[string]struct {
		entry string
		want  Kind
	}{
		"PUT, If-Match holds":         {entry("PUT", "Patient/"+p, body("Patient", p, mark(m)), `"ifMatch":"W/\"1\""`), ok},
		"PUT, If-Match does not":      {entry("PUT", "Patient/"+p, body("Patient", p), `"ifMatch":"W/\"9\""`), Precondition},
		"PUT, If-Match is no ETag":    {entry("PUT", "Patient/"+p, body("Patient", p), `"ifMatch":"9"`), Invalid},
		"PATCH, If-Match does not":    {entry("PATCH", "Patient/"+p, patch, `"ifMatch":"W/\"9\""`), Precondition},
		"DELETE, If-Match does not":   {entry("DELETE", "Patient/"+p, nil, `"ifMatch":"W/\"9\""`), Precondition},
		"PUT, If-None-Match *, taken": {entry("PUT", "Patient/"+p, body("Patient", p), `"ifNoneMatch":"*"`), Precondition},
		"POST, several exist":         {entry("POST", "Patient", body("Patient", ""), `"ifNoneExist":"identifier=`+two+`"`), Precondition},
		"POST, one exists":            {entry("POST", "Patient", body("Patient", ""), `"ifNoneExist":"identifier=`+m+`"`), ok},
		"PUT, several match":          {entry("PUT", "Patient?identifier="+two, body("Patient", "")), Precondition},
		"PATCH, none matches":         {entry("PATCH", "Patient?identifier="+unique("none"), patch), Absent},
		"DELETE, none matches":        {entry("DELETE", "Patient?identifier="+unique("none"), nil), ok},
		"PUT, the id is another":      {entry("PUT", "Patient/"+p, body("Patient", "x")), Invalid},
		"an unknown method":           {entry("POST", "Patient/_search", body("Patient", "")), NotSupported},
		"a type that is not stored":   {entry("POST", "Parameters", body("Parameters", "")), NotSupported},
		"a DELETE without an id":      {entry("DELETE", "Patient", nil), Invalid},
		"a PUT with id and query":     {entry("PUT", "Patient/"+p+"?identifier=1", body("Patient", p)), Invalid},
		"not of the type of its URL":  {entry("POST", "Patient", body("Basic", "", `"code":{"text":"x"}`)), Invalid},
		"an unknown search parameter": {entry("PUT", "Patient?nonsense=1", body("Patient", "")), Invalid},
		"an operation":                {entry("POST", "Patient/$match", body("Parameters", "")), NotSupported},
	} {
		t.Run(what, func(t *testing.T) {
			id, first := other()
			out, err := r.service.Transaction(context.Background(), staff(), r.bundle(t, first, tt.entry), WriteOptions{})
			wantKind(t, err, tt.want, what)
			if stored := r.version("Patient", id) > 0; stored != (tt.want == ok) {
				t.Errorf("the other entry is stored: %v", stored)
			}
			if err == nil && out[1].Status == 0 {
				t.Error("no status")
			}
			var e *Error
			if errors.As(err, &e) && (len(e.Issues) == 0 || !strings.HasPrefix(e.Issues[0].Expression[0], "Bundle.entry[1]")) {
				t.Errorf("the error does not name its entry: %+v", e.Issues)
			}
		})
	}
}

// References to a fullUrl are rewritten in references, uris and narratives, and never in canonicals.
func TestTransactionFullURLs(t *testing.T) {
	r := shared(t)
	m := unique("m")
	known := r.must(body("Patient", unique("known"), mark(m)))
	r.must(body("Patient", known.ID, mark(m)))
	put := unique("put")
	const root = "http://other.example/fhir/"
	out := r.transact(t, staff(), ok,
		fullEntry(aURN, "POST", "Patient", body("Patient", "")),
		fullEntry(root+"Patient/1", "POST", "Patient", body("Patient", "")),
		fullEntry(root+"Patient/2", "PUT", "Patient/"+put, body("Patient", put)),
		fullEntry(root+"Patient/3", "PUT", "Patient/"+known.ID, body("Patient", known.ID, mark(m))),
		fullEntry(bURN, "POST", "Patient", body("Patient", ""), `"ifNoneExist":"identifier=`+r.visibleMarker()+`"`),
		fullEntry(root+"List/1", "POST", "List", []byte(`{"resourceType":"List","status":"current","mode":"working",
			"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"`+aURN+`\">a</a></div>"},
			"extension":[{"url":"urn:x","valueUri":"`+aURN+`"},{"url":"urn:x","valueCanonical":"`+aURN+`"}],
			"entry":[{"item":{"reference":"`+aURN+`"}},{"item":{"reference":"Patient/1"}},{"item":{"reference":"`+root+`Patient/1"}},
			{"item":{"reference":"Patient/2"}},{"item":{"reference":"`+root+`Patient/3/_history/7"}},{"item":{"reference":"Patient/2/_history/7"}},
			{"item":{"reference":"`+bURN+`"}},{"item":{"reference":"`+bURN+`/_history/1"}},{"item":{"reference":"Patient/4"}},{"item":{"reference":"http://else.example/Patient/1"}}]}`)),
		entry("POST", "List", []byte(`{"resourceType":"List","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/1"}}]}`)))
	id := func(i int) string { return "Patient/" + out[i].Result.ID }
	got := r.stored("List", out[5].Result.ID)
	for _, want := range []string{
		`href=\"` + id(0) + `\"`, `"valueUri":"` + id(0) + `"`, `"valueCanonical":"` + aURN + `"`,
		`"entry":[{"item":{"reference":"` + id(0) + `"}},{"item":{"reference":"` + id(1) + `"}},{"item":{"reference":"` + id(1) + `"}},` +
			`{"item":{"reference":"Patient/` + put + `"}},{"item":{"reference":"Patient/` + known.ID + `/_history/3"}},{"item":{"reference":"Patient/` + put + `/_history/1"}},` +
			`{"item":{"reference":"` + id(4) + `"}},{"item":{"reference":"` + id(4) + `/_history/1"}},{"item":{"reference":"Patient/4"}},{"item":{"reference":"http://else.example/Patient/1"}}]`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if got := r.stored("List", out[6].Result.ID); !strings.Contains(got, `"Patient/1"`) {
		t.Errorf("a relative reference of an entry without a base was rewritten: %s", got)
	}
}

// An entry that the caller may not make fails the whole.
func TestTransactionScopes(t *testing.T) {
	r := shared(t)
	p := unique("p")
	r.must(body("Patient", p))
	patch := addPatch("Patient", "active", `"valueBoolean":true`)
	for what, tt := range map[string]struct {
		entry string
		no    Interaction
	}{
		"POST":        {entry("POST", "Patient", body("Patient", "")), MayCreate},
		"PUT":         {entry("PUT", "Patient/"+p, body("Patient", p)), MayUpdate},
		"PATCH":       {entry("PATCH", "Patient/"+p, patch), MayUpdate},
		"PATCH reads": {entry("PATCH", "Patient/"+p, patch), MayRead},
		"DELETE":      {entry("DELETE", "Patient/"+p, nil), MayDelete},
		"condition":   {entry("DELETE", "Patient?identifier=1", nil), MaySearch},
	} {
		t.Run(what, func(t *testing.T) { r.transact(t, without(staff(), tt.no), Forbidden, tt.entry) })
	}
	r.transact(t, patientApp(p), ok, entry("POST", "Observation", observation("", p)))
	r.transact(t, patientApp(p), Forbidden, entry("POST", "Observation", observation("", p)), entry("POST", "Observation", observation("", unique("another"))))
}

// What is no resource is the client's mistake.
func TestTransactionMalformed(t *testing.T) {
	r := shared(t)
	for _, raw := range []string{`{}`, `{"resourceType":"Patient","gender":7}`, `{"resourceType":"Patient","gender":"x","gender":"y"}`, `{"resourceType":"Nonsense"}`} {
		for _, url := range []string{"Patient", "Patient?identifier=1"} {
			method := map[bool]string{true: "PUT", false: "POST"}[strings.Contains(url, "?")]
			r.transact(t, staff(), Invalid, entry(method, url, []byte(raw)))
			r.transact(t, staff(), Invalid, entry("PATCH", "Patient/1", []byte(raw)))
		}
	}
	r.with(func(c *Config) { c.BundleEntries = 1 })
	r.transact(t, staff(), TooLarge, entry("POST", "Patient", body("Patient", "")), entry("POST", "Patient", body("Patient", "")))
}

// The id in the body of a conditional PUT is locked: nothing matched, and it is the one that will be written.
func TestTransactionLocksSentID(t *testing.T) {
	r := shared(t)
	id := unique("sent")
	res := r.service.resourceToken("Patient", id)
	held, err := r.service.locks.acquire(context.Background(), []token{res})
	if err != nil {
		t.Fatal(err)
	}
	b := r.bundle(t, entry("PUT", "Patient?identifier="+unique("none"), body("Patient", id)))
	done := make(chan error)
	go func() {
		_, err := r.service.Transaction(context.Background(), staff(), b, WriteOptions{})
		done <- err
	}()
	r.awaitWaiters(res, 1)
	held.release()
	if err := <-done; err != nil || r.version("Patient", id) != 1 {
		t.Error(err)
	}
}
