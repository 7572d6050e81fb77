package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// reply is what came back over a connection.
type reply struct {
	status   int // 0: closed without an answer
	header   http.Header
	body     []byte
	answers  int // on the same connection: more than requests were meant to be sent is smuggling
	headOnly bool
	text     string // for the table, if a status does not tell
	sent     int
}

func (r *reply) describe() string {
	switch {
	case r.text != "":
		return r.text
	case r.status == 0:
		return "connection closed"
	}
	return fmt.Sprintf("%d %s", r.status, http.StatusText(r.status))
}

func (r *reply) excerpt() string { return string(r.body[:min(len(r.body), 600)]) }

func (r *reply) headerHas(word string) bool {
	var b strings.Builder
	_ = r.header.Write(&b)
	return strings.Contains(b.String(), word)
}

// contains is for rows that look at their answer.
func (r *reply) contains(word string) bool {
	return bytes.Contains(r.body, []byte(word)) || r.headerHas(word)
}

// request writes an attack as HTTP/1.1, without any of the care that net/http takes.
func (x *siege) request(a *attack) []byte {
	var body []byte
	if a.body != nil {
		body = a.body()
	}
	method := a.method
	switch {
	case method != "":
	case a.body == nil:
		method = http.MethodGet
	default:
		method = http.MethodPost
	}
	var b bytes.Buffer
	b.Grow(len(body) + len(a.path) + 1024)
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", method, a.path, x.s.addr)
	if a.token != "-" {
		b.WriteString("Authorization: Bearer " + first(a.token, x.staff) + "\r\n")
	}
	if a.body != nil {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
		if !anyPrefix(a.fields, "Content-Type:") {
			b.WriteString("Content-Type: application/fhir+json\r\n")
		}
	}
	for _, f := range a.fields {
		b.WriteString(f + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func anyPrefix(list []string, prefix string) bool {
	for _, s := range list {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// patience is how long an answer may take to begin; afterIdle how long another one is waited for on a connection that
// stays open.
const (
	patience  = time.Minute
	afterIdle = 150 * time.Millisecond
)

// send writes bytes to a new connection and collects every answer. The server may answer, and close, before it has
// read all.
func (x *siege) send(b []byte) *reply {
	conn, err := net.Dial("tcp", x.s.addr)
	if err != nil {
		return &reply{text: "no connection"}
	}
	defer conn.Close() //nolint:errcheck // read to the end
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = conn.Write(b) // a server that has refused does not read on
	}()
	r := receive(conn, patience)
	_ = conn.Close()
	<-written
	return r
}

// receive reads answers until the server closes the connection or is silent.
func receive(conn net.Conn, patience time.Duration) *reply {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	in := bufio.NewReader(conn)
	var out *reply
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			if out == nil {
				out = &reply{}
				if isTimeout(err) {
					out.text = "no answer, still open"
				}
			}
			return out
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if out == nil {
			out = &reply{status: resp.StatusCode, header: resp.Header, body: body}
			if err != nil {
				out.text = fmt.Sprintf("%d, cut off after %d bytes", resp.StatusCode, len(body))
			}
		}
		out.answers++
		_ = conn.SetReadDeadline(time.Now().Add(afterIdle))
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
