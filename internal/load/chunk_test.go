package load

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestKey(t *testing.T) {
	// The fidelity program derives the same keys on its own: both packages test this value.
	const want = "d1275d87811e0905d7245efb892be9142ffcc9d102187c75eeecd4297e39e231"
	if got := Key([]byte(`{"resourceType":"Bundle"}`)); got != want {
		t.Errorf("Key = %s", got)
	}
}

func TestEntryURN(t *testing.T) {
	form := regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for i := range 100 {
		u := entryURN("Patient", fmt.Sprint(i))
		if !form.MatchString(u) || seen[u] {
			t.Errorf("entryURN = %s", u)
		}
		seen[u] = true
	}
}

// cut runs the chunker over text and shows the chunks as "source: ids".
func cut(t *testing.T, text string, c chunker) (chunks, failed []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.ndjson")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.emit = func(c *chunk) error {
		ids := make([]string, 0, len(c.items))
		for _, it := range c.items {
			ids = append(ids, it.id)
		}
		chunks = append(chunks, filepath.Base(c.source())+" "+strings.Join(ids, " "))
		return nil
	}
	c.fail = func(f Failure) { failed = append(failed, filepath.Base(f.Source)) }
	if err := c.run(path); err != nil {
		t.Fatal(err)
	}
	return chunks, failed
}

func TestChunker(t *testing.T) {
	line := func(typ, id string) string { return fmt.Sprintf(`{"resourceType":%q,"id":%q}`+"\n", typ, id) }
	text := line("Patient", "1") + line("Basic", "x") + "\n" + line("Patient", "2") + line("Patient", "3") + line("Patient", "3") + "{bad\n" + line("Patient", "4")
	tests := []struct {
		name         string
		c            chunker
		want, failed []string
	}{
		{
			"by number, identities once",
			chunker{typ: "Patient", maxEntries: 2, maxBytes: 1 << 20, maxLine: 100},
			[]string{"x.ndjson:1-4 1 2", "x.ndjson:5 3", "x.ndjson:6-8 3 4"},
			nil,
		},
		{
			"by bytes",
			chunker{typ: "Patient", maxEntries: 100, maxBytes: 40, maxLine: 100},
			[]string{"x.ndjson:1 1", "x.ndjson:4 2", "x.ndjson:5 3", "x.ndjson:6 3", "x.ndjson:8 4"},
			nil,
		},
		{"another type", chunker{typ: "Basic", maxEntries: 9, maxBytes: 1 << 20, maxLine: 100}, []string{"x.ndjson:2 x"}, nil},
		{"what is no resource", chunker{typ: "", maxEntries: 9, maxBytes: 1 << 20, maxLine: 100}, nil, []string{"x.ndjson:7"}},
		{
			"lines too long",
			chunker{typ: "", maxEntries: 9, maxBytes: 1 << 20, maxLine: 35},
			nil,
			[]string{"x.ndjson:1", "x.ndjson:4", "x.ndjson:5", "x.ndjson:6", "x.ndjson:7", "x.ndjson:8"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			chunks, failed := cut(t, text, tt.c)
			if diff := cmp.Diff(tt.want, chunks); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.failed, failed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	got := wrap([]item{{raw: []byte(`{"resourceType":"Patient","id":"1","x":1.50}`), typ: "Patient", id: "1"}, {raw: []byte(`{"resourceType":"Basic"}`), typ: "Basic"}})
	want := `{"resourceType":"Bundle","type":"transaction","entry":[` +
		`{"fullUrl":"` + entryURN("Patient", "1") + `","resource":{"resourceType":"Patient","id":"1","x":1.50},"request":{"method":"PUT","url":"Patient/1"}},` +
		`{"resource":{"resourceType":"Basic"},"request":{"method":"POST","url":"Basic"}}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" || !json.Valid(got) {
		t.Error(diff)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		value string
		want  time.Duration
	}{
		{"", 0},
		{"7", 7 * time.Second},
		{"-7", 0},
		{"99999999999", retryAfterMax},
		{"soon", 0},
		{"Fri, 02 Jan 2026 03:04:15 GMT", 10 * time.Second},
		{"Fri, 02 Jan 2026 03:00:00 GMT", 0},
		{"Sat, 03 Jan 2026 03:00:00 GMT", retryAfterMax},
	}
	for _, tt := range tests {
		if got := retryAfter(tt.value, now); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.value, got, tt.want)
		}
	}
}

func TestBackoffGrowsWithinBounds(t *testing.T) {
	for attempt := 1; attempt < 100; attempt++ {
		most := backoffMost
		if attempt < 8 {
			most = min(most, backoffFirst<<(attempt-1))
		}
		for range 50 {
			if d := backoff(attempt); d < most/2 || d >= most {
				t.Fatalf("attempt %d waits %s, want [%s, %s)", attempt, d, most/2, most)
			}
		}
	}
}

func TestJudge(t *testing.T) {
	tests := []struct {
		name   string
		ans    answer
		want   int
		stored int
		failed []string
	}{
		{"all in", answer{status: 200, body: []byte(`{"resourceType":"Bundle","entry":[{"response":{"status":"201 Created"}},{"response":{"status":"200"}}]}`)}, 2, 2, nil},
		{"accepted, visible later", answer{status: 202}, 3, 3, nil},
		{
			"an entry unanswered",
			answer{status: 200, body: []byte(`{"resourceType":"Bundle","entry":[{"response":{"status":"201"}}]}`)},
			2, 0,
			[]string{"f: 200 OK: 2 entries sent, 1 answered"},
		},
		{"not a Bundle", answer{status: 200, body: []byte(`{"resourceType":"Patient"}`)}, 1, 0, []string{"f: 200 OK: the answer is not a Bundle"}},
		{"not JSON", answer{status: 502, body: []byte(`<html>`)}, 1, 0, []string{"f: 502 Bad Gateway"}},
		{
			"rejected",
			answer{status: 422, body: []byte(`{"issue":[{"severity":"error","code":"invalid","details":{"text":"why"},"expression":["A.b","C"]}]}`)},
			1, 0,
			[]string{"f: 422 Unprocessable Entity; error invalid at A.b, C: why"},
		},
		{
			"one batch entry",
			answer{status: 200, body: []byte(`{"resourceType":"Bundle","entry":[{"response":{"status":"201"}},` +
				`{"response":{"status":"404 Not Found","outcome":{"issue":[{"severity":"error","code":"not-found","diagnostics":"gone"}]}}},{}]}`)},
			3, 1,
			[]string{"f#entry[1]: 404 Not Found; error not-found: gone", "f#entry[2]: 200 OK"},
		},
	}
	for _, tt := range tests {
		stored, failures := judge("f", &tt.ans, tt.want)
		var failed []string
		for _, f := range failures {
			failed = append(failed, f.String())
		}
		if stored != tt.stored {
			t.Errorf("%s: stored %d", tt.name, stored)
		}
		if diff := cmp.Diff(tt.failed, failed); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}
