package load

import (
	"crypto/sha256"
	"encoding/hex"
)

// keyTag separates these keys from any other use of SHA-256 over the same bytes.
const keyTag = "chartseal/load/1\n"

// Key is the Idempotency-Key under which the loader sends a Bundle: SHA-256 over a tag and the exact bytes of the body, 64 hexadecimal
// digits. It depends on nothing else (no address, no time, no path), so every run from every machine asks under the same key.
func Key(body []byte) string {
	h := sha256.New()
	h.Write([]byte(keyTag))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// entryURN is the fullUrl of a wrapped resource. FHIR wants one on PUT entries (Bundle.entry.fullUrl); the absolute URL would put the
// server's address into the bytes and with it into the Idempotency-Key. A name-based UUID (RFC 9562 version 8) does not.
func entryURN(typ, id string) string {
	sum := sha256.Sum256([]byte(keyTag + typ + "/" + id))
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	hexed := hex.EncodeToString(u)
	return "urn:uuid:" + hexed[:8] + "-" + hexed[8:12] + "-" + hexed[12:16] + "-" + hexed[16:20] + "-" + hexed[20:]
}

// short folds a dependency key to 64 bits (FNV-1a, parts closed by a zero byte): plans keep several for each resource. A collision can only
// add a needless wait.
func short(parts ...string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * prime
		}
		h *= prime
	}
	return h
}
