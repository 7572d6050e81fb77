package e2e

import (
	"fmt"
	"net/http"
	"strings"
)

// smuggled is a request hidden behind another. If it is answered, two parties along the way could disagree on where a
// request ends (RFC 9112 section 11.2).
const smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

// alone: nothing but the one request was answered.
func alone(r *reply) error {
	if r.answers > 1 {
		return fmt.Errorf("%d answers: what was hidden in the request was answered", r.answers)
	}
	return nil
}

// framingAttacks are about where a request ends (RFC 9112 sections 5, 6 and 7).
func framingAttacks(x *siege) []attack {
	row := func(name string, want int, plain bool, framing, body string) attack {
		return attack{name: name, want: []int{want}, plain: plain, ok: alone, raw: func() []byte { return x.framed(framing, body) }}
	}
	chunked, whole := "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(patientJSON), patientJSON)
	length := fmt.Sprintf("Content-Length: %d", len(patientJSON))
	out := []attack{
		row("Content-Length and chunked: the connection must end", 400, true, length+"\r\n"+chunked, "0\r\n\r\n"+smuggled),
		row("chunked and Content-Length: the connection must end", 201, true, chunked+"\r\nContent-Length: 4", whole+smuggled),
		row("two different Content-Lengths", 400, true, "Content-Length: 2\r\n"+length, patientJSON),
		row("a list of Content-Lengths", 400, true, "Content-Length: 2, 200", patientJSON),
		row("Content-Length: +5", 400, true, "Content-Length: +5", patientJSON),
		row("Content-Length in hexadecimal", 400, true, "Content-Length: 0x10", patientJSON),
		row("Content-Length with a blank within", 400, true, "Content-Length: 1 0", patientJSON),
		row("an empty Content-Length", 400, true, "Content-Length:", patientJSON),
		row("Transfer-Encoding: xchunked", 501, true, "Transfer-Encoding: xchunked", whole+smuggled),
		row("Transfer-Encoding: chunked, identity", 501, true, "Transfer-Encoding: chunked, identity", whole+smuggled),
		row("Transfer-Encoding: gzip, chunked", 501, true, "Transfer-Encoding: gzip, chunked", whole+smuggled),
		row("Transfer-Encoding: identity", 501, true, "Transfer-Encoding: identity", whole+smuggled),
		row("Transfer-Encoding twice", 501, true, chunked+"\r\n"+chunked, whole+smuggled),
		row("Transfer-Encoding with a vertical tab", 400, true, "Transfer-Encoding: \x0bchunked", whole+smuggled),
		row("a space before the colon", 400, true, "Transfer-Encoding : chunked", whole+smuggled),
		row("a tab before the colon", 400, true, "Content-Length\t: 5", patientJSON),
		row("a line that begins with a space, folded", 400, false, "X: y\r\n Transfer-Encoding: chunked", ""),
		row("a header without a colon", 400, true, marker, ""),
		row("a header without a name", 400, true, ": x", ""),
		row("a name with a bracket", 400, true, "X[y]: 1", ""),
		row("a name with a NUL", 400, true, "X\x00y: 1", ""),
		row("a value with a NUL", 400, true, "X: a\x00b", ""),
		row("a value with a bare CR", 400, true, "X: a\rTransfer-Encoding: chunked", whole),
		row("a name beyond ASCII", 400, true, "X\xc3\xa4: 1", ""),
		row("a chunk size that is no number", 400, false, chunked, "zz\r\n"+marker),
		row("a chunk size with a sign", 400, false, chunked, "-1\r\n"+marker),
		row("a chunk size with 0x", 400, false, chunked, "0x10\r\n"+marker),
		row("a chunk size of 2^64", 400, false, chunked, "10000000000000000\r\n"+marker),
		row("a chunk size of 10,000 zeros", 400, false, chunked, strings.Repeat("0", 10_000)+"5\r\nhello\r\n0\r\n\r\n"),
		row("a chunk longer than its size", 400, false, chunked, "5\r\n"+patientJSON+"\r\n0\r\n\r\n"),
		row("a chunk without its line end", 400, false, chunked, "2\r\n{}0\r\n\r\n"+smuggled),
		row("a chunk extension of 1 MB", 400, false, chunked, "2;x="+strings.Repeat("x", 1<<20)+"\r\n{}\r\n0\r\n\r\n"),
		row("100,000 chunks, each with an extension", 400, false, chunked, strings.Repeat("1;"+strings.Repeat("x", 100)+"\r\n \r\n", 100_000)+"0\r\n\r\n"),
		row("a chunk extension: legal", 201, false, chunked+"\r\nConnection: close", strings.Replace(whole, "\r\n", ";x=\"y\"\r\n", 1)),
		row("chunk sizes that end in a bare LF", 400, false, chunked+"\r\nConnection: close", strings.ReplaceAll(whole, "\r\n", "\n")),
		row("10,000 trailers", 400, false, chunked, "2\r\n{}\r\n0\r\n"+strings.Repeat("X: y\r\n", 10_000)+"\r\n"),
		row("a trailer that would authorise", 201, false, chunked+"\r\nConnection: close\r\nTrailer: If-None-Exist", strings.TrimSuffix(whole, "\r\n")+"If-None-Exist: _id="+x.patient+"\r\n\r\n"),
	}
	return append(out,
		attack{name: "a chunk size of 2^63-1, then the end", want: []int{0, 400}, run: func(x *siege) *reply {
			return x.sendAndShut(x.framed(chunked, "7fffffffffffffff\r\n{}"))
		}},
		attack{name: "a body without a length: the next request, and none", want: []int{400}, raw: func() []byte { return x.framed("X: y", patientJSON+"\r\n\r\n") }},
		attack{name: "bare LF for every line end", want: []int{200, 400}, raw: text("GET /fhir/metadata HTTP/1.1\nHost: " + x.s.addr + "\nConnection: close\n\n"), plain: true, ok: alone},
		attack{name: "100 requests at once on a connection", want: []int{200}, raw: repeated("", string(x.line("GET /fhir/Patient/"+x.patient+" HTTP/1.1", "Host: x\r\n")()), 1, strings.Repeat(smuggled, 99)), ok: alone},
		attack{name: "a body with GET", want: []int{200}, ok: alone, raw: func() []byte {
			return append(x.line("GET /fhir/Patient/"+x.patient+" HTTP/1.1", "Host: x\r\n", fmt.Sprintf("Content-Length: %d", len(smuggled)))(), smuggled...)
		}},
		attack{name: "a refusal with the rest of the body to come", want: []int{401}, ok: alone, raw: func() []byte {
			return []byte("POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat(" ", 300<<10) + smuggled)
		}},
	)
}

// headerAttacks: the header of a request may have 64 KiB.
func headerAttacks(x *siege) []attack {
	read := "/fhir/Patient/" + x.patient
	row := func(name string, want []int, fields ...string) attack {
		return attack{name: name, path: read, fields: fields, want: want}
	}
	list := func(name, element string, n int) string { return name + ": " + strings.Repeat(element+",", n) + "x" }
	tooMuch := func(name string, fields ...string) attack {
		return attack{name: name, path: read, fields: fields, want: []int{431}, plain: true}
	}
	var headers []string
	for range 100_000 {
		headers = append(headers, "X: y")
	}
	id := x.s.create(x.staff, "Binary", `{"resourceType":"Binary","contentType":"application/octet-stream","data":"`+strings.Repeat("AAAA", 16<<10)+`"}`)
	ranges := make([]string, 0, 5_500)
	for i := range 5_500 {
		ranges = append(ranges, fmt.Sprintf("%d-%d", i*2, i*2))
	}
	binary := func(name, value string, want ...int) attack {
		return attack{name: "Range on a Binary: " + name, path: "/fhir/Binary/" + id, fields: []string{"Range: " + value, "Accept: */*"}, want: want}
	}
	out := []attack{
		tooMuch("100,000 headers", headers...),
		tooMuch("a header of 1 MB", "X: "+strings.Repeat(marker, 100_000)),
		tooMuch("a name of 1 MB", strings.Repeat("x", 1<<20)+": y"),
		row("8,000 headers: within the limit", []int{200}, headers[:8_000]...),
		row("X-Request-Id of 60 kB", []int{200}, "X-Request-Id: "+strings.Repeat(marker, 6_000)),
		row("X-Request-Id with a tab", []int{200}, "X-Request-Id: a\tb"+marker),
		row("X-Request-Id beyond ASCII", []int{200}, "X-Request-Id: \xe4"+marker),
		row("two X-Request-Ids", []int{200}, "X-Request-Id: a", "X-Request-Id: "+strings.Repeat(marker, 8)),
		tooMuch("X-Request-Id of 1 MB", "X-Request-Id: "+strings.Repeat(marker, 100_000)),
		{name: "X-Request-Id with a bare CR", path: read, fields: []string{"X-Request-Id: a\rX-Injected: " + marker}, want: []int{400}, plain: true},
		row("Origin: null", []int{200}, "Origin: null"),
		row("Origin of another, with a cookie", []int{200}, "Origin: https://"+strings.ToLower(marker)+".example", "Cookie: session=x"),
		row("Origin of 10 kB", []int{200}, "Origin: "+strings.Repeat("x", 10_000)),
		{name: "a preflight that asks for everything", method: "OPTIONS", path: read, token: "-", fields: []string{"Origin: null", "Access-Control-Request-Method: " + marker, "Access-Control-Request-Headers: " + strings.Repeat(marker+",", 1000)}, want: []int{204}},
		tooMuch("If-None-Match with 100,000 tags", list("If-None-Match", `"a"`, 100_000)),
		row("If-None-Match with 15,000 tags", []int{200}, list("If-None-Match", `"a"`, 15_000)),
		row("If-None-Match with an open quote", []int{200}, `If-None-Match: "`+strings.Repeat(`\"`, 20_000)),
		row("If-None-Match: W/W/W/…", []int{200}, "If-None-Match: "+strings.Repeat("W/", 20_000)),
		row("If-Modified-Since of 10 kB", []int{200}, "If-Modified-Since: "+strings.Repeat("9", 10_000)),
		row("If-Modified-Since in the year 9999", []int{200, 304}, "If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT"),
		tooMuch("Prefer with 100,000 elements", list("Prefer", "a", 100_000)),
		row("Prefer with 30,000 elements", []int{200}, list("Prefer", "a", 30_000)),
		row("Prefer with 30,000 semicolons", []int{200}, "Prefer: "+strings.Repeat("a;", 30_000)),
		row("Prefer with values of no meaning", []int{200}, "Prefer: return="+marker+", handling="+marker+", wait="+strings.Repeat("9", 1000)),
		tooMuch("Accept with 100,000 elements", list("Accept", "a/b", 100_000)),
		row("Accept with 12,000 elements", []int{406}, list("Accept", "a/b", 12_000)),
		row("Accept with 10,000 parameters", []int{200, 406}, "Accept: application/fhir+json"+strings.Repeat(";x=y", 10_000)),
		row("Accept with 3,000 weights of 10^300", []int{200, 406}, list("Accept", "*/*;q=1e300", 3_000)),
		row("Accept: "+marker, []int{200, 406}, "Accept: "+marker),
		row("Accept: "+marker+"/x", []int{406}, "Accept: "+marker+"/x"),
		row("Accept-Encoding with 20,000 elements", []int{200}, list("Accept-Encoding", "br", 20_000)),
		row("Accept-Language of 50 kB", []int{200}, list("Accept-Language", "de", 16_000)),
		row("Cookie of 60 kB", []int{200}, "Cookie: "+strings.Repeat("a=b; ", 12_000)),
		binary("5,500 ranges", "bytes="+strings.Join(ranges, ","), 200, 206, 416),
		binary("8,000 overlapping ranges", "bytes="+strings.Repeat("0-,", 8_000), 200, 206, 416),
		binary("backwards", "bytes=9-1", 200, 416),
		binary("beyond the end", "bytes=999999999-", 416),
		binary("beyond 2^64", "bytes=99999999999999999999-", 200, 416),
		binary("no unit", "0-1", 200, 416),
		binary(marker, marker+"=0-1", 200, 416),
		binary("the last -1 bytes", "bytes=--1", 200, 416),
	}
	write := func(name string, want []int, fields ...string) attack {
		return attack{name: name, method: "PUT", path: read, body: text(strings.Replace(patientJSON, `"Patient",`, `"Patient","id":"`+x.patient+`",`, 1)), fields: fields, want: want}
	}
	out = append(out, write("If-Match with 15,000 tags", []int{400, 412}, list("If-Match", `"a"`, 15_000)), write("If-Match of no form", []int{400, 412}, "If-Match: "+marker), write("If-None-Exist of no form", []int{200, 400}, "If-None-Exist: "+marker+"%zz"),
		write("Idempotency-Key of 10 kB", []int{400}, "Idempotency-Key: "+strings.Repeat(marker, 1000)), write("Chartseal-Ack of no meaning", []int{400}, "Chartseal-Ack: "+marker), write("X-Provenance of no form", []int{200, 400}, "X-Provenance: "+strings.Repeat("[", 20_000)))
	for i := range out {
		if out[i].ok == nil {
			out[i].ok = quiet
		}
	}
	return append(out, attack{name: "two Authorizations", path: read, fields: []string{"Authorization: Bearer " + x.s.payer()}, want: []int{http.StatusBadRequest}})
}
