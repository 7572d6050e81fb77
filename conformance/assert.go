package conformance

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gofhir/fhirpath"
)

// check evaluates an assertion: nil if it holds, or an error that says what is wrong.
func (r *scriptRun) check(a *assertion) error {
	want, err := r.wanted(a)
	if err != nil {
		return err
	}
	m, err := r.subject(a)
	if err != nil {
		return err
	}
	switch {
	case a.Response != "":
		return compareCodes(a.Operator, m.status, []int{responses[a.Response]})
	case a.ResponseCode != "":
		return compareCodes(a.Operator, m.status, numbers(a.ResponseCode))
	case a.Resource != "":
		return compare(a.Operator, "resourceType", []string{memberText(m.body, "resourceType")}, a.Resource)
	case a.ContentType != "":
		return checkContentType(a.Operator, m.header, mediaType(a.ContentType, ""))
	case a.target != "":
		return r.checkTarget(a, m, want)
	case a.HeaderField != "":
		return a.compare("header "+a.HeaderField, m.header.Values(a.HeaderField), want)
	case a.RequestMethod != "":
		return compare(a.Operator, "request method", []string{m.method}, strings.ToUpper(a.RequestMethod))
	case a.RequestURL != "":
		address, err := r.fill(a.RequestURL, asIs)
		if err != nil {
			return err
		}
		if !strings.Contains(address, "://") {
			address = r.c.base + "/" + strings.TrimPrefix(address, "/")
		}
		return compare(a.Operator, "request URL", []string{m.url}, address)
	case a.MinimumID != "":
		fixture, err := r.fixture(a.MinimumID)
		if err != nil {
			return err
		}
		return contains(m.body, fixture)
	case a.NavigationLinks != nil:
		return checkLinks(m.body, *a.NavigationLinks)
	}
	return r.checkExpression(a, m, want)
}

// wanted is the value that the assertion compares with, from the script or from another message.
func (r *scriptRun) wanted(a *assertion) (string, error) {
	if a.CompareToSourceID == "" {
		if a.Value == nil {
			return "", nil
		}
		return r.fill(*a.Value, asIs)
	}
	m, err := r.source(a.CompareToSourceID)
	if err != nil {
		return "", err
	}
	expr, err := r.fill(a.CompareToSourceExpression, asIs)
	if err != nil {
		return "", err
	}
	found, err := evaluate(m.body, expr)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s gives %d values to compare with, want one", expr, len(found))
	}
	return found[0].String(), nil
}

// subject is the message that the assertion looks at.
func (r *scriptRun) subject(a *assertion) (*message, error) {
	if a.SourceID != "" {
		return r.source(a.SourceID)
	}
	if a.Direction == "request" || a.RequestMethod != "" || a.RequestURL != "" {
		if r.lastRequest == nil {
			return nil, errors.New("no request yet")
		}
		return r.lastRequest, nil
	}
	return r.source("")
}

func (r *scriptRun) checkExpression(a *assertion, m *message, want string) error {
	expr, err := r.fill(a.Expression, asIs)
	if err != nil {
		return err
	}
	found, err := evaluate(m.body, expr)
	if err != nil {
		return err
	}
	values := make([]string, len(found))
	for i, v := range found {
		values[i] = v.String()
	}
	if a.Value == nil && a.CompareToSourceID == "" && a.Operator != "empty" && a.Operator != "notEmpty" {
		if len(values) != 1 || values[0] != "true" {
			return fmt.Errorf("%s is %s, want true", expr, shown(values))
		}
		return nil
	}
	return a.compare(expr, values, want)
}

func (r *scriptRun) checkTarget(a *assertion, m *message, want string) error {
	switch a.target {
	case "size":
		return a.compare("size of the body", []string{strconv.Itoa(len(m.body))}, want)
	case "header-count":
		return a.compare("number of headers "+a.HeaderField, []string{strconv.Itoa(len(m.header.Values(a.HeaderField)))}, want)
	}
	var values []string
	if len(m.body) > 0 {
		values = []string{string(m.body)}
	}
	return a.compare("body", values, want)
}

func compareCodes(operator string, got int, want []int) error {
	holds := slices.Contains(want, got)
	if operator == "notEquals" || operator == "notIn" {
		holds = !holds
	}
	if !holds {
		return fmt.Errorf("status %d %s, want %s%s", got, http.StatusText(got), map[bool]string{true: "not "}[operator == "notEquals" || operator == "notIn"], oneOf(want))
	}
	return nil
}

func oneOf(list []int) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = strconv.Itoa(n)
	}
	return strings.Join(out, " or ")
}

func numbers(list string) []int {
	var out []int
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err == nil { // checked when the script was loaded
			out = append(out, n)
		}
	}
	return out
}

func checkContentType(operator string, h http.Header, want string) error {
	got, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("Content-Type %q: %w", h.Get("Content-Type"), err)
	}
	return compare(operator, "media type", []string{got}, want)
}

// checkLinks looks for the links of a page (R4 http.html#paging): TestScript asks for first, last and next.
func checkLinks(body []byte, want bool) error {
	found, err := evaluate(body, "Bundle.link.relation")
	if err != nil {
		return err
	}
	var missing []string
	for _, relation := range []string{"first", "last", "next"} {
		if !slices.ContainsFunc(found, func(v fhirpath.Value) bool { return v.String() == relation }) {
			missing = append(missing, relation)
		}
	}
	if want && len(missing) > 0 {
		return fmt.Errorf("the Bundle lacks the links %s", strings.Join(missing, ", "))
	}
	if !want && len(missing) < 3 {
		return errors.New("the Bundle has navigation links")
	}
	return nil
}
