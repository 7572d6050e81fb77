package fhir

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestViewNested(t *testing.T) {
	const inner = `{"resourceType":"Basic","code":{"text":"c"},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}}`
	bundle := `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"http://x.org/1","resource":` + inner + `}]}`
	contained := func(subject string) string {
		return `{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p","gender":"male"}],"status":"final","code":{"text":"c"},"subject":{` + subject + `},"note":[{"authorReference":{"reference":"#p"},"text":"n"}]}`
	}
	cases := []struct{ name, summary, elements, in, want string }{
		{
			"resources in a Bundle are summarised and marked", "true", "", bundle,
			`{"resourceType":"Bundle",` + subsettedMember + `"type":"collection","entry":[{"fullUrl":"http://x.org/1","resource":{"resourceType":"Basic",` + subsettedMember + `"code":{"text":"c"}}}]}`,
		},
		{
			"the text of a resource in a Bundle is not that of the Bundle", "data", "", bundle,
			strings.Replace(bundle, `"Bundle",`, `"Bundle",`+subsettedMember, 1),
		},
		{"text of a Bundle", "text", "", bundle, `{"resourceType":"Bundle",` + subsettedMember + `"type":"collection"}`},
		{
			"entries asked for", "", "entry", bundle,
			strings.Replace(bundle, `"Bundle",`, `"Bundle",`+subsettedMember, 1),
		},
		{
			"contained resources stay with what refers to them (ref-1)", "true", "", contained(`"reference":"#p"`),
			`{"resourceType":"Observation",` + subsettedMember + `"contained":[{"resourceType":"Patient","id":"p","gender":"male"}],"status":"final","code":{"text":"c"},"subject":{"reference":"#p"}}`,
		},
		{
			"written as an escape", "true", "", contained(`"reference":"\u0023p"`),
			`{"resourceType":"Observation",` + subsettedMember + `"contained":[{"resourceType":"Patient","id":"p","gender":"male"}],"status":"final","code":{"text":"c"},"subject":{"reference":"\u0023p"}}`,
		},
		{
			"and go without (dom-3)", "", "status", contained(`"reference":"#p"`),
			`{"resourceType":"Observation",` + subsettedMember + `"status":"final","code":{"text":"c"}}`,
		},
		{
			"a quote in a string is no start of a reference", "true", "", contained(`"display":"\"#p\""`),
			`{"resourceType":"Observation",` + subsettedMember + `"status":"final","code":{"text":"c"},"subject":{"display":"\"#p\""}}`,
		},
		{
			"asked for", "", "contained", contained(`"reference":"Patient/1"`),
			`{"resourceType":"Observation",` + subsettedMember + `"contained":[{"resourceType":"Patient","id":"p","gender":"male"}],"status":"final","code":{"text":"c"}}`,
		},
		{"in the data", "data", "", contained(`"reference":"Patient/1"`), strings.Replace(contained(`"reference":"Patient/1"`), `"Observation",`, `"Observation",`+subsettedMember, 1)},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, viewOf(t, c.summary, c.elements, c.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestViewTag puts SUBSETTED into every kind of meta (3.1.1.5.8).
func TestViewTag(t *testing.T) {
	const old = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBS\u0045TTED","display":"d"}`
	for _, c := range []struct{ in, want string }{
		{`{"resourceType":"Basic","code":{"text":"c"}}`, `{"resourceType":"Basic",` + subsettedMember + `"code":{"text":"c"}}`},
		{`{"code":{"text":"c"},"resourceType":"Basic"}`, `{"code":{"text":"c"},"resourceType":"Basic","meta":{"tag":[` + subsettedTag + `]}}`},
		{`{"id":"a","code":{"text":"c"},"resourceType":"Basic"}`, `{"id":"a",` + subsettedMember + `"code":{"text":"c"},"resourceType":"Basic"}`},
		{
			`{"resourceType":"Basic","met\u0061":{"versionId":"1"},"code":{"text":"c"}}`,
			`{"resourceType":"Basic","met\u0061":{"versionId":"1","tag":[` + subsettedTag + `]},"code":{"text":"c"}}`,
		},
		{
			`{"resourceType":"Basic","meta":{"tag":[{"code":"SUBSETTED"},{"display":"]"}],"source":"x:y"},"code":{"text":"c"}}`,
			`{"resourceType":"Basic","meta":{"tag":[{"code":"SUBSETTED"},{"display":"]"},` + subsettedTag + `],"source":"x:y"},"code":{"text":"c"}}`,
		},
		{
			`{"resourceType":"Basic","meta":{"tag":[` + old + `]},"code":{"text":"c"}}`,
			`{"resourceType":"Basic","meta":{"tag":[` + old + `]},"code":{"text":"c"}}`,
		},
	} {
		for _, summary := range []string{"true", "text", "data"} {
			if diff := cmp.Diff(c.want, viewOf(t, summary, "", c.in)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", summary, diff)
			}
		}
	}
}
