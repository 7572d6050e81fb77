package fhir

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzLabels joins the labels of any two accepted resources.
func FuzzLabels(f *testing.F) {
	f.Add([]byte(basic(`{"tag":[`+tagA+`],"_profile":[{"id":"i"},null],"profile":["http://x.org/q","http://x.org/p"]}`)),
		[]byte(basic(`{"security":[`+tagB+`],"tag":[`+tagB+`,{"display":"d"}],"profile":["http://x.org/p"]}`)))
	f.Add([]byte(`{"meta":{"t\u0061g":[{"code":"\u0061"}]},"resourceType":"Basic","code":{"text":"c"}}`), []byte(basic(`{"tag":[{"code":"a"}]}`)))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		now, ok := accepted(a)
		before, ok2 := accepted(b)
		if !ok || !ok2 {
			return
		}
		kept, changed := KeepLabels(now, before)
		if changed == bytes.Equal(kept, now) {
			t.Fatalf("changed is %t: %s", changed, kept)
		}
		sameButMeta(t, now, kept)
		meta := MetaOf(before)
		if meta == nil {
			return
		}
		added, changed, err := AddMeta(kept, meta)
		if err != nil || changed == bytes.Equal(added, kept) {
			t.Fatalf("changed is %t, error %v: %s", changed, err, added)
		}
		sameButMeta(t, kept, added)
		if _, changed, err := AddMeta(added, meta); changed || err != nil {
			t.Fatalf("added twice, error %v: %s", err, added)
		}
		if union := MergeMeta(MetaOf(kept), meta); union != nil {
			if out, changed, err := AddMeta(added, union); changed || err != nil {
				t.Fatalf("the union adds more, error %v: %s", err, out)
			}
		}
		removed, _, err := RemoveMeta(added, meta)
		if err != nil {
			t.Fatal(err)
		}
		sameButMeta(t, now, removed)
		if _, changed, err := RemoveMeta(removed, meta); changed || err != nil {
			t.Fatalf("removed twice, error %v: %s", err, removed)
		}
		if m, _ := readMeta(meta); len(m.tags) > 0 {
			if out, changed := KeepLabels(removed, before); !changed && !Subsetted(before) {
				t.Fatalf("what was removed is not missed: %s", out)
			}
		}
	})
}

// accepted gives the compact text of an input that the scanner takes.
func accepted(raw []byte) ([]byte, bool) {
	s, err := newScanner(raw, Limits{})
	if err != nil {
		return nil, false
	}
	s.compact = true
	if s.document(); s.invalid() != nil {
		return nil, false
	}
	return s.compacted(), true
}

// sameButMeta checks that a text is accepted, compact, and differs from another in nothing but the labels.
func sameButMeta(t *testing.T, was, is []byte) {
	t.Helper()
	if again := compact(t, is); !bytes.Equal(again, is) {
		t.Fatalf("not compact: %s", is)
	}
	a, b := membersOf(t, was), membersOf(t, is)
	delete(a, "meta")
	delete(b, "meta")
	metaA, metaB := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if m := MetaOf(was); m != nil {
		metaA = membersOf(t, m)
	}
	if m := MetaOf(is); m != nil {
		metaB = membersOf(t, m)
	}
	for _, name := range []string{"profile", "_profile", "tag", "security"} {
		delete(metaA, name)
		delete(metaB, name)
	}
	if diff := cmp.Diff(a, b) + cmp.Diff(metaA, metaB); diff != "" {
		t.Fatal(diff)
	}
}
