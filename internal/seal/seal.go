// Package seal owns keys and encryption: plaintext in, sealed bytes and blind tokens out. It knows nothing of FHIR
// beyond the strings that it binds (type, id, version), does no I/O but for the root key file and the vault, and uses
// the ciphers of the standard library only.
//
// # Keys
//
//	root keyring (a file, in numbered epochs)
//	 ├─ index key, pseudonym key   HKDF of the epoch that the keyring pins for them; tokens and handles
//	 ├─ tenant key                 HKDF of each epoch; resources that belong to no patient
//	 ├─ vault key                  HKDF of each epoch; named secrets of the process
//	 └─ wrapping key               HKDF of each epoch; wraps
//	     └─ patient key            32 random bytes
//	         ├─ version key        HKDF-Expand(patient key, lp(label) lp(AAD of the version) lp(salt)): one per sealing
//	         └─ purpose key        HKDF-Expand(patient key, lp(label) lp(purpose)): small records
//
// A resource of several patients is sealed under a set key: HKDF over all their keys in the order of their handles,
// so that destroying one of them destroys it. Version keys are made for one sealing each, so that one version can be
// shared by giving its key away, never the patient's.
//
// Tokens and handles are the first 16 bytes of HMAC-SHA256 under the index and the pseudonym key: over lp(tenant)
// lp(type) lp(parameter) lp(kind) lp(value) for a token, lp(label) lp(tenant) lp(patient id) for a patient, lp(label)
// lp(tenant) and the ascending handles of its members for a set.
//
// # Formats
//
// Integers are big endian, lp(x) is x behind its length in four bytes, gcm is a random nonce of 12 bytes, the
// AES-256-GCM ciphertext and its tag of 16 bytes. Every sealed string starts with a format (1) and a key epoch.
//
//	header   = format (1 byte) · epoch (2 bytes)
//	version  = header · salt (16) · gcm(codec (1) · body)    AAD lp(label) header lp(tenant) handle lp(type) lp(id) version (8)
//	record   = header · gcm(plain)                           AAD lp(label) header lp(tenant) handle lp(purpose) lp(aad)
//	key      = header · gcm(kind (1) · epoch (2) · payload)  AAD lp(label) header lp(tenant) handle
//	secret   = header · gcm(plain)                           AAD lp(label) header lp(name)
//
// The epoch of a version or a record is that of the patient key (of the root for the tenant's own key), the one in
// the header of a key or secret is that of the root. codec 0 is the body as it is, codec 1 a zstd frame with
// dictionary 1. kind 1 is a patient key of 32 bytes, kind 2 a set with the handle (16) and epoch (2) of each member,
// in ascending order.
//
// # What is erased from memory
//
// Unwrapped keys live in a bounded cache with a time limit. A *Key is immutable and may be held as long as a request
// lasts; its bytes are overwritten once the cache has dropped it and no caller can reach it any more. What the
// standard library keeps inside an AES or HMAC instance cannot be overwritten, only dropped.
package seal

import "errors"

// Errors of this package, wrapped with the step that met them. None of them ever quotes a value.
var (
	// ErrNoKey: the key is absent, or it was destroyed; the two are the same.
	ErrNoKey = errors.New("seal: no such key")
	// ErrCorrupt: bytes that were not sealed by this key for this place.
	ErrCorrupt = errors.New("seal: sealed bytes are corrupt or belong elsewhere")
	// ErrTooLarge: a plaintext above MaxPlain.
	ErrTooLarge = errors.New("seal: plaintext is too large")
	// ErrAbsent: the vault holds no secret of that name.
	ErrAbsent = errors.New("seal: no such secret")
	// ErrRootFile: the root key file is not one, or is damaged.
	ErrRootFile = errors.New("seal: not a root key file")
	// ErrExposed: the root key file can be read by others, or lies under the data that it protects.
	ErrExposed = errors.New("seal: root key file is exposed")
	// ErrConfig: a required field is missing, or a value is out of range.
	ErrConfig = errors.New("seal: invalid configuration")
)

// MaxPlain bounds the plaintext of one sealed version, in bytes, and so what opening one can cost.
const MaxPlain = 64 << 20

// format is the first byte of everything sealed.
const format = 1

// Handle names a patient's key, or a set of them. Package store uses the same plain type.
type Handle = [16]byte

// Token is a blind token. Package store uses the same plain type.
type Token = [16]byte

// TenantHandle names the tenant's own key: for resources that belong to no patient.
var TenantHandle Handle

// KeyRecord is the stored form of a key: a wrapped patient key, or the sealed members of a set.
type KeyRecord struct {
	Handle Handle
	Record []byte
}
