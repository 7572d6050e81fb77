package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const operationFixtures = `,"contained":[{"resourceType":"Patient","id":"p","active":true,"name":[{"text":"${TEST} \\ ${quoted}"}]}],` +
	`"fixture":[{"id":"p","autocreate":false,"autodelete":false,"resource":{"reference":"#p"}}],` +
	`"variable":[{"name":"quoted","defaultValue":"a\"b"},{"name":"id","expression":"id","sourceId":"made"},{"name":"etag","headerField":"ETag","sourceId":"made"},` +
	`{"name":"many","defaultValue":"[","extension":[{"url":"` + ExtensionURL + `","extension":[{"url":"repeat","valueInteger":3}]}]},` +
	`{"name":"other","expression":"nothing","sourceId":"made","defaultValue":"fallback"}]`

func creating(w http.ResponseWriter, r *http.Request, _ string) {
	if r.Method == http.MethodPost {
		w.Header().Set("Location", "http://"+r.Host+"/fhir/Patient/new/_history/1")
		w.Header().Set("ETag", `W/"1"`)
		w.WriteHeader(http.StatusCreated)
	}
	fmt.Fprint(w, `{"resourceType":"Patient","id":"new"}`)
}

// What each kind of operation sends.
func TestOperations(t *testing.T) {
	create := `{"operation":{"type":{"code":"create"},"sourceId":"p","responseId":"made","encodeRequestUrl":true}},`
	for name, tc := range map[string]struct {
		op     string // behind the create
		want   string // method, URL and body
		header string // and one header
	}{
		"read by target":   {`"type":{"code":"read"},"targetId":"made"`, "GET /fhir/Patient/new ", "Accept: application/fhir+json"},
		"read by params":   {`"type":{"code":"read"},"resource":"Patient","params":"/${id}"`, "GET /fhir/Patient/new ", ""},
		"history":          {`"type":{"code":"history"},"targetId":"made"`, "GET /fhir/Patient/new/_history ", ""},
		"operation":        {`"type":{"code":"everything"},"targetId":"made"`, "GET /fhir/Patient/new/$everything ", ""},
		"update":           {`"type":{"code":"update"},"targetId":"made","sourceId":"p"`, `PUT /fhir/Patient/new {"resourceType":"Patient","id":"new","active":true,"name":[{"text":"RUN-1 \\ a\"b"}]}`, "Content-Type: application/fhir+json"},
		"delete":           {`"type":{"code":"delete"},"targetId":"made"`, "DELETE /fhir/Patient/new ", ""},
		"search":           {`"type":{"code":"search"},"resource":"Patient","params":"?identifier=a|b c"`, "GET /fhir/Patient?identifier=a%7Cb%20c ", ""},
		"search, as it is": {`"type":{"code":"search"},"url":"Patient?a=%7C"`, "GET /fhir/Patient?a=%7C ", ""},
		"a form":           {`"type":{"code":"search"},"method":"post","url":"Patient/_search","contentType":"application/x-www-form-urlencoded",` + ours(`{"url":"body","valueString":"a=b"}`), "POST /fhir/Patient/_search a=b", "Content-Type: application/x-www-form-urlencoded"},
		"patch":            {`"type":{"code":"patch"},"targetId":"made","contentType":"application/json-patch+json",` + ours(`{"url":"body","valueString":"${many}\"${quoted}\""}`), `PATCH /fhir/Patient/new [[["a\"b"`, "Content-Type: application/json-patch+json"},
		"transaction":      {`"type":{"code":"transaction"},"sourceId":"p"`, `POST /fhir {"resourceType":"Patient","active":true,"name":[{"text":"RUN-1 \\ a\"b"}]}`, ""},
		"bytes":            {`"type":{"code":"create"},"url":"Binary",` + ours(`{"url":"bodyBase64","valueString":"AAEC"}`), "POST /fhir/Binary \x00\x01\x02", ""},
		"empty body":       {`"type":{"code":"create"},"url":"Patient",` + ours(`{"url":"emptyBody","valueBoolean":true}`), "POST /fhir/Patient ", "Content-Type: application/fhir+json"},
		"method":           {`"type":{"code":"read"},"url":"Patient",` + ours(`{"url":"method","valueString":"SPIN"}`), "SPIN /fhir/Patient ", ""},
		"no header":        {`"type":{"code":"read"},"url":"Patient",` + ours(`{"url":"omitHeader","valueString":"Authorization"}`), "GET /fhir/Patient ", "Authorization:"},
		"token":            {`"type":{"code":"read"},"url":"Patient"`, "GET /fhir/Patient ", "Authorization: Bearer secret"},
		"two headers":      {`"type":{"code":"read"},"url":"Patient","requestHeader":[{"field":"If-None-Match","value":"a"},{"field":"If-None-Match","value":"${etag}"}]`, "GET /fhir/Patient ", `If-None-Match: a;W/"1"`},
		"own Accept":       {`"type":{"code":"read"},"url":"Patient","accept":"xml"`, "GET /fhir/Patient ", "Accept: application/fhir+xml"},
		"no Accept":        {`"type":{"code":"read"},"url":"Patient","accept":"none"`, "GET /fhir/Patient ", "Accept:"},
		"fallback":         {`"type":{"code":"read"},"url":"Patient/${other}"`, "GET /fhir/Patient/fallback ", ""},
		"absolute":         {`"type":{"code":"read"},"url":"${BASE}/Patient/1"`, "GET /fhir/Patient/1 ", ""},
		"base":             {`"type":{"code":"delete"},"url":"${BASE}"`, "DELETE /fhir ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{answer: creating}
			r := runScript(t, f, testScriptOf(operationFixtures, create+`{"operation":{`+tc.op+`,"encodeRequestUrl":true}}`), func(o *Options) { o.Token = "secret" })
			if r.Tests[0].Outcome != Passed {
				t.Fatal(r.Tests[0].Details)
			}
			got := f.seen[1]
			run := strings.Split(strings.Split(f.seen[0].body, `"text":"`)[1], "-1 ")[0]
			if diff := cmp.Diff(tc.want, strings.ReplaceAll(got.method+" "+got.url+" "+got.body, run, "RUN")); diff != "" {
				t.Error(diff)
			}
			if field, value, ok := strings.Cut(tc.header, ":"); ok && strings.Join(got.header.Values(field), ";") != strings.TrimSpace(value) {
				t.Errorf("%s: %q", tc.header, got.header.Values(field))
			}
		})
	}
}

// gzip compresses the body, poll repeats, an answer in gzip is read, and what was created is deleted.
func TestOperationsThatDoMore(t *testing.T) {
	polls := 0
	f := &fake{answer: func(w http.ResponseWriter, r *http.Request, body string) {
		switch {
		case r.URL.Path == "/fhir/job" && polls < 2:
			polls++
			w.WriteHeader(http.StatusAccepted)
		case r.URL.Path == "/fhir/kick":
			w.Header().Set("Content-Location", "http://"+r.Host+"/fhir/job2")
			w.WriteHeader(http.StatusAccepted)
		case r.URL.Path == "/fhir/zip":
			raw, err := gunzip([]byte(body))
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(compress(raw))
		default:
			creating(w, r, body)
		}
	}}
	script := testScriptOf(operationFixtures,
		`{"operation":{"url":"job","encodeRequestUrl":true,`+ours(`{"url":"poll","valueInteger":5}`)+`}},{"assert":{"responseCode":"200","warningOnly":false}}`,
		`{"operation":{"url":"zip","method":"post","sourceId":"p","encodeRequestUrl":true,`+ours(`{"url":"gzip","valueBoolean":true}`)+`}},{"assert":{"resource":"Patient","warningOnly":false}}`,
		`{"operation":{"type":{"code":"create"},"sourceId":"p","encodeRequestUrl":true}},{"operation":{"url":"kick","encodeRequestUrl":true}}`,
	)
	r := runScript(t, f, script)
	for _, test := range r.Tests {
		if test.Outcome != Passed {
			t.Error(test.Name, test.Details)
		}
	}
	var last []string
	for _, s := range f.seen[len(f.seen)-2:] {
		last = append(last, s.method+" "+s.url)
	}
	if diff := cmp.Diff([]string{"DELETE /fhir/job2", "DELETE /fhir/Patient/new"}, last); diff != "" || polls != 2 {
		t.Error(polls, diff)
	}
}

// A token goes to the server under test alone, and into no report.
func TestTokenStaysHome(t *testing.T) {
	elsewhere := &fake{}
	other := startFake(t, elsewhere)
	home := &fake{answer: func(w http.ResponseWriter, r *http.Request, _ string) {
		fmt.Fprintf(w, `{"resourceType":"Patient","id":"x","language":%q}`, r.Header.Get("Authorization"))
	}}
	script := testScriptOf("", `{"operation":{"url":"Patient/1?secret-token","encodeRequestUrl":true}},{"operation":{"url":"`+other+`/Patient/2","encodeRequestUrl":true}}`)
	r := runScript(t, home, script, func(o *Options) { o.Token = "secret-token" })
	if len(elsewhere.seen) != 1 || elsewhere.seen[0].header.Get("Authorization") != "" {
		t.Errorf("elsewhere: %+v", elsewhere.seen)
	}
	if shown := fmt.Sprint(r.Tests[0].Exchanges); strings.Contains(shown, "secret-token") || !strings.Contains(shown, "[token]") {
		t.Error(shown)
	}
	dir := t.TempDir()
	report := &Report{Base: "http://x", Scripts: []ScriptResult{*r}}
	if err := report.Save(dir); err != nil {
		t.Fatal(err)
	}
}

func TestRedirectsAreAnswers(t *testing.T) {
	f := &fake{answer: func(w http.ResponseWriter, r *http.Request, _ string) {
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}}
	r := runScript(t, f, testScriptOf("", readOne+`,{"assert":{"responseCode":"302","warningOnly":false}}`), func(o *Options) { o.Client = &http.Client{} })
	if r.Tests[0].Outcome != Passed || len(f.seen) != 1 {
		t.Error(r.Tests[0].Details, len(f.seen))
	}
}

func TestTimeout(t *testing.T) {
	f := &fake{answer: func(_ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() }}
	r := runScript(t, f, testScriptOf("", readOne), func(o *Options) { o.Timeout = 50 * time.Millisecond })
	if d := strings.Join(r.Tests[0].Details, ""); r.Tests[0].Outcome != Failed || !strings.Contains(d, "deadline") {
		t.Error(d)
	}
}

func TestInterruption(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fake{answer: func(http.ResponseWriter, *http.Request, string) { cancel() }}
	base := startFake(t, f)
	files := fstest.MapFS{"area/a.json": {Data: []byte(testScriptOf("", readOne, readOne, readOne))}}
	_, err := Run(ctx, Options{Base: base, Scripts: files, Concurrency: 1})
	if !errors.Is(err, context.Canceled) || len(f.seen) != 1 {
		t.Error(err, len(f.seen))
	}
}
