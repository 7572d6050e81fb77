package tx

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// ConsentRef is the value of a leaf's consent field when a consent of the consortium permitted the act: the consent's
// id and version, and the consortium height whose state was read. Its text, "<id in hex>/<version>@<height>", is what
// the leaf commits to, so that a receipt's consent entry belongs to one leaf and no other.
type ConsentRef struct {
	ID      [HashSize]byte
	Version uint64
	Height  int64
}

func (r ConsentRef) String() string {
	return hex.EncodeToString(r.ID[:]) + "/" + strconv.FormatUint(r.Version, 10) + "@" + strconv.FormatInt(r.Height, 10)
}

// ParseConsentRef accepts exactly what String makes.
func ParseConsentRef(s string) (ConsentRef, error) {
	var r ConsentRef
	id, rest, _ := strings.Cut(s, "/")
	version, height, _ := strings.Cut(rest, "@")
	raw, errID := hex.DecodeString(id)
	v, errVersion := strconv.ParseUint(version, 10, 64)
	h, errHeight := strconv.ParseInt(height, 10, 64)
	if errID != nil || errVersion != nil || errHeight != nil || len(raw) != HashSize || v == 0 || h <= 0 {
		return ConsentRef{}, fmt.Errorf("%w: consent reference", ErrMalformed)
	}
	r = ConsentRef{ID: [HashSize]byte(raw), Version: v, Height: h}
	if r.String() != s {
		return ConsentRef{}, fmt.Errorf("%w: consent reference is not canonical", ErrMalformed)
	}
	return r, nil
}
