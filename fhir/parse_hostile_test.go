package fhir

import (
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// hostile inputs are meant to cost more than their length. Each grows with n.
var hostile = map[string]func(n int) string{
	"siblings": func(n int) string {
		return `{"resourceType":"Patient","name":[{"given":[` + list(n, `"a"`) + `],"_given":[` + list(n, `{"id":"a"}`) + `]}]}`
	},
	"siblings alone": func(n int) string {
		return `{"resourceType":"Patient","name":[{"_given":[` + list(n, `{"id":"a"}`) + `]}]}`
	},
	"nulls": func(n int) string {
		return `{"resourceType":"Patient","name":[{"given":[` + list(n, `"a",null`) + `],"_given":[` + list(n, `null,{"id":"a"}`) + `]}]}`
	},
	"nulls in nested lists": func(n int) string { // the values of each level hold those of the next
		const open, end = `{"url":"a","valueTiming":{"_event":[null,{"extension":[`, `]}],"event":["2020",null]}}`
		return `{"resourceType":"Basic","code":{"text":"a"},"extension":[` + strings.Repeat(open, 9) +
			`{"url":"a","valueString":"` + strings.Repeat("a", n) + `"}` + strings.Repeat(end, 9) + `]}`
	},
	"nulls in both of nested lists": func(n int) string {
		const open, end = `{"url":"a","valueTiming":{"_event":[null,null,{"extension":[`, `]}],"event":["2020",null,null]}}`
		return `{"resourceType":"Basic","code":{"text":"a"},"extension":[` + strings.Repeat(open, 9) +
			`{"url":"a","valueString":"` + strings.Repeat("a", n) + `"}` + strings.Repeat(end, 9) + `]}`
	},
	"siblings in siblings": func(n int) string {
		const open, end = `{"url":"a","_valueString":{"extension":[`, `]}}`
		return `{"resourceType":"Basic","code":{"text":"a"},"extension":[` + strings.Repeat(open, 15) +
			list(n, `{"url":"a","valueString":"b"}`) + strings.Repeat(end, 15) + `]}`
	},
	"all siblings of an object, and much in it": func(n int) string {
		return `{"resourceType":"Patient","_language":{"id":"a"},"_implicitRules":{"id":"a"},"_active":{"id":"a"},"_gender":{"id":"a"},` +
			`"_birthDate":{"id":"a"},"_deceasedBoolean":{"id":"a"},"name":[` + list(n, `{"text":"a","_text":{"id":"a"}}`) + `]}`
	},
	"deep and wide": func(n int) string {
		return `{"resourceType":"Basic","code":{"text":"a"},"extension":[` + strings.Repeat(`{"url":"a","extension":[`, 30) +
			list(n, `{"url":"a","valueCode":"b"}`) + strings.Repeat(`]}`, 30) + `]}`
	},
	"one name over and over": func(n int) string { return `{"resourceType":"Patient",` + list(n, `"active":true`) + `}` },
	"one escaped name":       func(n int) string { return `{"resourceType":"Patient",` + list(n, `"\u0061ctive":true`) + `}` },
	"unknown names":          func(n int) string { return `{"resourceType":"Patient",` + numbered(n, `"x#":1`) + `}` },
	"issues in a deep place": func(n int) string {
		return `{"resourceType":"Basic","extension":[` + strings.Repeat(`{"url":"a","extension":[`, 30) +
			list(n, `{"url":"a","valueCode":" "}`) + strings.Repeat(`]}`, 30) + `]}`
	},
	"long string": func(n int) string {
		return `{"resourceType":"Patient","name":[{"text":"` + strings.Repeat("a", n) + `"}]}`
	},
	"long escaped string": func(n int) string {
		return `{"resourceType":"Patient","name":[{"text":"` + strings.Repeat(`\u0061`, n) + `"}]}`
	},
	"long number": func(n int) string {
		return `{"resourceType":"Basic","code":{"text":"a"},"extension":[{"url":"a","valueDecimal":1` + strings.Repeat("0", n) + `.5e9}]}`
	},
	"long integer": func(n int) string {
		return `{"resourceType":"Basic","code":{"text":"a"},"extension":[{"url":"a","valueInteger":1` + strings.Repeat("0", n) + `}]}`
	},
	"base64": func(n int) string {
		return `{"resourceType":"Binary","contentType":"a/b","data":"` + strings.Repeat(`AA AA\n`, n) + `"}`
	},
	"references to contained resources": func(n int) string {
		return `{"resourceType":"Patient","contained":[` + numbered(n, `{"resourceType":"Practitioner","id":"p#"}`) +
			`],"generalPractitioner":[` + numbered(n, `{"reference":"\u0023p#"}`) + `]}`
	},
	"contained resources that nobody refers to": func(n int) string {
		return `{"resourceType":"Patient","contained":[` + numbered(n, `{"resourceType":"Practitioner","id":"p#"}`) + `]}`
	},
	"contained resources without id": func(n int) string {
		return `{"resourceType":"Patient","contained":[` + list(n, `{"resourceType":"Patient","active":true}`) + `]}`
	},
	"contained resources that only links refer to": func(n int) string {
		return `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns='` + xhtmlNamespace + `'>` +
			strings.ReplaceAll(numbered(n, `<a href='^#p#'/>`), "^", "&#35;") + `</div>"},"contained":[` +
			numbered(n, `{"resourceType":"Practitioner","id":"p#"}`) + `]}`
	},
	"fragments of URIs": func(n int) string {
		return `{"resourceType":"Patient","meta":{"profile":[` + numbered(n, `"\u0023p#"`) + `]}}`
	},
	"Bundles in contained resources": func(n int) string { // its references stay for the Patient
		return `{"resourceType":"Patient","contained":[` + list(n, `{"resourceType":"Bundle","type":"collection",`+
			`"entry":[{"resource":{"resourceType":"Patient","implicitRules":"#a","link":[{"other":{"reference":"#"},"type":"refer"}]}}]}`) + `]}`
	},
	"references that lead nowhere": func(n int) string {
		return `{"resourceType":"Patient","generalPractitioner":[` + numbered(n, `{"reference":"\u0023p#"}`) + `]}`
	},
	"references in a deep place": func(n int) string {
		return `{"resourceType":"Basic","code":{"text":"a"},"extension":[` + strings.Repeat(`{"url":"a","extension":[`, 29) +
			list(n, `{"url":"a","valueReference":{"reference":"#p"}}`) + strings.Repeat(`]}`, 29) +
			`],"contained":[{"resourceType":"Basic","code":{"text":"a"},"id":"p"}]}`
	},
	"resources in Parameters in Parameters": func(n int) string {
		return strings.Repeat(`{"resourceType":"Parameters","parameter":[{"name":"a","resource":`, 15) + patientNamed(strings.Repeat("a", n)) +
			strings.Repeat(`}]}`, 15)
	},
	"types last": func(n int) string {
		return strings.Repeat(`{"entry":[{"resource":`, 20) + patientNamed(strings.Repeat("a", n)) +
			strings.Repeat(`}],"type":"collection","resourceType":"Bundle"}`, 20)
	},
	"codings of a bound concept": func(n int) string {
		return `{"resourceType":"Condition","subject":{"display":"a"},"clinicalStatus":{"coding":[` + list(n, `{"code":"a"}`) + `]}}`
	},
	"attributes in a narrative": func(n int) string {
		return `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns='` + xhtmlNamespace + `'>` + strings.Repeat(`<b id='a' class='b'/>`, n) + `</div>"}}`
	},
	"elements open in a narrative": func(n int) string {
		return `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns='` + xhtmlNamespace + `'>` + strings.Repeat(`<b>`, n) + `"}}`
	},
	"comments without an end in a narrative": func(n int) string {
		return `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns='` + xhtmlNamespace + `'>` + strings.Repeat(`<!-- a`, n) + `"}}`
	},
}

func list(n int, element string) string {
	return strings.TrimSuffix(strings.Repeat(element+",", n), ",")
}

func numbered(n int, element string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(element, "#", strconv.Itoa(i)))
	}
	return b.String()
}

// allocated measures what one Parse allocates.
func allocated(t *testing.T, in string) (bytes, objects float64) {
	t.Helper()
	raw := []byte(in)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Parse(raw, Limits{})
	runtime.ReadMemStats(&after)
	var inv *Invalid
	if err != nil && !errors.As(err, &inv) {
		t.Fatal(err)
	}
	return float64(after.TotalAlloc - before.TotalAlloc), float64(after.Mallocs - before.Mallocs)
}

// TestHostileMemory checks that what a resource allocates grows as its length
// does. Four times the input may take six times the memory, for slices that grow;
// with a square in it, it would be sixteen.
func TestHostileMemory(t *testing.T) {
	for name, make := range hostile {
		Parse([]byte(make(1)), Limits{}) //nolint:errcheck // fills the pool
		small, few := allocated(t, make(2000))
		large, many := allocated(t, make(8000))
		if large > 6*small+1<<17 || many > 6*few+1000 {
			t.Errorf("%s: %.0f bytes in %.0f objects, with four times the input %.0f in %.0f", name, small, few, large, many)
		}
		if perByte := large / float64(len(make(8000))); perByte > 100 {
			t.Errorf("%s: %.0f bytes for each byte of the input", name, perByte)
		}
	}
}

// TestHostileWork counts the bytes that a scan looks at more than once: they stay
// below a small multiple of the input, or the input is refused.
func TestHostileWork(t *testing.T) {
	refused := []string{"nulls in nested lists", "nulls in both of nested lists", "types last"}
	for name, make := range hostile {
		raw := []byte(make(20_000))
		s, err := newScanner(raw, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		s.build = true
		s.document()
		if most := (maxAgain + 2) * len(raw); s.again > most {
			t.Errorf("%s: %d of %d bytes looked at again", name, s.again, len(raw))
		}
		if got, want := s.failed != nil && s.failed.code == "too-costly", slices.Contains(refused, name); got != want {
			t.Errorf("%s: refused is %v, want %v", name, got, want)
		}
	}
}
