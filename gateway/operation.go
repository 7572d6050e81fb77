package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/internal/record"
)

// input is what an operation is asked with: simple parameters by URL or Parameters, others by Parameters alone (R4
// operations.html#request).
type input struct {
	values    url.Values
	complex   map[string]json.RawMessage // JSON of the last value of a data type
	resources map[string]json.RawMessage
	body      []byte // the resource that was sent itself, instead of Parameters
}

// parameter is an element of Parameters.parameter; its value[x] is found among all members.
type parameter map[string]json.RawMessage

// input reads a request. What the body holds is checked as far as it is used: an operation that judges a resource
// must be able to read a bad one.
func (s *Server) input(c echo.Context) (*input, error) {
	in := &input{values: url.Values{}, complex: map[string]json.RawMessage{}, resources: map[string]json.RawMessage{}}
	for name, v := range c.QueryParams() {
		in.values[name] = v
	}
	if c.Request().Method != http.MethodPost {
		return in, nil
	}
	raw, err := s.body(c)
	if err != nil || len(raw) == 0 {
		return in, err
	}
	var sent struct {
		Type      string            `json:"resourceType"`
		Parameter []json.RawMessage `json:"parameter"`
	}
	if !decodes(raw, &sent) || sent.Type != "Parameters" {
		in.body = raw // a resource, or what its reader will refuse with reasons
		return in, nil
	}
	if len(sent.Parameter) > maxParameters {
		return nil, &record.Error{Kind: record.Invalid, Code: "too-costly", Msg: "no operation takes so many parameters"}
	}
	for _, raw := range sent.Parameter {
		var p parameter
		if decodes(raw, &p) {
			in.add(p)
		}
	}
	return in, nil
}

// decodes tells whether raw is JSON of the form of v.
func decodes(raw []byte, v any) bool { return json.Unmarshal(raw, v) == nil }

// maxParameters bounds what an operation is sent.
const maxParameters = 1000

// parametersOnly is input for an operation that no resource can be sent to itself.
func (s *Server) parametersOnly(c echo.Context) (*input, error) {
	in, err := s.input(c)
	if err == nil && in.body != nil {
		return nil, badRequest("the body of this operation is a Parameters resource")
	}
	return in, err
}

func (in *input) add(p parameter) {
	var name string
	if err := json.Unmarshal(p["name"], &name); err != nil {
		return
	}
	if r, ok := p["resource"]; ok {
		in.resources[name] = r
	}
	for member, value := range p {
		if !strings.HasPrefix(member, "value") || len(value) == 0 {
			continue
		}
		var text string
		switch {
		case value[0] == '{':
			in.complex[name] = value
		case json.Unmarshal(value, &text) == nil:
			in.values.Add(name, text)
		default:
			in.values.Add(name, string(value)) // a number or a boolean
		}
	}
}

// only refuses parameters that the operation does not know: what is ignored in silence misleads.
func (in *input) only(known ...string) error {
	for name := range in.values {
		if !contains(known, name) && !contains(presentational, name) && name != cursorParam {
			return &record.Error{Kind: record.Invalid, Code: "not-supported", Msg: "the operation has no such parameter; it takes " + strings.Join(known, ", ")}
		}
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// parametersJSON is a Parameters resource with one parameter named return, whose value has a FHIR type such as Meta.
func parametersJSON(typ string, value []byte) []byte {
	b := append([]byte(`{"resourceType":"Parameters","parameter":[{"name":"return","value`), typ...)
	b = append(append(append(b, `":`...), value...), `}]}`...)
	return b
}
