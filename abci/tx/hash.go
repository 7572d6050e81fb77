package tx

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Format is the version of every structure in this package.
const Format = 1

// HashSize is the size in bytes of every hash, commitment, salt and Merkle root.
const HashSize = sha256.Size

// Domain tags. Every hash and every signature starts with one, so that no two kinds of input can collide.
const (
	tagKeyID   = "chartseal/v1/key-id"
	tagSigning = "chartseal/v1/signed"
	tagLeaf    = "chartseal/v1/leaf"
	tagField   = "chartseal/v1/leaf-field"
	tagSalt    = "chartseal/v1/leaf-salt"
	tagPrivate = "chartseal/v1/private-state"
	tagConsort = "chartseal/v1/consortium-state"
	tagWriters = "chartseal/v1/writers"
	tagParams  = "chartseal/v1/params"
	tagContent = "chartseal/v1/content"
	tagTrust   = "chartseal/v1/trust"
)

// tagged hashes a domain tag and then each part, all length-prefixed with 8 bytes big endian.
func tagged(h hash.Hash, tag string, parts ...[]byte) []byte {
	writePart(h, []byte(tag))
	for _, p := range parts {
		writePart(h, p)
	}
	return h.Sum(nil)
}

func writePart(h hash.Hash, p []byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(p)))
	h.Write(n[:])
	h.Write(p)
}

// number encodes an integer as a hashed part: 8 bytes big endian.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// KeyID names an Ed25519 public key: the first 16 bytes of its tagged SHA-256.
func KeyID(pub ed25519.PublicKey) []byte { return tagged(sha256.New(), tagKeyID, pub)[:16] }

// ContentHash is the tagged SHA-256 over a resource's canonical JSON (RFC 8785, number literals kept). It never
// goes on a chain: small records can be guessed. A leaf commits to it under a salt.
func ContentHash(canonical []byte) [HashSize]byte {
	return [HashSize]byte(tagged(sha256.New(), tagContent, canonical))
}

// mac is HMAC-SHA256 (RFC 2104) over a tag and parts, length-prefixed as in tagged. A leaf needs 21 of them on the
// way of every write and every read; crypto/hmac would allocate half a kilobyte for each.
func mac(key *[HashSize]byte, tag string, parts ...[]byte) [HashSize]byte {
	var (
		stack [512]byte
		outer [sha256.BlockSize + HashSize]byte
	)
	inner := stack[:sha256.BlockSize]
	for i := range sha256.BlockSize {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, k := range key {
		inner[i] ^= k
		outer[i] ^= k
	}
	inner = append(binary.BigEndian.AppendUint64(inner, uint64(len(tag))), tag...)
	for _, p := range parts {
		inner = append(binary.BigEndian.AppendUint64(inner, uint64(len(p))), p...)
	}
	digest := sha256.Sum256(inner)
	copy(outer[sha256.BlockSize:], digest[:])
	return sha256.Sum256(outer[:])
}

// LeafCommitment is HMAC-SHA256(r, tag, leaf body): what enters the batch tree. Destroying r makes it meaningless.
func LeafCommitment(r [HashSize]byte, body []byte) [HashSize]byte { return mac(&r, tagLeaf, body) }

// FieldCommitment is HMAC-SHA256(salt, tag, field number, value).
func FieldCommitment(salt [HashSize]byte, field LeafField, value []byte) [HashSize]byte {
	return mac(&salt, tagField, []byte{byte(field)}, value)
}

// FieldSalt derives the salt of one field from the leaf's random seed; giving one salt away tells nothing of the others.
func FieldSalt(seed [HashSize]byte, field LeafField) [HashSize]byte {
	return mac(&seed, tagSalt, []byte{byte(field)})
}
