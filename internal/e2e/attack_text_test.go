package e2e

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// characterAttacks: JSON is UTF-8 (RFC 8259 section 8.1), and FHIR strings hold no control characters but white space
// (R4 datatypes.html#string).
func characterAttacks(*siege) []attack {
	family := func(s string) func() []byte { return patient(`"name":[{"family":"` + s + `"}]`) }
	out := []attack{
		broken("invalid UTF-8 in a string", family(marker+"\xff\xfe")),
		broken("invalid UTF-8 in the name of a member", patient("\"acti\xffve\":true")),
		broken("invalid UTF-8 between members", patient("\"active\":true\xc3")),
		broken("overlong encoding of /", family(marker+"\xc0\xaf")),
		broken("overlong encoding of NUL", family(marker+"\xc0\x80")),
		broken("a surrogate in UTF-8", family(marker+"\xed\xa0\x80")),
		broken("beyond U+10FFFF", family(marker+"\xf4\x90\x80\x80")),
		broken("cut off within a character", family(marker+"\xe2\x82")),
		broken("a lone high surrogate, escaped", family(marker+`\ud800`)),
		broken("a lone low surrogate, escaped", family(marker+`\udc00x`)),
		broken("surrogates in the wrong order", family(marker+`\udc00\ud800`)),
		broken("NUL, escaped", family(marker+`\u0000`)),
		broken("NUL, bare", family(marker+"\x00")),
		broken("NUL after the document", text(`{"resourceType":"Patient","active":true}`+"\x00")),
		broken("BEL, escaped", family(marker+`\u0007`)),
		broken("a bare line feed in a string", family(marker+"\n")),
		broken("an unknown escape", family(marker+`\x41`)),
		broken("half an escape", family(marker+`\u00`)),
		accepted("a byte order mark: not an attack", "Patient", text("\xef\xbb\xbf"+patientJSON)),
		broken("two byte order marks", text("\xef\xbb\xbf\xef\xbb\xbf"+patientJSON)),
		broken("a byte order mark within", text(`{"resourceType":"Patient",`+"\xef\xbb\xbf"+`"active":true}`)),
		broken("UTF-16, little endian, with its mark", utf16Body(patientJSON, false)),
		broken("UTF-16, big endian, with its mark", utf16Body(patientJSON, true)),
		{name: "a body that says it is Latin-1", path: "/fhir/Patient", want: []int{415}, body: text(patientJSON), fields: []string{"Content-Type: application/fhir+json; charset=iso-8859-1"}},
		{name: "a body that says it is UTF-7", path: "/fhir/Patient", want: []int{415}, body: text(patientJSON), fields: []string{"Content-Type: application/fhir+json; charset=utf-7"}},
		accepted("right-to-left overrides and zero width joiners: text like any other", "Patient", family(marker+"\u202e\u200d\u2066")),
	}
	var odd []attack
	for name, tail := range map[string]string{
		"garbage after the document": marker, "a second document": patientJSON, "a comma after the document": ",", "a bracket too many": "}",
	} {
		odd = append(odd, broken(name, text(patientJSON+tail)))
	}
	for name, s := range map[string]string{
		"a comment":        `{"resourceType":"Patient",/* ` + marker + ` */"active":true}`,
		"a line comment":   "{\"resourceType\":\"Patient\", // x\n\"active\":true}",
		"a comma too many": `{"resourceType":"Patient","active":true,}`, "names without quotes": `{resourceType:"Patient"}`,
		"single quotes": `{'resourceType':'Patient'}`,
		"NaN":           `{"resourceType":"Patient","multipleBirthInteger":NaN}`, "True": `{"resourceType":"Patient","active":True}`,
		"a form feed as white space":      "{\"resourceType\":\"Patient\",\f\"active\":true}",
		"a no-break space as white space": "{\"resourceType\":\"Patient\",\u00a0\"active\":true}",
		"JavaScript before the JSON":      ")]}',\n" + patientJSON,
		"XML":                             `<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>`,
	} {
		odd = append(odd, broken(name, text(s)))
	}
	sortByName(odd)
	return append(out, odd...)
}

func utf16Body(s string, big bool) func() []byte {
	return func() []byte {
		var b []byte
		for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(s))...) {
			if big {
				b = append(b, byte(u>>8), byte(u))
			} else {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		return b
	}
}

// narrativeAttacks: narrative is a closed subset of XHTML, without entities beyond XML's own, references or script (R4
// narrative.html#xhtml).
func narrativeAttacks(x *siege) []attack {
	div := func(s string) func() []byte {
		return patient(`"text":{"status":"generated","div":"` + strings.ReplaceAll(s, `"`, `\"`) + `"}`)
	}
	in := func(s string) func() []byte { return div(`<div xmlns="http://www.w3.org/1999/xhtml">` + s + `</div>`) }
	var laughs strings.Builder
	laughs.WriteString(`<!DOCTYPE div [<!ENTITY l0 "` + marker + `">`)
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&laughs, `<!ENTITY l%d "%s">`, i, strings.Repeat(fmt.Sprintf("&l%d;", i-1), 10))
	}
	laughs.WriteString(`]><div xmlns="http://www.w3.org/1999/xhtml">&l19;</div>`)
	n := x.size(50_000, 100_000)
	out := []attack{
		broken("billion laughs", div(laughs.String())),
		broken("an external entity", div(`<!DOCTYPE div [<!ENTITY x SYSTEM "file:///etc/passwd">]><div xmlns="http://www.w3.org/1999/xhtml">&x;</div>`)),
		broken("an unknown entity", in("&"+marker+";")),
		accepted(amount(n)+" entities of XML", "Patient", in(strings.Repeat("&lt;", n))),
		accepted(amount(n)+" nested tags: R4 sets no limit", "Patient", in(strings.Repeat("<b>", n)+"x"+strings.Repeat("</b>", n))),
		broken(amount(n)+" tags, never closed", in(strings.Repeat("<b>", n))),
		broken(amount(n)+" shut tags", in(strings.Repeat("</b>", n))),
		accepted(amount(n)+" empty tags", "Patient", in("x"+strings.Repeat("<br/>", n))),
		broken(amount(n)+" attributes", in("<p"+strings.Repeat(` class="x"`, n)+">x</p>")),
		broken("an attribute that never ends", in(`<p class="`+strings.Repeat("x", 500_000))),
		broken("a comment that never ends", in("<!--"+strings.Repeat("-", 500_000))),
		broken("half a million <", in(strings.Repeat("<", 500_000))),
		broken("half a million &", in(strings.Repeat("&", 500_000))),
		broken("CDATA", in("<![CDATA[<script>"+marker+"</script>]]>")),
		broken("a processing instruction", in("<?php "+marker+" ?>")),
		broken("a character that does not exist", in("&#x110000;")),
		broken("a character reference of 100,000 digits", in("&#"+strings.Repeat("9", 100_000)+";")),
		broken("no div", div("<p>"+marker+"</p>")),
		broken("another namespace", div(`<div xmlns="http://www.w3.org/2000/svg">x</div>`)),
	}
	for _, script := range []string{
		"<script>alert(1)</script>", "<SCRIPT>x</SCRIPT>", `<p onclick="x()">x</p>`, `<img src="javascript:x()" alt="x"/>`,
		`<a href="javascript:x()">x</a>`, `<a href="&#106;avascript:x()">x</a>`,
		`<a href="data:text/html,x">x</a>`, "<iframe>x</iframe>", "<object>x</object>", "<form>x</form>", "<style>x</style>", "<link/>",
		"<base/>", "<svg>x</svg>", `<p style="background:url(javascript:x)">x</p>`,
	} {
		out = append(out, broken("active content: "+script, in(script)))
	}
	return out
}
