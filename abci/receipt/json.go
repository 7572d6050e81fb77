package receipt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxSize bounds a receipt and a trust file, in bytes.
const MaxSize = 1 << 20

// ErrMalformed is wrapped by every error about a receipt or trust file that is not in its canonical form.
var ErrMalformed = errors.New("malformed")

// Bytes are written in base64 (RFC 4648 section 4, with padding), empty ones as "".
type Bytes []byte

// MarshalJSON implements json.Marshaler.
func (b Bytes) MarshalJSON() ([]byte, error) {
	out := make([]byte, 0, 2+base64.StdEncoding.EncodedLen(len(b)))
	out = append(out, '"')
	out = base64.StdEncoding.AppendEncode(out, b)
	return append(out, '"'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *Bytes) UnmarshalJSON(raw []byte) error {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return fmt.Errorf("%w: base64 string expected", ErrMalformed)
	}
	out, err := base64.StdEncoding.Strict().AppendDecode(nil, raw[1:len(raw)-1])
	if err != nil {
		return fmt.Errorf("%w: base64", ErrMalformed)
	}
	*b = out
	return nil
}

// List is a JSON array that is [] and never null when it is empty.
type List[T any] []T

// MarshalJSON implements json.Marshaler.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if len(l) == 0 {
		return []byte("[]"), nil
	}
	return encodeJSON([]T(l))
}

// encodeJSON writes the one form that is accepted: members in the order of the format, no white space, strings with
// the fewest escapes.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// decodeJSON accepts exactly what encodeJSON writes for the decoded value.
func decodeJSON(raw []byte, into any) error {
	if len(raw) > MaxSize {
		return fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxSize)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		// The decoder's text may quote the input.
		return fmt.Errorf("%w: not JSON of this format", ErrMalformed)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the document", ErrMalformed)
	}
	again, err := encodeJSON(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, again) {
		return fmt.Errorf("%w: not the canonical form", ErrMalformed)
	}
	return nil
}
