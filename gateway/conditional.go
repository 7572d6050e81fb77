package gateway

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// notModified evaluates the conditions of a read (R4 http.html#cread). If-None-Match goes before If-Modified-Since,
// which is looked at only without it (RFC 9110 section 13.2.2).
func notModified(c echo.Context, r *record.Result) bool {
	h := c.Request().Header
	if lines := h["If-None-Match"]; len(lines) > 0 {
		return matchesTag(lines, etag(r.Version))
	}
	line := h.Get("If-Modified-Since")
	if line == "" {
		return false
	}
	since, err := http.ParseTime(line)
	return err == nil && !r.LastUpdated.Truncate(time.Second).After(since)
}

// matchesTag compares weakly: W/"3" and "3" are the same version (RFC 9110 section 8.8.3.2); * is any.
func matchesTag(lines []string, tag string) bool {
	for _, line := range lines {
		for t := range elements(line, ',') {
			if t == "*" || weak(t) == weak(tag) {
				return true
			}
		}
	}
	return false
}

func weak(tag string) string {
	if len(tag) > 2 && (tag[:2] == "W/" || tag[:2] == "w/") {
		return tag[2:]
	}
	return tag
}
