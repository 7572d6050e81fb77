package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/chartseal/chartseal/gateway/opdefs"
)

// ownDefinition is the OperationDefinition of an operation of this server, nil if the id is not of one. They are read
// like stored ones, by any client with a token, and not found by searches.
func ownDefinition(typ, id string) []byte {
	if typ != "OperationDefinition" {
		return nil
	}
	return opdefs.Get(id)
}

// changeable refuses to change what the program brings along.
func changeable(c echo.Context, typ, id string) error {
	if ownDefinition(typ, id) == nil {
		return nil
	}
	return unroutable(c)
}

// contentTag is the ETag of what has no version but its content.
func contentTag(content []byte) string {
	sum := sha256.Sum256(content)
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}

// sendConstant answers with what is the same until the server starts again.
func (s *Server) sendConstant(c echo.Context, typ string, json []byte, tag string) error {
	h := c.Response().Header()
	h["Etag"], h[echo.HeaderCacheControl] = []string{tag}, alwaysAsked
	h[echo.HeaderVary] = append(h[echo.HeaderVary], negotiated...)
	if lines := c.Request().Header["If-None-Match"]; len(lines) > 0 && matchesTag(lines, tag) {
		return c.NoContent(http.StatusNotModified)
	}
	if x := exchangeOf(c); !x.view.Whole() {
		json = x.view.Append(nil, typ, json)
	}
	return sendJSON(c, http.StatusOK, json)
}

func (s *Server) sendDefinition(c echo.Context, json []byte) error {
	return s.sendConstant(c, "OperationDefinition", json, contentTag(json))
}

// operationsOf lists the operations of a type, or of the system for an empty one: those that have a route and a
// definition that says so.
func operationsOf(typ string) []operation {
	var out []operation
	for _, d := range opdefs.All() {
		of := d.System
		if typ != "" {
			of = (d.Type || d.Instance) && (slices.Contains(d.Resources, "Resource") || slices.Contains(d.Resources, typ))
		}
		if of && slices.ContainsFunc(routes(), func(r route) bool { return r.level == "operation" && r.code == d.Code }) {
			out = append(out, operation{d.Code, d.URL})
		}
	}
	return out
}
