package fhir

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// viewForms of the properties: a value of _summary, or names of _elements.
var viewsToTry = []struct {
	summary  string
	elements []string
}{
	{"true", nil},
	{"text", nil},
	{"data", nil},
	{"", []string{"identifier", "code", "subject", "valueQuantity", "contained", "extension"}},
	{"", []string{"id"}},
}

// TestViewExamples compares the views of all examples, and of what Synthea writes, with the second implementation, and
// checks what must be true of any view.
func TestViewExamples(t *testing.T) {
	o := &viewOracle{tb: t, defs: elementDefs(t)}
	n := 0
	for name, r := range examples(t) {
		checkViews(t, o, name, r.Type, r.JSON)
		n++
	}
	for i, raw := range resources(t) {
		if i%7 == 0 {
			checkViews(t, o, "synthea", typeIn(t, raw), raw)
		}
	}
	if n < 750 {
		t.Errorf("only %d examples", n)
	}
}

func typeIn(tb testing.TB, raw []byte) string {
	tb.Helper()
	l := newLexer(raw)
	_, name, ok := l.findMember("resourceType")
	if !ok {
		tb.Fatal("no resourceType")
	}
	return string(l.text(name, nil))
}

func checkViews(t *testing.T, o *viewOracle, name, typ string, raw []byte) {
	t.Helper()
	full := decoded(t, raw)
	seen := map[string]bool{}
	for _, f := range viewsToTry {
		v, err := ParseView("", f.summary, f.elements)
		if err != nil {
			t.Fatal(err)
		}
		got := v.Append(nil, typ, raw)
		part := decoded(t, got)
		if want := o.view(full, f.summary, f.elements); !reflect.DeepEqual(part, want) {
			t.Errorf("%s, %v (-want +got):\n%s", name, f, cmp.Diff(want, part))
			return
		}
		mustBeView(t, name, typ, raw, got)
		if again := v.Append(nil, typ, got); !bytes.Equal(again, got) {
			t.Errorf("%s, %v: the view of the view differs:\n%s\n%s", name, f, got, again)
		}
		for key := range full {
			if _, kept := part[key]; kept && (f.summary == "text" || f.summary == "data") {
				seen[key] = true
			} else if d := o.defs[typ+"."+key]; !kept && d != nil && d.min > 0 {
				t.Errorf("%s, %v: mandatory %s is missing", name, f, key)
			}
		}
	}
	for key := range full {
		if !seen[key] {
			t.Errorf("%s: %s is neither text nor data", name, key)
		}
	}
}

// mustBeView checks what is true of every view of an accepted resource: it is one that would be accepted, if not for
// SUBSETTED, it is compact, and it has nothing that the resource has not.
func mustBeView(t *testing.T, name, typ string, raw, got []byte) {
	t.Helper()
	if again := compact(t, got); !bytes.Equal(again, got) {
		t.Errorf("%s: the view is not compact: %s", name, got)
	}
	if !Subsetted(got) {
		t.Errorf("%s: not marked: %s", name, got)
	}
	if typeIn(t, got) != typ {
		t.Errorf("%s: the type is lost: %s", name, got)
	}
	whole, part := decoded(t, raw), decoded(t, got)
	unmark(part)
	unmark(whole)
	if !within(part, whole) {
		t.Errorf("%s: the view has what the resource has not: %s", name, got)
	}
}

// unmark takes SUBSETTED out of a resource and those in it. It must be there once at most.
func unmark(value any) {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			unmark(v)
		}
	case map[string]any:
		for key, v := range value {
			if key != "meta" {
				unmark(v)
				continue
			}
			meta, _ := v.(map[string]any)
			tags, _ := meta["tag"].([]any)
			at := slices.IndexFunc(tags, func(tag any) bool {
				coding, _ := tag.(map[string]any)
				return coding["system"] == subsettedSystem && coding["code"] == subsettedCode
			})
			if at < 0 {
				continue
			}
			if meta["tag"] = slices.Delete(tags, at, at+1); len(tags) == 1 {
				delete(meta, "tag")
			}
			if len(meta) == 0 {
				delete(value, "meta")
			}
		}
	}
}

// within tells whether a is b with parts left out.
func within(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		for key, v := range a {
			in, has := b[key]
			ok = ok && has && within(v, in)
		}
		return ok
	case []any:
		b, ok := b.([]any)
		for _, v := range a {
			i := slices.IndexFunc(b, func(w any) bool { return within(v, w) })
			if !ok || i < 0 {
				return false
			}
			b = b[i+1:]
		}
		return true
	}
	return a == b
}

func decoded(tb testing.TB, raw []byte) map[string]any {
	tb.Helper()
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		tb.Fatalf("%v in %s", err, raw)
	}
	return m
}

// TestViewKnowsEveryElement: every element of the definitions is in the tables of its resource, with its flags.
func TestViewKnowsEveryElement(t *testing.T) {
	n := 0
	for _, d := range elementDefs(t) {
		typ, name, _ := strings.Cut(d.path, ".")
		node := viewTables()[typ]
		if node == nil || name == "" || strings.Contains(name, ".") {
			continue
		}
		n++
		base, choice := strings.CutSuffix(name, "[x]")
		for _, of := range d.types {
			key := base
			if choice {
				key += upperFirst(of)
			}
			m := node.members[key]
			if m == nil {
				t.Errorf("%s: no member %s", d.path, key)
				continue
			}
			if m.flags&viewIsSummary != 0 != d.summary || m.flags&viewIsMandatory != 0 != (d.min > 0) || m.flags&viewIsModifier != 0 != d.modifier {
				t.Errorf("%s: %s has flags %b", d.path, key, m.flags)
			}
		}
	}
	if n < 2000 || len(viewTables()) < 146 {
		t.Errorf("only %d elements of %d types", n, len(viewTables()))
	}
}

// FuzzView checks any view of any accepted resource.
func FuzzView(f *testing.F) {
	for i, raw := range resources(f)[200:220] {
		f.Add(raw, uint8(i))
	}
	f.Add([]byte(viewPatient), uint8(0))
	f.Add([]byte(`{"met\u0061":{"tag":[{"code":"a"}]},"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"}],"status":"final","code":{"text":"c"},"subject":{"reference":"\u0023p"},"component":[{"id":"c","code":{"text":"\\\\\""}}]}`), uint8(0))
	f.Add([]byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"id":"a","resourceType":"Media","status":"completed","content":{"data":"AAAA"}}}]}`), uint8(0))
	f.Fuzz(func(t *testing.T, raw []byte, which uint8) {
		form := viewsToTry[int(which)%len(viewsToTry)]
		v, err := ParseView("", form.summary, form.elements)
		if err != nil {
			t.Fatal(err)
		}
		v.Append(nil, "Observation", raw) // must not panic, nor must these
		Subsetted(raw)
		KeepLabels(raw, raw)
		before, ok := accepted(raw)
		if !ok {
			return
		}
		typ := typeIn(t, before)
		after := v.Append([]byte("x"), typ, before)[1:]
		mustBeView(t, "fuzz", typ, before, after)
		if again := v.Append(nil, typ, after); !bytes.Equal(again, after) {
			t.Fatalf("the view of the view differs:\n%s\n%s", after, again)
		}
	})
}
