package gateway

import (
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/gateway/smart"
	"github.com/chartseal/chartseal/internal/record"
)

// authenticate verifies the bearer token and makes the caller of the request. A part of a Bundle or of a job has the
// caller of the whole.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := exchangeOf(c)
		if x.caller != nil {
			return next(c)
		}
		credentials := c.Request().Header[echo.HeaderAuthorization]
		if len(credentials) > 1 {
			return badRequest("there is more than one Authorization header")
		}
		scheme, raw, _ := strings.Cut(strings.Join(credentials, ""), " ")
		if !strings.EqualFold(scheme, "Bearer") || raw == "" {
			return &record.Error{Kind: record.Unauthenticated, Msg: "send an access token: Authorization: Bearer …"}
		}
		a, err := s.cfg.Verifier.Verify(c.Request().Context(), raw)
		if errors.Is(err, smart.ErrToken) {
			return &record.Error{Kind: record.Unauthenticated, Msg: smart.ErrToken.Error()}
		}
		if err != nil {
			return err
		}
		x.client, x.caller = a.Client, s.caller(a)
		return next(c)
	}
}

var permissions = map[record.Interaction]smart.Permission{
	record.MayCreate: smart.Create, record.MayRead: smart.Read, record.MayUpdate: smart.Update,
	record.MayDelete: smart.Delete, record.MaySearch: smart.Search,
}

// caller reads a token's claims. A practitioner, and a client of the custodian that acts for itself, is of its
// workforce; a user of another organisation, a patient and a related person are not.
func (s *Server) caller(a *smart.Access) *record.Caller {
	k := &record.Caller{
		Client: a.Client, User: a.FHIRUser, Patient: a.Patient, PatientOnly: a.Scopes.HasLevel("patient"),
		Purposes: s.purposes(a),
		Allows:   func(typ string, i record.Interaction) bool { return a.Scopes.Allows(typ, permissions[i]) },
	}
	typ, id, _ := strings.Cut(a.FHIRUser, "/")
	switch typ {
	case "Practitioner", "PractitionerRole":
		k.Workforce, k.Org = true, s.cfg.Custodian
	case "Organization":
		k.Org = a.FHIRUser
		k.Workforce = a.FHIRUser == s.cfg.Custodian
	case "Patient":
		k.Self = id
	case "":
		if !k.PatientOnly { // a system of the custodian, acting for itself
			k.Workforce, k.Org = true, s.cfg.Custodian
		}
	}
	if k.User != "" {
		k.Refs = append(k.Refs, k.User)
	}
	if k.Org != "" && k.Org != k.User {
		k.Refs = append(k.Refs, k.Org)
	}
	return k
}

// purposes of use: the token's, else what its scopes imply (consent design, section 4).
func (s *Server) purposes(a *smart.Access) []string {
	if p := strings.Fields(a.Purpose); len(p) > 0 {
		return p
	}
	if a.Scopes.HasLevel("patient") {
		return []string{"PATRQT"}
	}
	return []string{"TREAT"}
}
