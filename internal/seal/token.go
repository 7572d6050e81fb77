package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// keyedMAC computes HMAC-SHA256 under one key without allocating: the keyed states are kept in a pool, with the
// buffer in which a message is put together.
type keyedMAC struct {
	pool sync.Pool // of *macState
}

type macState struct {
	mac hash.Hash
	buf []byte
	sum [sha256.Size]byte
}

// maxPooledMessage keeps one huge value from living in the pool for ever.
const maxPooledMessage = 4 << 10

func newKeyedMAC(key *secret) *keyedMAC {
	return &keyedMAC{pool: sync.Pool{New: func() any {
		return &macState{mac: hmac.New(sha256.New, key[:]), buf: make([]byte, 0, 256)}
	}}}
}

// get returns a state with an empty buffer; it goes back by put.
func (m *keyedMAC) get() *macState {
	st := m.pool.Get().(*macState)
	st.buf = st.buf[:0]
	return st
}

func (m *keyedMAC) put(st *macState) {
	if cap(st.buf) <= maxPooledMessage {
		m.pool.Put(st)
	}
}

// finish computes the MAC of what is in the buffer; it stays valid until put.
func (st *macState) finish() []byte {
	st.mac.Reset()
	st.mac.Write(st.buf)
	return st.mac.Sum(st.sum[:0])
}

// Token returns the blind token of a search value: the first 16 bytes of HMAC-SHA256 under the index key over the
// length-prefixed tenant, resource type, parameter, kind and value. The caller normalises the value. It allocates
// nothing and is safe for concurrent use.
func (s *Sealer) Token(typ, param, kind, value string) Token {
	st := s.index.get()
	st.buf = append(st.buf, s.tenantLP...)
	st.buf = appendLP(st.buf, typ)
	st.buf = appendLP(st.buf, param)
	st.buf = appendLP(st.buf, kind)
	st.buf = appendLP(st.buf, value)
	t := Token(st.finish()[:len(Token{})])
	s.index.put(st)
	return t
}
