package tx

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// ErrProof is wrapped when a Merkle proof does not lead to the given root.
var ErrProof = errors.New("wrong proof")

type node = [HashSize]byte

// leafHash and nodeHash are those of RFC 6962 section 2.1, without allocation.
func leafHash(commitment node) node {
	var in [1 + HashSize]byte
	copy(in[1:], commitment[:])
	return sha256.Sum256(in[:])
}

func nodeHash(left, right []byte) []byte {
	var in [1 + 2*HashSize]byte
	in[0] = rfc6962.RFC6962NodeHashPrefix
	copy(in[1:], left)
	copy(in[1+HashSize:], right)
	out := sha256.Sum256(in[:])
	return out[:]
}

// levels returns the roots of all complete subtrees: level 0 holds the leaf hashes, each next level half as many.
func levels(leaves []node) [][]node {
	out := [][]node{leaves}
	for below := leaves; len(below) > 1; {
		next := make([]node, len(below)/2)
		for i := range next {
			next[i] = node(nodeHash(below[2*i][:], below[2*i+1][:]))
		}
		out = append(out, next)
		below = next
	}
	return out
}

func leafHashes(commitments [][HashSize]byte) []node {
	out := make([]node, len(commitments))
	for i, c := range commitments {
		out[i] = leafHash(c)
	}
	return out
}

// BatchRoot is the RFC 6962 root over leaf commitments.
func BatchRoot(commitments [][HashSize]byte) [HashSize]byte { return treeRoot(leafHashes(commitments)) }

// treeRoot joins the complete subtrees from the right, the smallest first.
func treeRoot(leaves []node) node {
	if len(leaves) == 0 {
		return node(rfc6962.DefaultHasher.EmptyRoot())
	}
	var root []byte
	for level, nodes := range levels(leaves) {
		if len(leaves)>>level&1 == 0 {
			continue
		}
		last := nodes[len(nodes)-1]
		if root == nil {
			root = last[:]
			continue
		}
		root = nodeHash(last[:], root)
	}
	return node(root)
}

// BatchProof is the RFC 6962 audit path from commitment i to BatchRoot; nil if there is no such commitment.
func BatchProof(commitments [][HashSize]byte, i int) [][]byte {
	if i < 0 || i >= len(commitments) {
		return nil
	}
	nodes, err := proof.Inclusion(uint64(i), uint64(len(commitments)))
	if err != nil {
		return nil
	}
	tree := levels(leafHashes(commitments))
	hashes := make([][]byte, len(nodes.IDs))
	for k, id := range nodes.IDs {
		hashes[k] = tree[id.Level][id.Index][:]
	}
	path, err := nodes.Rehash(hashes, nodeHash)
	if err != nil {
		return nil
	}
	return path
}

// VerifyInclusion checks that leaf data stands at an index of the RFC 6962 tree of a size and root. The path must
// have exactly the length that index and size call for. Errors wrap ErrProof.
func VerifyInclusion(root []byte, leaf []byte, index, size uint64, path [][]byte) error {
	if err := checkHashes(path, root); err != nil {
		return err
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, rfc6962.DefaultHasher.HashLeaf(leaf), path, root); err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	return nil
}

// VerifyConsistency checks that the tree of size and root grew from the tree of oldSize and oldRoot. Errors wrap
// ErrProof.
func VerifyConsistency(oldSize, size uint64, oldRoot, root []byte, path [][]byte) error {
	if err := checkHashes(path, oldRoot, root); err != nil {
		return err
	}
	if oldSize == 0 && string(oldRoot) != string(rfc6962.DefaultHasher.EmptyRoot()) {
		return fmt.Errorf("%w: root of an empty log", ErrProof)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, oldSize, size, path, oldRoot, root); err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	return nil
}

// checkHashes refuses hashes of another length: the node hash has no length prefix, so they could be cut elsewhere.
func checkHashes(path [][]byte, roots ...[]byte) error {
	for _, h := range append(roots, path...) {
		if len(h) != HashSize {
			return fmt.Errorf("%w: hash of %d bytes", ErrProof, len(h))
		}
	}
	return nil
}
