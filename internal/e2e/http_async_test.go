package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// fetched polls the status of an asynchronous request until it has ended.
func fetched(t *testing.T, s *server, tok string, accepted *answer) *answer {
	t.Helper()
	if accepted.status != 202 || accepted.header.Get("Preference-Applied") != "respond-async" {
		t.Fatalf("not accepted: %d %v %s", accepted.status, accepted.header, accepted.body)
	}
	path := strings.TrimPrefix(accepted.header.Get("Content-Location"), s.base())
	var a *answer
	eventually(t, "the answer of an asynchronous request", func() bool {
		a = s.do(0, "GET", path, tok, "")
		return a.status != 202
	})
	return a
}

// Any GET and POST can be answered later (R4 async.html), to who asked.
func TestAsync(t *testing.T) {
	s := start(t)
	tok := s.staff()
	async := []string{"Prefer", "respond-async"}
	id := s.create(tok, "Patient", identified("", "A1", "Async"))
	for _, tc := range []struct {
		name, method, path, body string
		headers                  []string
		status, holds            string
	}{
		{"read", "GET", "/Patient/" + id, "", nil, "200 OK", `"resource":{"resourceType":"Patient"`},
		{"search", "GET", "/Patient?identifier=urn:mrn|A1", "", nil, "200 OK", `"type":"searchset"`},
		{"search by POST", "POST", "/Patient/_search", "identifier=urn:mrn|A1", []string{"Content-Type", formType}, "200 OK", `"total":1`},
		{"history", "GET", "/Patient/" + id + "/_history", "", nil, "200 OK", `"type":"history"`},
		{"create", "POST", "/Patient", identified("", "A2", "Later"), nil, "201 Created", `"location":"Patient/`},
		{"batch", "POST", "", batchOf(`{"request":{"method":"GET","url":"Patient/` + id + `"}}`), nil, "200 OK", `"type":"batch-response"`},
		{"transaction", "POST", "", smallBundle, nil, "200 OK", `"type":"transaction-response"`},
		{"failure", "GET", "/Patient/none", "", nil, "404 Not Found", `"outcome":{"resourceType":"OperationOutcome"`},
		{"refusal", "POST", "/Patient", `{"resourceType":"Patient","birthDate":"never"}`, nil, "400 Bad Request", "Patient.birthDate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			accepted := s.do(202, tc.method, tc.path, tok, tc.body, append(async, tc.headers...)...)
			got := fetched(t, s, tok, accepted)
			if got.status != 200 || got.header.Get("Expires") == "" || got.json(t)["type"] != "batch-response" {
				t.Fatalf("%d %v %s", got.status, got.header, got.body)
			}
			list := entries(t, got)
			if len(list) != 1 || list[0]["response"].(map[string]any)["status"] != tc.status || !strings.Contains(string(got.body), tc.holds) {
				t.Errorf("%s", got.body)
			}
			path := strings.TrimPrefix(accepted.header.Get("Content-Location"), s.base())
			s.do(404, "GET", path, s.payer(), "")
			s.do(404, "DELETE", path, s.payer(), "")
			s.do(202, "DELETE", path, tok, "")
			s.do(404, "GET", path, tok, "")
			s.do(404, "DELETE", path, tok, "")
		})
	}
	if n := count(t, s.do(200, "GET", "/Patient?identifier=urn:mrn|A2", tok, "")); n != 1 {
		t.Errorf("the create stored %d", n)
	}
	s.do(401, "GET", "/Patient", "", "", async...)
	s.do(201, "PUT", "/Patient/sync", tok, identified("sync", "A3", "Sync"), async...)
}

func TestAsyncIsBounded(t *testing.T) {
	s := start(t)
	tok := s.staff()
	full := false
	for range 20 {
		a := s.do(0, "GET", "/Patient", tok, "", "Prefer", "respond-async")
		if full = a.status == 429; full {
			if a.header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
			break
		}
	}
	if !full {
		t.Error("twenty requests of one client were kept")
	}
	s.do(202, "GET", "/Patient", s.payer(), "", "Prefer", "respond-async")
	s.stop() // with answers that nobody fetched
	s.run()
	if got := fmt.Sprint(s.do(200, "GET", "/Patient", tok, "").json(t)["total"]); got != "0" {
		t.Errorf("total %s", got)
	}
}
