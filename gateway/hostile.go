package gateway

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// maxURL bounds path and query together. Longer searches go by POST Type/_search.
const maxURL = 32 << 10

// decodePath lets the router see the path as it is meant: decoded, because many clients write %24 for the $ of an
// operation, and without a slash at its end, which some put before the question mark. A path with an encoded slash
// keeps its encoded form, in which it is no path of ours.
func decodePath(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		routable(c.Request())
		return next(c)
	}
}

func routable(r *http.Request) {
	// A semicolon separates nothing in a query any more, and net/url refuses it: it is meant, as in a media type.
	r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, ";", "%3B")
	if raw := r.URL.RawPath; raw != "" && !strings.Contains(raw, "%2F") && !strings.Contains(raw, "%2f") {
		r.URL.RawPath = ""
	}
	if p := r.URL.Path; len(p) > len(fhirPath)+1 && p[len(p)-1] == '/' && p[len(p)-2] != '/' && r.URL.RawPath == "" {
		r.URL.Path = p[:len(p)-1]
	}
}

// checkRequest refuses what no client sends in good faith, and what would be read differently along the way. What
// net/http refuses on its own (broken requests, several Hosts, headers over the limit) never comes here.
func checkRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if r := c.Request(); len(r.TransferEncoding) > 0 && r.ProtoMajor == 1 {
			// RFC 9112 section 6.1: after a request with both a length and chunks the connection must end. net/http
			// does not tell whether there was a length, so it ends after chunks of any kind.
			c.Response().Header().Set("Connection", "close")
		}
		u := c.Request().URL
		if len(u.Path)+len(u.RawQuery) > maxURL {
			return &refusal{status: http.StatusRequestURITooLong, code: "too-long", text: "the URL is longer than 32 KiB; search by POST to _search"}
		}
		if strings.IndexByte(u.Path, 0) >= 0 || strings.Contains(u.RawQuery, "%00") {
			return badRequest("the URL holds a NUL character")
		}
		return next(c)
	}
}
