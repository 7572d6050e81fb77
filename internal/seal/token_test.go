package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTokenIsHMAC: a token is what the contract says, for values of any length.
func TestTokenIsHMAC(t *testing.T) {
	root := testRoot(t)
	s := testSealer(t, root, newRecords())
	key, err := derive(root.ring.epochs[0].key[:], labelIndex, "clinic")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := []string{
			"clinic", rapid.String().Draw(t, "type"), rapid.String().Draw(t, "param"), rapid.String().Draw(t, "kind"),
			strings.Repeat(rapid.String().Draw(t, "value"), rapid.SampledFrom([]int{1, 1, 300}).Draw(t, "times")),
		}
		mac := hmac.New(sha256.New, key[:])
		for _, p := range parts {
			var length [4]byte
			binary.BigEndian.PutUint32(length[:], uint32(len(p))) //nolint:gosec // small
			mac.Write(length[:])
			mac.Write([]byte(p))
		}
		if got, want := s.Token(parts[1], parts[2], parts[3], parts[4]), Token(mac.Sum(nil)[:16]); got != want {
			t.Fatalf("got %x, want %x", got, want)
		}
	})
}

// TestTokensDiffer: moving a byte from one part to the next, another tenant or another root makes another token; the
// handles of patients and of sets never meet.
func TestTokensDiffer(t *testing.T) {
	root, recs := testRoot(t), newRecords()
	s := testSealer(t, root, recs)
	seen := make(map[[16]byte]string)
	add := func(what string, x [16]byte) {
		t.Helper()
		if other, ok := seen[x]; ok {
			t.Errorf("%s and %s are the same", what, other)
		}
		seen[x] = what
	}
	add("a token", s.Token("ab", "c", "d", "e"))
	add("type to parameter", s.Token("a", "bc", "d", "e"))
	add("parameter to kind", s.Token("ab", "", "cd", "e"))
	add("kind to value", s.Token("ab", "c", "", "de"))
	add("another value", s.Token("ab", "c", "d", "E"))
	add("another tenant", testSealer(t, root, recs, func(c *Config) { c.Tenant = "clini" }).Token("cab", "c", "d", "e"))
	add("another root", testSealer(t, testRoot(t), recs).Token("ab", "c", "d", "e"))

	add("tenant", s.HandleFor(nil))
	add("patient a", s.HandleFor([]string{"a"}))
	add("patient b", s.HandleFor([]string{"b"}))
	add("patient ab", s.HandleFor([]string{"ab"}))
	add("a and b", s.HandleFor([]string{"a", "b"}))
	add("a, b and ab", s.HandleFor([]string{"a", "b", "ab"}))
	add("a as a token", s.Token("a", "", "", ""))
	add("another tenant's a", testSealer(t, root, recs, func(c *Config) { c.Tenant = "x" }).HandleFor([]string{"a"}))
}

func TestHandleForIsOfTheSet(t *testing.T) {
	s := testSealer(t, testRoot(t), newRecords())
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 8).Draw(t, "ids")
		shuffled := rapid.Permutation(ids).Draw(t, "shuffled")
		more := append(shuffled, ids...)
		if s.HandleFor(ids) != s.HandleFor(more) {
			t.Fatalf("%v and %v have different handles", ids, more)
		}
	})
}
