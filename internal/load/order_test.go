package load

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes files in a new folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// levelNames shows a plan as file names and NDJSON types.
func levelNames(p *plan) [][]string {
	var all [][]string
	for _, level := range p.levels {
		var names []string
		for _, n := range level {
			if n.kind == ndjsonNode {
				names = append(names, n.typ)
			} else {
				names = append(names, filepath.Base(n.path))
			}
		}
		all = append(all, names)
	}
	return all
}

func transaction(entries string) string {
	return `{"resourceType":"Bundle","type":"transaction","entry":[` + entries + `]}`
}

func post(fullURL, resource, typ string) string {
	return `{"fullUrl":"` + fullURL + `","resource":` + resource + `,"request":{"method":"POST","url":"` + typ + `"}}`
}

func TestPlanOrder(t *testing.T) {
	hospital := transaction(post("urn:uuid:h", `{"resourceType":"Organization","identifier":[{"system":"s","value":"h"}]}`, "Organization"))
	tests := []struct {
		name  string
		files map[string]string
		want  [][]string
	}{
		{"base types first, whatever the names", map[string]string{
			"a.json": transaction(post("urn:uuid:p", `{"resourceType":"Patient"}`, "Patient")),
			"z.json": hospital,
		}, [][]string{{"z.json"}, {"a.json"}}},
		{"a device's owner by identifier", map[string]string{
			"a.json": transaction(post("urn:uuid:d", `{"resourceType":"Device","patient":{"reference":"Patient?identifier=s%7C1"}}`, "Device")),
			"b.json": transaction(post("urn:uuid:q", `{"resourceType":"Patient","identifier":[{"system":"s","value":"2"}]}`, "Patient")),
			"c.json": transaction(post("urn:uuid:p", `{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}]}`, "Patient")),
		}, [][]string{{"b.json", "c.json"}, {"a.json"}}},
		{"a fullUrl of another file", map[string]string{
			"a.json": transaction(post("urn:uuid:d", `{"resourceType":"Device","patient":{"reference":"urn:uuid:p"}}`, "Device")),
			"b.json": transaction(post("urn:uuid:p", `{"resourceType":"Patient"}`, "Patient")),
		}, [][]string{{"b.json"}, {"a.json"}}},
		{"single resources by literal reference", map[string]string{
			"a.json": `{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/p/_history/1"},"encounter":{"reference":"Encounter/e"}}`,
			"b.json": `{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/p"}}`,
			"c.json": `{"resourceType":"Patient","id":"p"}`,
		}, [][]string{{"c.json"}, {"b.json"}, {"a.json"}}},
		{"NDJSON types, a circle broken at its literal side", map[string]string{
			"1.ndjson": `{"resourceType":"Condition","id":"c","encounter":{"reference":"Encounter?identifier=x"}}`,
			"2.ndjson": `{"resourceType":"Encounter","id":"e","diagnosis":[{"condition":{"reference":"Condition/c"}}],"subject":{"reference":"Patient/p"}}`,
			"3.ndjson": `{"resourceType":"Patient","id":"p"}` + "\n" + `{"resourceType":"Practitioner","id":"d"}`,
		}, [][]string{{"Practitioner"}, {"Patient"}, {"Encounter"}, {"Condition"}}},
		{"a file that refers into NDJSON", map[string]string{
			"a.json":   transaction(post("urn:uuid:o", `{"resourceType":"Observation","subject":{"reference":"Patient/p"}}`, "Observation")),
			"p.ndjson": `{"resourceType":"Patient","id":"p"}`,
		}, [][]string{{"Patient"}, {"a.json"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := makePlan(context.Background(), []string{write(t, tt.files)}, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, levelNames(p)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlanSkipsWhatIsNoResource(t *testing.T) {
	dir := write(t, map[string]string{
		"package.json": `{"name":"x"}`, "log.ndjson": `{"eventId":"kickoff"}` + "\n", "p.json": `{"resourceType":"Patient","id":"p"}`,
		"notes.txt": "x", "broken.json": `{`,
	})
	p, err := makePlan(context.Background(), []string{dir}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.skipped) != 2 || len(p.failed) != 1 || len(p.levels) != 1 {
		t.Errorf("skipped %v, failed %v, levels %v", p.skipped, p.failed, levelNames(p))
	}
	p, err = makePlan(context.Background(), []string{filepath.Join(dir, "package.json")}, 1<<20)
	if err != nil || len(p.failed) != 1 {
		t.Errorf("a file that was named must be loadable: %+v, %v", p, err)
	}
}

func TestSerialTypes(t *testing.T) {
	dir := write(t, map[string]string{
		"o.ndjson": `{"resourceType":"Organization","id":"a","partOf":{"reference":"Organization?identifier=b"}}`,
		"l.ndjson": `{"resourceType":"Location","id":"a","partOf":{"reference":"Location/b"}}`,
	})
	p, err := makePlan(context.Background(), []string{dir}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range p.levels {
		for _, n := range level {
			if n.serial != (n.typ == "Organization") {
				t.Errorf("%s: serial %v", n.typ, n.serial)
			}
		}
	}
}
