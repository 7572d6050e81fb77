package fhir

import (
	"bytes"
	"errors"
	"testing"
)

func BenchmarkView(b *testing.B) {
	for _, c := range []struct{ summary, elements string }{{"true", ""}, {"text", ""}, {"data", ""}, {"", "status,code,subject,Patient.name"}} {
		b.Run(c.summary+c.elements, func(b *testing.B) {
			v, err := ParseView("", c.summary, []string{c.elements})
			if err != nil {
				b.Fatal(err)
			}
			perResource(b, func(json []byte) error {
				typ, _, _ := bytes.Cut(json[len(`{"resourceType":"`):], []byte(`"`)) // where Synthea puts it
				if out := v.Append(nil, string(typ), json); len(out) == len(json) {
					return errors.New("not a view")
				}
				return nil
			})
		})
	}
}
