package gateway

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// cursorParam carries a sealed page position.
const cursorParam = "_cursor"

// search answers GET Type?… (R4 section 3.1.1).
func (s *Server) search(c echo.Context) error {
	values, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return errQuery
	}
	return s.searchWith(c, values)
}

// maxForm bounds the form of a search, in bytes; a query string is bounded by the headers' limit.
const maxForm = 1 << 20

const mimeForm = "application/x-www-form-urlencoded"

// searchPost answers POST Type/_search (R4 section 3.1.1.2.1): parameters of the URL and of the form together.
func (s *Server) searchPost(c echo.Context) error {
	if !isForm(c) {
		return unsupportedMedia(mimeForm, "send the parameters as "+mimeForm)
	}
	form, err := bodyUpTo(c, maxForm)
	if errors.Is(err, errTooLarge) {
		return &record.Error{Kind: record.TooLarge, Msg: "the form is larger than 1 MiB"}
	}
	if err != nil {
		return err
	}
	values, err := url.ParseQuery(string(form))
	if err != nil || bytes.Contains(form, []byte("%00")) || bytes.IndexByte(form, 0) >= 0 {
		return badRequest("the form is not well-formed; send " + mimeForm)
	}
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return errQuery
	}
	for name, v := range query {
		values[name] = append(values[name], v...)
	}
	x := exchangeOf(c)
	if err := x.parameters(storable(c.Param("type")), values); err != nil {
		return err
	}
	if x.contentType == "" {
		return errNotAcceptable
	}
	return s.searchWith(c, values)
}

// isForm tells whether the body is a form by its media type, or empty.
func isForm(c echo.Context) bool {
	r := c.Request()
	if media, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); err == nil && media == mimeForm {
		return true
	}
	n, err := io.ReadFull(r.Body, make([]byte, 1))
	return n == 0 && errors.Is(err, io.EOF)
}

func (s *Server) searchWith(c echo.Context, values url.Values) error {
	typ, err := resourceType(c)
	if err != nil {
		return err
	}
	x := exchangeOf(c)
	find, _ := withoutPresentation(values)
	if x.view.Count() {
		find.Set("_count", "0") // R4 search.html#summary: the same
	}
	var page *record.SearchPage
	if sealed := find.Get(cursorParam); sealed != "" {
		page, err = s.cfg.Records.SearchNext(c.Request().Context(), x.caller, typ, sealed)
	} else {
		page, err = s.cfg.Records.Search(c.Request().Context(), x.caller, typ, find, x.prefer.handling == "strict")
	}
	if err != nil {
		return err
	}
	if x.prefer.handling != "" {
		applied(c, "handling="+x.prefer.handling)
	}
	return sendJSON(c, http.StatusOK, s.searchBundle(c, page))
}

// searchLinks: the self link says what was really used (R4 search.html#selfLink), and so how the client wants it shown.
// The next page is shown likewise.
func (s *Server) searchLinks(c echo.Context, page *record.SearchPage) (self, next string) {
	used, show := url.Values{}, url.Values{}
	maps.Copy(used, page.Used)
	for name, v := range exchangeOf(c).show {
		used[name], show[name] = v, v
	}
	if exchangeOf(c).view.Count() {
		used.Del("_count")
	}
	self = s.cfg.Base + "/" + page.Type
	if page.Next != "" {
		show.Set(cursorParam, page.Next)
		next = self + "?" + show.Encode()
	}
	if len(used) > 0 {
		self += "?" + used.Encode()
	}
	return self, next
}

// searchBundle renders a page.
func (s *Server) searchBundle(c echo.Context, page *record.SearchPage) []byte {
	w := newBundle("searchset", page.Total)
	w.roomFor(page.Matches, page.Included)
	w.links(s.searchLinks(c, page))
	s.pageEntries(c, w, page)
	return w.finish()
}
