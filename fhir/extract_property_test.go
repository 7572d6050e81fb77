package fhir

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// jsonStrings gives every string and number literal of a JSON text.
func jsonStrings(tb testing.TB, raw []byte) map[string]bool {
	tb.Helper()
	all := map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return all
		}
		switch v := token.(type) {
		case string:
			all[v] = true
		case json.Number:
			all[v.String()] = true
		}
	}
}

// TestExtractLiterals checks that nothing is made up: each literal of a value is
// a literal of the resource's JSON.
func TestExtractLiterals(t *testing.T) {
	count := map[ValueKind]int{}
	for name, r := range examples(t) {
		literals := jsonStrings(t, r.JSON)
		var ordinal uint16
		for _, v := range Extract(r) {
			if v.Param.Ordinal < ordinal {
				t.Errorf("%s: %s is out of order", name, v.Param.Code)
			}
			ordinal = v.Param.Ordinal
			checkLiterals(t, name, literals, v, count)
		}
	}
	for kind := ValueToken; kind <= ValueComposite; kind++ {
		if count[kind] == 0 {
			t.Errorf("no value of kind %d in all examples", kind)
		}
	}
}

func checkLiterals(t *testing.T, name string, literals map[string]bool, v Value, count map[ValueKind]int) {
	t.Helper()
	count[v.Kind]++
	must := []string{v.Text, v.String, v.IdentSystem, v.IdentValue, v.URI, v.Num, v.Unit, v.UnitCode}
	switch {
	case v.Kind == ValueToken && (v.Code == "true" || v.Code == "false"):
	case v.Kind == ValueToken:
		must = append(must, v.Code)
	}
	if v.RefType != "" {
		ref := v.RefType + "/" + v.RefID
		if v.RefVersion != "" {
			ref += "/_history/" + v.RefVersion
		}
		if v.Param.Code == "composition" || v.Param.Code == "message" {
			ref = v.RefID // the target is inline
		}
		must = append(must, ref)
	}
	if v.RefURL != "" && !literals[v.RefURL] && !hasCanonical(literals, v) {
		t.Errorf("%s: %s: reference is not in the JSON", name, v.Param.Code)
	}
	for _, s := range must {
		if s != "" && !literals[s] {
			t.Errorf("%s: %s: a literal is not in the JSON: %q", name, v.Param.Code, s)
		}
	}
	for _, part := range v.Components {
		checkLiterals(t, name, literals, part, count)
	}
}

func hasCanonical(literals map[string]bool, v Value) bool {
	for s := range literals {
		whole, _, _ := strings.Cut(s, "#")
		url, version, _ := strings.Cut(whole, "|")
		if url == v.RefURL && version == v.RefVersion {
			return true
		}
	}
	return false
}

// TestExtractCodes checks every code in the examples, search parameter or not:
// what the protos keep as an enum must come back as it was written.
func TestExtractCodes(t *testing.T) {
	codes := 0
	for name, r := range examples(t) {
		literals := jsonStrings(t, r.JSON)
		var walk func(m protoreflect.Message)
		walk = func(m protoreflect.Message) {
			if isCodeWrapper(m.Descriptor()) {
				if c, ok := wrappedCode(m.Interface()); ok {
					codes++
					if !literals[c.Code] {
						t.Errorf("%s: %s gives %q", name, m.Descriptor().FullName(), c.Code)
					}
					if c.System == "" {
						t.Errorf("%s has no system", m.Descriptor().FullName())
					}
				}
			}
			m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
				switch {
				case f.Message() == nil:
				case f.IsList():
					for i := range v.List().Len() {
						walk(v.List().Get(i).Message())
					}
				default:
					walk(v.Message())
				}
				return true
			})
		}
		walk(r.Proto.ProtoReflect())
	}
	if codes < 5000 {
		t.Errorf("only %d codes seen", codes)
	}
}

func TestServerValues(t *testing.T) {
	at := time.Date(2024, 2, 3, 4, 5, 6, 789_400_000, time.UTC)
	got := LastUpdatedValue(at)
	want := Value{Kind: ValueDate, Low: at.Truncate(time.Millisecond), High: at.Truncate(time.Millisecond).Add(time.Millisecond)}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Value{}, "Param")); diff != "" || got.Param != LookupParam("Patient", "_lastUpdated") {
		t.Errorf("lastUpdated (-want +got):\n%s", diff)
	}
	if id := IDValue("7"); id.Param != LookupParam("Patient", "_id") || render(id) != "7" {
		t.Errorf("id: %s", render(id))
	}
	for _, v := range Extract(parseJSON(t, `{"resourceType":"Basic","id":"7","meta":{"lastUpdated":"2020-01-01T00:00:00Z"},"code":{"text":"x"}}`)) {
		if v.Param.Code != "code" {
			t.Errorf("%s comes from the resource", v.Param.Code)
		}
	}
}

// TestExtractUnknown shows that a type without a program gives nothing.
func TestExtractUnknown(t *testing.T) {
	if got := Extract(&Resource{Type: "Parameters"}); got != nil {
		t.Errorf("got %v", got)
	}
}

// TestCompileConcurrently compiles every type from several goroutines at once;
// the race detector watches.
func TestCompileConcurrently(t *testing.T) {
	all := newPrograms()
	byType := map[string]*Resource{}
	for _, r := range examples(t) {
		byType[r.Type] = r
	}
	types := slices.Sorted(maps.Keys(byType))
	var wg sync.WaitGroup
	counts := make([][]int, 4)
	for i := range counts {
		counts[i] = make([]int, len(types))
		wg.Go(func() {
			for j, typ := range types {
				c := newEvaluation(byType[typ].Proto)
				counts[i][j] = len(all[typ]().run(c, nil))
				c.release()
			}
		})
	}
	wg.Wait()
	for i := 1; i < len(counts); i++ {
		if diff := cmp.Diff(counts[0], counts[i]); diff != "" {
			t.Errorf("goroutine %d (-0 +%d):\n%s", i, i, diff)
		}
	}
}
