package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
)

func sortByName(list []attack) {
	slices.SortFunc(list, func(a, b attack) int { return strings.Compare(a.name, b.name) })
}

// zipped is gzip of what write writes.
func zipped(write func(io.Writer)) func() []byte {
	return func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		write(z)
		_ = z.Close() // into memory
		return b.Bytes()
	}
}

func zippedText(s string) func() []byte {
	return zipped(func(w io.Writer) { _, _ = io.WriteString(w, s) })
}

// blanks writes n MB of white space, which JSON may have at its beginning: 1:1000 under gzip.
func blanks(n int) func(io.Writer) {
	return func(w io.Writer) {
		mb := bytes.Repeat([]byte(" "), 1<<20)
		for range n {
			_, _ = w.Write(mb)
		}
	}
}

// bodyAttacks: the limit of a body, 16 MiB, holds for what is sent and for what it unpacks to.
func bodyAttacks(x *siege) []attack {
	coded := func(name, coding string, want int, body func() []byte) attack {
		a := attack{name: name, path: "/fhir/Patient", body: body, want: []int{want}}
		if coding != "" {
			a.fields = []string{"Content-Encoding: " + coding}
		}
		return a
	}
	part := zipped(blanks(64)) // a gzip file may consist of several (RFC 1952 section 2.2)
	bomb := func() []byte { return bytes.Repeat(part(), x.size(1, 15)<<4) }
	valid := zippedText(patientJSON)
	out := []attack{
		coded("gzip: not an attack", "gzip", 201, valid),
		coded(fmt.Sprintf("a zip bomb of %d GB", x.size(1, 15)), "gzip", 413, bomb),
		coded("a zip bomb within the limit", "gzip", 400, zipped(blanks(15))),
		coded("gzip within gzip", "gzip", 400, func() []byte { return zippedText(string(bomb()))() }),
		coded("gzip within gzip, and said so", "gzip, gzip", 415, func() []byte { return zippedText(string(valid()))() }),
		coded("the two codings in two headers", "gzip\r\nContent-Encoding: gzip", 415, func() []byte { return zippedText(string(valid()))() }),
		coded("gzip and nothing else", "gzip, identity", 415, valid),
		coded("gzip with garbage behind it", "gzip", 400, func() []byte { return append(valid(), marker...) }),
		coded("gzip with zeros behind it", "gzip", 400, func() []byte { return append(valid(), make([]byte, 100)...) }),
		coded("gzip, cut short", "gzip", 400, func() []byte { return valid()[:60] }),
		coded("gzip without its checksum", "gzip", 400, func() []byte { b := valid(); return b[:len(b)-8] }),
		coded("gzip with a wrong checksum", "gzip", 400, func() []byte { b := valid(); b[len(b)-6] ^= 1; return b }),
		coded("gzip with a wrong length", "gzip", 400, func() []byte { b := valid(); b[len(b)-1] ^= 1; return b }),
		coded(amount(x.size(100_000, 700_000))+" empty gzip members", "gzip", 400, func() []byte { return bytes.Repeat(zippedText("")(), x.size(100_000, 700_000)) }),
		coded("a gzip header with a name of 10 MB", "gzip", 400, func() []byte {
			return append([]byte("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"), bytes.Repeat([]byte("x"), 10<<20)...)
		}),
		coded("gzip that is none", "gzip", 400, text(patientJSON)),
		coded("gzip of nothing", "gzip", 400, zippedText("")),
		coded("an empty body as gzip", "gzip", 400, text("")),
		coded("gzip that does not say so", "", 400, valid),
		coded("deflate", "deflate", 415, valid),
		coded("br", "br", 415, valid),
		coded("a coding of no name", marker, 415, valid),
		coded("17 MB", "", 413, repeated(patientJSON, " ", 17<<20, "")),
		coded("17 MB of zeros", "", 413, repeated("", "\x00", 17<<20, "")),
		{name: "17 MB in chunks, no length", want: []int{413}, raw: func() []byte { return x.chunks(repeated("", " ", 17<<20, "")(), 64<<10) }},
		{name: "1 MB in chunks of a byte", want: []int{400}, raw: func() []byte { return x.chunks(repeated("", " ", 1<<20, "")(), 1) }},
		{name: "a length of 2^63", want: []int{400}, plain: true, raw: func() []byte { return x.framed("Content-Length: 9223372036854775808", "{}") }},
		{name: "a length of 2^62", want: []int{413}, raw: func() []byte { return x.framed("Content-Length: 4611686018427387904", "{}") }},
		{name: "a negative length", want: []int{400}, plain: true, raw: func() []byte { return x.framed("Content-Length: -1", patientJSON) }},
		{name: "a body longer than its length", want: []int{400}, raw: func() []byte { return x.framed("Content-Length: 20", patientJSON) }},
		{name: "a body shorter than its length, then the end", want: []int{0, 400}, run: (*siege).shortBody},
		{name: "16 MB without a token", path: "/fhir/Patient", token: marker, want: []int{401}, body: repeated(patientJSON, " ", 16<<20-len(patientJSON), "")},
		{name: "Expect: a thing unheard of", path: "/fhir/Patient", fields: []string{"Expect: " + marker}, body: text(patientJSON), want: []int{417}, plain: true},
	}
	for _, media := range []string{"application/xml", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", marker, "application/fhir+json; fhirVersion=3.0"} {
		out = append(out, attack{name: "Content-Type: " + abbreviated(media), path: "/fhir/Patient", want: []int{415}, body: text(patientJSON), fields: []string{"Content-Type: " + media}})
	}
	out = append(out, attack{name: "Content-Type with 5,000 parameters", path: "/fhir/Patient", want: []int{201}, body: text(patientJSON), fields: []string{"Content-Type: application/fhir+json" + strings.Repeat("; x=y", 5000)}})
	return append(out, x.together(out))
}

func abbreviated(s string) string {
	if len(s) > 60 {
		return s[:40] + "…"
	}
	return s
}

// framed is POST Patient with a framing of one's own.
func (x *siege) framed(framing, body string) []byte {
	return []byte("POST /fhir/Patient HTTP/1.1\r\nHost: " + x.s.addr + "\r\nAuthorization: Bearer " + x.staff + "\r\nContent-Type: application/fhir+json\r\n" + framing + "\r\n\r\n" + body)
}

func (x *siege) chunks(body []byte, size int) []byte {
	b := x.framed("Connection: close\r\nTransfer-Encoding: chunked", "")
	for part := range slices.Chunk(body, size) {
		b = append(fmt.Appendf(b, "%x\r\n", len(part)), part...)
		b = append(b, "\r\n"...)
	}
	return append(b, "0\r\n\r\n"...)
}

// uploadPeak is what one upload may cost, in MB: the largest body, and half as much while its buffer grows.
const uploadPeak = 32

// together sends many zip bombs at once: what one may cost, all may.
func (x *siege) together(rows []attack) attack {
	i := slices.IndexFunc(rows, func(a attack) bool { return strings.HasPrefix(a.name, "a zip bomb of") })
	n := x.size(8, 16)
	return attack{name: fmt.Sprintf("%d of the zip bombs at once", n), want: []int{413, 503}, peak: n * uploadPeak, run: func(x *siege) *reply {
		return x.atOnce(n, x.request(&rows[i]))
	}}
}

// atOnce sends the same on several connections and gives the first of the answers, or one that differs from it.
func (x *siege) atOnce(n int, b []byte) *reply {
	answers := make(chan *reply, n)
	for range n {
		go func() { answers <- x.send(b) }()
	}
	out := <-answers
	for range n - 1 {
		if r := <-answers; r.status != out.status {
			out = r
		}
	}
	out.sent = n * len(b)
	return out
}
