package tx

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/transparency-dev/merkle/rfc6962"
)

// Hash is the application hash of the private chain. No clock, height or block hash is in it: a value that changes
// with every block would make empty blocks run for ever.
func (x *PrivateState) Hash() []byte {
	return tagged(sha256.New(), tagPrivate,
		number(uint64(x.GetFormat())), x.GetLogRoot(), number(x.GetLogSize()), x.GetWritersRoot(), x.GetParams())
}

// Hash is the application hash of the consortium chain.
func (x *ConsortiumState) Hash() []byte {
	return tagged(sha256.New(), tagConsort,
		number(uint64(x.GetFormat())), x.GetStateRoot(), x.GetAnchorLogRoot(), number(x.GetAnchorLogSize()),
		x.GetConsentLogRoot(), number(x.GetConsentLogSize()))
}

// WritersRoot hashes the writers of a private chain: tag, their number, and the RFC 6962 root over their entries.
// The entries must be valid and in strictly ascending order of their ids.
func WritersRoot(sorted []*WriterEntry) ([]byte, error) {
	leaves := make([]node, len(sorted))
	for i, w := range sorted {
		if i > 0 && bytes.Compare(sorted[i-1].GetWriter(), w.GetWriter()) >= 0 {
			return nil, fmt.Errorf("%w: writers out of order", ErrMalformed)
		}
		raw, err := EntryLeaf(w)
		if err != nil {
			return nil, err
		}
		leaves[i] = node(rfc6962.DefaultHasher.HashLeaf(raw))
	}
	root := treeRoot(leaves)
	return tagged(sha256.New(), tagWriters, number(uint64(len(sorted))), root[:]), nil
}

// ParamsHash hashes genesis parameters; the application fixes the parts and their order.
func ParamsHash(parts ...[]byte) []byte { return tagged(sha256.New(), tagParams, parts...) }

// EmptyRoot is the RFC 6962 root of a log without entries.
func EmptyRoot() []byte { return rfc6962.DefaultHasher.EmptyRoot() }
