package patch_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chartseal/chartseal/fhir/patch"
)

var (
	leaves = []string{
		`null`, `true`, `false`, `0`, `-0.0`, `1`, `1.0`, `1.00`, `70.50`, `1E+2`, `100`, `-2.5e-3`, `""`, `"a"`, `"\u0061"`, `"1"`, `"\u00e9"`, `"é"`, `"\/"`, `"𝄞"`, `"\ud834\udd1e"`, `"\"\\\n"`,
	}
	names = []string{"a", "b", "c", "0", "-", "", "/", "~", "é", "x y"}
)

// genValue draws JSON text without white space. Arrays and objects are not empty:
// what is emptied by a patch has to be told from what was empty.
func genValue(t *rapid.T, depth int) string {
	k := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth == 0 || k < 4 {
		return rapid.SampledFrom(leaves).Draw(t, "leaf")
	}
	if k < 7 {
		n := rapid.IntRange(1, 4).Draw(t, "length")
		items := make([]string, n)
		for i := range items {
			items[i] = genValue(t, depth-1)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	return genObject(t, depth)
}

func genObject(t *rapid.T, depth int) string {
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 4, rapid.ID[string]).Draw(t, "names")
	for i, k := range keys {
		name, _ := json.Marshal(k)
		if k == "a" && rapid.Bool().Draw(t, "escaped") {
			name = []byte(`"\u0061"`)
		}
		keys[i] = string(name) + ":" + genValue(t, depth-1)
	}
	return "{" + strings.Join(keys, ",") + "}"
}

// pointers lists the pointers into a document.
func pointers(v any, at string, out []string) []string {
	out = append(out, at)
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			out = pointers(v[k], at+"/"+strings.ReplaceAll(strings.ReplaceAll(k, "~", "~0"), "/", "~1"), out)
		}
	case []any:
		for i, x := range v {
			out = pointers(x, at+"/"+strconv.Itoa(i), out)
		}
	}
	return out
}

func genPointer(t *rapid.T, known []string) string {
	p := rapid.SampledFrom(known).Draw(t, "pointer")
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0:
		p += "/" + rapid.SampledFrom([]string{"-", "0", "1", "a", "new", "", "01"}).Draw(t, "further")
	case 1:
		if i := strings.LastIndexByte(p, '/'); i >= 0 {
			p = p[:i] + "/" + rapid.SampledFrom([]string{"-", "0", "1", "9", "a", "b"}).Draw(t, "instead")
		}
	}
	return p
}

// TestJSONAgainstOracle compares random patches with the oracle, operation for
// operation: the outcome, and whether and where it is refused.
func TestJSONAgainstOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		doc := genObject(rt, 4)
		o := &oracle{root: fromJSON(decode(t, []byte(doc)))}
		known := pointers(decode(t, []byte(doc)), "", nil)
		var ops []string
		refused := -1
		for i := range rapid.IntRange(0, 6).Draw(rt, "operations") {
			op := oracleOp{op: rapid.SampledFrom([]string{"add", "remove", "replace", "move", "copy", "test"}).Draw(rt, "op")}
			op.path = genPointer(rt, known)
			switch op.op {
			case "add", "replace":
				op.value = genValue(rt, 2)
			case "test":
				if x, err := o.get(segments(op.path)); err == nil && rapid.Bool().Draw(rt, "true") {
					op.value = rawOf(x)
				} else {
					op.value = genValue(rt, 1)
				}
			case "move", "copy":
				op.from = genPointer(rt, known)
			}
			ops = append(ops, op.String())
			if o.apply(t, op) != nil {
				refused = i
				break
			}
		}
		text := "[" + strings.Join(ops, " , ") + "]"
		got, err := patch.JSON([]byte(doc), []byte(text))
		if refused >= 0 {
			if e, ok := err.(*patch.Error); !ok || e.Op != refused { //nolint:errorlint // JSON gives it as it is
				rt.Fatalf("%s\n%s\ngot %s, %v; want operation %d refused", doc, text, got, err, refused)
			}
			return
		}
		if err != nil {
			rt.Fatalf("%s\n%s\n%v", doc, text, err)
		}
		if diff := cmp.Diff(plain(o.root), plain(fromJSON(decode(t, got)))); diff != "" {
			rt.Fatalf("%s\n%s\n-want +got\n%s", doc, text, diff)
		}
	})
}

// rawOf writes a value of the oracle, members in another order than the document
// has them.
func rawOf(v any) string {
	switch v := v.(type) {
	case *oracleObject:
		var parts []string
		for k, x := range v.m {
			name, _ := json.Marshal(k)
			parts = append(parts, string(name)+":"+rawOf(x))
		}
		slices.Sort(parts)
		slices.Reverse(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case *oracleArray:
		var parts []string
		for _, x := range v.list {
			parts = append(parts, rawOf(x))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// span finds where the value at a pointer begins and ends, by the offsets of
// encoding/json.
func span(t testing.TB, doc string, path []string) (start, end int) {
	d := json.NewDecoder(strings.NewReader(doc))
	next := func() json.Token {
		tok, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	skip := func() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			t.Fatal(err)
		}
	}
	for _, seg := range path {
		if next() == json.Delim('{') {
			for next().(string) != seg {
				skip()
			}
			continue
		}
		for i := 0; strconv.Itoa(i) != seg; i++ {
			skip()
		}
	}
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		t.Fatal(err)
	}
	end = int(d.InputOffset())
	return end - len(raw), end
}

// TestReplaceKeepsBytes replaces one value anywhere: all the text around it stays.
// Then it moves a value to where it is, and adds and removes one: all stays.
func TestReplaceKeepsBytes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		doc := genObject(rt, 5)
		path := rapid.SampledFrom(pointers(decode(t, []byte(doc)), "", nil)).Draw(rt, "path")
		value := genValue(rt, 2)
		start, end := span(t, doc, segments(path))
		want := doc[:start] + value + doc[end:]
		got, err := patch.JSON([]byte(doc), []byte("["+oracleOp{op: "replace", path: path, value: value}.String()+"]"))
		if err != nil || string(got) != want {
			rt.Fatalf("replace %s in %s by %s\ngot  %s, %v\nwant %s", path, doc, value, got, err, want)
		}
		still := []string{
			oracleOp{op: "test", path: path, value: doc[start:end]}.String(), oracleOp{op: "move", path: path, from: path}.String(),
			oracleOp{op: "add", path: "/new", value: value}.String(), oracleOp{op: "remove", path: "/new"}.String(),
		}
		got, err = patch.JSON([]byte(doc), []byte("["+strings.Join(still, ",")+"]"))
		if err != nil || string(got) != doc {
			rt.Fatalf("got %s, %v\nwant %s", got, err, doc)
		}
	})
}
