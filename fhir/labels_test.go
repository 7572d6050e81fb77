package fhir

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// basic puts a meta into a resource; none if it is empty.
func basic(meta string) string {
	if meta == "" {
		return `{"resourceType":"Basic","id":"a","code":{"text":"c"}}`
	}
	return `{"resourceType":"Basic","id":"a","meta":` + meta + `,"code":{"text":"c"}}`
}

const (
	tagA = `{"system":"http://x.org/s","code":"a"}`
	tagB = `{"code":"b","display":"as sent","version":"1","extension":[{"url":"http://x.org/e","valueCode":"x"}],"system":"http:\/\/x.org\/s"}`
)

func TestKeepLabels(t *testing.T) {
	cases := []struct{ name, now, before, want string }{ // metas; want empty: unchanged
		{"nothing before", ``, ``, ``},
		{"no labels before", ``, `{"versionId":"1","profile":["http://x.org/p"]}`, ``},
		{"nothing now", ``, `{"versionId":"1","tag":[` + tagA + `],"security":[` + tagB + `]}`, `{"security":[` + tagB + `],"tag":[` + tagA + `]}`},
		{"meta without labels", `{"versionId":"7"}`, `{"tag":[` + tagB + `]}`, `{"versionId":"7","tag":[` + tagB + `]}`},
		{"added behind what is there", `{"tag":[` + tagB + `],"source":"x:y"}`, `{"tag":[` + tagA + `,` + tagA + `]}`, `{"tag":[` + tagB + `,` + tagA + `],"source":"x:y"}`},
		{"the same by system and code", `{"tag":[` + tagB + `]}`, `{"tag":[{"system":"http://x.org/s","code":"b","display":"other"}]}`, ``},
		{"a code of another system, and of none", `{"tag":[` + tagA + `]}`, `{"tag":[{"system":"http://x.org/t","code":"a"},{"code":"a"}]}`, `{"tag":[` + tagA + `,{"system":"http://x.org/t","code":"a"},{"code":"a"}]}`},
		{"a tag is no security label", `{"tag":[` + tagA + `]}`, `{"security":[` + tagA + `]}`, `{"tag":[` + tagA + `],"security":[` + tagA + `]}`},
		{"without a code", `{"tag":[{"display":"d"}]}`, `{"tag":[{"display":"d"},{"display":"e"}]}`, `{"tag":[{"display":"d"},{"display":"e"}]}`},
		{"profiles are as sent", `{"profile":["http://x.org/p"]}`, `{"profile":["http://x.org/q"],"tag":[` + tagA + `]}`, `{"profile":["http://x.org/p"],"tag":[` + tagA + `]}`},
		{"SUBSETTED is of one text", ``, `{"tag":[` + subsettedTag + `]}`, ``},
		{"but a label like it is not", ``, `{"security":[` + subsettedTag + `],"tag":[{"code":"SUBSETTED"}]}`, `{"security":[` + subsettedTag + `],"tag":[{"code":"SUBSETTED"}]}`},
		{"_profile stays where it is", `{"_profile":[{"id":"q"},null],"profile":[null,"http://x.org/p"]}`, `{"tag":[` + tagA + `]}`, `{"_profile":[{"id":"q"},null],"profile":[null,"http://x.org/p"],"tag":[` + tagA + `]}`},
	}
	for _, c := range cases {
		now, before := parseJSON(t, basic(c.now)).JSON, parseJSON(t, basic(c.before)).JSON
		got, changed := KeepLabels(now, before)
		want := basic(c.want)
		if c.want == "" {
			want = basic(c.now)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" || changed != (c.want != "") {
			t.Errorf("%s: changed %t (-want +got):\n%s", c.name, changed, diff)
		}
		if again, changed := KeepLabels(got, before); changed || !bytes.Equal(again, got) {
			t.Errorf("%s: a second time gives %s", c.name, again)
		}
	}
}

func TestAddMeta(t *testing.T) {
	cases := []struct{ name, now, add, want string }{
		{"nothing to add", ``, `{"versionId":"1","lastUpdated":"2020-01-01T00:00:00Z","source":"x:y"}`, ``},
		{"to nothing", ``, ` { "profile" : [ "http://x.org/p" ], "tag":[` + tagB + `], "security":[` + tagA + `] } `, `{"profile":["http://x.org/p"],"security":[` + tagA + `],"tag":[` + tagB + `]}`},
		{"what is there is not repeated", `{"profile":["http:\/\/x.org\/p"],"tag":[` + tagA + `]}`, `{"profile":["http://x.org/p"],"tag":[` + tagA + `]}`, ``},
		{"behind what is there", `{"tag":[` + tagA + `],"profile":["http://x.org/p"],"id":"m"}`, `{"profile":["http://x.org/q"],"tag":[` + tagB + `]}`, `{"tag":[` + tagA + `,` + tagB + `],"profile":["http://x.org/p","http://x.org/q"],"id":"m"}`},
		{"aligned with a _profile that is there", `{"profile":["http://x.org/p"],"_profile":[{"id":"i"}]}`, `{"profile":["http://x.org/q"]}`, `{"profile":["http://x.org/p","http://x.org/q"],"_profile":[{"id":"i"},null]}`},
		{"aligned with a _profile that comes", `{"profile":["http://x.org/p"]}`, `{"profile":["http://x.org/p","http://x.org/q"],"_profile":[{"id":"i"},{"id":"j"}]}`, `{"profile":["http://x.org/p","http://x.org/q"],"_profile":[null,{"id":"j"}]}`},
		{"a profile without value means nothing", ``, `{"_profile":[{"extension":[{"url":"http://x.org/e","valueCode":"x"}]}]}`, ``},
		{"beside one without value", `{"_profile":[{"extension":[{"url":"http://x.org/e","valueCode":"x"}]}]}`, `{"profile":["http://x.org/p"]}`, `{"profile":[null,"http://x.org/p"],"_profile":[{"extension":[{"url":"http://x.org/e","valueCode":"x"}]},null]}`},
	}
	for _, c := range cases {
		now := parseJSON(t, basic(c.now)).JSON
		got, changed, err := AddMeta(now, []byte(c.add))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		want := basic(c.want)
		if c.want == "" {
			want = basic(c.now)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" || changed != (c.want != "") {
			t.Errorf("%s: changed %t (-want +got):\n%s", c.name, changed, diff)
		}
		parseJSON(t, string(got))
	}
}

func TestRemoveMeta(t *testing.T) {
	const p, q = `"http://x.org/p"`, `"http://x.org/q"`
	cases := []struct{ name, now, less, want string }{ // want "-": no meta at all
		{"of nothing", ``, `{"tag":[` + tagA + `]}`, ``},
		{"not there", `{"tag":[` + tagA + `],"profile":[` + p + `]}`, `{"tag":[` + tagB + `],"security":[` + tagA + `],"profile":[` + q + `]}`, ``},
		{"one of several", `{"tag":[` + tagA + `,` + tagB + `,` + tagA + `]}`, `{"tag":[{"system":"http://x.org/s","code":"a","display":"d"}]}`, `{"tag":[` + tagB + `]}`},
		{"a list goes with its last label", `{"tag":[` + tagB + `],"versionId":"1"}`, `{"tag":[` + tagB + `]}`, `{"versionId":"1"}`},
		{"meta goes with its last list", `{"tag":[` + tagB + `],"security":[` + tagA + `]}`, `{"security":[` + tagA + `],"tag":[` + tagB + `]}`, `-`},
		{"profiles stay aligned", `{"profile":[` + p + `,` + q + `],"_profile":[null,{"id":"i"}]}`, `{"profile":[` + p + `]}`, `{"profile":[` + q + `],"_profile":[{"id":"i"}]}`},
		{"a sibling goes with its profile", `{"_profile":[null,{"id":"i"}],"profile":[` + p + `,` + q + `],"source":"x:y"}`, `{"profile":[` + q + `]}`, `{"profile":[` + p + `],"source":"x:y"}`},
		{"all profiles", `{"profile":[` + p + `,` + q + `],"_profile":[null,{"id":"i"}]}`, `{"profile":[` + q + `,` + p + `]}`, `-`},
		{"one without value stays", `{"profile":[null,` + q + `],"_profile":[{"id":"i","extension":[{"url":"http://x.org/e","valueCode":"x"}]},null]}`, `{"profile":[` + q + `]}`, `{"_profile":[{"id":"i","extension":[{"url":"http://x.org/e","valueCode":"x"}]}]}`},
	}
	for _, c := range cases {
		now := parseJSON(t, basic(c.now)).JSON
		got, changed, err := RemoveMeta(now, []byte(c.less))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		want := basic(strings.Trim(c.want, "-"))
		if c.want == "" {
			want = basic(c.now)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" || changed != (c.want != "") {
			t.Errorf("%s: changed %t (-want +got):\n%s", c.name, changed, diff)
		}
		parseJSON(t, string(got))
	}
}

// TestMetaPlace puts a new meta where Splice would, and takes the right comma with an old one.
func TestMetaPlace(t *testing.T) {
	const add = `{"tag":[` + tagA + `]}`
	for _, c := range []struct{ without, with string }{
		{`{"resourceType":"Basic","code":{"text":"c"}}`, `{"resourceType":"Basic","meta":` + add + `,"code":{"text":"c"}}`},
		{`{"code":{"text":"c"},"resourceType":"Basic"}`, `{"code":{"text":"c"},"resourceType":"Basic","meta":` + add + `}`},
		{`{"id":"a","code":{"text":"c"},"resourceType":"Basic"}`, `{"id":"a","meta":` + add + `,"code":{"text":"c"},"resourceType":"Basic"}`},
	} {
		got, changed, err := AddMeta([]byte(c.without), []byte(add))
		if err != nil || !changed || string(got) != c.with {
			t.Errorf("add gives %s, %t, %v", got, changed, err)
		}
		got, changed, err = RemoveMeta([]byte(c.with), []byte(add))
		if err != nil || !changed || string(got) != c.without {
			t.Errorf("remove gives %s, %t, %v", got, changed, err)
		}
	}
	got, changed, err := RemoveMeta([]byte(`{"meta":`+add+`,"resourceType":"Basic"}`), []byte(add))
	if err != nil || !changed || string(got) != `{"resourceType":"Basic"}` {
		t.Errorf("remove gives %s, %t, %v", got, changed, err)
	}
}

func TestMetaRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, "Meta: expected one JSON object"},
		{`[]`, "Meta: expected one JSON object"},
		{`{"tag":[{"code":"a"}]} x`, "Meta: expected one JSON object"},
		{`{"tag":[{"code":"a"}]},"id":"b","language":{}`, "Meta: expected one JSON object"},
		{`{"tag":[{"code":"a"}]`, "Meta: expected one JSON object"},
		{strings.Repeat("[", 100_000), "Meta: expected one JSON object"},
		{`{"tag":[]}`, "Meta.tag"},
		{`{"tag":[{"code":"a","secret":1}]}`, "Meta.tag[0]"},
		{"{\"tag\":[{\"code\":\"\xff\"}]}", "not UTF-8"},
		{`{"profile":["http://x.org/p"],"_profile":[{"id":"i"},null]}`, "Meta."},
	} {
		for _, f := range []func(json, meta []byte) ([]byte, bool, error){AddMeta, RemoveMeta} {
			_, changed, err := f([]byte(basic("")), []byte(c.in))
			var invalid *Invalid
			if !errors.As(err, &invalid) || changed || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "Basic") {
				t.Errorf("%.60s: got error %v", c.in, err)
			}
		}
	}
}

func TestMergeMeta(t *testing.T) {
	got := MergeMeta(nil, []byte(`{"versionId":"1","profile":["http://x.org/p"],"tag":[`+tagA+`]}`), []byte(`x`),
		[]byte(`{"tag":[`+tagB+`,{"code":"a","system":"http://x.org/s"}],"profile":["http://x.org/q","http://x.org/p"],"_profile":[{"id":"i"},null]}`),
		[]byte(`{"security":[`+tagA+`]}`))
	want := `{"profile":["http://x.org/p","http://x.org/q"],"_profile":[null,{"id":"i"}],"security":[` + tagA + `],"tag":[` + tagA + `,` + tagB + `]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := MergeMeta(nil, []byte(`{"versionId":"1"}`)); got != nil {
		t.Errorf("nothing gives %s", got)
	}
	if got := MergeMeta([]byte(want), []byte(want)); string(got) != want {
		t.Errorf("again gives %s", got)
	}
}

func TestMetaOf(t *testing.T) {
	for in, want := range map[string]string{
		basic(""):               "",
		basic(`{"source":"x"}`): `{"source":"x"}`,
		`{"met\u0061":{"id":"x"},"resourceType":"Basic"}`:                                   `{"id":"x"}`,
		`{"resourceType":"Basic","contained":[{"resourceType":"Basic","meta":{"id":"x"}}]}`: "",
		``: "", `{`: "", `[]`: "", `{"meta":{}`: "",
	} {
		if got := MetaOf([]byte(in)); string(got) != want {
			t.Errorf("%s gives %s", in, got)
		}
	}
}

func TestSubsetted(t *testing.T) {
	const system = `"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue"`
	for in, want := range map[string]bool{
		basic(""):                       false,
		basic(`{"tag":[` + tagA + `]}`): false,
		basic(`{"tag":[` + tagA + `,{"code":"SUBSETTED","display":"x",` + system + `}]}`): true,
		basic(`{"tag":[{` + system + `,"code":"SUBS\u0045TTED"}]}`):                       true,
		basic(`{"security":[{"code":"SUBSETTED",` + system + `}]}`):                       false,
		basic(`{"tag":[{"code":"SUBSETTED"}]}`):                                           false,
		basic(`{"tag":[{"display":"SUBSETTED",` + system + `}]}`):                         false,
		``: false, `{`: false, `{"meta":[]}`: false, `{"meta":{"tag":[1,"x",{"code":1}]},"resourceType":"Basic"}`: false,
	} {
		if got := Subsetted([]byte(in)); got != want {
			t.Errorf("%s gives %t", in, got)
		}
	}
}

// TestLabelsMany takes many labels in a time that does not grow with their square.
func TestLabelsMany(t *testing.T) {
	list := func(prefix string) string {
		var b strings.Builder
		for i := range 50_000 {
			fmt.Fprintf(&b, `,{"code":"%s%d"}`, prefix, i)
		}
		return `{"tag":[` + b.String()[1:] + `]}`
	}
	start := time.Now()
	got, changed := KeepLabels([]byte(basic(list("a"))), []byte(basic(list("b"))))
	if m, ok := readMeta(MetaOf(got)); !ok || !changed || len(m.tags) != 100_000 {
		t.Errorf("%d tags", len(m.tags))
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
}
