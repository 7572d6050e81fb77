package record

import (
	"encoding/binary"
	"net/http"
	"slices"
	"time"

	"github.com/chartseal/chartseal/internal/seal"
)

// methods that make versions, by their number in a sealed body. Versions from before it was kept have 0.
var methods = [...]string{"", http.MethodPost, http.MethodPut, http.MethodDelete}

// encodeBody is the sealed plaintext of a version: eight bytes of which the first is the method and the rest
// lastUpdated in Unix milliseconds, then the JSON as served.
func encodeBody(r *Result) []byte {
	b := make([]byte, 8, 8+len(r.JSON))
	binary.BigEndian.PutUint64(b, uint64(r.LastUpdated.UnixMilli())) //nolint:gosec // a time after 1970
	b[0] = byte(max(0, slices.Index(methods[:], r.Method)))
	return append(b, r.JSON...)
}

func decodeBody(b []byte, r *Result) error {
	if len(b) < 8 || int(b[0]) >= len(methods) {
		return seal.ErrCorrupt
	}
	r.Method = methods[b[0]]
	r.LastUpdated = time.UnixMilli(int64(binary.BigEndian.Uint64(b) &^ (0xFF << 56))).UTC() //nolint:gosec // 56 bits
	r.JSON = b[8:]
	return nil
}

// guessMethod is for versions that do not tell theirs.
func (r *Result) guessMethod() {
	switch {
	case r.Method != "":
	case r.Deleted:
		r.Method = http.MethodDelete
	case r.Version == 1:
		r.Method = http.MethodPost
	default:
		r.Method = http.MethodPut
	}
}
