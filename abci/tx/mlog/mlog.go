// Package mlog owns the append-only RFC 6962 logs of both ledger applications: which node lies where in a
// key-value store, how a log grows, and how roots and proofs at any earlier size are read back.
//
// Only nodes of perfect subtrees are stored. Such a node never changes once written, so a crash can leave
// surplus nodes but never wrong ones, and the one mutable fact, the size, belongs to the application's own
// state record: Open takes it from there. The package keeps no entries and knows no format.
//
// Key of a node: prefix, level (1 byte), index in its level (8 bytes big endian). Value: 32 bytes.
package mlog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// ErrRange is returned for an index or a size beyond the log.
var ErrRange = errors.New("outside the log")

// ErrCorrupt is returned when a node that must exist is missing or malformed. Callers stop.
var ErrCorrupt = errors.New("log node missing or malformed")

// Getter reads committed nodes. An absent key is a nil value with a nil error. The value may be kept by the caller.
type Getter interface {
	Get(key []byte) ([]byte, error)
}

// Setter takes new nodes, usually into the batch that also commits the size. It copies what it keeps.
type Setter interface {
	Set(key, value []byte) error
}

// View reads a log at one size. It is immutable, and safe for concurrent use if its Getter is.
type View struct {
	kv     Getter
	prefix string
	size   uint64
}

// NewView reads the log under prefix as it was when it had size entries.
func NewView(kv Getter, prefix []byte, size uint64) View {
	return View{kv: kv, prefix: string(prefix), size: size}
}

// Size is the number of entries in the view.
func (v View) Size() uint64 { return v.size }

// Root is the log's root (RFC 6962 section 2.1), 32 bytes.
func (v View) Root() ([]byte, error) { return v.RootAt(v.size) }

// RootAt is the root that the log had at an earlier or equal size.
func (v View) RootAt(size uint64) ([]byte, error) {
	if size > v.size {
		return nil, fmt.Errorf("root at %d of %d: %w", size, v.size, ErrRange)
	}
	rng, err := v.compactRange(size)
	if err != nil {
		return nil, err
	}
	return rangeRoot(rng)
}

// LeafHash is the RFC 6962 leaf hash of one entry.
func (v View) LeafHash(index uint64) ([]byte, error) {
	if index >= v.size {
		return nil, fmt.Errorf("leaf %d of %d: %w", index, v.size, ErrRange)
	}
	return v.node(compact.NewNodeID(0, index))
}

// Inclusion proves entry index in the log at the given size (RFC 6962 section 2.1.1).
func (v View) Inclusion(index, size uint64) ([][]byte, error) {
	if size > v.size || index >= size {
		return nil, fmt.Errorf("inclusion of %d at %d of %d: %w", index, size, v.size, ErrRange)
	}
	nodes, err := proof.Inclusion(index, size)
	if err != nil {
		return nil, fmt.Errorf("inclusion of %d at %d: %w", index, size, err)
	}
	return v.rehash(nodes)
}

// Consistency proves that the log at size b extends the log at size a (RFC 6962 section 2.1.2). The proof is
// empty if a is 0 or equals b.
func (v View) Consistency(a, b uint64) ([][]byte, error) {
	if b > v.size || a > b {
		return nil, fmt.Errorf("consistency of %d and %d of %d: %w", a, b, v.size, ErrRange)
	}
	nodes, err := proof.Consistency(a, b)
	if err != nil {
		return nil, fmt.Errorf("consistency of %d and %d: %w", a, b, err)
	}
	return v.rehash(nodes)
}

func (v View) rehash(nodes proof.Nodes) ([][]byte, error) {
	hashes, err := v.nodes(nodes.IDs)
	if err != nil {
		return nil, err
	}
	return nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren)
}

func (v View) compactRange(size uint64) (*compact.Range, error) {
	hashes, err := v.nodes(compact.RangeNodes(0, size, nil))
	if err != nil {
		return nil, err
	}
	return factory().NewRange(0, size, hashes)
}

func (v View) nodes(ids []compact.NodeID) ([][]byte, error) {
	hashes := make([][]byte, len(ids))
	for i, id := range ids {
		h, err := v.node(id)
		if err != nil {
			return nil, err
		}
		hashes[i] = h
	}
	return hashes, nil
}

func (v View) node(id compact.NodeID) ([]byte, error) {
	h, err := v.kv.Get(nodeKey(v.prefix, id))
	if err != nil {
		return nil, fmt.Errorf("read log node (%d, %d): %w", id.Level, id.Index, err)
	}
	if len(h) != rfc6962.DefaultHasher.Size() {
		return nil, fmt.Errorf("log node (%d, %d): %w", id.Level, id.Index, ErrCorrupt)
	}
	return h, nil
}

func nodeKey(prefix string, id compact.NodeID) []byte {
	key := make([]byte, 0, len(prefix)+9)
	key = append(key, prefix...)
	key = append(key, byte(id.Level))
	return binary.BigEndian.AppendUint64(key, id.Index)
}

func factory() *compact.RangeFactory {
	return &compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
}

func rangeRoot(rng *compact.Range) ([]byte, error) {
	if rng.End() == 0 {
		return rfc6962.DefaultHasher.EmptyRoot(), nil
	}
	return rng.GetRootHash(nil)
}
