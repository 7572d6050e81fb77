package e2e

import (
	"net/http"
	"strings"
	"testing"
)

const smallBundle = `{"resourceType":"Bundle","type":"transaction","entry":[
 {"fullUrl":"urn:uuid:11111111-1111-4111-8111-111111111111","resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:22222222-2222-4222-8222-222222222222"},"performer":[{"reference":"Practitioner?identifier=urn:npi|77"}]},"request":{"method":"POST","url":"Observation"}},
 {"fullUrl":"urn:uuid:22222222-2222-4222-8222-222222222222","resource":{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"T1"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:mrn|T1"}},
 {"fullUrl":"urn:uuid:33333333-3333-4333-8333-333333333333","resource":{"resourceType":"Practitioner","identifier":[{"system":"urn:npi","value":"77"}]},"request":{"method":"POST","url":"Practitioner","ifNoneExist":"identifier=urn:npi|77"}},
 {"resource":{"resourceType":"Patient","id":"fixed","active":true},"request":{"method":"PUT","url":"Patient/fixed"}},
 {"request":{"method":"GET","url":"Patient/fixed"}}
]}`

// references collects every reference of a resource.
func references(v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok && k == "reference" {
				out = append(out, s)
			}
			out = append(out, references(x)...)
		}
	case []any:
		for _, x := range v {
			out = append(out, references(x)...)
		}
	}
	return out
}

func locations(t *testing.T, a *answer) []string {
	t.Helper()
	var out []string
	for _, e := range entries(t, a) {
		loc, _ := e["response"].(map[string]any)["location"].(string)
		out = append(out, loc)
	}
	return out
}

func status(e map[string]any) string {
	s, _ := e["response"].(map[string]any)["status"].(string)
	return strings.SplitN(s, " ", 2)[0]
}

func TestTransaction(t *testing.T) {
	s := start(t)
	tok := s.staff()
	first := s.do(http.StatusOK, "POST", "", tok, smallBundle)
	var got []string
	for _, e := range entries(t, first) {
		got = append(got, status(e))
	}
	if strings.Join(got, " ") != "201 201 201 201 200" {
		t.Fatalf("statuses %v", got)
	}
	loc := locations(t, first)
	if r := entries(t, first)[4]["resource"]; r == nil {
		t.Error("the GET entry has no resource")
	}
	obs := s.do(http.StatusOK, "GET", "/"+strings.TrimSuffix(loc[0], "/_history/1"), tok, "").json(t)
	refs := strings.Join(references(obs), " ")
	for i, want := range []string{1: loc[1], 2: loc[2]} {
		if want = strings.TrimSuffix(want, "/_history/1"); i > 0 && !strings.Contains(refs, want) {
			t.Errorf("references %q lack %s", refs, want)
		}
	}
	second := s.do(http.StatusOK, "POST", "", tok, smallBundle)
	got = nil
	for _, e := range entries(t, second) {
		got = append(got, status(e))
	}
	if strings.Join(got, " ") != "201 200 200 200 200" {
		t.Errorf("second run: statuses %v", got)
	}
	if again := locations(t, second); again[1] != loc[1] || again[2] != loc[2] {
		t.Errorf("ifNoneExist made new resources: %v, %v", loc, again)
	}
}

// A transaction with one bad entry changes nothing; a batch with one does the rest.
func TestAtomicity(t *testing.T) {
	s := start(t)
	tok := s.staff()
	bundle := func(kind string) string {
		return `{"resourceType":"Bundle","type":"` + kind + `","entry":[
		{"resource":{"resourceType":"Patient","name":[{"family":"Atomic"}]},"request":{"method":"POST","url":"Patient"}},
		{"resource":{"resourceType":"Patient","nonsense":1},"request":{"method":"POST","url":"Patient"}}]}`
	}
	a := s.do(http.StatusBadRequest, "POST", "", tok, bundle("transaction"))
	issue := a.json(t)["issue"].([]any)[0].(map[string]any)
	if expr := issue["expression"].([]any)[0].(string); !strings.HasPrefix(expr, "Bundle.entry[1].resource") {
		t.Errorf("expression %q does not name the entry", expr)
	}
	if n := count(t, s.do(http.StatusOK, "GET", "/Patient?family=atomic", tok, "")); n != 0 {
		t.Errorf("the refused transaction left %d patients", n)
	}
	list := entries(t, s.do(http.StatusOK, "POST", "", tok, bundle("batch")))
	if status(list[0]) != "201" || status(list[1]) != "400" {
		t.Errorf("batch statuses %s %s", status(list[0]), status(list[1]))
	}
	if n := count(t, s.do(http.StatusOK, "GET", "/Patient?family=atomic", tok, "")); n != 1 {
		t.Errorf("the batch stored %d patients", n)
	}
}

func TestConditionalReferenceMustMatchOne(t *testing.T) {
	s := start(t)
	tok := s.staff()
	body := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"performer":[{"reference":"Practitioner?identifier=urn:npi|5"}]},"request":{"method":"POST","url":"Observation"}}]}`
	s.do(http.StatusPreconditionFailed, "POST", "", tok, body)
	practitioner := `{"resourceType":"Practitioner","identifier":[{"system":"urn:npi","value":"5"}]}`
	s.create(tok, "Practitioner", practitioner)
	s.do(http.StatusOK, "POST", "", tok, body)
	s.create(tok, "Practitioner", practitioner)
	s.do(http.StatusPreconditionFailed, "POST", "", tok, body)
}

func TestConditionalCreate(t *testing.T) {
	s := start(t)
	tok := s.staff()
	body := `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"C1"}]}`
	cond := []string{"If-None-Exist", "identifier=urn:mrn|C1"}
	a := s.do(http.StatusCreated, "POST", "/Patient", tok, body, cond...)
	b := s.do(http.StatusOK, "POST", "/Patient", tok, body, cond...)
	if a.header.Get("Location") != b.header.Get("Location") {
		t.Errorf("%s and %s", a.header.Get("Location"), b.header.Get("Location"))
	}
	s.create(tok, "Patient", body)
	s.do(http.StatusPreconditionFailed, "POST", "/Patient", tok, body, cond...)
}

// The same key gets the first outcome, also after a restart, and changes nothing.
func TestIdempotencyKey(t *testing.T) {
	s := start(t)
	tok := s.staff()
	key := []string{"Idempotency-Key", "k-1"}
	a := s.do(http.StatusCreated, "POST", "/Patient", tok, patientJSON, key...)
	first := locations(t, s.do(http.StatusOK, "POST", "", tok, smallBundle, "Idempotency-Key", "k-2"))
	s.kill()
	s.run()
	b := s.do(http.StatusCreated, "POST", "/Patient", tok, patientJSON, key...)
	if a.header.Get("Location") != b.header.Get("Location") || b.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s, then %s (replayed %q)", a.header.Get("Location"), b.header.Get("Location"), b.header.Get("Idempotency-Replayed"))
	}
	again := locations(t, s.do(http.StatusOK, "POST", "", tok, smallBundle, "Idempotency-Key", "k-2"))
	if strings.Join(first, " ") != strings.Join(again, " ") {
		t.Errorf("first %v\nagain %v", first, again)
	}
}

// ack: durable answers 202 with a status URL; the write becomes visible.
func TestDurableAck(t *testing.T) {
	s := start(t)
	tok := s.staff()
	a := s.do(http.StatusAccepted, "POST", "/Patient", tok, patientJSON, "Chartseal-Ack", "durable")
	where := strings.TrimPrefix(a.header.Get("Content-Location"), s.base())
	eventually(t, "the durable write is visible", func() bool { return s.do(0, "GET", where, tok, "").status == http.StatusOK })
	id := strings.Split(strings.TrimPrefix(a.header.Get("Location"), s.base()), "/_history")[0]
	s.do(http.StatusOK, "GET", id, tok, "")
	s.do(http.StatusNotFound, "GET", where, s.payer(), "")
}
