package gateway

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"
)

// lastN answers Observation/$lastn (R4 OperationDefinition Observation-lastn): the search parameters of Observation,
// and max, how many of each kind are wanted.
func (s *Server) lastN(c echo.Context) error {
	if c.Param("type") != "Observation" {
		return noOperation()
	}
	in, err := s.parametersOnly(c)
	if err != nil {
		return err
	}
	n := 1
	if text := in.values.Get("max"); text != "" {
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			return badRequest("the parameter max has no valid value: it is a positive number")
		}
	}
	find, _ := withoutPresentation(in.values)
	delete(find, "max")
	page, err := s.cfg.Records.LastN(c.Request().Context(), caller(c), find, n, exchangeOf(c).prefer.handling == "strict")
	if err != nil {
		return err
	}
	page.Used.Set("max", strconv.Itoa(n))
	return sendJSON(c, http.StatusOK, s.pageBundle(c, page))
}
