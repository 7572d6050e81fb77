package fhir

import (
	"fmt"
	"strings"
	"testing"
)

// What a resource makes the index hold does not grow without end with its text.
func TestExtractIsBounded(t *testing.T) {
	var given []string
	for i := range MaxValues {
		given = append(given, fmt.Sprintf(`"n%d"`, i))
	}
	r, err := Parse([]byte(`{"resourceType":"Patient","name":[{"given":[`+strings.Join(given, ",")+`]}]}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(Extract(r)); n <= MaxValues || n > MaxValues+10 {
		t.Errorf("%d values; a few more than %d tell that there are more", n, MaxValues)
	}
}
