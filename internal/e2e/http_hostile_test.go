package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw sends bytes and reads the answers until the server closes the connection or is silent.
func (s *server) rawRequest(t *testing.T, text string) (first *http.Response, body string, answers int) {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the server may have closed it
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return first, body, answers
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		answers++
		if first == nil {
			first, body = resp, string(b)
		}
		if resp.Close {
			return first, body, answers
		}
	}
}

// Requests that mean one thing here and another on the way are refused, or have one meaning.
func TestHostileRequests(t *testing.T) {
	s := start(t)
	tok := s.staff()
	id := s.create(tok, "Patient", patientJSON)
	auth := "Authorization: Bearer " + tok + "\r\n"
	const end = "Connection: close\r\n\r\n"
	host := "Host: " + s.addr + "\r\n"
	for _, tc := range []struct {
		name, text string
		status     int
		outcome    bool // the answer is ours and not net/http's
	}{
		{"plain", "GET /fhir/Patient/" + id + " HTTP/1.1\r\n" + host + auth + end, 200, false},
		{"absolute form", "GET http://evil.example.org/fhir/Patient/" + id + " HTTP/1.1\r\n" + host + auth + end, 200, false},
		{"two hosts", "GET /fhir/Patient/" + id + " HTTP/1.1\r\n" + host + "Host: evil.example.org\r\n" + auth + end, 400, false},
		{"no host", "GET /fhir/Patient/" + id + " HTTP/1.1\r\n" + auth + end, 400, false},
		{"two authorizations", "GET /fhir/Patient/" + id + " HTTP/1.1\r\n" + host + auth + "Authorization: Bearer x\r\n" + end, 400, true},
		{"two lengths", "POST /fhir/Patient HTTP/1.1\r\n" + host + auth + "Content-Length: 2\r\nContent-Length: 3\r\n" + end + "{} ", 400, false},
		{"unknown coding", "POST /fhir/Patient HTTP/1.1\r\n" + host + auth + "Transfer-Encoding: gzip, chunked\r\n" + end, 501, false},
		{"two codings", "POST /fhir/Patient HTTP/1.1\r\n" + host + auth + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + end, 501, false},
		{"space in a name", "GET /fhir/Patient/" + id + " HTTP/1.1\r\n" + host + "Authorization : Bearer " + tok + "\r\n" + end, 400, false},
		{"folded header", "GET /fhir/Patient/" + id + " HTTP/1.1\r\n" + host + "X: a\r\n b\r\n" + auth + end, 200, false}, // RFC 9112 section 5.2: unfolded
		{"NUL in the path", "GET /fhir/Patient/%00 HTTP/1.1\r\n" + host + auth + end, 400, true},
		{"NUL in the query", "GET /fhir/Patient?family=%00 HTTP/1.1\r\n" + host + auth + end, 400, true},
		{"dots", "GET /fhir/Patient/../../metrics HTTP/1.1\r\n" + host + auth + end, 404, true},
		{"encoded dots", "GET /fhir/%2e%2e/metrics HTTP/1.1\r\n" + host + auth + end, 404, true},
		{"encoded slash", "GET /fhir/Patient%2f" + id + " HTTP/1.1\r\n" + host + auth + end, 404, true},
		{"two slashes", "GET /fhir//Patient/" + id + " HTTP/1.1\r\n" + host + auth + end, 404, true},
		{"semicolon", "GET /fhir/Patient;a=b/" + id + " HTTP/1.1\r\n" + host + auth + end, 404, true},
		{"two dots as an id", "GET /fhir/Patient/.. HTTP/1.1\r\n" + host + auth + end, 404, true},
		{"long id", "GET /fhir/Patient/" + strings.Repeat("a", 65) + " HTTP/1.1\r\n" + host + auth + end, 404, true},
		{"long URL", "GET /fhir/Patient?family=" + strings.Repeat("a", 40<<10) + " HTTP/1.1\r\n" + host + auth + end, 414, true},
		{"longer URL", "GET /fhir/Patient?family=" + strings.Repeat("a", 80<<10) + " HTTP/1.1\r\n" + host + auth + end, 431, false},
		{"large header", "GET /fhir/Patient/" + id + " HTTP/1.1\r\n" + host + auth + "X: " + strings.Repeat("a", 80<<10) + "\r\n" + end, 431, false},
		{"method override", "POST /fhir/Patient/" + id + " HTTP/1.1\r\n" + host + auth + "X-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n" + end, 405, true},
		{"trace", "TRACE /fhir/Patient/" + id + " HTTP/1.1\r\n" + host + auth + end, 405, true},
		{"slash at the end", "GET /fhir/Patient/?_id=" + id + " HTTP/1.1\r\n" + host + auth + end, 200, false},
		{"encoded dollar", "GET /fhir/Patient/" + id + "/%24receipt HTTP/1.1\r\n" + host + auth + end, 200, false},
	} {
		resp, body, n := s.rawRequest(t, tc.text)
		if resp == nil {
			t.Errorf("%s: no answer", tc.name)
			continue
		}
		if resp.StatusCode != tc.status || n != 1 {
			t.Errorf("%s: %d, %d answers: %.200s", tc.name, resp.StatusCode, n, body)
		}
		if tc.outcome && !strings.HasPrefix(body, `{"resourceType":"OperationOutcome"`) && tc.name != "trace" {
			t.Errorf("%s: no OperationOutcome: %.200s", tc.name, body)
		}
	}
	s.do(200, "GET", "/Patient/"+id, tok, "")
}

// A request hidden in the body of another is not answered (RFC 9112 section 6.1: chunked overrides a length).
func TestSmuggling(t *testing.T) {
	s := start(t)
	auth := "Authorization: Bearer " + s.staff() + "\r\n"
	hidden := "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, text := range map[string]string{
		"length and chunked": "POST /fhir/Patient HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, // the connection ends
		"chunk of a request": "POST /fhir/Patient HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2a\r\n" + hidden + "\r\n0\r\n\r\n",
		"not quite chunked":  "POST /fhir/Patient HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + hidden,
		"bare line feed":     "POST /fhir/Patient HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\n{\r\n0\r\n\r\n",
	} {
		resp, body, n := s.rawRequest(t, text)
		if resp == nil || resp.StatusCode < 400 || n != 1 {
			t.Errorf("%s: %v, %d answers: %.200s", name, resp, n, body)
		}
	}
}
