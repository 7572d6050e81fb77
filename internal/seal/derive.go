package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Labels separate everything that is derived or authenticated. They are part of the format: never change one.
const (
	labelIndex     = "chartseal/1/index key"
	labelPseudonym = "chartseal/1/pseudonym key"
	labelWrapping  = "chartseal/1/wrapping key"
	labelTenant    = "chartseal/1/tenant key"
	labelVault     = "chartseal/1/vault key"
	labelSet       = "chartseal/1/set key"
	labelVersion   = "chartseal/1/version key"
	labelPurpose   = "chartseal/1/purpose key"

	labelPatientHandle = "chartseal/1/patient handle"
	labelSetHandle     = "chartseal/1/set handle"

	labelSealedVersion = "chartseal/1/sealed version"
	labelSealedRecord  = "chartseal/1/sealed record"
	labelSealedKey     = "chartseal/1/sealed key"
	labelSealedSecret  = "chartseal/1/sealed secret"
)

const (
	keySize    = 32
	headerSize = 3
	nonceSize  = 12
	tagSize    = 16
	gcmSize    = nonceSize + tagSize
)

// secret is key material. It is always behind a pointer: one place to overwrite, and nothing for fmt to walk into.
type secret [keySize]byte

// derive is HKDF-SHA256 (RFC 5869) of a secret, under a label and the strings that the new key is bound to.
func derive(from []byte, label string, bound ...string) (*secret, error) {
	info := appendLP(nil, label)
	for _, b := range bound {
		info = appendLP(info, b)
	}
	out, err := hkdf.Key(sha256.New, from, nil, string(info), keySize)
	if err != nil {
		return nil, fmt.Errorf("derive %s: %w", label, err)
	}
	s := secret(out)
	clear(out)
	return &s, nil
}

// newAEAD returns AES-256-GCM that puts a random nonce before each ciphertext and expects it there.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("new cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("new AEAD: %w", err)
	}
	return aead, nil
}

// appendLP appends s behind its length.
func appendLP[T string | []byte](dst []byte, s T) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s))) //nolint:gosec // lengths of identifiers and of bounded records
	return append(dst, s...)
}

// appendHeader appends the first bytes of everything sealed.
func appendHeader(dst []byte, epoch uint16) []byte {
	return append(dst, format, byte(epoch>>8), byte(epoch))
}

// cutHeader returns the key epoch of sealed bytes and what follows the header.
func cutHeader(sealed []byte) (epoch uint16, rest []byte, err error) {
	if len(sealed) < headerSize+gcmSize || sealed[0] != format {
		return 0, nil, ErrCorrupt
	}
	return binary.BigEndian.Uint16(sealed[1:]), sealed[headerSize:], nil
}
