package conformance

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gofhir/fhirpath"
)

// responses are the codes of assert.response (R4 valueset-assert-response-code-types.html).
var responses = map[string]int{
	"okay": 200, "created": 201, "noContent": 204, "notModified": 304, "bad": 400, "forbidden": 403, "notFound": 404, "methodNotAllowed": 405,
	"conflict": 409, "gone": 410, "preconditionFailed": 412, "unprocessable": 422,
}

var operators = []string{
	"", "equals", "notEquals", "in", "notIn", "greaterThan", "lessThan", "empty", "notEmpty", "contains", "notContains", "eval",
}

// prepare reads the extension and refuses what the engine does not do.
func (a *assertion) prepare(s *script) error {
	p, err := parts(a.Extension, "target", "regex", "assume", "stopTestOnFail")
	if err != nil {
		return err
	}
	a.target, a.regex = one(p, "target").text(), one(p, "regex").yes()
	a.assume, a.stop = one(p, "assume").yes(), one(p, "stopTestOnFail").yes()
	switch {
	case a.Path != "" || a.CompareToSourcePath != "":
		return errors.New("path is not supported, use expression")
	case a.ValidateProfileID != "":
		return errors.New("validateProfileId is not supported")
	case a.WarningOnly == nil:
		return errors.New("warningOnly is required")
	case !slices.Contains(operators, a.Operator):
		return fmt.Errorf("operator %q", a.Operator)
	case a.subjects() != 1:
		return errors.New("it needs exactly one thing to look at (tst-10)")
	case a.Direction == "request" && a.Response+a.ResponseCode != "":
		return errors.New("a request has no response code (tst-12)")
	case (a.CompareToSourceID == "") != (a.CompareToSourceExpression == ""):
		return errors.New("compareToSourceId and compareToSourceExpression go together (tst-11)")
	case a.Response != "" && responses[a.Response] == 0:
		return fmt.Errorf("response %q", a.Response)
	case a.MinimumID != "" && s.fixtures[a.MinimumID] == nil:
		return fmt.Errorf("minimumId %s is no fixture", a.MinimumID)
	case a.target != "" && !slices.Contains([]string{"body", "size", "header-count"}, a.target):
		return fmt.Errorf("target %q", a.target)
	}
	return a.prepareValues()
}

// subjects counts what the assertion looks at.
func (a *assertion) subjects() int {
	n := 0
	for _, set := range []bool{
		a.ContentType != "", a.Expression != "", a.HeaderField != "" && a.target != "header-count", a.MinimumID != "", a.NavigationLinks != nil,
		a.RequestMethod != "", a.RequestURL != "", a.Resource != "", a.Response != "", a.ResponseCode != "", a.target != "",
	} {
		if set {
			n++
		}
	}
	return n
}

// prepareValues checks codes, expressions and patterns as far as no variable is in them.
func (a *assertion) prepareValues() error {
	for code := range strings.SplitSeq(a.ResponseCode, ",") {
		if n, err := strconv.Atoi(strings.TrimSpace(code)); a.ResponseCode != "" && (err != nil || n < 100 || n > 599) {
			return fmt.Errorf("responseCode %q", a.ResponseCode)
		}
	}
	if a.Expression != "" && !strings.Contains(a.Expression, "${") {
		if _, err := fhirpath.Compile(a.Expression); err != nil {
			return fmt.Errorf("expression: %w", err)
		}
	}
	if a.regex {
		if a.Value == nil {
			return errors.New("regex without value")
		}
		if _, err := regexp.Compile(variable.ReplaceAllString(*a.Value, "x")); err != nil {
			return fmt.Errorf("value: %w", err)
		}
	}
	if a.HeaderField != "" && a.Value == nil && a.CompareToSourceID == "" && !slices.Contains([]string{"empty", "notEmpty"}, a.Operator) {
		return errors.New("headerField needs a value, or the operator empty or notEmpty")
	}
	return nil
}
