package tx

import (
	"bytes"
	"errors"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// libraryRoot computes the root with the library's compact range: an implementation other than ours.
func libraryRoot(t *testing.T, leaves [][]byte) []byte {
	t.Helper()
	r := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for _, l := range leaves {
		if err := r.Append(rfc6962.DefaultHasher.HashLeaf(l), nil); err != nil {
			t.Fatal(err)
		}
	}
	root, err := r.GetRootHash(nil)
	if err != nil {
		t.Fatal(err)
	}
	if root == nil {
		return rfc6962.DefaultHasher.EmptyRoot()
	}
	return root
}

func TestBatchTree(t *testing.T) {
	for n := range 70 {
		commitments := testCommitments(n)
		leaves := make([][]byte, n)
		for i := range leaves {
			leaves[i] = commitments[i][:]
		}
		root := BatchRoot(commitments)
		if want := libraryRoot(t, leaves); !bytes.Equal(root[:], want) {
			t.Fatalf("root of %d: got %x, want %x", n, root, want)
		}
		for i := range n {
			path := BatchProof(commitments, i)
			if err := VerifyInclusion(root[:], leaves[i], uint64(i), uint64(n), path); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, n, err)
			}
			if n > 1 {
				if err := VerifyInclusion(root[:], leaves[(i+1)%n], uint64(i), uint64(n), path); !errors.Is(err, ErrProof) {
					t.Fatalf("another leaf at %d of %d: got %v", i, n, err)
				}
			}
		}
		if BatchProof(commitments, n) != nil || BatchProof(commitments, -1) != nil {
			t.Fatal("proof outside of the batch")
		}
	}
}

// Any change of path, position or size must fail.
func TestVerifyInclusionRefuses(t *testing.T) {
	commitments := testCommitments(11)
	root, leaf, path := BatchRoot(commitments), commitments[6][:], BatchProof(commitments, 6)
	type claim struct {
		root, leaf  []byte
		index, size uint64
		path        [][]byte
	}
	changed := append([][]byte{}, path...)
	changed[1] = fill(1, 32)
	tests := map[string]claim{
		"index":        {root[:], leaf, 7, 11, path},
		"outside":      {root[:], leaf, 11, 11, path},
		"size":         {root[:], leaf, 6, 200, path},
		"root":         {fill(1, 32), leaf, 6, 11, path},
		"short root":   {root[:31], leaf, 6, 11, path},
		"short path":   {root[:], leaf, 6, 11, path[1:]},
		"long path":    {root[:], leaf, 6, 11, append(path[:len(path):len(path)], fill(1, 32))},
		"changed path": {root[:], leaf, 6, 11, changed},
		"cut hash":     {root[:], leaf, 6, 11, append([][]byte{path[0][:31]}, path[1:]...)},
		"empty":        {root[:], leaf, 0, 0, nil},
	}
	for name, c := range tests {
		if err := VerifyInclusion(c.root, c.leaf, c.index, c.size, c.path); !errors.Is(err, ErrProof) {
			t.Errorf("%s: got %v, want ErrProof", name, err)
		}
	}
}

func TestVerifyConsistency(t *testing.T) {
	commitments := testCommitments(13)
	newRoot := BatchRoot(commitments)
	for old := range 14 {
		oldRoot := BatchRoot(commitments[:old])
		var path [][]byte
		if old > 0 {
			nodes, err := proof.Consistency(uint64(old), 13)
			if err != nil {
				t.Fatal(err)
			}
			tree := levels(leafHashes(commitments))
			hashes := make([][]byte, len(nodes.IDs))
			for i, id := range nodes.IDs {
				hashes[i] = tree[id.Level][id.Index][:]
			}
			if path, err = nodes.Rehash(hashes, nodeHash); err != nil {
				t.Fatal(err)
			}
		}
		if err := VerifyConsistency(uint64(old), 13, oldRoot[:], newRoot[:], path); err != nil {
			t.Errorf("from %d: %v", old, err)
		}
		if err := VerifyConsistency(uint64(old), 13, fill(1, 32), newRoot[:], path); !errors.Is(err, ErrProof) {
			t.Errorf("from %d with another old root: got %v, want ErrProof", old, err)
		}
		if err := VerifyConsistency(13, uint64(old), newRoot[:], oldRoot[:], path); old < 13 && !errors.Is(err, ErrProof) {
			t.Errorf("shrinking to %d: got %v, want ErrProof", old, err)
		}
	}
	if err := VerifyConsistency(1, 1, newRoot[:3], newRoot[:3], nil); !errors.Is(err, ErrProof) {
		t.Errorf("short roots: got %v, want ErrProof", err)
	}
}

func FuzzVerifyInclusion(f *testing.F) {
	commitments := testCommitments(9)
	root := BatchRoot(commitments)
	f.Add(uint64(4), uint64(9), bytes.Join(BatchProof(commitments, 4), nil), commitments[4][:])
	f.Fuzz(func(t *testing.T, index, size uint64, path, leaf []byte) {
		var hashes [][]byte
		for ; len(path) > 0; path = path[min(len(path), HashSize):] {
			hashes = append(hashes, path[:min(len(path), HashSize)])
		}
		if VerifyInclusion(root[:], leaf, index, size, hashes) != nil || size != 9 {
			return
		}
		if index > 8 || !bytes.Equal(leaf, commitments[index][:]) {
			t.Errorf("proved a leaf that is not in the tree at %d", index)
		}
	})
}

func BenchmarkBatchRoot1000(b *testing.B) {
	commitments := testCommitments(1000)
	b.ReportAllocs()
	for b.Loop() {
		BatchRoot(commitments)
	}
}
