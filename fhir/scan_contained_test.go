package fhir

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	heldAlone   = "dom-3: nothing refers to this contained resource, and it does not refer to its container"
	heldVersion = "dom-4: a contained resource may have neither versionId nor lastUpdated"
	heldLabel   = "dom-5: a contained resource may not have security labels"
)

// containedForms are accepted, each for another reason to have a contained resource.
var containedForms = []string{
	// Reference.reference, on either side, in either spelling, and in extensions
	`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}],"managingOrganization":{"reference":"#o"}}`,
	`{"resourceType":"Patient","managingOrganization":{"reference":"\u0023o"},"contained":[{"id":"\u006f","resourceType":"Organization"}]}`,
	`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}],"_birthDate":{"extension":[{"url":"x:y","valueReference":{"reference":"#o"}}]}}`,
	// canonical, uri and url
	`{"resourceType":"QuestionnaireResponse","contained":[{"resourceType":"Questionnaire","id":"q","status":"draft"}],"questionnaire":"#q","status":"completed"}`,
	`{"resourceType":"DetectedIssue","contained":[{"resourceType":"Basic","id":"b","code":{"text":"a"}}],"status":"final","reference":"#b"}`,
	`{"resourceType":"Patient","contained":[{"resourceType":"Binary","id":"b","contentType":"a/b","data":"AAAA"}],"photo":[{"url":"#b"}]}`,
	`{"resourceType":"Patient","meta":{"profile":["x:y","#s"]},"contained":[{"resourceType":"Basic","id":"s","code":{"text":"a"}}]}`,
	// from within contained resources, to another, to itself, and up
	`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","partOf":{"reference":"#p"}},` +
		`{"resourceType":"Organization","id":"p"}],"managingOrganization":{"reference":"#o"}}`,
	`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","partOf":{"reference":"#o"}}]}`,
	`{"resourceType":"Patient","contained":[{"resourceType":"Provenance","target":[{"reference":"#"}],"recorded":"2020-01-01T00:00:00Z","agent":[{"who":{"display":"a"}}]}]}`,
	`{"resourceType":"Patient","contained":[{"resourceType":"Basic","code":{"text":"a"},"extension":[{"url":"x:y","valueCanonical":"#"}]}]}`,
	`{"resourceType":"List","status":"current","mode":"working","contained":[{"resourceType":"Organization","id":"o"},` +
		`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","meta":{"versionId":"1"},` +
		`"implicitRules":"#o","link":[{"other":{"reference":"#"},"type":"refer"}]}}]}]}`,
	// links and images of narratives
	`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><img src=\"#b\" alt=\"a\"/></div>"},` +
		`"contained":[{"resourceType":"Binary","id":"b","contentType":"a/b","data":"AAAA"}]}`,
	`{"resourceType":"Composition","status":"final","type":{"text":"a"},"date":"2020","author":[{"display":"a"}],"title":"a",` +
		`"contained":[{"resourceType":"Basic","id":"b","code":{"text":"a"}}],` +
		`"section":[{"text":{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'><a href='&#x23;b'>a</a></div>"}}]}`,
	// two of one id, and what may stand in meta
	`{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Organization","id":"o"}],"managingOrganization":{"reference":"#o"}}`,
	`{"resourceType":"Patient","meta":{"versionId":"1","security":[{"code":"R"}]},"contained":[{"resourceType":"Organization","id":"o",` +
		`"meta":{"profile":["x:y"],"tag":[{"code":"a"}],"source":"x:y","extension":[{"url":"x:y","valueMeta":{"versionId":"1"}}]}}],"managingOrganization":{"reference":"#o"}}`,
	// each container for itself
	`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","meta":{"versionId":"1","lastUpdated":"2020-01-01T00:00:00Z"},` +
		`"contained":[{"resourceType":"Organization","id":"o"}],"managingOrganization":{"reference":"#o"}}}]}`,
}

// TestScanContained covers dom-3, dom-4 and dom-5 from the side of the valid.
func TestScanContained(t *testing.T) {
	for _, in := range containedForms {
		if got := issuesOf(t, in); got != "" {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// TestScanContainedRefuses covers them from the other side, in the members of a
// Patient that has nothing else.
func TestScanContainedRefuses(t *testing.T) {
	const organization, link = `{"resourceType":"Organization","id":"o","name":"a"}`, `,"managingOrganization":{"reference":"#o"}`
	held := func(meta string) string {
		return `"contained":[{"resourceType":"Organization","id":"o","meta":{` + meta + `}}]` + link
	}
	cases := []struct{ in, want string }{
		{`"contained":[` + organization + `]`, "40 Patient.contained[0]: " + heldAlone},
		{`"contained":[{"resourceType":"Organization","name":"a"}]`, "40 Patient.contained[0]: " + heldAlone},
		{`"contained":[` + organization + `,{"resourceType":"Organization","id":"p"}]` + link, "92 Patient.contained[1]: " + heldAlone},
		// what does not refer: a lone # outside, text, an identifier, a longer fragment, ids of others
		{`"contained":[` + organization + `],"link":[{"other":{"reference":"#"},"type":"refer"}]`, "40 Patient.contained[0]: " + heldAlone},
		{`"contained":[` + organization + `],"managingOrganization":{"display":"#o","identifier":{"value":"#o"}}`, "40 Patient.contained[0]: " + heldAlone},
		{`"contained":[` + organization + `],"implicitRules":"x:y#o"`, "40 Patient.contained[0]: " + heldAlone},
		{`"contained":[` + organization + `],"implicitRules":"#o2"`, "40 Patient.contained[0]: " + heldAlone},
		{`"contained":[` + organization + `],"managingOrganization":{"reference":"Organization/o"}`, "40 Patient.contained[0]: " + heldAlone},
		{
			`"contained":[` + organization + `],"text":{"status":"generated","div":"<div xmlns='` + xhtmlNamespace + `'><a href='#'>#o</a><p id='#o'/></div>"}`,
			"40 Patient.contained[0]: " + heldAlone,
		},
		// a contained Bundle's entries are not contained
		{
			`"contained":[{"resourceType":"Bundle","type":"collection","id":"b","entry":[{"resource":{"resourceType":"Patient","id":"o"}}]}]`,
			"40 Patient.contained[0]: " + heldAlone,
		},
		{held(`"versionId":"1"`), "88 Patient.contained[0].meta.versionId: " + heldVersion},
		{held(`"_versionId":{"extension":[{"url":"x:y","valueCode":"a"}]}`), "88 Patient.contained[0].meta.versionId: " + heldVersion},
		{held(`"versionId":"1","_versionId":{"id":"a"}`), "88 Patient.contained[0].meta.versionId: " + heldVersion},
		{held(`"lastUpdated":"2020-01-01T00:00:00Z"`), "88 Patient.contained[0].meta.lastUpdated: " + heldVersion},
		{held(`"s\u0065curity":[{"code":"R"}]`), "88 Patient.contained[0].meta.security: " + heldLabel},
		{
			`"contained":[{"resourceType":"Patient","id":"a","contained":[{"resourceType":"Patient","id":"b"}]}],"link":[{"other":{"reference":"#a"},"type":"refer"}]`,
			"75 Patient.contained[0].contained: dom-2: a contained resource may not contain resources",
		},
	}
	for _, c := range cases {
		column, rest, _ := strings.Cut(c.want, " ")
		want := "1:" + column + " error invariant " + rest + "\n"
		if diff := cmp.Diff(want, issuesOf(t, `{"resourceType":"Patient",`+c.in+`}`)); diff != "" {
			t.Errorf("%s:\n%s", c.in, diff)
		}
	}
}

// TestScanContainedOrder checks that the issues come in document order with
// their lines, and that one mistake in an id is one issue.
func TestScanContainedOrder(t *testing.T) {
	const in = "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"resource\":\n{\"resourceType\":\"Patient\",\"gender\":\"x\",\"contained\":[\n" +
		"{\"resourceType\":\"Organization\",\"id\":\"a_b\"},\n {\"resourceType\":\"Organization\",\"meta\":{\"security\":[{\"code\":\"R\"}],\n\"versionId\":\"1\"}}],\n" +
		"\"managingOrganization\":{\"reference\":\"#a_b\"}}},\n{\"resource\":{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Organization\",\"id\":\"c\"}]}}]}"
	const want = `2:36 error code-invalid Bundle.entry[0].resource.gender: code is not in the required value set
3:37 error value Bundle.entry[0].resource.contained[0].id: id is not 1 to 64 letters, digits, hyphens or dots
4:2 error invariant Bundle.entry[0].resource.contained[1]: ` + heldAlone + `
4:41 error invariant Bundle.entry[0].resource.contained[1].meta.security: ` + heldLabel + `
5:1 error invariant Bundle.entry[0].resource.contained[1].meta.versionId: ` + heldVersion + `
7:52 error invariant Bundle.entry[1].resource.contained[0]: ` + heldAlone + "\n"
	if diff := cmp.Diff(want, issuesOf(t, in)); diff != "" {
		t.Error(diff)
	}
	const nested = `{"resourceType":"Patient","contained":[{"resourceType":"Bundle","type":"collection",` +
		`"entry":[{"resource":{"resourceType":"Patient","link":[{"other":{"reference":"#x"},"type":"refer"},{"other":{"reference":"#"},"type":"refer"}]}}]}]}`
	const once = "1:162 error value Patient.contained[0].entry[0].resource.link[0].other.reference: " + noFragment + "\n"
	if diff := cmp.Diff(once, issuesOf(t, nested)); diff != "" {
		t.Error(diff)
	}
}

// TestScanContainedExamples puts a contained resource that nobody knows first in
// every example that has contained ones: it is the only one to find fault with.
func TestScanContainedExamples(t *testing.T) {
	const member, stranger = `"contained":[`, `{"resourceType":"Basic","id":"nobody-knows","meta":{"security":[{"code":"R"}]},"code":{"text":"a"}},`
	n := 0
	for _, archive := range []string{"r4-examples.tar.zst", "ig-examples.tar.zst", "synthea.tar.zst"} {
		for _, f := range corpus(t, archive) {
			b, err := ParseBundle(f.data, Limits{})
			texts := [][]byte{f.data}
			for i := 0; err == nil && i < len(b.Entries); i++ {
				texts = append(texts, b.Entries[i].Resource)
			}
			for _, raw := range texts {
				r, err := Parse(raw, Limits{})
				if err != nil || r.Type == "Bundle" || bytes.Count(r.JSON, []byte(member)) != 1 {
					continue
				}
				n++
				var inv *Invalid
				_, err = Parse(bytes.Replace(r.JSON, []byte(member), []byte(member+stranger), 1), Limits{})
				if !errors.As(err, &inv) || len(inv.Issues) != 2 || inv.Issues[0].Diagnostics != heldAlone ||
					inv.Issues[0].Expression[0] != r.Type+".contained[0]" || inv.Issues[1].Diagnostics != heldLabel {
					t.Errorf("%s: %v", f.name, err)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d examples have contained resources", n)
	}
}

// TestScannersComeBack checks that Parse and ParseBundle give their scanners back,
// refused or not, and that the parts of a Bundle do not depend on them.
func TestScannersComeBack(t *testing.T) {
	const bundle = `{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"urn:uuid:\u0031","resource":{"resourceType":"Patient","id":"1"},` +
		`"request":{"method":"PUT","url":"Patient\/1","ifMatch":"W\/\"1\"","ifNoneExist":"a=\u0062"}}]}`
	read := func() *Bundle {
		b, err := ParseBundle([]byte(bundle), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, use := range map[string]func(){
		"Bundle":         func() { read() },
		"refused Bundle": func() { ParseBundle([]byte(`{"resourceType":"Bundle","entry":[{"x":1}]}`), Limits{}) }, //nolint:errcheck // is refused
		"resource":       func() { Parse([]byte(containedForms[0]), Limits{}) },                                   //nolint:errcheck // is accepted
	} {
		back := false
		for range 200 { // under the race detector a pool drops some
			for s, ok := scanners.Get().(*scanner); ok && cap(s.path) > 0; s, ok = scanners.Get().(*scanner) {
			}
			use()
			if s, ok := scanners.Get().(*scanner); ok && cap(s.path) > 0 {
				if back = true; s.src != nil || s.entries != nil || s.ids != nil || s.issues != nil || len(s.path)+len(s.held)+len(s.local)+len(s.texts) > 0 {
					t.Errorf("%s: the scanner keeps %+v", name, s)
				}
				break
			}
		}
		if !back {
			t.Errorf("%s: the scanner does not come back", name)
		}
	}
	got, want := read(), read()
	for _, raw := range append(resources(t)[:20], bytes.Repeat([]byte("\"\\u0041"), 4000), []byte(strings.ReplaceAll(bundle, "1", "2"))) {
		Parse(raw, Limits{})       //nolint:errcheck // writes into pooled memory
		ParseBundle(raw, Limits{}) //nolint:errcheck // the same
	}
	if diff := cmp.Diff(want, got); diff != "" || got.Entries[0].URL != "Patient/1" || got.Entries[0].IfNoneExist != "a=b" {
		t.Errorf("%+v changed:\n%s", got, diff)
	}
}
