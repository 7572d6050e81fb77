package mlog

import (
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

// Log is the growing end of a log: the roots of its perfect subtrees, at most 64 hashes. It reads nothing after
// Open. Not safe for concurrent use; readers take a View over committed nodes.
type Log struct {
	prefix string
	rng    *compact.Range
}

// Open loads the end of the log that has size entries under prefix. Size 0 needs no nodes.
func Open(kv Getter, prefix []byte, size uint64) (*Log, error) {
	rng, err := NewView(kv, prefix, size).compactRange(size)
	if err != nil {
		return nil, fmt.Errorf("open log at size %d: %w", size, err)
	}
	return &Log{prefix: string(prefix), rng: rng}, nil
}

// Clone returns an independent copy, to append to provisionally: a failed transaction's copy is dropped.
func (l *Log) Clone() *Log {
	hashes := append([][]byte(nil), l.rng.Hashes()...)
	rng, err := factory().NewRange(0, l.rng.End(), hashes)
	if err != nil {
		panic(err) // the number of hashes is that of a range which exists
	}
	return &Log{prefix: l.prefix, rng: rng}
}

// Append adds an entry and gives its nodes to w. It returns the entry's index. After an error the Log must be
// dropped, together with what w took.
func (l *Log) Append(w Setter, entry []byte) (index uint64, err error) {
	return l.AppendHash(w, rfc6962.DefaultHasher.HashLeaf(entry))
}

// AppendHash is Append for an entry whose RFC 6962 leaf hash is known.
func (l *Log) AppendHash(w Setter, leafHash []byte) (index uint64, err error) {
	if len(leafHash) != rfc6962.DefaultHasher.Size() {
		return 0, fmt.Errorf("append leaf hash of %d bytes: %w", len(leafHash), ErrCorrupt)
	}
	index = l.rng.End()
	var werr error
	visit := func(id compact.NodeID, hash []byte) {
		if werr == nil {
			werr = w.Set(nodeKey(l.prefix, id), hash)
		}
	}
	if err := l.rng.Append(leafHash, visit); err != nil {
		return 0, fmt.Errorf("append entry %d: %w", index, err)
	}
	if werr != nil {
		return 0, fmt.Errorf("append entry %d: %w", index, werr)
	}
	return index, nil
}

// Size is the number of entries, appended ones included.
func (l *Log) Size() uint64 { return l.rng.End() }

// Root is the root over all entries, appended ones included, 32 bytes.
func (l *Log) Root() []byte {
	root, err := rangeRoot(l.rng)
	if err != nil {
		panic(err) // only a range that does not begin at 0 has no root
	}
	return root
}
