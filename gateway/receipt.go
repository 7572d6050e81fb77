package gateway

import (
	"encoding/json"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/record"
)

// receipt answers GET Type/id/$receipt and its versioned form: a proof that anyone can check alone.
func (s *Server) receipt(c echo.Context) error {
	typ, id, err := instance(c)
	if err != nil {
		return err
	}
	version, err := versionID(c)
	if err != nil {
		return err
	}
	r, err := s.cfg.Records.Receipt(c.Request().Context(), caller(c), typ, id, version)
	if err != nil {
		return err
	}
	return sendOther(c, r)
}

// verifyReceipt answers POST $verify-receipt: the body is a receipt, or {"receipt": …, "resource": …}. It answers
// the check list of the offline verifier. Whoever does not trust this server uses that one.
func (s *Server) verifyReceipt(c echo.Context) error {
	raw, err := s.body(c)
	if err != nil {
		return err
	}
	var wrapped struct {
		Receipt  json.RawMessage `json:"receipt"`
		Resource json.RawMessage `json:"resource"`
	}
	receipt, resource := raw, []byte(nil)
	if err := json.Unmarshal(raw, &wrapped); err == nil && wrapped.Receipt != nil {
		receipt, resource = wrapped.Receipt, wrapped.Resource
	}
	if resource != nil {
		if resource, err = fhir.Canonical(resource); err != nil {
			return record.FromParser(err)
		}
	}
	report, _, err := s.cfg.Verify(receipt, resource)
	if err != nil {
		return &record.Error{Kind: record.Invalid, Msg: "the body is not a receipt"}
	}
	return sendOther(c, report)
}
