package gateway

import "testing"

func TestAcceptsMedia(t *testing.T) {
	for _, tc := range []struct {
		accept []string
		media  string
		want   bool
	}{
		{nil, "application/pdf", true},
		{[]string{"*/*"}, "application/pdf", true},
		{[]string{"application/*"}, "application/pdf", true},
		{[]string{"image/*"}, "application/pdf", false},
		{[]string{"application/pdf"}, "application/pdf", true},
		{[]string{"application/pdf"}, "application/pdf; x=y", true},
		{[]string{"application/pdf;q=0, */*"}, "application/pdf", false},
		{[]string{"text/html, image/png;q=0.5"}, "image/png", true},
		{[]string{"garbage"}, "image/png", true},
		{[]string{"image/png"}, "no media type", true},
	} {
		if got := acceptsMedia(tc.accept, tc.media); got != tc.want {
			t.Errorf("%q %s: %t", tc.accept, tc.media, got)
		}
	}
}

func TestFHIRWanted(t *testing.T) {
	for _, tc := range []struct {
		accept, media string
		want          bool
	}{
		{"*/*", "application/pdf", false},
		{"application/fhir+json", "application/pdf", true},
		{"application/fhir+json", "application/fhir+json", true},
		{"application/json", "application/pdf", true},
		{"application/json", "application/json", false},
		{"application/json", "application/json; charset=utf-8", false},
		{"application/pdf", "application/pdf", false},
	} {
		x := &exchange{}
		x.contentType, x.exact, _ = acceptJSON([]string{tc.accept})
		if got := fhirWanted(x, []string{tc.accept}, tc.media); got != tc.want {
			t.Errorf("%s of %s: %t", tc.accept, tc.media, got)
		}
	}
}
