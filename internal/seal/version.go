package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
)

const saltSize = 16

// SealVersion appends to dst the sealed form of one version of a resource: compressed, then encrypted under a key of
// its own, bound to tenant, handle, type, id and version. Sealing the same version again gives other bytes. plain and
// dst must not overlap. ErrTooLarge: plain exceeds MaxPlain.
func (k *Key) SealVersion(dst []byte, typ, id string, version uint64, plain []byte) ([]byte, error) {
	defer runtime.KeepAlive(k) // the bytes are overwritten when k is unreachable
	if len(plain) > MaxPlain {
		return nil, fmt.Errorf("seal version: %w", ErrTooLarge)
	}
	g := k.gens[0]
	var salt [saltSize]byte
	rand.Read(salt[:]) //nolint:errcheck // never fails: it ends the process instead (crypto/rand)
	bound, packed := getBuffer(), getBuffer()
	defer bound.put()
	defer packed.put()
	bound.b = k.versionAAD(bound.b, g.epoch, typ, id, version)
	aead, err := g.forVersion(salt[:], bound.b)
	if err != nil {
		return nil, fmt.Errorf("seal version: %w", err)
	}
	packed.b = k.codec.pack(packed.b, plain)
	dst = append(appendHeader(dst, g.epoch), salt[:]...)
	return aead.Seal(dst, nil, packed.b, bound.b), nil
}

// OpenVersion appends to dst what SealVersion sealed for the same type, id and version. ErrCorrupt: it was not.
func (k *Key) OpenVersion(dst []byte, typ, id string, version uint64, sealed []byte) ([]byte, error) {
	defer runtime.KeepAlive(k)
	g, rest, err := k.generation(sealed)
	if err != nil || len(rest) < saltSize+gcmSize {
		return nil, fmt.Errorf("open version: %w", errors.Join(err, ErrCorrupt))
	}
	bound, packed := getBuffer(), getBuffer()
	defer bound.put()
	defer packed.put()
	bound.b = k.versionAAD(bound.b, g.epoch, typ, id, version)
	aead, err := g.forVersion(rest[:saltSize], bound.b)
	if err != nil {
		return nil, fmt.Errorf("open version: %w", err)
	}
	if packed.b, err = aead.Open(packed.b, nil, rest[saltSize:], bound.b); err != nil {
		return nil, fmt.Errorf("open version: %w", ErrCorrupt)
	}
	out, err := k.codec.unpack(dst, packed.b)
	if err != nil {
		return nil, fmt.Errorf("open version: %w", err)
	}
	return out, nil
}

func (k *Key) versionAAD(b []byte, epoch uint16, typ, id string, version uint64) []byte {
	b = appendLP(b, labelSealedVersion)
	b = appendHeader(b, epoch)
	b = appendLP(b, k.tenant)
	b = append(b, k.handle[:]...)
	b = appendLP(b, typ)
	b = appendLP(b, id)
	return binary.BigEndian.AppendUint64(b, version)
}

// forVersion derives the key of one sealed version. It is bound to the whole AAD and used once, so that it can be
// given away without giving away anything else.
func (g *generation) forVersion(salt, aad []byte) (cipher.AEAD, error) {
	st := g.mac.get()
	defer g.mac.put(st)
	st.buf = appendLP(st.buf, labelVersion)
	st.buf = appendLP(st.buf, aad)
	st.buf = appendLP(st.buf, salt)
	return newAEAD(st.expand())
}
