package e2e

import (
	"fmt"
	"strings"
)

// line writes a request with a request line and a Host of one's own.
func (x *siege) line(line, host string, fields ...string) func() []byte {
	return func() []byte {
		s := line + "\r\n" + host + "Authorization: Bearer " + x.staff + "\r\nConnection: close\r\n"
		for _, f := range fields {
			s += f + "\r\n"
		}
		return []byte(s + "\r\n")
	}
}

// quiet: the answer does not say what was sent, although it is no refusal.
func quiet(r *reply) error {
	if r.contains(marker) {
		return fmt.Errorf("the answer shows what was sent")
	}
	return nil
}

// lineAttacks are about the request line and Host (RFC 9112 sections 2.2, 3 and 3.2).
func lineAttacks(x *siege) []attack {
	host, read := "Host: "+x.s.addr+"\r\n", "/fhir/Patient/"+x.patient
	evil := strings.ToLower(marker) + ".example"
	unseen := func(r *reply) error {
		if r.contains(evil) {
			return fmt.Errorf("the answer names the host that was sent")
		}
		return nil
	}
	out := []attack{
		{name: "absolute target of another host", raw: x.line("GET http://"+evil+"/fhir/Patient?_count=1 HTTP/1.1", host), want: []int{200}, ok: unseen},
		{name: "absolute target of another scheme", raw: x.line("GET ftp://"+evil+"/fhir/metadata HTTP/1.1", host), want: []int{200, 400}, ok: unseen},
		{name: "Host of another", raw: x.line("GET /fhir/Patient?_count=1 HTTP/1.1", "Host: "+evil+"\r\n"), want: []int{200}, ok: unseen},
		{name: "X-Forwarded-Host of another", raw: x.line("GET /fhir/Patient?_count=1 HTTP/1.1", host, "X-Forwarded-Host: "+evil, "X-Forwarded-Proto: ftp", "Forwarded: host="+evil, "X-Original-URL: /metrics", "X-Rewrite-URL: /metrics"), want: []int{200}, ok: unseen},
		{name: "no Host", raw: x.line("GET "+read+" HTTP/1.1", ""), want: []int{400}, plain: true},
		{name: "two Hosts", raw: x.line("GET "+read+" HTTP/1.1", host+"Host: "+evil+"\r\n"), want: []int{400}, plain: true},
		{name: "Host with a path and a space", raw: x.line("GET "+read+" HTTP/1.1", "Host: a/b c\r\n"), want: []int{400}, plain: true},
		{name: "Host of 10 kB", raw: x.line("GET "+read+" HTTP/1.1", "Host: "+strings.Repeat("x", 10_000)+"\r\n"), want: []int{200, 400}},
		{name: "target *", raw: x.line("GET * HTTP/1.1", host), want: []int{400, 404}},
		{name: "OPTIONS *: allowed", raw: x.line("OPTIONS * HTTP/1.1", host), want: []int{200, 204, 404}},
		{name: "CONNECT", raw: x.line("CONNECT "+evil+":443 HTTP/1.1", "Host: "+evil+"\r\n"), want: []int{400, 404, 405}},
		{name: "TRACE", raw: x.line("TRACE "+read+" HTTP/1.1", host, "X-Secret: "+marker), want: []int{405}},
		{name: "TRACK", raw: x.line("TRACK "+read+" HTTP/1.1", host), want: []int{405}},
		{name: "a method in lower case", raw: x.line("get "+read+" HTTP/1.1", host), want: []int{405}},
		{name: "a method of 8 kB", raw: x.line(strings.Repeat(marker, 800)+" "+read+" HTTP/1.1", host), want: []int{405}},
		{name: "a method with a control character", raw: x.line("GE\x07T "+read+" HTTP/1.1", host), want: []int{400}, plain: true},
		{name: "no method", raw: x.line(" "+read+" HTTP/1.1", host), want: []int{400}, plain: true},
		{name: "no target", raw: x.line("GET  HTTP/1.1", host), want: []int{400}, plain: true},
		{name: "a space in the target", raw: x.line("GET /fhir/Patient/a b HTTP/1.1", host), want: []int{400}, plain: true},
		{name: "a tab for the space", raw: x.line("GET\t"+read+"\tHTTP/1.1", host), want: []int{400}, plain: true},
		{name: "two spaces", raw: x.line("GET  "+read+" HTTP/1.1", host), want: []int{400}, plain: true},
		{name: "control characters in the target", raw: x.line("GET /fhir/Patient/\x01\x7f HTTP/1.1", host), want: []int{400}, plain: true},
		{name: "bytes beyond ASCII in the target", raw: x.line("GET /fhir/Patient/\xff\xfe HTTP/1.1", host), want: []int{400, 404}},
		{name: "a fragment in the target", raw: x.line("GET "+read+"#x HTTP/1.1", host), want: []int{400, 404}},
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"} {
		out = append(out, attack{
			name: name + ": DELETE", method: "POST", path: read, fields: []string{name + ": DELETE"}, body: text(""), want: []int{405},
		}, attack{
			name: name + ": DELETE, with GET", path: read + "?_method=DELETE", fields: []string{name + ": DELETE"}, want: []int{200},
		})
	}
	return append(out, protocolAttacks(x)...)
}

// protocolAttacks speak something else than HTTP/1.1.
func protocolAttacks(x *siege) []attack {
	host, read := "Host: "+x.s.addr+"\r\n", "/fhir/Patient/"+x.patient
	return []attack{
		{name: "HTTP/0.9", raw: text("GET /fhir/metadata\r\n\r\n"), want: []int{400}, plain: true},
		{name: "HTTP/1.0 without Host: legal", raw: x.line("GET "+read+" HTTP/1.0", ""), want: []int{200}},
		{name: "HTTP/2.0 in words", raw: x.line("GET "+read+" HTTP/2.0", host), want: []int{505}, plain: true},
		{name: "HTTP/3.7", raw: x.line("GET "+read+" HTTP/3.7", host), want: []int{505}, plain: true},
		{name: "HTTP/1.10", raw: x.line("GET "+read+" HTTP/1.10", host), want: []int{400}, plain: true},
		{name: "http/1.1", raw: x.line("GET "+read+" http/1.1", host), want: []int{400}, plain: true},
		{name: "the preface of HTTP/2, without TLS", raw: text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"), want: []int{400, 404, 405, 505}},
		{name: "Upgrade: h2c", raw: x.line("GET "+read+" HTTP/1.1", host, "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), want: []int{200}},
		{name: "Upgrade: websocket", raw: x.line("GET "+read+" HTTP/1.1", host, "Upgrade: websocket", "Sec-WebSocket-Key: x"), want: []int{200}},
		{name: "a TLS greeting", raw: text("\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + strings.Repeat("\x00", 160) + "\r\n\r\n"), want: []int{400}, plain: true},
		{name: "SSH", raw: text("SSH-2.0-OpenSSH_9.9\r\n\r\n"), want: []int{400}, plain: true},
		{name: "1 MB without a line", raw: repeated("", "\x00", 1<<20, ""), want: []int{400, 431}, plain: true},
		{name: "1 MB of empty lines", raw: repeated("", "\r\n", 1<<19, ""), want: []int{400, 431}, plain: true},
	}
}
