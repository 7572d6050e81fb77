package tx

import (
	"encoding/binary"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"
)

// FieldCount is the number of fields of every leaf; an absent value is committed to as empty, so that a leaf does
// not show which fields it has.
const FieldCount = 10

// maxValue bounds one field value of a leaf, in bytes.
const maxValue = 1 << 16

// LeafFields are the values of a leaf. Content and Previous may be zero: absent.
type LeafFields struct {
	Subject    string         // Type/id/_history/version
	Content    [HashSize]byte // ContentHash of the resource
	Previous   [HashSize]byte // commitment of the previous leaf of the same resource
	Agent      string         // client, user, credential, member
	Activity   string         // create, update, delete, read, ...
	Recorded   string         // RFC 3339, as stated by the gateway
	Purpose    string         // purpose of use
	Consent    string         // consent and consortium height that permitted it
	Derivation string         // what it was derived from
	Signature  []byte         // the author's signature
}

func (f *LeafFields) values() [FieldCount][]byte {
	return [FieldCount][]byte{
		[]byte(f.Subject), unlessZero(f.Content), unlessZero(f.Previous), []byte(f.Agent), []byte(f.Activity),
		[]byte(f.Recorded), []byte(f.Purpose), []byte(f.Consent), []byte(f.Derivation), f.Signature,
	}
}

func unlessZero(h [HashSize]byte) []byte {
	if h == [HashSize]byte{} {
		return nil
	}
	return h[:]
}

// Leaf is the private opening of a leaf: it is stored sealed beside its version, and never on a chain. R and Seed
// are random; erasing them makes the commitment meaningless.
type Leaf struct {
	R      [HashSize]byte // key of the leaf commitment
	Seed   [HashSize]byte // every field's salt is derived from it
	Kind   LeafKind
	Values [FieldCount][]byte // by LeafField number - 1
}

// Opening lets its holder check one field of a leaf body, and no other.
type Opening struct {
	Field LeafField
	Salt  [HashSize]byte
	Value []byte
}

// NewLeaf draws R and Seed from rand (crypto/rand.Reader outside tests).
func NewLeaf(rand io.Reader, kind LeafKind, fields LeafFields) (*Leaf, error) {
	l := &Leaf{Kind: kind, Values: fields.values()}
	if err := l.check(); err != nil {
		return nil, err
	}
	var random [2 * HashSize]byte
	if _, err := io.ReadFull(rand, random[:]); err != nil {
		return nil, fmt.Errorf("draw leaf randomness: %w", err)
	}
	l.R, l.Seed = [HashSize]byte(random[:HashSize]), [HashSize]byte(random[HashSize:])
	return l, nil
}

func (l *Leaf) check() error {
	if !knownKind(l.Kind) {
		return fmt.Errorf("%w: leaf kind", ErrMalformed)
	}
	for i, v := range l.Values {
		if len(v) > maxValue {
			return fmt.Errorf("%w: leaf field %d is longer than %d bytes", ErrMalformed, i+1, maxValue)
		}
	}
	return nil
}

// Body is the canonical LeafBody: the commitments to all fields.
func (l *Leaf) Body() []byte {
	var (
		all    [FieldCount][HashSize]byte
		fields [FieldCount][]byte
	)
	for i, v := range l.Values {
		field := LeafField(i + 1)
		all[i] = FieldCommitment(FieldSalt(l.Seed, field), field, v)
		fields[i] = all[i][:]
	}
	// A LeafBody holds numbers and bytes only: encoding it cannot fail.
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(&LeafBody{Format: Format, Kind: l.Kind, Fields: fields[:]})
	return raw
}

// Commitment is what enters the batch tree: LeafCommitment of Body under R.
func (l *Leaf) Commitment() [HashSize]byte { return LeafCommitment(l.R, l.Body()) }

// Open returns the openings of the given fields, in the order asked for; unknown field numbers are left out.
func (l *Leaf) Open(fields ...LeafField) []Opening {
	out := make([]Opening, 0, len(fields))
	for _, f := range fields {
		if f < 1 || f > FieldCount {
			continue
		}
		out = append(out, Opening{Field: f, Salt: FieldSalt(l.Seed, f), Value: l.Values[f-1]})
	}
	return out
}

// MarshalBinary encodes the opening: format version, kind, R, Seed, then each value after its length as a varint.
func (l *Leaf) MarshalBinary() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	n := 2 + 2*HashSize
	for _, v := range l.Values {
		n += binary.MaxVarintLen16 + len(v)
	}
	out := append(make([]byte, 0, n), Format, byte(l.Kind))
	out = append(append(out, l.R[:]...), l.Seed[:]...)
	for _, v := range l.Values {
		out = append(binary.AppendUvarint(out, uint64(len(v))), v...)
	}
	return out, nil
}

// UnmarshalBinary accepts exactly what MarshalBinary makes. Errors wrap ErrMalformed and name no value.
func (l *Leaf) UnmarshalBinary(raw []byte) error {
	const header = 2 + 2*HashSize
	if len(raw) < header || raw[0] != Format {
		return fmt.Errorf("%w: leaf opening of an unknown format", ErrMalformed)
	}
	got := Leaf{Kind: LeafKind(raw[1]), R: [HashSize]byte(raw[2:]), Seed: [HashSize]byte(raw[2+HashSize:])}
	rest := raw[header:]
	for i := range got.Values {
		n, used := binary.Uvarint(rest)
		if used <= 0 || n > uint64(len(rest)-used) || used != len(binary.AppendUvarint(nil, n)) {
			return fmt.Errorf("%w: leaf opening: length of field %d", ErrMalformed, i+1)
		}
		if n > 0 {
			got.Values[i] = append([]byte(nil), rest[used:used+int(n)]...)
		}
		rest = rest[used+int(n):]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: leaf opening: trailing bytes", ErrMalformed)
	}
	if err := got.check(); err != nil {
		return err
	}
	*l = got
	return nil
}
