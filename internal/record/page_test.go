package record

import (
	"net/url"
	"strings"
	"testing"
)

// A page ends before it grows beyond what the server can hold for many clients at once; the next one goes on.
func TestPagesEndByBytes(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	body := []byte(`{"resourceType":"Binary","contentType":"text/plain","data":"` + strings.Repeat("QUJD", maxPage/12) + `"}`)
	for range 5 { // of a third of a page each
		if _, err := r.service.Create(ctx, staff(), "Binary", body, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	page, err := r.service.Search(ctx, staff(), "Binary", url.Values{}, true)
	if err != nil || len(page.Matches) != 3 || page.Next == "" {
		t.Fatalf("search: %d matches, next %v, %v", len(page.Matches), page.Next != "", err)
	}
	if page, err = r.service.SearchNext(ctx, staff(), "Binary", page.Next); err != nil || len(page.Matches) != 2 || page.Next != "" {
		t.Fatalf("search, page 2: %d matches, next %v, %v", len(page.Matches), page.Next != "", err)
	}
	versions, err := r.service.History(ctx, staff(), HistoryQuery{Type: "Binary", Count: 100})
	if err != nil || len(versions.Versions) != 3 || versions.Next == "" {
		t.Fatalf("history: %d versions, next %v, %v", len(versions.Versions), versions.Next != "", err)
	}
	if versions, err = r.service.HistoryNext(ctx, staff(), "Binary", "", versions.Next); err != nil || len(versions.Versions) != 2 || versions.Next != "" {
		t.Fatalf("history, page 2: %d versions, next %v, %v", len(versions.Versions), versions.Next != "", err)
	}
}
