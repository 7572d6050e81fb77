package gateway

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// history answers GET _history, Type/_history and Type/id/_history (R4 http.html#history), newest first.
func (s *Server) history(c echo.Context) error {
	var q record.HistoryQuery
	var err error
	switch {
	case c.Param("id") != "":
		q.Type, q.ID, err = instance(c)
	case c.Param("type") != "":
		q.Type, err = resourceType(c)
	}
	if err != nil {
		return err
	}
	values := c.QueryParams()
	var page *record.HistoryPage
	if sealed := values.Get(cursorParam); sealed != "" {
		page, err = s.cfg.Records.HistoryNext(c.Request().Context(), caller(c), q.Type, q.ID, sealed)
	} else if err = readHistoryQuery(c, values, &q); err == nil {
		page, err = s.cfg.Records.History(c.Request().Context(), caller(c), q)
	}
	if err != nil {
		return err
	}
	return sendJSON(c, http.StatusOK, s.historyBundle(c, page))
}

// readHistoryQuery reads _since, _at and _count. Others are refused where the client wants it strict.
func readHistoryQuery(c echo.Context, values url.Values, q *record.HistoryQuery) (err error) {
	find, _ := withoutPresentation(values)
	q.Count = record.DefaultCount
	for name := range find {
		value := find.Get(name)
		switch name {
		case "_since":
			q.Since, _, err = fhir.ParseDateRange(value, time.UTC)
		case "_at":
			q.AtLow, q.AtHigh, err = fhir.ParseDateRange(value, time.UTC)
		case "_count":
			q.Count, err = pageSize(value)
		default:
			if exchangeOf(c).prefer.handling == "strict" {
				return &record.Error{Kind: record.Invalid, Code: "not-supported", Msg: "a history takes _since, _at and _count only"}
			}
		}
		if err != nil {
			return badRequest("the parameter " + name + " has no valid value")
		}
	}
	return nil
}

// pageSize reads _count: at least 1, cut at the largest page.
func pageSize(value string) (int, error) {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil || n == 0 {
		return 0, strconv.ErrRange
	}
	return int(min(n, record.MaxCount)), nil
}

func (s *Server) historyBundle(c echo.Context, page *record.HistoryPage) []byte {
	w := newBundle("history", page.Total)
	w.roomFor(page.Versions)
	self, next := s.pageLinks(c, historyParams(&page.Query), page.Next)
	w.links(self, next)
	for _, r := range page.Versions {
		w.open()
		w.fullURL(s.cfg.Base, r)
		w.comma()
		if !r.Deleted {
			w.resource(shownJSON(c, r))
			w.comma()
		}
		target, status := r.Type+"/"+r.ID, http.StatusOK
		switch {
		case r.Deleted:
			status = http.StatusNoContent
		case r.Version == 1:
			status = http.StatusCreated
		}
		if r.Method == http.MethodPost {
			target = r.Type
		}
		w.request(r.Method, target)
		w.comma()
		w.response(status, r, true, nil)
		w.close()
	}
	return w.finish()
}

// historyParams are the parameters that were used, for the self link.
func historyParams(q *record.HistoryQuery) url.Values {
	used := url.Values{"_count": {strconv.Itoa(q.Count)}}
	if !q.Since.IsZero() {
		used.Set("_since", q.Since.Format(time.RFC3339Nano))
	}
	if !q.AtLow.IsZero() || !q.AtHigh.IsZero() {
		used.Set("_at", q.AtLow.Format(time.RFC3339Nano))
	}
	return used
}

// pageLinks are the URLs of this page and the next one, at the path of the request. How the client wants it shown goes
// along.
func (s *Server) pageLinks(c echo.Context, used url.Values, cursor string) (self, next string) {
	path, _ := belowBase(c)
	_, show := withoutPresentation(c.QueryParams())
	for name, v := range show {
		used[name] = v
	}
	self = s.cfg.Base + path
	if len(used) > 0 {
		self += "?" + used.Encode()
	}
	if cursor == "" {
		return self, ""
	}
	show.Set(cursorParam, cursor)
	return self, s.cfg.Base + path + "?" + show.Encode()
}
