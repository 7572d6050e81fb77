package gateway

import (
	"bytes"
	"mime"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// The media types of a patch (R4 section 3.1.0.6).
const mimeJSONPatch = "application/json-patch+json"

var patchTypes = []string{mimeJSONPatch, "application/fhir+json"}

// acceptPatch is what 415 tells (RFC 5789 section 2.2).
const acceptPatch = mimeJSONPatch + ", application/fhir+json"

// patch answers PATCH Type/id.
func (s *Server) patch(c echo.Context) error {
	typ, id, err := instance(c)
	if err == nil {
		err = changeable(c, typ, id)
	}
	if err != nil {
		return err
	}
	p, opt, err := s.patchRequest(c, typ)
	if err != nil {
		return err
	}
	r, err := s.cfg.Records.Patch(c.Request().Context(), caller(c), typ, id, p, opt)
	if err != nil {
		return err
	}
	return s.sendWritten(c, r, &opt)
}

// patchWhere answers PATCH Type?… (R4 section 3.1.0.6): one match is patched, none is 404, several are 412.
func (s *Server) patchWhere(c echo.Context) error {
	typ, query, err := conditionalTarget(c)
	if err != nil {
		return err
	}
	p, opt, err := s.patchRequest(c, typ)
	if err != nil {
		return err
	}
	r, err := s.cfg.Records.PatchWhere(c.Request().Context(), caller(c), typ, query, p, opt)
	if err != nil {
		return err
	}
	return s.sendWritten(c, r, &opt)
}

func (s *Server) patchRequest(c echo.Context, typ string) (p record.Patch, opt record.WriteOptions, err error) {
	if typ == "Binary" { // R4 binary.html: there is nothing in it to patch
		return p, opt, unroutable(c)
	}
	contentType := c.Request().Header.Get(echo.HeaderContentType)
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || !patchMedia(media) || !parametersFit(params) {
		no := unsupportedMedia(acceptPatch, "send a JSON Patch as "+mimeJSONPatch+", or a FHIRPath Patch (Parameters) as application/fhir+json")
		no.header = append(no.header, [2]string{"Accept-Patch", acceptPatch})
		return p, opt, no
	}
	if p.Body, err = s.rawBody(c); err != nil {
		return p, opt, err
	}
	p.FHIRPath = media != mimeJSONPatch && !isArray(p.Body)
	opt, err = s.writeOptions(c)
	return p, opt, err
}

func patchMedia(media string) bool {
	_, ok := jsonType(media)
	return ok || media == mimeJSONPatch
}

// isArray tells a JSON Patch that came as plain JSON from a Parameters resource.
func isArray(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n"), []byte("["))
}
