package tx

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// ErrMalformed is wrapped by every error about bytes or messages that are not valid in this format: they do not
// parse, are not in the canonical encoding, carry unknown fields, or a field has the wrong length or range.
var ErrMalformed = errors.New("malformed")

// Encode returns the canonical encoding of a valid message of this package: fields in order, minimal varints,
// defaults left out. The golden files hold it fixed across releases of the protobuf library.
func Encode(m proto.Message) ([]byte, error) {
	if err := check(m); err != nil {
		return nil, err
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, name(m), err)
	}
	return raw, nil
}

// Decode is the only way from received bytes to a message. It accepts exactly what Encode makes: one message has
// one encoding, so that a hash, a signature and a duplicate check can all work on the bytes.
func Decode(raw []byte, m proto.Message) error {
	// Unknown fields are dropped here, so that the comparison below misses them and fails.
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, m); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrMalformed, name(m), err)
	}
	again, err := Encode(m)
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, again) {
		return fmt.Errorf("%w: %s: not the canonical encoding", ErrMalformed, name(m))
	}
	return nil
}

// EntryLeaf returns the leaf data of an entry of one of the append-only logs or of the writers tree: BatchEntry,
// AnchorEntry, ConsentEntry or WriterEntry. The RFC 6962 leaf hash is over these bytes.
func EntryLeaf(m proto.Message) ([]byte, error) {
	switch m.(type) {
	case *BatchEntry, *AnchorEntry, *ConsentEntry, *WriterEntry:
		return Encode(m)
	default:
		return nil, fmt.Errorf("%w: %s is no log entry", ErrMalformed, name(m))
	}
}

func name(m proto.Message) string { return string(m.ProtoReflect().Descriptor().Name()) }
