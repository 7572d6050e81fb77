package gateway

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

func TestNotModified(t *testing.T) {
	at := time.Date(2024, 2, 29, 12, 0, 0, 123e6, time.UTC)
	same, before := at.Format(http.TimeFormat), at.Add(-time.Second).Format(http.TimeFormat)
	for _, tc := range []struct {
		name     string
		match    []string // If-None-Match
		modified string   // If-Modified-Since
		want     bool
	}{
		{"nothing", nil, "", false},
		{"weak", []string{`W/"3"`}, "", true},
		{"strong", []string{`"3"`}, "", true},
		{"other", []string{`W/"2"`}, "", false},
		{"several", []string{`W/"1", "2",W/"3"`}, "", true},
		{"several lines", []string{`W/"1"`, `W/"3"`}, "", true},
		{"any", []string{"*"}, "", true},
		{"garbage", []string{`3`}, "", false},
		{"no digits", []string{`W/"33"`}, "", false},
		{"empty", []string{``}, "", false},
		{"same second", nil, same, true},
		{"before", nil, before, false},
		{"later", nil, at.Add(time.Hour).Format(http.TimeFormat), true},
		{"no date", nil, "yesterday", false},
		{"the tag goes first", []string{`W/"2"`}, same, false},
		{"the tag goes first, the other way", []string{`W/"3"`}, before, true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if tc.match != nil {
			r.Header["If-None-Match"] = tc.match
		}
		if tc.modified != "" {
			r.Header.Set("If-Modified-Since", tc.modified)
		}
		c := echo.New().NewContext(r, httptest.NewRecorder())
		if got := notModified(c, &record.Result{Version: 3, LastUpdated: at}); got != tc.want {
			t.Errorf("%s: %t", tc.name, got)
		}
	}
}
