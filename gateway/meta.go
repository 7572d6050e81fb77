package gateway

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// meta answers $meta at each level (R4 resource-operation-meta.html): the profiles, tags and labels of a resource, or
// of all that the caller sees.
func (s *Server) meta(c echo.Context) error {
	ctx := c.Request().Context()
	if c.Param("id") == "" {
		typ := ""
		if c.Param("type") != "" {
			var err error
			if typ, err = resourceType(c); err != nil {
				return err
			}
		}
		labels, err := s.cfg.Records.Labels(ctx, caller(c), typ)
		if err != nil {
			return err
		}
		return sendJSON(c, http.StatusOK, parametersJSON("Meta", labels))
	}
	typ, id, err := instance(c)
	if err != nil {
		return err
	}
	version, err := versionID(c)
	if err != nil {
		return err
	}
	var r *record.Result
	if version == 0 {
		r, err = s.cfg.Records.Read(ctx, caller(c), typ, id)
	} else {
		r, err = s.cfg.Records.VRead(ctx, caller(c), typ, id, version)
	}
	if err != nil {
		return err
	}
	return sendMeta(c, r)
}

func sendMeta(c echo.Context, r *record.Result) error {
	versionHeaders(c, r)
	return sendJSON(c, http.StatusOK, parametersJSON("Meta", fhir.MetaOf(r.JSON)))
}

// metaAdd and metaDelete answer $meta-add and $meta-delete (R4 resource-operation-meta-add.html). Versions do not
// change once they are in the ledger: the labels go to a new one.
func (s *Server) metaAdd(c echo.Context) error    { return s.metaEdit(c, false) }
func (s *Server) metaDelete(c echo.Context) error { return s.metaEdit(c, true) }

func (s *Server) metaEdit(c echo.Context, remove bool) error {
	typ, id, err := instance(c)
	if err != nil {
		return err
	}
	in, err := s.parametersOnly(c)
	if err != nil {
		return err
	}
	meta, ok := in.complex["meta"]
	if !ok || !json.Valid(meta) {
		return &record.Error{Kind: record.Invalid, Code: "required", Msg: "send Parameters with the parameter meta as valueMeta"}
	}
	opt, err := s.writeOptions(c)
	if err != nil {
		return err
	}
	opt.Durable, opt.StatusID = false, ""
	if _, err := s.cfg.Records.EditMeta(c.Request().Context(), caller(c), typ, id, meta, remove, opt); err != nil {
		return err
	}
	r, err := s.cfg.Records.Read(c.Request().Context(), caller(c), typ, id)
	if err != nil {
		return err
	}
	return sendMeta(c, r)
}
