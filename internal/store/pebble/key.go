package pebble

import (
	"encoding/binary"

	"github.com/chartseal/chartseal/internal/store"
)

// Prefix bytes of the keys.
const (
	prefixBatch     = 'b'
	prefixDoc       = 'd'
	prefixFormat    = 'f'
	prefixHead      = 'h'
	prefixKey       = 'k'
	prefixOutcome   = 'o'
	prefixPublished = 'p'
	prefixSide      = 's'
	prefixPosting   = 't'
	prefixVersion   = 'v'
	prefixWriter    = 'w'
)

const (
	tokenSize   = len(store.Token{})
	postingSize = 1 + tokenSize + 8
	batchSize   = 1 + 4 + 8
	sideSize    = batchSize + 4
	docSize     = 1 + 8
)

// maxKey is the size of the longest key.
const maxKey = postingSize

// keyBuf is where a key is built, on the stack of whoever asks for it.
type keyBuf [maxKey]byte

func (k *keyBuf) token(prefix byte, t [16]byte) []byte {
	k[0] = prefix
	return k[:1+copy(k[1:], t[:])]
}

func (k *keyBuf) tokenNumber(prefix byte, t [16]byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(k.token(prefix, t), n)
}

func (k *keyBuf) doc(d store.DocID) []byte {
	k[0] = prefixDoc
	return binary.BigEndian.AppendUint64(k[:1], uint64(d))
}

func (k *keyBuf) writer(prefix byte, writer uint32) []byte {
	k[0] = prefix
	return binary.BigEndian.AppendUint32(k[:1], writer)
}

func (k *keyBuf) pos(prefix byte, p store.Pos) []byte {
	return binary.BigEndian.AppendUint64(k.writer(prefix, p.Writer), p.Seq)
}

func (k *keyBuf) side(p store.Pos, index uint32) []byte {
	return binary.BigEndian.AppendUint32(k.pos(prefixSide, p), index)
}

// after returns the first key that does not start with this prefix: the upper bound of a range. The prefix byte is
// never 0xff, so there is one.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; ; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
}
