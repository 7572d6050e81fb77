package gateway

import "testing"

func TestAcceptJSON(t *testing.T) {
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
	for _, tc := range []struct {
		accept []string
		want   string // empty: not acceptable
		exact  bool
	}{
		{nil, mimeFHIR, false},
		{[]string{""}, mimeFHIR, false},
		{[]string{"*/*"}, mimeFHIR, false},
		{[]string{"application/*"}, mimeFHIR, false},
		{[]string{"text/*"}, mimeText, false},
		{[]string{"application/fhir+json"}, mimeFHIR, true},
		{[]string{"Application/FHIR+JSON"}, mimeFHIR, true},
		{[]string{"application/fhir+json;charset=UTF-8"}, mimeFHIR, true},
		{[]string{"application/json"}, mimeJSON, true},
		{[]string{"application/json+fhir"}, mimeFHIR, true},
		{[]string{"text/json"}, mimeText, true},
		{[]string{browser}, mimeFHIR, false},
		{[]string{"application/fhir+xml"}, "", false},
		{[]string{"application/fhir+xml;q=1.0, application/fhir+json;q=0.9"}, mimeFHIR, true},
		{[]string{"application/fhir+xml", "application/json"}, mimeJSON, true},
		{[]string{"application/json, application/fhir+json"}, mimeFHIR, true},
		{[]string{"application/json;q=0.9, application/fhir+json;q=0.8"}, mimeJSON, true},
		{[]string{"*/*, application/json;q=0.5"}, mimeJSON, true},
		{[]string{"application/fhir+json;q=0"}, "", false},
		{[]string{"text/html, */*;q=0"}, "", false},
		{[]string{"application/fhir+json; fhirVersion=4.0"}, "application/fhir+json; fhirVersion=4.0; charset=utf-8", true},
		{[]string{`application/fhir+json; fhirversion="4.0"`}, "application/fhir+json; fhirVersion=4.0; charset=utf-8", true},
		{[]string{"application/fhir+json; fhirVersion=3.0"}, "", false},
		{[]string{"application/fhir+json; fhirVersion=3.0, application/fhir+json; fhirVersion=4.0; q=0.5"}, "application/fhir+json; fhirVersion=4.0; charset=utf-8", true},
		{[]string{"application/fhir+json; charset=iso-8859-1"}, "", false},
		{[]string{"garbage"}, mimeFHIR, false},
		{[]string{"image/png"}, "", false},
	} {
		got, exact, ok := acceptJSON(tc.accept)
		if !ok {
			got, exact = "", false
		}
		if got != tc.want || exact != tc.exact {
			t.Errorf("%q: %q %t, want %q %t", tc.accept, got, exact, tc.want, tc.exact)
		}
	}
}

func TestFormatType(t *testing.T) {
	for format, want := range map[string]string{
		"json": mimeFHIR, "application/fhir+json": mimeFHIR, "application/fhir json": mimeFHIR, "application/json": mimeJSON, "text/json": mimeText,
		"application/fhir+json;fhirVersion=4.0": "application/fhir+json; fhirVersion=4.0; charset=utf-8",
		"application/fhir+json;fhirVersion=5.0": "", "xml": "", "application/fhir+xml": "", "text/xml": "", "ttl": "", "html": "", "text/html": "", "": "", ";": "",
	} {
		got, ok := formatType(format)
		if (got != want || !ok) && (want != "" || ok) {
			t.Errorf("%q: %q %t, want %q", format, got, ok, want)
		}
	}
}

func TestCheckMedia(t *testing.T) {
	for contentType, ok := range map[string]bool{
		"": true, "application/fhir+json": true, "application/json": true, "text/json": true, "application/json+fhir": true,
		"application/fhir+json; charset=utf-8": true, "application/fhir+json; charset=UTF-8": true, `application/json; charset="utf-8"`: true,
		"application/fhir+json; fhirVersion=4.0": true, "application/fhir+json; fhirVersion=3.0": false, "application/fhir+json; fhirVersion=": false,
		"application/fhir+json; charset=iso-8859-1": false, "application/fhir+json; charset=utf-16": false,
		"application/fhir+xml": false, "application/x-www-form-urlencoded": false, "text/plain": false, "/;": false, "json": false,
	} {
		if err := checkMedia(contentType); (err == nil) != ok {
			t.Errorf("%q: %v", contentType, err)
		}
	}
}

func FuzzAcceptJSON(f *testing.F) {
	for _, seed := range []string{"*/*", "application/fhir+json; q=0.5, text/html", `a/b; c="d,e"`, "application/json;q=1e-3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, _, ok := acceptJSON([]string{in})
		if ok && got == "" {
			t.Fatal("acceptable, and no type")
		}
		if got != "" {
			if err := checkMedia(got); err != nil {
				t.Fatalf("%q leads to %q, which is none of ours", in, got)
			}
		}
		formatType(in)
	})
}
