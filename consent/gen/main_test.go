package main

import (
	"strings"
	"testing"
)

const tinyBundle = `{"entry":[
 {"resource":{"resourceType":"ValueSet","url":"http://terminology.hl7.org/CodeSystem/v3-ActReason"}},
 {"resource":{"resourceType":"CodeSystem","url":"http://terminology.hl7.org/CodeSystem/v3-ActReason","version":"1",
  "concept":[{"code":"Other"},{"code":"PurposeOfUse","concept":[{"code":"A","concept":[{"code":"B"}]},{"code":"C"}]}]}},
 {"resource":{"resourceType":"CodeSystem","url":"http://terminology.hl7.org/CodeSystem/v3-ActCode","version":"2",
  "concept":[{"code":"x","concept":[{"code":"_ActPolicyType"}]}]}},
 {"resource":{"resourceType":"CodeSystem","url":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","version":"3",
  "concept":[{"code":"N"},{"code":"R"}]}}]}`

func TestGenerateNumbersSubtreesDepthFirst(t *testing.T) {
	got, err := generate([]byte(tinyBundle))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"PurposeOfUse", 4}, // 0`, `{"A", 3},`, `{"B", 3},`, `{"C", 4},`, `{"_ActPolicyType", 1},`, `{"N", 1},`, `{"R", 2},`, "DO NOT EDIT",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("generated source lacks %s:\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "Other") {
		t.Error("a code outside of the wanted subtree was written")
	}
}

func TestGenerateRefusesIncompleteDefinitions(t *testing.T) {
	for name, bundle := range map[string]string{
		"not JSON":       `{`,
		"no code system": `{"entry":[]}`,
		"no root":        strings.Replace(tinyBundle, "PurposeOfUse", "Purpose", 1),
	} {
		if _, err := generate([]byte(bundle)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
