package e2e

import (
	"fmt"
	"net/http"
	"strings"
)

// pathAttacks: an id is 1 to 64 of A-Z a-z 0-9 - . (R4 datatypes.html#id); what is none is not found, whatever the
// method, and no spelling of a path leads elsewhere.
func pathAttacks(x *siege) []attack {
	var out []attack
	get := func(name, path string, want ...int) { out = append(out, attack{name: name, path: path, want: want}) }
	ids := []struct{ name, id string }{
		{"65 characters", strings.Repeat("x", 65)},
		{"10,000 characters", strings.Repeat("x", 10_000)},
		{"%00", "a%00" + marker},
		{"%0d%0a", "a%0d%0aX-Injected:" + marker},
		{"..", ".."},
		{"%2e%2e", "%2e%2e"},
		{"%2f", "a%2f" + marker},
		{"%5c", "a%5c" + marker},
		{";", "a;" + marker + "=1"},
		{"unicode", "%C3%A4"},
		{"invalid UTF-8", "%ff%fe"},
		{"fullwidth digits", "%EF%BC%91"},
		{"_history", "_history%2f1"},
		{"_search", "_search"},
		{"underscore", "a_b"},
		{"percent twice", "%2500" + marker},
		{"*", "*"},
		{"empty brackets", "%5b%5d"},
		{"SQL", "'%20OR%201=1--" + marker},
		{"JSON", "%7b%22$ne%22:1%7d"},
	}
	for _, id := range ids {
		wants := []int{http.StatusNotFound}
		switch id.name {
		case "%00":
			wants = []int{http.StatusBadRequest}
		case "_search":
			wants = []int{http.StatusMethodNotAllowed}
		}
		get("read of the id "+id.name, "/fhir/Patient/"+id.id, wants...)
		put := attack{name: "update of the id " + id.name, method: "PUT", path: "/fhir/Patient/" + id.id, body: text(patientJSON), want: append(wants, 400)}
		del := attack{name: "delete of the id " + id.name, method: "DELETE", path: "/fhir/Patient/" + id.id, want: wants}
		out = append(out, put, del)
	}
	get("the id _history", "/fhir/Patient/"+x.patient+"/_history/_history", 404)
	get("a version of 1,000 digits", "/fhir/Patient/"+x.patient+"/_history/"+strings.Repeat("9", 1000), 404)
	get("version 0", "/fhir/Patient/"+x.patient+"/_history/0", 404)
	get("version -1", "/fhir/Patient/"+x.patient+"/_history/-1", 404)
	get("version 18446744073709551617, which is 1 modulo 2^64", "/fhir/Patient/"+x.patient+"/_history/18446744073709551617", 404)
	for _, p := range []string{
		"//fhir/Patient/ID", "/fhir//Patient/ID", "/fhir/Patient//ID", "/fhir/./Patient/ID", "/./fhir/Patient/ID", "/../admin",
		"/fhir/../metrics", "/fhir/%2e%2e/metrics", "/fhir/..%2fmetrics",
		"/fhir/..%5cmetrics", "/fhir/Patient/../../metrics", "/fhir/..;/metrics", "/FHIR/Patient/ID", "/fhir/patient/ID",
		"/fhir/PATIENT/ID", "/fhir/Patient/ID.", "/fhir/Patient/ID%20", "/fhir/Patient/ID%09",
		"/fhir/Patient/ID%2f_history", "/fhir/Patient%2fID", "/fhir/Patient/ID;x=y", "/fhir/Patient.json/ID", "/fhir/Patient/ID.json",
		"/fhir/Patient/ID/$receipt/..", "/debug/pprof/", "/debug/vars", "/.git/config", "/admin",
		"/fhir/.well-known/../metadata", "/fhir/metadata/x", "/fhir/$" + marker, "/fhir/" + marker, "/fhir/" + marker + "/1", "/" + marker,
	} {
		get("path "+p, strings.ReplaceAll(p, "ID", x.patient), 404)
	}
	get("a slash at the end: the same", "/fhir/Patient/"+x.patient+"/", 200)
	for _, dots := range []string{".", ".."} { // clients resolve it before they ask (RFC 3986 section 5.2.4)
		out = append(out, attack{name: "a resource whose URL nobody can ask for: id " + dots, method: "PUT", path: "/fhir/Patient/" + dots, body: text(`{"resourceType":"Patient","id":"` + dots + `"}`), want: []int{400}})
	}
	get("a path of 8 kB", "/fhir/"+strings.Repeat(marker, 800), 404)
	get("a path of 8,000 slashes", "/fhir"+strings.Repeat("/", 8_000), 404)
	get("a path of 8,000 parts", "/fhir"+strings.Repeat("/x", 8_000), 404)
	get("a path of 64 kB", "/fhir/"+strings.Repeat(marker, 6_400), 414)
	out = append(out, attack{name: "a path of 1 MB", path: "/fhir/" + strings.Repeat(marker, 100_000), want: []int{431}, plain: true})
	out = append(out, attack{name: "a path with a broken escape", path: "/fhir/Patient/%zz" + marker, want: []int{400}, plain: true})
	return out
}

// queryAttacks are searches of every shape (R4 search.html).
func queryAttacks(x *siege) []attack {
	for i := range 3 {
		x.s.create(x.staff, "Patient", fmt.Sprintf(`{"resourceType":"Patient","gender":"other","identifier":[{"system":"urn:q","value":"%d"}]}`, i))
	}
	var out []attack
	get := func(name, query string, want ...int) {
		out = append(out, attack{name: name, path: "/fhir/Patient?" + query, want: want})
	}
	post := func(name string, form func() []byte, want ...int) {
		out = append(out, attack{name: name, path: "/fhir/Patient/_search", body: form, want: want, fields: []string{"Content-Type: application/x-www-form-urlencoded"}})
	}
	get("a query of 8 kB", "name="+strings.Repeat(marker, 800), 200)
	get("a query of 64 kB", "name="+strings.Repeat(marker, 6_400), 414)
	out = append(out, attack{name: "a query of 1 MB", path: "/fhir/Patient?name=" + strings.Repeat(marker, 100_000), want: []int{431}, plain: true})
	get("15,000 parameters without a value", strings.Repeat("a&", 15_000), 400)
	post("100,000 parameters in a form", repeated("", "a=1&", 100_000, ""), 400)
	post("50,000 different parameters in a form", func() []byte { return manyMembers("", "unheardof%d=1&", 50_000, "") }, 400)
	post("10,000 values of a parameter", repeated("name=x", ","+marker, 10_000, ""), 400)
	post("10,000 times the same parameter", repeated("", "gender=male&", 10_000, ""), 400)
	post("a form of 2 MB", repeated("name=", marker, 200_000, ""), 413)
	post("a form with a broken escape", text("name=%zz"+marker), 400)
	post("a form with semicolons", text("name=a;name="+marker), 400)
	post("a form with NUL", text("name=%00"+marker), 400)
	post("_format in a form with CRLF", text("_format=json%0d%0aX-Injected:+"+marker), 406)
	for _, q := range []string{"%zz", "name=%", "a;b=1", "=" + marker, "&&&&", "name[$ne]=1", "name=%ff%fe", "name=%00"} {
		get("query "+q, q, 200, 400)
	}
	for _, q := range []string{
		"_count=-1", "_count=99999999999999999999", "_count=1e3", "_count=x", "_count=1&_count=2", "_sort=" + marker,
		"_sort=" + strings.Repeat("-birthdate,", 1000), "_summary=" + marker, "_total=" + marker,
		"_elements=" + strings.Repeat("name,", 5000), "birthdate=ge" + marker, "birthdate=99999-99-99", "birthdate=2024-02-30",
		"birthdate=" + strings.Repeat("9", 5000), "_lastUpdated=gt" + strings.Repeat("2", 300),
		"_id=" + strings.Repeat("x,", 999), "_id=%00", "_has:Observation:subject:code=" + marker,
		strings.Repeat("_has:Observation:subject:", 500) + "code=1", "link" + strings.Repeat(".link:Patient", 500) + ".name=1",
		"general-practitioner" + strings.Repeat(":Practitioner", 900) + ".name=1", "_include=*", "_include=*:*",
		"_include:iterate=" + strings.Repeat("*:*,", 500), "_revinclude=*", "name:unheardof=x", "name:exact:exact=x",
		"name=" + strings.Repeat("%5C", 5000),
		"identifier=" + strings.Repeat("|", 5000), "identifier=%7C", "_filter=" + strings.Repeat("(", 5000), "_query=" + marker,
		"_content=(.*)*" + marker, "name=" + strings.Repeat("%25", 5000), "_profile:below=" + strings.Repeat("x/", 5000),
		"_text=" + strings.Repeat("a%20OR%20", 2500),
	} {
		get("search "+abbreviated(q), q, 200, 400)
	}
	strict := len(out)
	get("an unknown parameter, strictly", "unheardof="+marker, 400)
	out[strict].fields = []string{"Prefer: handling=strict"}
	return append(append(out, x.pageAttacks()...), x.formatAttacks()...)
}

// pageAttacks forge the positions in page links.
func (x *siege) pageAttacks() []attack {
	a := x.s.do(http.StatusOK, "GET", "/Patient?gender=other&_count=1", x.staff, "")
	_, after, _ := strings.Cut(string(a.body), "_cursor=")
	cursor, _, _ := strings.Cut(after, `"`)
	if len(cursor) < 20 {
		x.t.Fatalf("no cursor in %s", a.body)
	}
	flipped := []byte(cursor)
	flipped[len(flipped)/2] ^= 1
	var out []attack
	for _, c := range []struct{ name, path, token string }{
		{"that is none", "Patient?_cursor=" + marker, ""},
		{"that is empty", "Patient?_cursor=%20", ""},
		{"cut short", "Patient?_cursor=" + cursor[:len(cursor)-4], ""},
		{"with a bit changed", "Patient?_cursor=" + string(flipped), ""},
		{"twice its length", "Patient?_cursor=" + cursor + cursor, ""},
		{"of another type", "Observation?_cursor=" + cursor, ""},
		{"of a search, at the history", "Patient/_history?_cursor=" + cursor, ""},
		{"of another caller", "Patient?_cursor=" + cursor, x.s.payer()},
		{"of 30 kB", "Patient?_cursor=" + strings.Repeat("A", 30_000), ""},
		{"with parameters beside it", "Patient?name=" + marker + "&_cursor=A" + cursor, ""},
	} {
		out = append(out, attack{name: "a page position " + c.name, path: "/fhir/" + c.path, token: c.token, want: []int{400, 410}})
	}
	return out
}

// formatAttacks try to bring something into the headers of the answer.
func (x *siege) formatAttacks() []attack {
	uninjected := func(r *reply) error {
		if r.header.Get("X-Injected") != "" || strings.Contains(r.header.Get("Content-Type"), "html") {
			return fmt.Errorf("injected: %v", r.header)
		}
		return nil
	}
	var out []attack
	for _, f := range []string{"json%0d%0aX-Injected:%20" + marker, "application/fhir%2Bjson%0d%0a%0d%0a<html>", "text/html", "xml", strings.Repeat("json", 5_000), marker} {
		out = append(out, attack{name: "_format=" + abbreviated(f), path: "/fhir/Patient/" + x.patient + "?_format=" + f, want: []int{406}, ok: uninjected})
	}
	read := "/fhir/Patient/" + x.patient + "?"
	return append(out,
		attack{name: "_format with a parameter of CRLF", path: read + "_format=application/json%3b%20x=%22%0d%0aX-Injected:1%22", want: []int{200, 406}, ok: uninjected},
		attack{name: "_format in UTF-7", path: read + "_format=application/json%3bcharset=utf-7", want: []int{406}, ok: uninjected},
		attack{name: "a query that cannot be read, with _elements in it", path: read + "_elements=birthDate;x", want: []int{400}},
		attack{name: "a broken escape in _elements", path: read + "_elements=%zz", want: []int{400}},
	)
}
