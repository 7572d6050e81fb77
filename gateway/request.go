package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// resourceType is the type in the path; one that cannot be stored is not found, with a hint.
func resourceType(c echo.Context) (string, error) {
	t := c.Param("type")
	if !fhir.Storable(t) {
		return "", unroutable(c)
	}
	return t, nil
}

// instance is the type and id in the path. What begins with $ or _ is no id but a name that no route has.
func instance(c echo.Context) (typ, id string, err error) {
	if typ, err = resourceType(c); err != nil {
		return "", "", err
	}
	id = c.Param("id")
	if strings.HasPrefix(id, "$") || strings.HasPrefix(id, "_") {
		return "", "", unroutable(c)
	}
	if (id == "." || id == "..") && c.Request().Method == http.MethodPut {
		return "", "", badRequest("an id of dots alone cannot be asked for: clients resolve it (RFC 3986 section 5.2.4)")
	}
	if !fhir.ValidID(id) {
		return "", "", &record.Error{Kind: record.Absent, Msg: "not found"}
	}
	return typ, id, nil
}

// ackHeader lets one request choose when it is answered: committed (the default) or durable.
const ackHeader = "Chartseal-Ack"

// maxKey bounds an Idempotency-Key.
const maxKey = 256

// writeOptions reads the conditions of a write from its headers.
func (s *Server) writeOptions(c echo.Context) (record.WriteOptions, error) {
	h, x := c.Request().Header, exchangeOf(c)
	opt := record.WriteOptions{
		IfMatch: joined(h, "If-Match"), IfNoneMatch: joined(h, "If-None-Match"), IfNoneExist: h.Get("If-None-Exist"), IdempotencyKey: h.Get("Idempotency-Key"),
		Durable: s.cfg.Durable && x.inner == nil, // what is part of something else is waited for
	}
	switch h.Get(ackHeader) {
	case "":
	case "committed":
		opt.Durable = false
	case "durable":
		opt.Durable = true
	default:
		return opt, badRequest(ackHeader + " takes committed or durable")
	}
	if len(opt.IdempotencyKey) > maxKey && !x.entry {
		return opt, badRequest("Idempotency-Key is longer than 256 characters")
	}
	if opt.Durable {
		opt.StatusID = newStatusID()
	}
	return opt, nil
}

// joined is the value of a header that may come in several lines (RFC 9110 section 5.3).
func joined(h http.Header, name string) string {
	return strings.Join(h[http.CanonicalHeaderKey(name)], ",")
}

// criteria is the query of a conditional interaction, without the parameters that shape the answer.
func criteria(c echo.Context) (string, error) {
	raw := c.Request().URL.RawQuery
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", errQuery
	}
	for _, name := range presentational {
		if values.Has(name) {
			find, _ := withoutPresentation(values)
			return find.Encode(), nil
		}
	}
	return raw, nil
}

var errQuery = badRequest("the query string is not well-formed")
