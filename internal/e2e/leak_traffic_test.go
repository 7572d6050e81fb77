package e2e

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// victim is what the requests of this file carry to places where it does not belong.
type victim struct{ family, given, birth, ssn, mrn, phone, code, id, other string }

// oddName stands where a name of the specification belongs: of an element, a parameter, a header. An answer may repeat
// it to the client that sent it (an error names what it is about, never a value); nothing may write it down.
const oddName = "oddlynamedthing"

// attempt is one request; headers are name, value pairs.
type attempt struct {
	method, path, token, body string
	headers                   []string
}

// mishaps are the requests of a bad day: wrong credentials, wrong resources, wrong searches, odd headers.
func mishaps(v *victim, staff, payer string) []attempt {
	var out []attempt
	add := func(method, path, token, body string, headers ...string) {
		out = append(out, attempt{method, path, token, body, headers})
	}
	search := "family=" + query(v.family) + "&birthdate=" + v.birth + "&identifier=" + query(v.ssn) + "&phone=" + query(v.phone)
	for _, token := range []string{"", "garbage", v.family, forged(v), staff + "x", payer, staff} {
		add("GET", "/Patient?"+search, token, "")
		add("GET", "/Patient/"+v.id, token, "")
		add("GET", "/"+v.family+"/"+v.ssn, token, "")
		add("DELETE", "/Patient/"+v.family, token, "")
		add("POST", "/Patient/_search?family="+query(v.family), token, search, "Content-Type", "application/x-www-form-urlencoded")
	}
	for _, q := range []string{
		"family:exact=" + query(v.family), "name:contains=" + query(v.given), "family:nonsense=" + query(v.family), "birthdate=" + query(v.family),
		"birthdate=ge" + v.birth, "mothers-maiden-name=" + query(v.family), oddName + "=" + query(v.family), "_count=" + query(v.ssn), "_sort=" + query(v.family), "_id=" + v.id,
		"_lastUpdated=" + query(v.family), "_summary=" + query(v.family), "_elements=" + query(v.family), "_include=" + query(v.family), "_has:Observation:patient:code=" + v.code,
		"general-practitioner.name=" + query(v.family), "_cursor=" + query(v.family), "_filter=family+eq+" + query(v.family), "_format=" + query(v.family), "family=%zz" + query(v.family), "identifier=%7C%7C" + query(v.ssn),
	} {
		add("GET", "/Patient?"+q, staff, "")
		add("GET", "/Patient?"+q, staff, "", "Prefer", "handling=strict")
		add("POST", "/Patient/_search", staff, q, "Content-Type", "application/x-www-form-urlencoded")
	}
	for _, body := range badBodies(v) {
		add("POST", "/Patient", staff, body)
		add("PUT", "/Patient/"+v.other, staff, body)
		add("POST", "", staff, body)
		add("POST", "", staff, `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:`+v.mrn+`","resource":`+body+`,"request":{"method":"POST","url":"Patient","ifNoneExist":"family=`+v.family+`"}}]}`)
		add("POST", "/$verify-receipt", staff, body)
	}
	for _, url := range []string{"Patient?family=" + v.family, "Patient/" + v.id + "/" + v.family, v.family, "Patient/" + v.family + "?x=" + v.ssn} {
		for _, method := range []string{"GET", "DELETE", "PUT", v.family} {
			add("POST", "", staff, `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"`+method+`","url":"`+url+`","ifMatch":"`+v.family+`"}}]}`)
		}
	}
	patient := `{"resourceType":"Patient","name":[{"family":"` + v.family + `"}]}`
	add("POST", "/Patient", staff, patient, "If-None-Exist", "family="+v.family)
	add("POST", "/Patient", staff, patient, "If-None-Exist", "identifier="+v.ssn)
	add("POST", "/Patient", staff, patient, "If-None-Exist", "unknown-parameter="+v.ssn)
	add("POST", "/Observation", staff, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=`+v.ssn+`"}}`)
	for _, p := range []string{"/Patient/" + v.id + "/_history/" + v.family, "/Patient/" + v.id + "/$" + v.family, "/$write-status/" + v.family, "/Patient/" + v.id + "/_history/1/$receipt?" + v.family, "/%20" + query(v.family) + "%00", "//" + v.family, "/../" + v.family} {
		add("GET", p, staff, "")
		add("POST", p, staff, patient)
	}
	for _, method := range []string{v.family, strings.ToLower(v.family), "OPTIONS", "TRACE", "PATCH", "PROPFIND"} {
		add(method, "/Patient?family="+query(v.family), staff, patient)
		add(method, "/"+v.family, "", patient)
	}
	return append(out, oddHeaders(v, staff)...)
}

// oddHeaders puts values into every header that a server may read or log.
func oddHeaders(v *victim, staff string) []attempt {
	var out []attempt
	for _, name := range []string{
		"X-Request-Id", "Traceparent", "Tracestate", "Baggage", "Idempotency-Key", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Accept", "Accept-Language",
		"Accept-Encoding", "Content-Type", "Content-Encoding", "Prefer", "User-Agent", "Referer", "Cookie", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded",
		"Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method", "Chartseal-Ack", "Range", "X-HTTP-Method-Override", "Expect", "From", "Via", "X-Provenance", oddName,
	} {
		for i, value := range []string{v.family, v.ssn, v.id} {
			body, method, path := "", "GET", "/Patient/"+v.id
			if i > 0 {
				body, method, path = `{"resourceType":"Patient","name":[{"family":"`+v.family+`"}]}`, "POST", "/Patient"
			}
			out = append(out, attempt{method, path, staff, body, []string{name, value}})
		}
	}
	return append(out,
		attempt{"GET", "/Patient", "", "", []string{"Authorization", v.family + " " + v.ssn}},
		attempt{"GET", "/Patient", "", "", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(v.family+":"+v.ssn))}},
		attempt{"GET", "/Patient?access_token=" + query(v.family), "", "", nil})
}

// forged is an access token that nobody signed, with values in its header and claims.
func forged(v *victim) string {
	enc := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return enc(`{"alg":"ES256","typ":"at+jwt","kid":"`+v.family+`"}`) + "." +
		enc(`{"iss":"`+v.family+`","aud":"x","sub":"`+v.ssn+`","client_id":"`+v.family+`","patient":"`+v.id+`","exp":4102444800}`) + "." + enc(strings.Repeat(v.family, 6))
}

func badBodies(v *victim) []string {
	return []string{
		`{"resourceType":"Patient","name":[{"family":"` + v.family + `"`,
		`{"resourceType":"Patient","name":[{"family":"` + v.family + `"}]} trailing ` + v.ssn,
		`{"resourceType":"Patient","name":[{"family":"` + v.family + `","family":"` + v.given + `"}]}`,
		`{"resourceType":"Patient","` + oddName + `":"` + v.given + `"}`,
		`{"resourceType":"` + v.family + `","id":"` + v.ssn + `"}`,
		`{"resourceType":"Patient","id":"` + v.family + ` ` + v.ssn + `"}`,
		`{"resourceType":"Patient","birthDate":"` + v.family + `","identifier":[{"value":"` + v.ssn + `"}]}`,
		`{"resourceType":"Patient","birthDate":"` + v.birth + `x","gender":"` + v.family + `"}`,
		`{"resourceType":"Patient","multipleBirthInteger":"` + v.ssn + `","active":"` + v.family + `"}`,
		`{"resourceType":"Patient","generalPractitioner":[{"reference":"` + v.family + `/` + v.ssn + `"}]}`,
		`{"resourceType":"Patient","link":[{"other":{"reference":"urn:uuid:` + v.mrn + `"},"type":"` + v.family + `"}]}`,
		`{"resourceType":"Patient","contained":[{"resourceType":"` + v.family + `"}],"name":"` + v.family + `"}`,
		`{"resourceType":"Patient","text":{"status":"generated","div":"<script>` + v.family + `</script>"}}`,
		`{"resourceType":"Patient","name":[{"family":"` + v.family + "\xff" + `"}]}`,
		strings.Repeat(`{"resourceType":"Patient","contained":[`, 80) + `"` + v.family + `"`,
		`["` + v.family + `"]`, v.family,
	}
}

// raw are requests that no decent client can send; net/http answers some of them before any handler runs.
func raw(v *victim) []string {
	patient := `{"resourceType":"Patient","name":[{"family":"` + v.family + `"}]}`
	return []string{
		"GET /fhir/Patient?family=" + v.family + " HTTP/9.9\r\nHost: x\r\n\r\n",
		"GET /fhir/Patient?family=" + v.family + " " + v.ssn + " HTTP/1.1\r\nHost: x\r\n\r\n",
		v.family + "\r\n\r\n",
		"GET /fhir/Patient HTTP/1.1\r\nHost: " + v.family + "\r\n" + v.family + " : x\r\n\r\n",
		"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX: " + v.family + "\x00\r\n\r\n",
		"GET http://" + v.family + "/" + v.ssn + " HTTP/1.1\r\nHost: " + v.family + "\r\n\r\n",
		"GET /fhir/Patient HTTP/1.1\r\nHost: " + v.family + "@@/\r\n\r\n",
		"CONNECT " + v.family + ":443 HTTP/1.1\r\nHost: " + v.family + "\r\n\r\n",
		"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: " + v.family + "\r\n\r\n" + patient,
		"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + v.family + "\r\n\r\n" + patient,
		"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + v.family + "\r\n" + patient,
		"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n" + patient,
		"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat(v.family, 9000) + "\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00" + v.family,
	}
}

// misbehave makes all of it and returns what the server said to what it refused, for searching.
func (s *server) misbehave(v *victim, staff, payer string) (refusals []byte) {
	s.t.Helper()
	refused, list := 0, mishaps(v, staff, payer)
	for _, a := range list {
		got, err := s.send(a.method, a.path, a.token, a.body, a.headers...)
		if err != nil {
			continue // a request that the client itself refuses, or the server by closing
		}
		if got.status >= http.StatusInternalServerError {
			s.t.Errorf("%s %s: %d %s", a.method, a.path, got.status, got.body)
		}
		if got.status >= http.StatusBadRequest {
			refused++
			refusals = fmt.Appendf(refusals, "%s\n", got.body)
		}
	}
	if refused < len(list)/3 || refused < 150 {
		s.t.Errorf("only %d of %d requests were refused", refused, len(list))
	}
	s.t.Logf("%d requests, %d of them refused", len(list), refused)
	for _, text := range raw(v) {
		refusals = append(refusals, s.dial("tcp", s.addr, text)...)
	}
	for _, path := range []string{"/" + v.family, "/token?patient=" + v.id, "/trust?" + v.ssn} {
		s.dial("unix", filepath.Join(s.dir, "admin.sock"), "POST "+path+" HTTP/1.1\r\nHost: "+v.family+"\r\nContent-Length: 2\r\n\r\n{}")
	}
	return refusals
}

// dial sends bytes as they are and takes the first of the answer.
func (s *server) dial(network, addr, text string) []byte {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	_, _ = io.WriteString(c, text) // the server may hang up in the middle
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	answer, _ := io.ReadAll(bufio.NewReader(io.LimitReader(c, 64<<10)))
	return answer
}

// victimOf picks values of the loaded data that differ from each other.
func victimOf(t *testing.T, n *needles, patient, other string) *victim {
	t.Helper()
	pick := func(kind string, ok func(string) bool) string {
		for _, v := range n.some[kind] {
			if ok(v) {
				return v
			}
		}
		t.Fatalf("no fitting %s in the data", kind)
		return ""
	}
	letters := func(s string) bool { return strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz") == "" }
	return &victim{
		family: pick("family", letters), given: pick("given", letters), id: patient, other: other,
		birth: pick("date", func(string) bool { return true }),
		ssn:   pick("identifier", func(s string) bool { return strings.HasPrefix(s, "999-") }),
		mrn:   pick("identifier", func(s string) bool { return len(s) == 36 }),
		phone: pick("phone or mail", func(s string) bool { return strings.HasPrefix(s, "555-") }),
		code:  pick("code", func(string) bool { return true }),
	}
}
