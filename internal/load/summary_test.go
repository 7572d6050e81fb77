package load

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chartseal/chartseal/internal/load/fhirfake"
)

func TestFileFailures(t *testing.T) {
	_, base, stop := fhirfake.New(nil)
	defer stop()
	dir := write(t, map[string]string{
		"a.json": transaction(post("urn:uuid:1", `{"resourceType":"Patient","unknownThing":1}`, "Patient")),
		"b.json": `{"resourceType":"Bundle","type":"batch","entry":[` + post("urn:uuid:2", `{"resourceType":"Patient"}`, "Patient") + "," + post("urn:uuid:3", `{"resourceType":"Patient"}`, "Device") + `]}`,
		"c.json": `{"resourceType":"Bundle","id":"doc","type":"collection"}`,
		"d.json": `{"resourceType":"Patient",`,
	})
	sum, err := Run(context.Background(), Config{Paths: []string{dir}, Base: base})
	if !errors.Is(err, ErrIncomplete) || sum.Resources != 2 {
		t.Errorf("%v, %+v", err, sum)
	}
	var text bytes.Buffer
	if err := sum.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a.json: 422 ", "at Patient.unknownThing", "b.json#entry[1]: 400 ", "d.json: not well-formed JSON", "3 failures", "2 resources in 2 transactions"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("summary lacks %q:\n%s", want, text.String())
		}
	}
}

func TestProgressText(t *testing.T) {
	p := &progress{total: 1000, bar: true}
	p.add(250, 500, 1)
	if got, want := p.text(10*time.Second), "[######..................]  25 %  500 resources  50/s  1 failed  30s left"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	p.add(750, 500, 0)
	if got, want := p.text(20*time.Second), "[########################] 100 %  1000 resources  50/s  1 failed"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
