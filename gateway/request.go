package gateway

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// resourceType is the type in the path; one that cannot be stored is not found, with a hint.
func resourceType(c echo.Context) (string, error) {
	t := c.Param("type")
	if !fhir.Storable(t) {
		return "", &record.Error{
			Kind: record.Absent, Code: "not-supported",
			Msg: "the URL does not name a FHIR R4 resource type that this server stores; types are spelled as in Patient",
		}
	}
	return t, nil
}

// instance is the type and id in the path.
func instance(c echo.Context) (typ, id string, err error) {
	if typ, err = resourceType(c); err != nil {
		return "", "", err
	}
	id = c.Param("id")
	if !fhir.ValidID(id) {
		return "", "", &record.Error{Kind: record.Absent, Msg: "not found"}
	}
	return typ, id, nil
}

// body reads a FHIR JSON body within the limits.
func (s *Server) body(c echo.Context) ([]byte, error) {
	if err := checkMedia(c.Request().Header.Get(echo.HeaderContentType)); err != nil {
		return nil, err
	}
	limit := int64(s.cfg.Limits.MaxBytes)
	b, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &record.Error{Kind: record.TooLarge, Msg: "the request body is larger than this server accepts"}
	}
	if err != nil {
		return nil, &record.Error{Kind: record.Invalid, Msg: "the request body could not be read"}
	}
	return b, nil
}

// checkMedia accepts the JSON media types of FHIR (R4 section 3.1.0.1.11); none at all is taken as JSON.
func checkMedia(contentType string) error {
	if contentType == "" {
		return nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return echo.NewHTTPError(http.StatusUnsupportedMediaType)
	}
	switch media {
	case "application/fhir+json", "application/json", "text/json", "application/json+fhir":
	default:
		return echo.NewHTTPError(http.StatusUnsupportedMediaType)
	}
	if v := params["fhirversion"]; v != "" && v != "4.0" {
		return echo.NewHTTPError(http.StatusUnsupportedMediaType)
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
		return echo.NewHTTPError(http.StatusUnsupportedMediaType)
	}
	return nil
}

// ackHeader lets one request choose when it is answered: committed (the default) or durable.
const ackHeader = "Chartseal-Ack"

// writeOptions reads the conditions of a write from its headers.
func (s *Server) writeOptions(c echo.Context) (record.WriteOptions, error) {
	h := c.Request().Header
	opt := record.WriteOptions{
		IfMatch: h.Get("If-Match"), IfNoneExist: h.Get("If-None-Exist"), IdempotencyKey: h.Get("Idempotency-Key"),
		Durable: s.cfg.Durable,
	}
	switch h.Get(ackHeader) {
	case "":
	case "committed":
		opt.Durable = false
	case "durable":
		opt.Durable = true
	default:
		return opt, &record.Error{Kind: record.Invalid, Msg: ackHeader + " takes committed or durable"}
	}
	if len(opt.IdempotencyKey) > 256 {
		return opt, &record.Error{Kind: record.Invalid, Msg: "Idempotency-Key is longer than 256 characters"}
	}
	if opt.Durable {
		opt.StatusID = newStatusID()
	}
	return opt, nil
}

// prefer reads one token of the Prefer header (RFC 7240), such as return or handling.
func prefer(c echo.Context, name string) string {
	for _, line := range c.Request().Header.Values("Prefer") {
		for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ',' || r == ';' }) {
			k, v, ok := strings.Cut(strings.TrimSpace(part), "=")
			if ok && strings.EqualFold(k, name) {
				return strings.Trim(v, `"`)
			}
		}
	}
	return ""
}
