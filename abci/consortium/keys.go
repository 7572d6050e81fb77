package consortium

import "encoding/binary"

// Keys of the state tree; see the package comment.
const (
	keyMembers    = "governance/member/"
	keyKeys       = "governance/key/"
	keyParams     = "governance/params"
	keyChains     = "anchors/chain/"
	keyMisbehaved = "anchors/proof/"
	keyConsents   = "consent/"
	keyNonces     = "nonce/"
)

func appendNumber(key []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(key, n) }

// appendText writes the length in one byte first, so that no key is a prefix of another. Texts are at most
// 128 bytes long (tx checks them, and so does Genesis).
func appendText(key []byte, s string) []byte { return append(append(key, byte(len(s))), s...) }

// MemberKey is the key of a Member in the state tree.
func MemberKey(name string) []byte { return appendText([]byte(keyMembers), name) }

// ChainKey is the key of a Chain in the state tree.
func ChainKey(chainID string) []byte { return appendText([]byte(keyChains), chainID) }

// ConsentKey is the key of a consent's tx.ConsentEntry in the state tree.
func ConsentKey(id []byte) []byte { return append([]byte(keyConsents), id...) }

func keyKey(id []byte) []byte { return append([]byte(keyKeys), id...) }

func nonceKey(keyID []byte, kind uint32) []byte {
	return appendNumber(append([]byte(keyNonces), keyID...), uint64(kind))
}

func misbehaviourKey(chainID string, kind MisbehaviourKind, height int64) []byte {
	k := append(appendText([]byte(keyMisbehaved), chainID), byte(kind))
	return appendNumber(k, uint64(height)) //nolint:gosec // heights are positive
}

// Keys beside the tree.

func entryKey(prefix byte, index uint64) []byte { return appendNumber([]byte{prefix}, index) }

func chainIndexKey(prefix byte, chainID string, n uint64) []byte {
	return appendNumber(appendText([]byte{prefix}, chainID), n)
}

func consentIndexKey(id []byte, version uint64) []byte {
	return appendNumber(append([]byte{prefixByConsentID}, id...), version)
}

func metaKey() []byte { return []byte{prefixMeta} }

func number(raw []byte) (uint64, bool) {
	if len(raw) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(raw), true
}
