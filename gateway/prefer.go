package gateway

import (
	"strings"

	"github.com/labstack/echo/v4"
)

// preferences are what the Prefer header asks for of what FHIR knows (RFC 7240; R4 http.html#ops, search.html#strict,
// async.html). Others are ignored, as the RFC says.
type preferences struct {
	returns  string // minimal, representation or OperationOutcome
	handling string // strict or lenient
	async    bool   // respond-async
}

// The values of the return preference.
const (
	returnMinimal        = "minimal"
	returnRepresentation = "representation"
	returnOutcome        = "OperationOutcome"
)

// parsePrefer reads the lines of the Prefer header. Names do not depend on case, the first of equal ones wins, and
// parameters after a semicolon belong to their preference (RFC 7240 section 2).
func parsePrefer(lines []string) (p preferences) {
	seen := [3]bool{}
	first := func(i int) bool {
		was := seen[i]
		seen[i] = true
		return !was
	}
	for _, line := range lines {
		for preference := range elements(line, ',') {
			for part := range elements(preference, ';') {
				name, value, _ := strings.Cut(part, "=")
				name, value = strings.TrimSpace(name), unquote(strings.TrimSpace(value))
				switch {
				case strings.EqualFold(name, "return") && first(0):
					p.returns = oneOf(value, returnMinimal, returnRepresentation, returnOutcome)
				case strings.EqualFold(name, "handling") && first(1):
					p.handling = oneOf(value, "strict", "lenient")
				case strings.EqualFold(name, "respond-async") && first(2):
					p.async = true
				}
				break // what follows are parameters of it
			}
		}
	}
	return p
}

// oneOf is the known value that v spells, empty if there is none.
func oneOf(v string, known ...string) string {
	for _, k := range known {
		if strings.EqualFold(v, k) {
			return k
		}
	}
	return ""
}

// applied tells the client which preference was honoured (RFC 7240 section 3).
func applied(c echo.Context, preference string) {
	c.Response().Header().Add("Preference-Applied", preference)
}
