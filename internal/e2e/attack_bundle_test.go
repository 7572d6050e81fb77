package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// bundle is a Bundle of n entries.
func bundle(kind string, n int, entry func(i int) string) func() []byte {
	return func() []byte {
		var b bytes.Buffer
		b.WriteString(`{"resourceType":"Bundle","type":"` + kind + `","entry":[`)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(entry(i))
		}
		b.WriteString("]}")
		return b.Bytes()
	}
}

// entries of common forms.
func get(url string) string { return `{"request":{"method":"GET","url":` + quoted(url) + `}}` }

func post(resource, more string) string {
	return `{"resource":` + resource + `,"request":{"method":"POST","url":"Patient"` + more + `}}`
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // of a string
	return string(b)
}

// each wants the status of every entry of a batch.
func each(want ...string) func(*reply) error {
	return func(r *reply) error {
		var b struct {
			Entry []struct{ Response struct{ Status string } }
		}
		if err := json.Unmarshal(r.body, &b); err != nil {
			return err
		}
		for i, e := range b.Entry {
			if status, _, _ := strings.Cut(e.Response.Status, " "); !strings.Contains(strings.Join(want, " "), status) {
				return fmt.Errorf("entry %d has %q, want %v", i, e.Response.Status, want)
			}
		}
		return quiet(r)
	}
}

// bundleAttacks: 10,000 entries at most; entries of a batch stand alone, a transaction is all or nothing (R4
// http.html#transaction).
func bundleAttacks(x *siege) []attack {
	n, few := x.size(500, 10_000), x.size(100, 2_000)
	row := func(name string, body func() []byte, want ...int) attack {
		return attack{name: name, path: "/fhir", body: body, want: want}
	}
	// many entries that take their turn one after the other, or that each are much work, and were asked for
	lengthy := func(a attack) attack { a.within = time.Minute; return a }
	const small = `{"resourceType":"Patient","active":true}`
	uuid := func(i int) string { return fmt.Sprintf("urn:uuid:00000000-0000-4000-8000-%012d", i) }
	linked := func(i, to int) string {
		return `{"fullUrl":"` + uuid(i) + `",` + post(`{"resourceType":"Patient","link":[{"type":"seealso","other":{"reference":"`+uuid(to)+`"}}]}`, "")[1:]
	}
	out := []attack{
		row("10,001 entries", bundle("batch", 10_001, func(int) string { return get("metadata") }), 400, 413),
		row("a million empty entries", bundle("batch", x.size(200_000, 1_000_000), func(int) string { return "{}" }), 400, 413),
		row("a transaction of 10,001 entries", bundle("transaction", 10_001, func(int) string { return post(small, "") }), 400, 413),
		row("batch in batch", bundle("batch", 1, func(int) string {
			return `{"resource":{"resourceType":"Bundle","type":"batch","entry":[]},"request":{"method":"POST","url":"/"}}`
		}), 200, 400),
		row("batch in transaction", bundle("transaction", 1, func(int) string {
			return `{"resource":{"resourceType":"Bundle","type":"batch","entry":[]},"request":{"method":"POST","url":""}}`
		}), 400),
		lengthy(row(fmt.Sprintf("%d writes to the same resource, in a batch", few/2), bundle("batch", few/2, func(i int) string {
			return fmt.Sprintf(`{"resource":{"resourceType":"Patient","id":"same","active":%t},"request":{"method":"PUT","url":"Patient/same"}}`, i%2 == 0)
		}), 200)),
		row(amount(n)+" writes to the same resource, in a transaction", bundle("transaction", n, func(int) string {
			return `{"resource":{"resourceType":"Patient","id":"same","active":true},"request":{"method":"PUT","url":"Patient/same"}}`
		}), 400),
		row("a circle of references", bundle("transaction", few, func(i int) string { return linked(i, (i+1)%few) }), 200),
		row("each refers to itself", bundle("transaction", few, func(i int) string { return linked(i, i) }), 200),
		row("references to nowhere", bundle("transaction", few, func(i int) string { return linked(i, i+1_000_000) }), 200, 400, 422),
		row(amount(n)+" conditional references that match", bundle("transaction", n, func(i int) string {
			return fmt.Sprintf(`{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=urn:q|%d"}},"request":{"method":"POST","url":"Observation"}}`, i%3)
		}), 200),
		row(amount(n)+" conditional references that match nothing", bundle("transaction", n, func(i int) string {
			return fmt.Sprintf(`{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=urn:no%s|%d"}},"request":{"method":"POST","url":"Observation"}}`, marker, i)
		}), 400, 412),
		row(amount(n)+" conditional creates", bundle("transaction", n, func(i int) string {
			return post(small, fmt.Sprintf(`,"ifNoneExist":"identifier=urn:none|%d&active=%s"`, i, marker))
		}), 200, 400, 412),
		row("a conditional create of 100,000 values", text(`{"resourceType":"Bundle","type":"transaction","entry":[`+post(small, `,"ifNoneExist":"identifier=x`+strings.Repeat(",y", 100_000)+`"`)+`]}`), 400),
		row(amount(n)+" entries of the same fullUrl", bundle("transaction", n, func(int) string { return linked(1, 1) }), 400),
		row("a fullUrl of 5 MB", bundle("transaction", 1, func(int) string {
			return `{"fullUrl":"urn:x:` + strings.Repeat(marker, 500_000) + `",` + post(small, "")[1:]
		}), 200, 400),
		row("fullUrls of 3 kB that share a beginning, and references to them", bundle("transaction", few, func(i int) string {
			u := fmt.Sprintf("urn:x:%s%d", strings.Repeat("a", 3_000), i)
			return `{"fullUrl":"` + u + `",` + post(`{"resourceType":"Patient","link":[{"type":"seealso","other":{"reference":"`+u+`"}}]}`, "")[1:]
		}), 200, 400),
		row("a narrative of 100,000 links to an entry", text(`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"`+uuid(1)+`",`+post(`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x`+strings.Repeat(`<a href=\"`+uuid(1)+`\">x</a>`, few*50)+`</div>"}}`, "")[1:]+`]}`), 200, 400),
		row(amount(n)+" reads of all that is there", bundle("batch", n, func(int) string { return get("Patient?_count=1000") }), 200),
		row(amount(n)+" reads of the metadata", bundle("batch", n, func(int) string { return get("metadata") }), 200),
		lengthy(row(fmt.Sprintf("%d searches of 900 values", few), bundle("batch", few, func(int) string { return get("Patient?_id=x" + strings.Repeat(",y", 900)) }), 200)),
		row(fmt.Sprintf("%d validations of a Bundle", few), bundle("batch", few, func(int) string {
			return `{"resource":{"resourceType":"Bundle","type":"collection"},"request":{"method":"POST","url":"Bundle/$validate"}}`
		}), 200),
		row("a transaction of which the last entry is bad", bundle("transaction", n, func(i int) string {
			if i == n-1 {
				return post(`{"resourceType":"Patient","active":"`+marker+`"}`, "")
			}
			return post(small, "")
		}), 400),
		row("no entries", text(`{"resourceType":"Bundle","type":"batch"}`), 200),
		row("another type of Bundle", text(`{"resourceType":"Bundle","type":"collection"}`), 400),
		row("no Bundle", text(patientJSON), 400),
		row("entry null", text(`{"resourceType":"Bundle","type":"batch","entry":[null]}`), 400),
	}
	return append(out, entryAttacks(x)...)
}

// entryAttacks are about what an entry asks for: nothing but what a request below the base could.
func entryAttacks(x *siege) []attack {
	var out []attack
	batch := func(name, want string, entries ...string) attack {
		return attack{name: "an entry with " + name, path: "/fhir", body: text(`{"resourceType":"Bundle","type":"batch","entry":[` + strings.Join(entries, ",") + `]}`), want: []int{200, 400}, ok: func(r *reply) error {
			if r.status == 400 {
				return quiet(r)
			}
			return each(strings.Fields(want)...)(r)
		}}
	}
	for _, u := range []string{"../metrics", "/metrics", "//metrics", "../../metrics", "http://" + marker + ".example/fhir/Patient", "file:///etc/passwd", "Patient/../../metrics", "%2e%2e/metrics", "?", "", "#", "Patient/%zz", "Patient/a%00b", "Patient?" + strings.Repeat("a", 40_000), "$async-status/x", marker, "Patient/a\r\nX: y"} {
		out = append(out, batch("the URL "+abbreviated(u), "400 404 405 414", get(u)))
	}
	for _, m := range []string{"TRACE", "get", marker, "", "GET\r\nX: y", "OPTIONS"} {
		out = append(out, batch("the method "+abbreviated(m), "400 405", `{"request":{"method":`+quoted(m)+`,"url":"Patient"}}`))
	}
	return append(out,
		batch("the id ..", "400", `{"resource":{"resourceType":"Patient","id":".."},"request":{"method":"PUT","url":"Patient/.."}}`),
		attack{name: "an entry with the id .., in a transaction", path: "/fhir", want: []int{400}, body: bundle("transaction", 1, func(int) string {
			return `{"resource":{"resourceType":"Patient","id":".."},"request":{"method":"PUT","url":"Patient/.."}}`
		})},
		batch("CRLF in ifNoneMatch", "200 304 400", `{"request":{"method":"GET","url":"Patient/`+x.patient+`","ifNoneMatch":"a\r\nX-Injected: y"}}`),
		batch("CRLF in ifMatch", "400 412", `{"resource":{"resourceType":"Patient","id":"`+x.patient+`"},"request":{"method":"PUT","url":"Patient/`+x.patient+`","ifMatch":"a\r\nX: y"}}`),
		batch("ifModifiedSince of no form", "200 400", `{"request":{"method":"GET","url":"Patient/`+x.patient+`","ifModifiedSince":"`+marker+`"}}`),
		batch("a Binary of no base64 as patch", "400 422", `{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"!!"},"request":{"method":"PATCH","url":"Patient/`+x.patient+`"}}`),
	)
}

// ends: whatever is asked for, an answer ends; a page may link to the next. 96 MiB are the 32 of a batch and what four
// reads under way may bring when it reaches them.
func ends(r *reply) error {
	if len(r.body) > 96<<20 {
		return fmt.Errorf("an answer of %d MB", len(r.body)>>20)
	}
	return nil
}

// amountAttacks ask for much at once of what was stored before: an answer may not take what it pleases.
func amountAttacks(x *siege) []attack {
	const mb = 12
	n := x.size(10, 16)
	big := string(repeated(`{"resourceType":"Binary","contentType":"text/plain","data":"`, "AAAA", mb<<18, `"}`)())
	ids := make([]string, n)
	for i := range ids {
		a := x.s.do(http.StatusCreated, "POST", "/Binary", x.staff, big, "Prefer", "return=minimal")
		_, ids[i], _ = strings.Cut(strings.TrimSuffix(a.header.Get("Location"), "/_history/1"), "/fhir/")
	}
	what := fmt.Sprintf("of %d resources of %d MB", n, mb)
	fetch := bundle("batch", n, func(i int) string { return get(ids[i]) })
	return []attack{
		{name: "a page " + what, path: "/fhir/Binary?_count=1000", want: []int{200, 400, 413}, ok: ends},
		{name: "a page of the history " + what, path: "/fhir/Binary/_history?_count=1000", want: []int{200, 400, 413}, ok: ends},
		{name: "a batch " + what, path: "/fhir", body: fetch, want: []int{200, 400, 413}, ok: ends},
		{name: fmt.Sprintf("%d such pages at once, %s", x.size(4, 8), what), want: []int{200, 400, 413, 503}, run: func(x *siege) *reply {
			return x.atOnce(x.size(4, 8), x.request(&attack{path: "/fhir/Binary?_count=1000"}))
		}},
	}
}
