package record

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/chartseal/chartseal/internal/seal"
	"github.com/chartseal/chartseal/internal/store"
)

// cursor is where a page ended. A client gets it sealed: it carries search values, and it is bound to the caller and
// to what it pages through.
type cursor struct {
	Kind    string      `json:"k,omitempty"` // of list: empty for a search, history, everything
	Type    string      `json:"t"`
	ID      string      `json:"i,omitempty"`
	Query   string      `json:"q"` // of a search as in a URL, of others as JSON
	View    view        `json:"v"` // what the first page saw: later pages see the same
	After   store.DocID `json:"a"` // the last document of the pages before, 0 if they held none
	Later   bool        `json:"l"` // there is a page before
	Expires int64       `json:"e"` // Unix seconds
}

// cursorTTL bounds how long a page link works.
const cursorTTL = time.Hour

var errCursor = &Error{Kind: Invalid, Msg: "the page link is not valid any more; repeat the request", Code: "expired"}

func cursorAAD(c *Caller) []byte { return []byte(c.identity()) }

func (s *Service) sealCursor(c *Caller, cur *cursor) (string, error) {
	cur.Later, cur.Expires = true, s.now().Add(cursorTTL).Unix()
	plain, err := json.Marshal(cur)
	if err != nil {
		return "", internalError("encode cursor", err)
	}
	key, err := s.sealer.Key(seal.TenantHandle)
	if err != nil {
		return "", internalError("open key", err)
	}
	b, err := key.Seal(nil, purposeCursor, cursorAAD(c), plain)
	if err != nil {
		return "", internalError("seal cursor", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// openCursor opens a cursor of a kind of list on a type and id.
func (s *Service) openCursor(c *Caller, kind, typ, id, sealed string) (*cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return nil, errCursor
	}
	key, err := s.sealer.Key(seal.TenantHandle)
	if err != nil {
		return nil, internalError("open key", err)
	}
	plain, err := key.Open(nil, purposeCursor, cursorAAD(c), b)
	if err != nil {
		return nil, errCursor
	}
	var cur cursor
	if err := json.Unmarshal(plain, &cur); err != nil || s.now().Unix() >= cur.Expires {
		return nil, errCursor
	}
	if cur.Kind != kind || cur.Type != typ || cur.ID != id {
		return nil, errCursor
	}
	return &cur, nil
}
