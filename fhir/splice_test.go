package fhir

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var spliceTime = time.Date(2024, 2, 29, 23, 30, 1, 999_999_999, time.FixedZone("", -3600))

func TestSplice(t *testing.T) {
	const stamp = `"2024-03-01T00:30:01.999Z"`
	cases := []struct{ name, in, want string }{
		{
			"nothing there", `{"resourceType":"Patient","active":true}`,
			`{"resourceType":"Patient","id":"a","meta":{"versionId":"7","lastUpdated":` + stamp + `},"active":true}`,
		},
		{
			"type only", `{"resourceType":"Patient"}`,
			`{"resourceType":"Patient","id":"a","meta":{"versionId":"7","lastUpdated":` + stamp + `}}`,
		},
		{
			"type last", `{"active":true,"resourceType":"Patient"}`,
			`{"active":true,"resourceType":"Patient","id":"a","meta":{"versionId":"7","lastUpdated":` + stamp + `}}`,
		},
		{
			"id there", `{"id":"old","active":true,"resourceType":"Patient"}`,
			`{"id":"a","meta":{"versionId":"7","lastUpdated":` + stamp + `},"active":true,"resourceType":"Patient"}`,
		},
		{
			"meta there", `{"resourceType":"Patient","meta":{"tag":[{"code":"versionId"}]}}`,
			`{"resourceType":"Patient","id":"a","meta":{"versionId":"7","lastUpdated":` + stamp + `,"tag":[{"code":"versionId"}]}}`,
		},
		{
			"version there", `{"meta":{"tag":[],"versionId":"1","source":"x:y"},"resourceType":"Patient"}`,
			`{"meta":{"lastUpdated":` + stamp + `,"tag":[],"versionId":"7","source":"x:y"},"resourceType":"Patient","id":"a"}`,
		},
		{
			"all there", `{"resourceType":"Patient","meta":{"lastUpdated":"2020-01-01T00:00:00Z","versionId":"1"},"id":"b","x":{"id":"1"}}`,
			`{"resourceType":"Patient","meta":{"lastUpdated":` + stamp + `,"versionId":"7"},"id":"a","x":{"id":"1"}}`,
		},
		{
			"siblings stay", `{"resourceType":"Patient","_id":{"id":"x"},"meta":{"_versionId":{"id":"y"}}}`,
			`{"resourceType":"Patient","id":"a","_id":{"id":"x"},"meta":{"versionId":"7","lastUpdated":` + stamp + `,"_versionId":{"id":"y"}}}`,
		},
		{
			"escaped names", `{"resourceType":"Patient","\u0069d":"old","met\u0061":{"version\u0049d":"1"}}`,
			`{"resourceType":"Patient","\u0069d":"a","met\u0061":{"lastUpdated":` + stamp + `,"version\u0049d":"7"}}`,
		},
		{
			"empty meta", `{"resourceType":"Patient","meta":{}}`,
			`{"resourceType":"Patient","id":"a","meta":{"versionId":"7","lastUpdated":` + stamp + `}}`,
		},
		{
			"nested stays", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"1","meta":{"versionId":"1"}}}]}`,
			`{"resourceType":"Bundle","id":"a","meta":{"versionId":"7","lastUpdated":` + stamp + `},"entry":[{"resource":{"resourceType":"Patient","id":"1","meta":{"versionId":"1"}}}]}`,
		},
	}
	for _, c := range cases {
		in := []byte(c.in)
		got, err := Splice(in, "a", "7", spliceTime)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
		if string(in) != c.in {
			t.Errorf("%s: the input was changed", c.name)
		}
	}
}

func TestSpliceRefuses(t *testing.T) {
	const ok = `{"resourceType":"Patient"}`
	for _, c := range []struct {
		in, id, version string
		at              time.Time
	}{
		{ok, "", "1", spliceTime},
		{ok, "a", "", spliceTime},
		{ok, `a"`, "1", spliceTime},
		{ok, "a", `1"`, spliceTime},
		{ok, "a", "1", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		{ok, "a", "1", time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)},
		{`[]`, "a", "1", spliceTime},
		{`{}`, "a", "1", spliceTime},
		{``, "a", "1", spliceTime},
		{`{"resourceType":"Patient","meta":[]}`, "a", "1", spliceTime},
		{`{"resourceType":"Patient"`, "a", "1", spliceTime},
	} {
		if got, err := Splice([]byte(c.in), c.id, c.version, c.at); err == nil {
			t.Errorf("%+v gives %s", c, got)
		}
	}
}

// FuzzSplice checks that exactly three values differ: every other member keeps
// its bytes, and the result is accepted again.
func FuzzSplice(f *testing.F) {
	for _, raw := range resources(f)[200:220] {
		f.Add(raw)
	}
	f.Add([]byte(`{"meta":{"tag":[{"code":"a"}],"lastUpdated":"2020-01-01T00:00:00Z"},"id":"b","resourceType":"Basic","code":{"text":"a"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := newScanner(raw, Limits{})
		if err != nil {
			return
		}
		s.compact = true
		if s.document(); s.invalid() != nil {
			return
		}
		before := s.compacted()
		after, err := Splice(before, "new-id", "42", spliceTime)
		if err != nil {
			t.Fatalf("%v in %s", err, before)
		}
		if again := compact(t, after); !bytes.Equal(again, after) {
			t.Fatalf("result is not compact: %s", after)
		}
		was, is := membersOf(t, before), membersOf(t, after)
		if string(is["id"]) != `"new-id"` {
			t.Fatalf("id is %s", is["id"])
		}
		metaWas, metaIs := map[string]json.RawMessage{}, membersOf(t, is["meta"])
		if m, ok := was["meta"]; ok {
			metaWas = membersOf(t, m)
		}
		if string(metaIs["versionId"]) != `"42"` || string(metaIs["lastUpdated"]) != `"2024-03-01T00:30:01.999Z"` {
			t.Fatalf("meta is %s", is["meta"])
		}
		for _, m := range []map[string]json.RawMessage{was, is, metaWas, metaIs} {
			for _, name := range []string{"id", "meta", "versionId", "lastUpdated"} {
				if name != "id" || m["resourceType"] != nil { // Meta.id stays
					delete(m, name)
				}
			}
		}
		if diff := cmp.Diff(was, is) + cmp.Diff(metaWas, metaIs); diff != "" {
			t.Fatal(diff)
		}
	})
}

func membersOf(t *testing.T, object []byte) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(object, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
