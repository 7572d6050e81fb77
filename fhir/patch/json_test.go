package patch_test

import (
	"strings"
	"testing"

	"github.com/chartseal/chartseal/fhir/patch"
)

// TestAppendixA is RFC 6902, appendix A, with the text of the outcome as it has
// to be: new members last, the rest as it was.
func TestAppendixA(t *testing.T) {
	for _, c := range []struct {
		name, doc, patch, want string
		kind                   patch.Kind // of the error, where there has to be one
	}{
		{"A.1 add member", `{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux"}]`, `{"foo":"bar","baz":"qux"}`, 0},
		{"A.2 add element", `{"foo":["bar","baz"]}`, `[{"op":"add","path":"/foo/1","value":"qux"}]`, `{"foo":["bar","qux","baz"]}`, 0},
		{"A.3 remove member", `{"baz":"qux","foo":"bar"}`, `[{"op":"remove","path":"/baz"}]`, `{"foo":"bar"}`, 0},
		{"A.4 remove element", `{"foo":["bar","qux","baz"]}`, `[{"op":"remove","path":"/foo/1"}]`, `{"foo":["bar","baz"]}`, 0},
		{"A.5 replace", `{"baz":"qux","foo":"bar"}`, `[{"op":"replace","path":"/baz","value":"boo"}]`, `{"baz":"boo","foo":"bar"}`, 0},
		{"A.6 move member", `{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}`, `[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]`, `{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}`, 0},
		{"A.7 move element", `{"foo":["all","grass","cows","eat"]}`, `[{"op":"move","from":"/foo/1","path":"/foo/3"}]`, `{"foo":["all","cows","eat","grass"]}`, 0},
		{"A.8 test", `{"baz":"qux","foo":["a",2,"c"]}`, `[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]`, `{"baz":"qux","foo":["a",2,"c"]}`, 0},
		{"A.9 test fails", `{"baz":"qux"}`, `[{"op":"test","path":"/baz","value":"bar"}]`, "", patch.Test},
		{"A.10 add nested", `{"foo":"bar"}`, `[{"op":"add","path":"/child","value":{"grandchild":{}}}]`, `{"foo":"bar","child":{"grandchild":{}}}`, 0},
		{"A.11 unknown member", `{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux","xyz":123}]`, `{"foo":"bar","baz":"qux"}`, 0},
		{"A.12 no target", `{"foo":"bar"}`, `[{"op":"add","path":"/baz/bat","value":"qux"}]`, "", patch.Failed},
		{"A.13 op twice", `{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux","op":"remove"}]`, "", patch.Malformed},
		{"A.14 tilde", `{"/":9,"~1":10}`, `[{"op":"test","path":"/~01","value":10}]`, `{"/":9,"~1":10}`, 0},
		{"A.15 number is no string", `{"/":9,"~1":10}`, `[{"op":"test","path":"/~01","value":"10"}]`, "", patch.Test},
		{"A.16 add array", `{"foo":["bar"]}`, `[{"op":"add","path":"/foo/-","value":["abc","def"]}]`, `{"foo":["bar",["abc","def"]]}`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := patch.JSON([]byte(c.doc), []byte(c.patch))
			if c.kind != 0 {
				op := 0
				if c.kind == patch.Malformed {
					op = -1
				}
				wantError(t, err, op, c.kind)
				return
			}
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

// TestJSON has what the appendix does not: bytes, order, the whole document, and
// what removals leave behind.
func TestJSON(t *testing.T) {
	for _, c := range []struct{ name, doc, patch, want string }{
		{"nothing", `{"a":1}`, `[]`, `{"a":1}`},
		{"bytes stay", `{"a":70.50,"b":"\u00e9\/","c":1E+2,"d":"é","e\u0065":0}`, `[{"op":"add","path":"/a2","value": 1.10 }]`, `{"a":70.50,"b":"\u00e9\/","c":1E+2,"d":"é","e\u0065":0,"a2":1.10}`},
		{"value loses white space only", `{}`, `[{"op":"add","path":"/a","value": { "b" : [ 1.0 , "x y\u0020" ] , "c" : { } } }]`, `{"a":{"b":[1.0,"x y\u0020"],"c":{}}}`},
		{"byte order mark", `{}`, "\uFEFF[{\"op\":\"add\",\"path\":\"/a\",\"value\":1}]", `{"a":1}`},
		{"add replaces in place", `{"a":1,"b":2}`, `[{"op":"add","path":"/a","value":3}]`, `{"a":3,"b":2}`},
		{"escaped name is found", `{"\u0061":1}`, `[{"op":"replace","path":"/a","value":2}]`, `{"\u0061":2}`},
		{"name is escaped", `{}`, `[{"op":"add","path":"/\"\\\n~1é","value":1}]`, `{"\"\\\u000a/é":1}`},
		{"empty name", `{"":1}`, `[{"op":"replace","path":"/","value":2}]`, `{"":2}`},
		{"null is a value", `{"a":1}`, `[{"op":"replace","path":"/a","value":null},{"op":"test","path":"/a","value":null}]`, `{"a":null}`},
		{"add at length", `{"a":[1]}`, `[{"op":"add","path":"/a/1","value":2}]`, `{"a":[1,2]}`},
		{"minus is a member name", `{"a":{}}`, `[{"op":"add","path":"/a/-","value":2}]`, `{"a":{"-":2}}`},
		{"whole document", `{"a":1}`, `[{"op":"test","path":"","value":{"a":1}},{"op":"replace","path":"","value":{"b":2}},{"op":"add","path":"/c","value":3}]`, `{"b":2,"c":3}`},
		{"add whole document", `{"a":1}`, `[{"op":"add","path":"","value":{"b":2}}]`, `{"b":2}`},
		{"move to whole document", `{"a":{"b":1}}`, `[{"op":"move","from":"/a","path":""}]`, `{"b":1}`},
		{"copy whole document", `{"a":1}`, `[{"op":"copy","from":"","path":"/b"}]`, `{"a":1,"b":{"a":1}}`},
		{"copies are apart", `{"a":{"x":1}}`, `[{"op":"copy","from":"/a","path":"/b"},{"op":"replace","path":"/b/x","value":2}]`, `{"a":{"x":1},"b":{"x":2}}`},
		{"move onto itself", `{"a":1,"b":2}`, `[{"op":"move","from":"/a","path":"/a"}]`, `{"a":1,"b":2}`},
		{"move onto another", `{"a":1,"b":2,"c":3}`, `[{"op":"move","from":"/c","path":"/a"}]`, `{"a":3,"b":2}`},
		{"move between lists", `{"a":[1,2],"b":[3]}`, `[{"op":"move","from":"/a/0","path":"/b/0"}]`, `{"a":[2],"b":[1,3]}`},
		{"path like from is no child", `{"a":1}`, `[{"op":"move","from":"/a","path":"/ab"}]`, `{"ab":1}`},
		{"test by value", `{"a":[1.00,-0,100,"\u0041"]}`, `[{"op":"test","path":"/a","value":[1.0,0e9,1E2,"A"]}]`, `{"a":[1.00,-0,100,"\u0041"]}`},
		{"test without order", `{"a":{"x":1,"y":[{"p":1,"q":2}]}}`, `[{"op":"test","path":"/a","value":{"y":[{"q":2,"p":1}],"x":1}}]`, `{"a":{"x":1,"y":[{"p":1,"q":2}]}}`},
		{"test of huge exponents", `{"a":1e999999999}`, `[{"op":"test","path":"/a","value":10e999999998}]`, `{"a":1e999999999}`},
		{"last element goes with its list", `{"id":"a","name":[{"text":"x"}]}`, `[{"op":"remove","path":"/name/0"}]`, `{"id":"a"}`},
		{"emptied upwards", `{"id":"a","contact":[{"name":{"text":"x"}},{"gender":"male"}]}`, `[{"op":"remove","path":"/contact/0/name/text"}]`, `{"id":"a","contact":[{"gender":"male"}]}`},
		{"emptied list is there meanwhile", `{"name":[{"text":"x"}]}`, `[{"op":"remove","path":"/name/0"},{"op":"add","path":"/name/-","value":{"text":"y"}}]`, `{"name":[{"text":"y"}]}`},
		{"moved out", `{"a":{"b":1},"c":{"d":1}}`, `[{"op":"move","from":"/a/b","path":"/c/b"}]`, `{"c":{"d":1,"b":1}}`},
		{"null keeps the places of an _x list", `{"given":["a","b"],"_given":[{"id":"1"},{"id":"2"}]}`, `[{"op":"remove","path":"/_given/0/id"}]`, `{"given":["a","b"],"_given":[null,{"id":"2"}]}`},
		{"nulls alone go", `{"given":["a","b"],"_given":[null,{"extension":[{"url":"u"}]}]}`, `[{"op":"remove","path":"/_given/1/extension"}]`, `{"given":["a","b"]}`},
		{"nulls alone go, by element", `{"given":["a","b"],"_given":[null,{"id":"2"}]}`, `[{"op":"remove","path":"/_given/1"},{"op":"remove","path":"/given/1"}]`, `{"given":["a"]}`},
		{"nulls of values stay", `{"given":["a",null],"_given":[null,{"id":"2"}]}`, `[{"op":"remove","path":"/given/0"},{"op":"remove","path":"/_given/0"}]`, `{"given":[null],"_given":[{"id":"2"}]}`},
		{"added empty stays", `{"a":1}`, `[{"op":"add","path":"/b","value":[]},{"op":"add","path":"/c","value":{}}]`, `{"a":1,"b":[],"c":{}}`},
		{"all of it", `{"a":1}`, `[{"op":"remove","path":"/a"}]`, `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := patch.JSON([]byte(c.doc), []byte(c.patch))
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

// TestJSONErrors names the operation, the kind, and a part of the message.
func TestJSONErrors(t *testing.T) {
	const ok = `{"op":"test","path":"/a","value":{"b":[1,2]}}`
	doc := []byte(`{"a":{"b":[1,2]},"s":"secret"}`)
	for _, c := range []struct {
		name, op string
		kind     patch.Kind
		msg      string
	}{
		{"no object", `1`, patch.Malformed, "an operation is an object"},
		{"no op", `{"path":"/a"}`, patch.Malformed, "op is missing"},
		{"op no string", `{"op":1,"path":"/a"}`, patch.Malformed, "op is missing"},
		{"unknown op", `{"op":"delete","path":"/a"}`, patch.Malformed, "add, remove, replace, move, copy, test"},
		{"no path", `{"op":"remove"}`, patch.Malformed, "remove: path is missing"},
		{"no from", `{"op":"move","path":"/a"}`, patch.Malformed, "move: from is missing"},
		{"no value", `{"op":"add","path":"/x"}`, patch.Malformed, "add: value is missing"},
		{"no slash", `{"op":"remove","path":"a"}`, patch.Malformed, `path "a" is no JSON pointer`},
		{"bad tilde", `{"op":"remove","path":"/a~2"}`, patch.Malformed, "~ is followed by neither 0 nor 1"},
		{"tilde at the end", `{"op":"remove","path":"/~"}`, patch.Malformed, "~ is followed by neither 0 nor 1"},
		{"into itself", `{"op":"move","from":"/a","path":"/a/b/0"}`, patch.Malformed, "cannot move into itself"},
		{"document into itself", `{"op":"move","from":"","path":"/a"}`, patch.Malformed, "cannot move into itself"},
		{"absent member", `{"op":"remove","path":"/x/y"}`, patch.Failed, `remove: path "/x": there is no such member`},
		{"absent last", `{"op":"replace","path":"/a/x","value":1}`, patch.Failed, `replace: path "/a/x": there is no such member`},
		{"no parent", `{"op":"add","path":"/x/y","value":1}`, patch.Failed, `add: path "/x": there is no such member`},
		{"in a string", `{"op":"add","path":"/s/y","value":1}`, patch.Failed, "neither object nor array"},
		{"through a string", `{"op":"add","path":"/s/y/z","value":1}`, patch.Failed, "neither object nor array"},
		{"behind the end", `{"op":"add","path":"/a/b/3","value":1}`, patch.Failed, "behind the end"},
		{"far behind the end", `{"op":"add","path":"/a/b/99999999999999999999","value":1}`, patch.Failed, "behind the end"},
		{"remove at the end", `{"op":"remove","path":"/a/b/2"}`, patch.Failed, "the array has 2 elements"},
		{"remove minus", `{"op":"remove","path":"/a/b/-"}`, patch.Failed, "holds nothing"},
		{"leading zero", `{"op":"remove","path":"/a/b/01"}`, patch.Failed, "not an array index"},
		{"negative", `{"op":"remove","path":"/a/b/-1"}`, patch.Failed, "not an array index"},
		{"plus", `{"op":"add","path":"/a/b/+1","value":1}`, patch.Failed, "not an array index"},
		{"empty index", `{"op":"remove","path":"/a/b/"}`, patch.Failed, "not an array index"},
		{"remove document", `{"op":"remove","path":""}`, patch.Failed, "the resource itself"},
		{"copy from nowhere", `{"op":"copy","from":"/x","path":"/y"}`, patch.Failed, "no such member"},
		{"move from nowhere", `{"op":"move","from":"/x","path":"/x"}`, patch.Failed, "no such member"},
		{"test other", `{"op":"test","path":"/s","value":"other"}`, patch.Test, `test: the value at path "/s" is another one`},
		{"test absent", `{"op":"test","path":"/x","value":null}`, patch.Test, "no such member"},
		{"test shorter", `{"op":"test","path":"/a/b","value":[1]}`, patch.Test, "another one"},
		{"test other member", `{"op":"test","path":"/a","value":{"c":[1,2]}}`, patch.Test, "another one"},
		{"test longer", `{"op":"test","path":"/a/b","value":[1,2,3]}`, patch.Test, "another one"},
		{"test more members", `{"op":"test","path":"/a","value":{"b":[1,2],"c":1}}`, patch.Test, "another one"},
		{"test kind", `{"op":"test","path":"/a/b/0","value":true}`, patch.Test, "another one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := patch.JSON(doc, []byte(`[`+ok+`,`+c.op+`]`))
			msg := wantError(t, err, 1, c.kind)
			if !strings.HasPrefix(msg, "patch operation 1: ") {
				t.Errorf("%s names no operation", msg)
			}
			if !strings.Contains(msg, c.msg) || strings.Contains(msg, "secret") || got != nil {
				t.Errorf("%s, want %q in it", msg, c.msg)
			}
		})
	}
}

// TestNotAPatch is about texts that are no JSON Patch at all.
func TestNotAPatch(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{}`, `null`, `[`, `[]]`, `[{}`, `[{"op"}]`, `[{"op":}]`, `[{,}]`, `[1,]`, `{"a":1,}`, `["\x"]`, `["\ud800"]`, `["\udc00"]`, `["\udc00\udc00"]`, `["\ud800\u0041"]`,
		`["\u12g4"]`, "[\"\n\"]", `["a]`, `[01]`, `[1.]`, `[.5]`, `[1e]`, `[+1]`, `[-]`, `[tru]`, `[nul]`, `[NaN]`, "[\"\xff\"]", `[{"a":1,"a":1}]`,
		`[{"a":1,"\u0061":1}]`, `[{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"a":1}]`, `['a']`, `[/**/]`,
	} {
		_, err := patch.JSON([]byte(`{}`), []byte(text))
		msg := wantError(t, err, -1, patch.Malformed)
		if !strings.HasPrefix(msg, "patch: ") {
			t.Errorf("message %q", msg)
		}
	}
	if _, err := patch.JSON([]byte(`{"a":`), []byte(`[]`)); err == nil || strings.HasPrefix(err.Error(), "patch") {
		t.Errorf("error %v, want one about the document", err)
	}
}

// TestLongNames keeps messages short.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("ä", 2000)
	_, err := patch.JSON([]byte(`{}`), []byte(`[{"op":"remove","path":"/`+long+`"}]`))
	msg := wantError(t, err, 0, patch.Failed)
	_, err = patch.FHIRPath(patient(""), parameters(operation("add", "Patient", name(long), value("String", `"x"`))))
	other := wantError(t, err, 0, patch.Failed)
	if len(msg) > 300 || len(other) > 300 || strings.Contains(msg+other, "\uFFFD") {
		t.Errorf("%s\n%s", msg, other)
	}
}
