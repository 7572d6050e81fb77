package conformance

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strings"
)

//go:embed report.html.tmpl
var htmlSource string

var htmlPage = template.Must(template.New("report").Parse(htmlSource))

// page is what the template shows.
type page struct {
	Server, Date string
	All          Counts
	Areas        []pageArea
}

type pageArea struct {
	Name   string
	Counts Counts
	Open   bool // some test failed
	Tests  []pageTest
}

type pageTest struct {
	Title     string
	Test      TestResult
	Exchanges []pageExchange
	Brief     bool // passed: the exchanges without their bodies
}

type pageExchange struct {
	Line, Request, Response string
}

// WriteHTML writes one page that needs nothing else: no script, no image, no font. It can be published: it has no
// time finer than the day, and neither ids nor the address of the server are in it.
func (r *Report) WriteHTML(w io.Writer) error {
	p := page{Server: r.Server, Date: r.Started.Format("2006-01-02"), All: r.Count()}
	m := &mask{base: r.Base}
	for _, area := range r.areas() {
		a := pageArea{Name: area, Counts: r.countArea(area)}
		a.Open = a.Counts.Failed > 0
		for i := range r.Scripts {
			if s := &r.Scripts[i]; s.Area == area {
				for j := range s.Tests {
					a.Tests = append(a.Tests, m.test(s, s.Tests[j]))
				}
			}
		}
		p.Areas = append(p.Areas, a)
	}
	if err := htmlPage.Execute(w, p); err != nil {
		return fmt.Errorf("write HTML: %w", err)
	}
	return nil
}

// mask takes out of a text what differs from run to run or says where the server is.
type mask struct{ base string }

var (
	uuidLike  = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?(-\d+)?`)
	instant   = regexp.MustCompile(`(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?`)
	httpDate  = regexp.MustCompile(`(\w{3}, \d\d \w{3} \d{4}) \d\d:\d\d:\d\d GMT`)
	idMember  = regexp.MustCompile(`("id"\s*:\s*")[^"]*"`)
	address   = regexp.MustCompile(`\b([A-Z][A-Za-z]+/)[A-Za-z0-9.-]{12,64}\b`)
	queryName = regexp.MustCompile(`([?&](_id|_page|_cursor|cursor|page|token|_getpages)=)[^&"\s]+`)
	longToken = regexp.MustCompile(`[A-Za-z0-9_-]{40,}|[A-Z2-7]{16,}[A-Za-z0-9]*`)
)

func (m *mask) text(s string) string {
	s = strings.ReplaceAll(s, m.base, "[base]")
	s = instant.ReplaceAllString(s, "$1")
	s = httpDate.ReplaceAllString(s, "$1")
	s = uuidLike.ReplaceAllString(s, "[id]")
	s = idMember.ReplaceAllString(s, `$1[id]"`)
	s = queryName.ReplaceAllString(s, "$1[…]")
	s = longToken.ReplaceAllString(s, "[…]")
	return address.ReplaceAllString(s, "$1[id]")
}

func (m *mask) texts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = m.text(s)
	}
	return out
}

func (m *mask) test(s *ScriptResult, t TestResult) pageTest {
	t.Details, t.Warnings = m.texts(t.Details), m.texts(t.Warnings)
	out := pageTest{Title: s.Title, Test: t, Brief: t.Outcome == Passed}
	list := t.Exchanges
	if len(list) == 0 && t.Outcome == Failed {
		list = s.SetupExchanges
	}
	for i := range list {
		out.Exchanges = append(out.Exchanges, m.exchange(&list[i]))
	}
	return out
}

func (m *mask) exchange(x *Exchange) pageExchange {
	answer := x.Error
	if x.Status > 0 {
		answer = fmt.Sprint(x.Status)
	}
	return pageExchange{
		Line:     m.text(x.Method + " " + x.URL + " → " + answer),
		Request:  m.lines(x.RequestHeader, x.RequestBody),
		Response: m.lines(x.ResponseHeader, x.ResponseBody),
	}
}

func (m *mask) lines(header []Header, body string) string {
	var b strings.Builder
	for _, h := range header {
		if h.Name == "X-Request-Id" || h.Name == "Date" {
			h.Value = "[…]"
		}
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	if body != "" {
		b.WriteString("\n" + body)
	}
	return m.text(b.String())
}
