package tx

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files; a change of an existing line breaks every chain that runs")

// golden compares lines "name hex" with a file that freezes them.
func golden(t *testing.T, file string, lines []string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", file)
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the wire format changed (-frozen +now):\n%s", diff)
	}
}

func line(name string, raw []byte) string { return fmt.Sprintf("%s %s", name, hex.EncodeToString(raw)) }

func TestGoldenEncodings(t *testing.T) {
	var lines []string
	for _, s := range samples() {
		raw, err := Encode(s.msg)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		lines = append(lines, line(s.name, raw))
	}
	opening, err := sampleLeaf().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "encodings.txt", append(lines, line("leaf-opening", opening)))
}

func TestGoldenHashes(t *testing.T) {
	leaf := sampleLeaf()
	commitment := leaf.Commitment()
	content := ContentHash([]byte(`{"resourceType":"Patient"}`))
	salt := FieldSalt(leaf.Seed, LeafField_LEAF_FIELD_AGENT)
	field := FieldCommitment(salt, LeafField_LEAF_FIELD_AGENT, []byte("client-1"))
	writers, err := WritersRoot([]*WriterEntry{sampleWriter(1, 3, false), sampleWriter(2, 0, true), sampleWriter(9, 8, false)})
	if err != nil {
		t.Fatal(err)
	}
	none, err := WritersRoot(nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := Sign(testKey(1), &PrivateBody{ChainId: "private-a", Message: &PrivateBody_Batch{sampleBatch()}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "hashes.txt", []string{
		line("key-id", KeyID(testPublic(1))),
		line("signing-bytes", SigningBytes([]byte("body"))),
		line("trust-signing-bytes", TrustSigningBytes([]byte("body"))),
		line("signed-batch", signed),
		line("content", content[:]),
		line("leaf-commitment", commitment[:]),
		line("field-salt", salt[:]),
		line("field-commitment", field[:]),
		line("private-state", samplePrivateState().Hash()),
		line("consortium-state", sampleConsortiumState().Hash()),
		line("writers", writers),
		line("writers-none", none),
		line("params", ParamsHash([]byte("organisation"), fill(1, 32), nil)),
		line("empty-root", EmptyRoot()),
	})
}

func TestGoldenTrees(t *testing.T) {
	var lines []string
	for n := range 10 {
		commitments := testCommitments(n)
		root := BatchRoot(commitments)
		lines = append(lines, line(fmt.Sprintf("root-%d", n), root[:]))
		for i := range n {
			lines = append(lines, line(fmt.Sprintf("path-%d-%d", n, i), bytes.Join(BatchProof(commitments, i), nil)))
		}
	}
	golden(t, "trees.txt", lines)
}

func testCommitments(n int) [][HashSize]byte {
	out := make([][HashSize]byte, n)
	for i := range out {
		out[i] = ContentHash([]byte{byte(i), byte(i >> 8)})
	}
	return out
}
