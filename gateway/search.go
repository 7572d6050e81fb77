package gateway

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// cursorParam carries a sealed page position.
const cursorParam = "_cursor"

// search answers GET Type?… (R4 section 3.1.1).
func (s *Server) search(c echo.Context) error {
	values, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return &record.Error{Kind: record.Invalid, Msg: "the query string is not well-formed"}
	}
	return s.searchWith(c, values)
}

// maxForm bounds the form of a search, in bytes; a query string is bounded by the headers' limit.
const maxForm = 1 << 20

const mimeForm = "application/x-www-form-urlencoded"

// searchPost answers POST Type/_search (R4 section 3.1.1.2.1): parameters of the URL and of the form together.
func (s *Server) searchPost(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if !isForm(r) {
		return sendJSON(c, http.StatusUnsupportedMediaType, outcomeJSON([]fhir.Issue{{
			Severity: "error", Code: "not-supported", Diagnostics: "send the parameters as " + mimeForm,
		}}))
	}
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &record.Error{Kind: record.TooLarge, Msg: "the form is larger than 1 MiB"}
	}
	if err != nil {
		return &record.Error{Kind: record.Invalid, Msg: "the form is not well-formed; send " + mimeForm}
	}
	return s.searchWith(c, r.Form)
}

// isForm tells whether the body is a form by its media type, or empty.
func isForm(r *http.Request) bool {
	if media, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); err == nil && media == mimeForm {
		return true
	}
	_, err := io.ReadFull(r.Body, make([]byte, 1))
	return errors.Is(err, io.EOF)
}

func (s *Server) searchWith(c echo.Context, values url.Values) error {
	typ, err := resourceType(c)
	if err != nil {
		return err
	}
	var page *record.SearchPage
	if sealed := values.Get(cursorParam); sealed != "" {
		page, err = s.cfg.Records.SearchNext(c.Request().Context(), caller(c), typ, sealed)
	} else {
		page, err = s.cfg.Records.Search(c.Request().Context(), caller(c), typ, values, prefer(c, "handling") == "strict")
	}
	if err != nil {
		return err
	}
	return sendJSON(c, http.StatusOK, s.searchBundle(page))
}

// searchBundle renders a page; the self link says what was really used (R4 section 3.1.1.6).
func (s *Server) searchBundle(page *record.SearchPage) []byte {
	w := newBundle("searchset", page.Total)
	self := s.cfg.Base + "/" + page.Type
	if len(page.Used) > 0 {
		self += "?" + page.Used.Encode()
	}
	next := ""
	if page.Next != "" {
		next = s.cfg.Base + "/" + page.Type + "?" + cursorParam + "=" + page.Next
	}
	w.links(self, next)
	for _, r := range page.Matches {
		w.open()
		w.fullURL(s.cfg.Base, r)
		w.comma()
		w.resource(r.JSON)
		w.searchMode("match")
		w.close()
	}
	if len(page.Ignored) > 0 {
		issues := make([]fhir.Issue, 0, len(page.Ignored))
		for _, name := range page.Ignored {
			issues = append(issues, fhir.Issue{
				Severity: "warning", Code: "not-supported", Diagnostics: "parameter " + name + " is not supported here and was ignored",
			})
		}
		w.outcomeEntry(issues)
	}
	return w.finish()
}
