package fhir

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// acceptedHereOnly are resources that jsonformat refuses, by the name under which
// docs/jsonformat-differences.md explains it.
var acceptedHereOnly = map[string]string{
	"Parameters.parameter.resource": `{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient"}}]}`,
	"Extension.valueMeta":           `{"resourceType":"Patient","extension":[{"url":"x:y","valueMeta":{"versionId":"1"}}]}`,
	"second 60":                     `{"resourceType":"Patient","deceasedDateTime":"2016-12-31T23:59:60Z"}`,
	"byte order mark":               "\uFEFF" + `{"resourceType":"Patient"}`,
	"null beside a sibling":         `{"resourceType":"Patient","meta":{"profile":["x:y",null],"_profile":[null,{"id":"a"}]}}`,
	"base64 in uneven lines":        `{"resourceType":"Binary","contentType":"a/b","data":"AAAA\nAAAAAAAA AAAA"}`,
}

// refusedHereOnly are members of a Patient that jsonformat accepts.
var refusedHereOnly = map[string]string{
	"member twice":                    `"active":true,"active":false`,
	"empty string":                    `"name":[{"text":""}]`,
	"empty array":                     `"name":[]`,
	"empty object":                    `"name":[{}]`,
	"only an id":                      `"name":[{"id":"a"}]`,
	"code in another case":            `"gender":"MALE"`,
	"narrative that is not XHTML":     `"text":{"status":"generated","div":"<p>a"}`,
	"active narrative":                `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>a()</script></div>"}`,
	"contained in contained":          `"contained":[{"resourceType":"Patient","id":"a","contained":[{"resourceType":"Patient","id":"b"}]}],"link":[{"other":{"reference":"#a"},"type":"refer"}]`,
	"contained for nobody":            `"contained":[{"resourceType":"Organization","id":"o","name":"a"}]`,
	"contained with a version":        `"contained":[{"resourceType":"Organization","id":"o","meta":{"versionId":"1"}}],"managingOrganization":{"reference":"#o"}`,
	"contained with a label":          `"contained":[{"resourceType":"Organization","id":"o","meta":{"security":[{"code":"R"}]}}],"managingOrganization":{"reference":"#o"}`,
	"fragment that leads nowhere":     `"managingOrganization":{"reference":"#p"}`,
	"reference to no type":            `"managingOrganization":{"reference":"Foo/1"}`,
	"relative reference without id":   `"managingOrganization":{"reference":"Organization/a/b"}`,
	"extension with value and nested": `"extension":[{"url":"x:y","valueString":"a","extension":[{"url":"x:y","valueString":"a"}]}]`,
	"extension with neither":          `"extension":[{"url":"x:y"}]`,
	"year 0000":                       `"birthDate":"0000"`,
	"half a surrogate pair":           `"name":[{"text":"\ud83d"}]`,
	"minus zero":                      `"multipleBirthInteger":-0`,
	"space in a URI":                  `"implicitRules":"a b"`,
	"deep nesting":                    `"extension":[` + strings.Repeat(`{"url":"x:y","extension":[`, 40) + `{"url":"x:y","valueCode":"a"}` + strings.Repeat(`]}`, 40) + `]`,
	"currency":                        `"extension":[{"url":"x:y","valueMoney":{"currency":"dollars"}}]`,
}

// TestOracleVerdicts checks that the two disagree where the page says so.
func TestOracleVerdicts(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "jsonformat-differences.md"))
	if err != nil {
		t.Error(err)
	}
	unmarshal := oracle(t)
	check := func(name, in string, here bool) {
		if !bytes.Contains(page, []byte("\n| "+name+" |")) {
			t.Errorf("docs/jsonformat-differences.md does not explain %q", name)
		}
		_, err := Parse([]byte(in), Limits{})
		_, theirs := unmarshal([]byte(in))
		if (err == nil) != here || (theirs == nil) == here {
			t.Errorf("%s: Parse says %v, jsonformat %.200v", name, err, theirs)
		}
	}
	for name, in := range acceptedHereOnly {
		check(name, in, true)
	}
	for name, in := range refusedHereOnly {
		check(name, `{"resourceType":"Patient",`+in+`}`, false)
	}
	check("binding of a CodeableConcept", `{"resourceType":"Condition","subject":{"display":"a"},"clinicalStatus":{"text":"active"}}`, false)
}
