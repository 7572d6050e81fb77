package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// securityHeader carries Binary.securityContext beside bare content (R4 binary.html#security-context).
const securityHeader = "X-Security-Context"

// binary is what a Binary holds (R4 binary.html).
type binary struct {
	Type            string           `json:"resourceType"`
	ID              string           `json:"id,omitempty"`
	ContentType     string           `json:"contentType"`
	SecurityContext *securityContext `json:"securityContext,omitempty"`
	Data            string           `json:"data,omitempty"`
}

type securityContext struct {
	Reference string `json:"reference"`
}

// binaryBody reads what a write to Binary sends. It is the content, whatever its type is, unless it is a Binary
// resource itself (R4 binary.html#rest). JSON that is broken is taken for one, so that the parser says what is wrong.
func (s *Server) binaryBody(c echo.Context, id string) ([]byte, error) {
	raw, err := s.rawBody(c)
	if err != nil {
		return nil, err
	}
	contentType := c.Request().Header.Get(echo.HeaderContentType)
	media, _, err := mime.ParseMediaType(contentType)
	if _, isJSON := jsonType(media); isJSON || contentType == "" {
		var probe binary
		if err := json.Unmarshal(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), &probe); (err != nil && isJSON) || probe.Type == "Binary" {
			return raw, checkMedia(contentType)
		}
	}
	switch {
	case contentType == "":
		contentType = echo.MIMEOctetStream
	case err != nil:
		return nil, unsupportedMedia("*/*", "Content-Type is not a media type")
	}
	b := binary{Type: "Binary", ID: id, ContentType: strings.Join(strings.Fields(contentType), " "), Data: base64.StdEncoding.EncodeToString(raw)}
	if ref := c.Request().Header.Get(securityHeader); ref != "" {
		b.SecurityContext = &securityContext{ref}
	}
	wrapped := marshal(b)
	if len(wrapped) > s.cfg.Limits.MaxBytes {
		return nil, errTooLarge
	}
	if x := exchangeOf(c); x.prefer.returns == "" && !x.exact {
		x.prefer.returns, x.silent = returnMinimal, true // nobody who sends a file wants it back in base64
	}
	return wrapped, nil
}

// sendBinary answers a read of a Binary: its content, or the resource if FHIR JSON was asked for by name.
func (s *Server) sendBinary(c echo.Context, r *record.Result) error {
	var b binary
	if err := json.Unmarshal(r.JSON, &b); err != nil {
		return err
	}
	wanted := c.Request().Header["Accept"]
	if fhirWanted(exchangeOf(c), wanted, b.ContentType) {
		return s.sendResource(c, r)
	}
	if !acceptsMedia(wanted, b.ContentType) {
		return &refusal{status: http.StatusNotAcceptable, code: "not-supported", text: "this Binary can be had as its own contentType or as application/fhir+json"}
	}
	content, err := base64.StdEncoding.DecodeString(strings.Map(dropSpace, b.Data))
	if err != nil {
		return err
	}
	versionHeaders(c, r)
	if notModified(c, r) {
		return c.NoContent(http.StatusNotModified)
	}
	h := c.Response().Header()
	h.Set("Content-Location", s.versionURL(r))
	h.Set(echo.HeaderContentType, b.ContentType)
	h.Set(echo.HeaderContentDisposition, "attachment")
	h.Set(echo.HeaderXContentTypeOptions, "nosniff")
	h.Set(echo.HeaderContentSecurityPolicy, "sandbox; default-src 'none'")
	caching(h)
	if b.SecurityContext != nil && b.SecurityContext.Reference != "" {
		h.Set(securityHeader, b.SecurityContext.Reference)
	}
	w := &rangeWriter{ResponseWriter: c.Response()}
	http.ServeContent(w, c.Request(), "", r.LastUpdated, bytes.NewReader(content)) // with its ranges
	if w.refused {
		return &refusal{status: http.StatusRequestedRangeNotSatisfiable, code: "invalid", text: "the content has no such range"}
	}
	return nil
}

// rangeWriter keeps back the text with which net/http refuses a range.
type rangeWriter struct {
	http.ResponseWriter
	refused bool
}

// WriteHeader implements http.ResponseWriter.
func (w *rangeWriter) WriteHeader(status int) {
	if w.refused = status == http.StatusRequestedRangeNotSatisfiable; !w.refused {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *rangeWriter) Write(b []byte) (int, error) {
	if w.refused {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// fhirWanted: a FHIR JSON type was named, and it is not merely the type of the content.
func fhirWanted(x *exchange, accept []string, contentType string) bool {
	if !x.exact {
		return false
	}
	if strings.HasPrefix(x.contentType, "application/fhir+json") {
		return true
	}
	media, _, _ := mime.ParseMediaType(contentType)
	return !strings.HasPrefix(x.contentType, media+";") || !acceptsMedia(accept, contentType)
}

// acceptsMedia tells whether an Accept header lets a media type in.
func acceptsMedia(lines []string, contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || len(lines) == 0 {
		return true
	}
	class, _, _ := strings.Cut(media, "/")
	said, best, precision := false, 0, 0
	for _, line := range lines {
		for element := range elements(line, ',') {
			r, ok := parseRange(element)
			if !ok {
				continue
			}
			said = true
			fit := map[string]int{"*/*": 1, class + "/*": 2, media: 3}[r.media]
			if fit > precision {
				best, precision = r.quality, fit
			}
		}
	}
	return !said || best > 0
}

func dropSpace(r rune) rune {
	if r == ' ' || r == '\n' || r == '\r' || r == '\t' {
		return -1
	}
	return r
}
