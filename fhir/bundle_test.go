package fhir

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseBundle(t *testing.T) {
	const in = "\uFEFF{\r\n\"entry\":[\n {\"request\":{\"url\":\"/Patient\",\"method\":\"POST\",\"ifNoneExist\":\"identifier=a|b\"},\n" +
		"  \"resource\" : {\"id\":\"x\", \"resourceType\":\"Patient\"} , \"fullUrl\":\"urn:uuid:\\u0031\"},\n" +
		` {"request":{"method":"PUT","url":"Patient/1","ifMatch":"W/\"1\""},"resource":{"resourceType":"Patient","id":"1"}},` +
		` {"request":{"method":"GET","url":"Patient?_id=1","ifNoneMatch":"W/\"2\"","ifModifiedSince":"2020-01-01T00:00:00Z"}},` +
		` {"request":{"method":"DELETE","url":"Patient/2"},"link":[{"relation":"self","url":"a"}]}` +
		"],\"resourceType\":\"Bundle\",\"type\":\"transaction\"}\n"
	b, err := ParseBundle([]byte(in), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := &Bundle{Type: "transaction", Entries: []BundleEntry{
		{
			FullURL: "urn:uuid:1", Method: "POST", URL: "Patient", IfNoneExist: "identifier=a|b", Path: "Bundle.entry[0]", Line: 4, Column: 16,
			Resource: []byte(`{"id":"x", "resourceType":"Patient"}`),
		},
		{
			Method: "PUT", URL: "Patient/1", IfMatch: `W/"1"`, Path: "Bundle.entry[1]", Line: 5, Column: 79,
			Resource: []byte(`{"resourceType":"Patient","id":"1"}`),
		},
		{Method: "GET", URL: "Patient?_id=1", IfNoneMatch: `W/"2"`, IfModifiedSince: "2020-01-01T00:00:00Z", Path: "Bundle.entry[2]"},
		{Method: "DELETE", URL: "Patient/2", Path: "Bundle.entry[3]"},
	}}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Error(diff)
	}
}

func TestParseBundleRefuses(t *testing.T) {
	transaction := func(entries string) string {
		return `{"resourceType":"Bundle","type":"transaction","entry":[` + entries + `]}`
	}
	const patient = `"resource":{"resourceType":"Patient"}`
	cases := []struct{ in, want string }{
		{`{"resourceType":"Patient"}`, "Patient: expected a Bundle"},
		{`{"resourceType":"Bundle"}`, "Bundle: missing required element type"},
		{`{"resourceType":"Bundle","type":"Transaction"}`, "Bundle.type: code is not in the required value set"},
		{`{"resourceType":"Bundle","type":"batch","entry":{}}`, "Bundle.entry: element repeats"},
		{transaction(`{}`), "Bundle.entry[0]: ele-1"},
		{transaction(`{` + patient + `}`), "Bundle.entry[0]: bdl-3"},
		{transaction(`{"request":{"method":"POST"},` + patient + `}`), "Bundle.entry[0].request: missing required element url"},
		{transaction(`{"request":{"url":"Patient"},` + patient + `}`), "Bundle.entry[0].request: missing required element method"},
		{transaction(`{"request":{"_method":{"id":"a"},"url":"Patient"},` + patient + `}`), "Bundle.entry[0]: bdl-3"},
		{transaction(`{"request":{"method":"POST","_url":{"extension":[{"url":"a","valueCode":"b"}]}},` + patient + `}`), "Bundle.entry[0].request: bdl-3"},
		{transaction(`{"request":{"method":"post","url":"Patient"},` + patient + `}`), "Bundle.entry[0].request.method: code"},
		{transaction(`{"request":{"method":"POST","url":"Patients"},` + patient + `}`), "Bundle.entry[0].request.url: request url does not begin"},
		{transaction(`{"request":{"method":"PUT","url":"urn:uuid:1"},` + patient + `}`), "Bundle.entry[0].request.url: request url must be relative"},
		{transaction(`{"request":{"method":"PUT","url":"http://example.org/fhir/Patient/1"}}`), "Bundle.entry[0]: entry needs a resource"},
		{transaction(`{"request":{"method":"PUT","url":"Patient/1"}}`), "Bundle.entry[0]: entry needs a resource"},
		{transaction(`{"request":{"method":"DELETE","url":"Patient/1"},` + patient + `}`), "Bundle.entry[0]: entry may not have a resource"},
		{transaction(`{"request":{"method":"POST","url":"Patient"},"resource":[]}`), "Bundle.entry[0].resource: element does not repeat"},
		{transaction(`{"request":{"method":"POST","url":"Patient"},"resource":"a"}`), "Bundle.entry[0].resource: expected an object"},
		{transaction(`{"request":{"method":"POST","url":"Patient"},"resource":{"a"}}`), "expected a colon"},
		{transaction(`{"request":{"method":"POST","url":"Patient"},` + patient + `,` + patient + `}`), "Bundle.entry[0].resource: element occurs twice"},
		{transaction(strings.Repeat(`{"fullUrl":"urn:a:b","request":{"method":"POST","url":"Patient"},`+patient+`},`, 2) + `{"id":"a"}`), "ele-1"},
		{transaction(strings.TrimSuffix(strings.Repeat(`{"fullUrl":"urn:a:b","request":{"method":"POST","url":"Patient"},`+patient+`},`, 2), ",")), "Bundle.entry[1].fullUrl: bdl-7"},
		{transaction(strings.TrimSuffix(strings.Repeat(`{"request":{"method":"GET","url":"metadata"}},`, 4), ",")), "Bundle.entry: more than 3 entries"},
	}
	for _, c := range cases {
		b, err := ParseBundle([]byte(c.in), Limits{MaxEntries: 3})
		var inv *Invalid
		if !errors.As(err, &inv) || b != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\ngot %v, want %s", c.in, err, c.want)
		}
	}
	if _, err := ParseBundle([]byte(`{"resourceType":"Bundle","type":"batch"}`), Limits{MaxBytes: 10}); firstCode(t, err) != "too-long" {
		t.Errorf("size limit: %v", err)
	}
}

// TestParseBundleAccepts covers requests that are less common.
func TestParseBundleAccepts(t *testing.T) {
	for _, in := range []string{
		`{"resourceType":"Bundle","type":"batch"}`,
		`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient"}}]}`,
		`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST","url":"$convert"}}]}`,
		`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST","url":"Patient/1/$everything"}},{"request":{"method":"GET","url":"metadata"}}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PATCH","url":"Patient/1"},"resource":{"resourceType":"Binary"}}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"Patient?identifier=http://a/b|c"},"resource":{"resourceType":"Patient"}}]}`,
		`{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"a:b","request":{"method":"GET","url":"Patient/1"}},{"fullUrl":"a:b","request":{"method":"HEAD","url":"Patient/1"}}]}`,
	} {
		if _, err := ParseBundle([]byte(in), Limits{}); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestLocate(t *testing.T) {
	const in = "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"resource\":\n" +
		"  {\"resourceType\":\"Patient\",\"gender\":\"x\",\n\"foo\":1}},{\"resource\":{\"resourceType\":\"Foo\"}}]}"
	b, err := ParseBundle([]byte(in), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []Issue
	for i := range b.Entries {
		e := &b.Entries[i]
		_, err := Parse(e.Resource, Limits{})
		var inv *Invalid
		if !errors.As(e.Locate(err), &inv) {
			t.Fatalf("got %v", err)
		}
		got = append(got, inv.Issues...)
	}
	want := []Issue{
		{"error", "code-invalid", "code is not in the required value set", []string{"Bundle.entry[0].resource.gender"}, 2, 38},
		{"error", "structure", "unknown element foo", []string{"Bundle.entry[0].resource"}, 3, 1},
		{"error", "not-supported", "resourceType is not a FHIR R4 resource type", []string{"Bundle.entry[1].resource"}, 3, 39},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	other := errors.New("other")
	if err := b.Entries[0].Locate(other); !errors.Is(err, other) {
		t.Errorf("got %v", err)
	}
}

// FuzzParseBundle compares what is accepted with what encoding/json reads.
func FuzzParseBundle(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:a","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneExist":"a=b"}}]}`))
	f.Add([]byte("{\"type\":\"batch\",\n\"entry\":[{\"request\":{\"method\":\"GET\",\"url\":\"\\u0041\"},\"response\":{\"status\":\"200\",\"outcome\":{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"value\"}]}}}],\"resourceType\":\"Bundle\"}"))
	f.Add([]byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Bundle","entry":[{"resource":{}}]}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := ParseBundle(raw, Limits{MaxEntries: 100})
		if err != nil {
			return
		}
		var want struct {
			Type  string
			Entry []struct {
				FullURL  string
				Resource json.RawMessage
				Request  struct{ Method, URL, IfMatch, IfNoneMatch, IfModifiedSince, IfNoneExist string }
			}
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(string(raw), byteOrderMark)), &want); err != nil {
			t.Fatalf("accepted what is not JSON: %v", err)
		}
		if b.Type != want.Type || len(b.Entries) != len(want.Entry) {
			t.Fatalf("got %+v", b)
		}
		for i, w := range want.Entry {
			e := b.Entries[i]
			got := BundleEntry{
				w.FullURL, w.Request.Method, strings.TrimPrefix(w.Request.URL, "/"), w.Request.IfMatch, w.Request.IfNoneMatch,
				w.Request.IfModifiedSince, w.Request.IfNoneExist, w.Resource, e.Path, e.Line, e.Column,
			}
			if diff := cmp.Diff(got, e); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
