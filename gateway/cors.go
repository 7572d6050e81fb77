package gateway

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// corsSeconds is how long a browser may keep the answer to a preflight.
const corsSeconds = 600

// requestHeaders are what a script of another origin may send.
var requestHeaders = []string{
	"Authorization", "Content-Type", "Content-Encoding", "Accept", "Prefer", "If-Match", "If-None-Match", "If-Modified-Since", "If-None-Exist", "Range",
	"X-Request-Id", "X-Provenance", "X-Security-Context", "Idempotency-Key", ackHeader,
	"X-Medplum", // which @medplum/core sends always
}

// exposedHeaders are what it may see of an answer.
var exposedHeaders = []string{
	"ETag", "Location", "Content-Location", "Last-Modified", "X-Request-Id", ownIDHeader, "Retry-After", "X-Progress", "Expires", "Link", "Allow", "Accept-Patch",
	"Preference-Applied", "Idempotency-Replayed", "X-Security-Context", "Content-Disposition", "Content-Range", "WWW-Authenticate",
}

// cors answers the preflights of browsers and lets scripts of the allowed origins read answers (R4 security.html#cors).
// A token is sent by script only, never by the browser on its own, so that any origin may be allowed. Requests
// without an Origin see nothing of it.
func (s *Server) cors() echo.MiddlewareFunc {
	return middleware.CORSWithConfig(middleware.CORSConfig{
		Skipper:      func(c echo.Context) bool { return c.Request().Header.Get(echo.HeaderOrigin) == "" },
		AllowOrigins: s.cfg.Origins,
		AllowMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowHeaders: requestHeaders, ExposeHeaders: exposedHeaders, MaxAge: corsSeconds,
		// Some clients (@medplum/core) ask the browser to send credentials. There are none, and browsers want this then.
		AllowCredentials: !slices.Contains(s.cfg.Origins, "*"),
	})
}
