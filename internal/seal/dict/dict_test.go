package dict

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestV1IsFrozen: with another dictionary 1 nothing that was sealed opens any more.
func TestV1IsFrozen(t *testing.T) {
	const want = "ccc57f4c10d950f1266b91ad14355302bd559c65ff0ed9d4f5ccb3a1c514da29"
	if sum := sha256.Sum256(V1()); hex.EncodeToString(sum[:]) != want {
		t.Errorf("dictionary 1 has SHA-256 %x, want %s", sum, want)
	}
	info, err := zstd.InspectDictionary(V1())
	if err != nil {
		t.Fatal(err)
	}
	if info.ID() != 1 {
		t.Errorf("dictionary 1 has id %d", info.ID())
	}
}

// TestV1HoldsNoPatients: the generators of synthetic patients sign what they make; none of that is in here.
func TestV1HoldsNoPatients(t *testing.T) {
	for _, mark := range []string{"synthea", "synthetic", "github.com"} {
		if bytes.Contains(bytes.ToLower(V1()), []byte(mark)) {
			t.Errorf("dictionary 1 holds %q", mark)
		}
	}
}
