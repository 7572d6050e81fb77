package tx

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// ErrSignature is wrapped when a signature is not by the given key over the given bytes.
var ErrSignature = errors.New("wrong signature")

// SigningBytes is what the signature of a transaction covers: a domain tag, then the body, each length-prefixed
// with 8 bytes big endian.
func SigningBytes(body []byte) []byte { return signingBytes(tagSigning, body) }

// TrustSigningBytes is what members' governance keys sign of a trust file.
func TrustSigningBytes(body []byte) []byte { return signingBytes(tagTrust, body) }

func signingBytes(tag string, body []byte) []byte {
	out := make([]byte, 0, 16+len(tag)+len(body))
	out = binary.BigEndian.AppendUint64(out, uint64(len(tag)))
	out = append(out, tag...)
	out = binary.BigEndian.AppendUint64(out, uint64(len(body)))
	return append(out, body...)
}

// Sign encodes a PrivateBody or ConsortiumBody and returns the signed transaction.
func Sign(priv ed25519.PrivateKey, body proto.Message) ([]byte, error) {
	if len(priv) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("%w: private key", ErrMalformed)
	}
	pub := ed25519.PublicKey(priv[ed25519.PrivateKeySize-ed25519.PublicKeySize:]) // RFC 8032: seed, then public key
	switch body.(type) {
	case *PrivateBody, *ConsortiumBody:
	default:
		return nil, fmt.Errorf("%w: %s is no transaction body", ErrMalformed, name(body))
	}
	raw, err := Encode(body)
	if err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	return Encode(&Signed{Body: raw, KeyId: KeyID(pub), Signature: ed25519.Sign(priv, SigningBytes(raw))})
}

// DecodeSigned decodes the envelope of a transaction; neither the signature nor the body has been looked at.
func DecodeSigned(raw []byte) (*Signed, error) {
	s := new(Signed)
	if err := Decode(raw, s); err != nil {
		return nil, err
	}
	return s, nil
}

// Verify checks that the envelope names this key and that the key signed the body. Errors wrap ErrSignature.
func (x *Signed) Verify(pub ed25519.PublicKey) error {
	if len(pub) != ed25519.PublicKeySize || !bytes.Equal(x.GetKeyId(), KeyID(pub)) {
		return fmt.Errorf("%w: by another key", ErrSignature)
	}
	if !ed25519.Verify(pub, SigningBytes(x.GetBody()), x.GetSignature()) {
		return ErrSignature
	}
	return nil
}
