package gateway

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// historyFrom is the page parameter of a history: the version at which the page starts.
const historyFrom = "_from"

// history answers GET Type/id/_history (R4 section 3.1.0.14), newest first.
func (s *Server) history(c echo.Context) error {
	typ, id, err := instance(c)
	if err != nil {
		return err
	}
	count, from := record.DefaultCount, uint64(0)
	if p := c.QueryParam("_count"); p != "" {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 {
			return &record.Error{Kind: record.Invalid, Msg: "_count must be a positive number"}
		}
		count = min(n, record.MaxCount)
	}
	if p := c.QueryParam(historyFrom); p != "" {
		if from, err = strconv.ParseUint(p, 10, 64); err != nil {
			return &record.Error{Kind: record.Invalid, Msg: "the page link is not valid; repeat the request"}
		}
	}
	page, err := s.cfg.Records.History(c.Request().Context(), caller(c), typ, id, from, count)
	if err != nil {
		return err
	}
	return sendJSON(c, http.StatusOK, s.historyBundle(typ, id, count, page))
}

func (s *Server) historyBundle(typ, id string, count int, page *record.HistoryPage) []byte {
	w := newBundle("history", page.Total)
	self := s.cfg.Base + "/" + typ + "/" + id + "/_history?_count=" + strconv.Itoa(count)
	next := ""
	if page.Next > 0 {
		next = self + "&" + historyFrom + "=" + strconv.FormatUint(page.Next, 10)
	}
	w.links(self, next)
	for i, r := range page.Versions {
		w.open()
		w.fullURL(s.cfg.Base, r)
		w.comma()
		if !r.Deleted {
			w.resource(r.JSON)
			w.comma()
		}
		method, status := page.Methods[i], http.StatusOK
		target := typ + "/" + id
		switch {
		case r.Deleted:
			status = http.StatusNoContent
		case r.Version == 1:
			status = http.StatusCreated
		}
		if method == http.MethodPost {
			target = typ
		}
		w.request(method, target)
		w.comma()
		w.response(status, r, true, nil)
		w.close()
	}
	return w.finish()
}
