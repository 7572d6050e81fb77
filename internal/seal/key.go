package seal

import (
	"crypto/cipher"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Key is an unwrapped key: a patient's, a set's or the tenant's. It is immutable, safe for concurrent use, and may be
// held as long as a request lasts. Its bytes are overwritten when the Sealer has dropped it and it is unreachable.
type Key struct {
	redacted
	handle  Handle
	members []Handle // of a set
	tenant  string
	codec   *codec
	gens    []*generation // newest first, at least one
}

// generation is one epoch of a key.
type generation struct {
	epoch    uint16
	secret   *secret
	mac      *keyedMAC
	mu       sync.Mutex                    // serialises additions to purposes
	purposes atomic.Pointer[[]purposeAEAD] // copied on addition: a handful, read without a lock
}

type purposeAEAD struct {
	purpose string
	aead    cipher.AEAD
}

func newGeneration(epoch uint16, key *secret) *generation {
	return &generation{epoch: epoch, secret: key, mac: newKeyedMAC(key)}
}

// newKey ties the bytes of the generations to the life of the key: nobody else may hold them.
func (s *Sealer) newKey(h Handle, members []Handle, gens []*generation) *Key {
	k := &Key{handle: h, members: members, tenant: s.tenant, codec: s.codec, gens: gens}
	runtime.AddCleanup(k, wipe, gens)
	return k
}

func wipe(gens []*generation) {
	for _, g := range gens {
		clear(g.secret[:])
	}
}

// Handle returns the handle under which the key is stored.
func (k *Key) Handle() Handle { return k.handle }

// Seal appends to dst the sealed form of a small record (an index row, the opening of a leaf, an outcome). purpose is
// a constant of the caller that separates its kinds of records; aad binds the record to its place. plain and dst must
// not overlap.
func (k *Key) Seal(dst []byte, purpose string, aad, plain []byte) ([]byte, error) {
	defer runtime.KeepAlive(k) // the bytes are overwritten when k is unreachable
	g := k.gens[0]
	aead, err := g.forPurpose(purpose)
	if err != nil {
		return nil, fmt.Errorf("seal record: %w", err)
	}
	bound := getBuffer()
	defer bound.put()
	bound.b = k.recordAAD(bound.b, g.epoch, purpose, aad)
	return aead.Seal(appendHeader(dst, g.epoch), nil, plain, bound.b), nil
}

// Open appends to dst what Seal sealed for the same purpose and aad. ErrCorrupt: it was not.
func (k *Key) Open(dst []byte, purpose string, aad, sealed []byte) ([]byte, error) {
	defer runtime.KeepAlive(k)
	g, rest, err := k.generation(sealed)
	if err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	aead, err := g.forPurpose(purpose)
	if err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	bound := getBuffer()
	defer bound.put()
	bound.b = k.recordAAD(bound.b, g.epoch, purpose, aad)
	out, err := aead.Open(dst, nil, rest, bound.b)
	if err != nil {
		return nil, fmt.Errorf("open record: %w", ErrCorrupt)
	}
	return out, nil
}

func (k *Key) recordAAD(b []byte, epoch uint16, purpose string, aad []byte) []byte {
	b = appendLP(b, labelSealedRecord)
	b = appendHeader(b, epoch)
	b = appendLP(b, k.tenant)
	b = append(b, k.handle[:]...)
	b = appendLP(b, purpose)
	return appendLP(b, aad)
}

// generation returns the epoch of the key that sealed these bytes. An epoch that the key does not have is a forged or
// misplaced header.
func (k *Key) generation(sealed []byte) (*generation, []byte, error) {
	epoch, rest, err := cutHeader(sealed)
	if err != nil {
		return nil, nil, err
	}
	for _, g := range k.gens {
		if g.epoch == epoch {
			return g, rest, nil
		}
	}
	return nil, nil, ErrCorrupt
}

// forPurpose returns the AEAD of a purpose, made on first use: a new one costs more than sealing with it.
func (g *generation) forPurpose(purpose string) (cipher.AEAD, error) {
	if aead := g.known(purpose); aead != nil {
		return aead, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if aead := g.known(purpose); aead != nil {
		return aead, nil
	}
	st := g.mac.get()
	defer g.mac.put(st)
	st.buf = appendLP(appendLP(st.buf, labelPurpose), purpose)
	aead, err := newAEAD(st.expand())
	if err != nil {
		return nil, err
	}
	var next []purposeAEAD
	if have := g.purposes.Load(); have != nil {
		next = append(next, *have...)
	}
	next = append(next, purposeAEAD{purpose, aead})
	g.purposes.Store(&next)
	return aead, nil
}

// known returns the AEAD of a purpose, nil before its first use.
func (g *generation) known(purpose string) cipher.AEAD {
	have := g.purposes.Load()
	if have == nil {
		return nil
	}
	for i := range *have {
		if (*have)[i].purpose == purpose {
			return (*have)[i].aead
		}
	}
	return nil
}

// expand is HKDF-Expand (RFC 5869, 2.3) to one block, with the state's key as PRK (a patient key is uniformly random,
// as 3.3 asks of a PRK that was not extracted) and the buffer as info. It equals hkdf.Expand, at a fifth of its cost.
func (st *macState) expand() []byte {
	st.buf = append(st.buf, 1)
	return st.finish()
}
