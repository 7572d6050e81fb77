package private

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/chartseal/chartseal/abci/tx"
)

// call is a decoded transaction.
type call struct {
	digest [sha256.Size]byte // of the transaction's bytes
	signed *tx.Signed
	body   *tx.PrivateBody
}

// verdict is what becomes of a transaction.
type verdict struct {
	code uint32
	log  string // for people; no part of consensus
}

func refuse(code uint32, log string) verdict { return verdict{code, log} }

var accepted = verdict{code: CodeOK}

// decode does the checks that need no state.
func decode(raw []byte, chainID string) (*call, verdict) {
	if len(raw) > MaxTxBytes {
		return nil, refuse(CodeMalformed, "transaction is too long")
	}
	signed, err := tx.DecodeSigned(raw)
	if err != nil {
		return nil, refuse(CodeMalformed, err.Error())
	}
	body := new(tx.PrivateBody)
	if err := tx.Decode(signed.GetBody(), body); err != nil {
		return nil, refuse(CodeMalformed, err.Error())
	}
	if body.GetChainId() != chainID {
		return nil, refuse(CodeWrongChain, "transaction of another chain")
	}
	return &call{sha256.Sum256(raw), signed, body}, accepted
}

// maxVerified bounds the memory of verified signatures.
const maxVerified = 4096

// verifier remembers which transactions were verified under which key: a transaction passes CheckTx, a proposal
// and FinalizeBlock, and its signature is the dearest part of each. It only remembers what is true for ever.
type verifier struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte][ed25519.PublicKeySize]byte // guarded by mu
}

func (v *verifier) verify(c *call, key ed25519.PublicKey) bool {
	pub := [ed25519.PublicKeySize]byte(key)
	v.mu.Lock()
	known, ok := v.seen[c.digest]
	v.mu.Unlock()
	if ok && known == pub {
		return true
	}
	if c.signed.Verify(key) != nil {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil || len(v.seen) >= maxVerified {
		v.seen = make(map[[sha256.Size]byte][ed25519.PublicKeySize]byte)
	}
	v.seen[c.digest] = pub
	return true
}

// judge decides a transaction against a state whose records r reads. It changes nothing. Errors are of the store.
func (s *state) judge(r reader, v *verifier, c *call) (verdict, error) {
	switch m := c.body.GetMessage().(type) {
	case *tx.PrivateBody_Batch:
		return s.judgeBatch(r, v, c, m.Batch)
	case *tx.PrivateBody_AdmitWriter:
		return s.judgeAdmit(v, c, m.AdmitWriter), nil
	case *tx.PrivateBody_CloseWriter:
		return s.judgeClose(v, c, m.CloseWriter), nil
	}
	return refuse(CodeMalformed, "no message"), nil
}

func (s *state) judgeBatch(r reader, v *verifier, c *call, b *tx.Batch) (verdict, error) {
	w := s.writer(b.GetWriter())
	switch {
	case w == nil:
		return refuse(CodeUnknown, "writer was never admitted"), nil
	case !v.verify(c, w.GetPublicKey()):
		return refuse(CodeSignature, "batch is not signed by its writer"), nil
	case b.GetSize() > s.genesis.Genesis.Params.MaxBatchLeaves:
		return refuse(CodeBatchSize, "batch has too many leaves"), nil
	case b.GetSeq() <= w.GetLastSeq():
		return judgeAgain(r, b)
	case w.GetClosed():
		return refuse(CodeClosed, "writer is closed"), nil
	case b.GetSeq() != w.GetLastSeq()+1:
		return refuse(CodeGap, fmt.Sprintf("seq %d does not follow %d", b.GetSeq(), w.GetLastSeq())), nil
	}
	return accepted, nil
}

// judgeAgain decides a batch whose seq is committed: the same one, or a conflict.
func judgeAgain(r reader, b *tx.Batch) (verdict, error) {
	entry, at, err := readBatch(r, b.GetWriter(), b.GetSeq())
	if err != nil {
		return verdict{}, err
	}
	if entry == nil {
		return verdict{}, fmt.Errorf("%w: batch record of a committed seq is missing", ErrCorrupt)
	}
	if !bytes.Equal(entry.GetRoot(), b.GetRoot()) || entry.GetSize() != b.GetSize() {
		return refuse(CodeConflict, fmt.Sprintf("seq %d is committed at height %d with another root", b.GetSeq(), at.height)), nil
	}
	return refuse(CodeCommitted, fmt.Sprintf("already committed at height %d", at.height)), nil
}

func (s *state) judgeAdmit(v *verifier, c *call, m *tx.AdmitWriter) verdict {
	w := s.writer(m.GetWriter())
	switch {
	case !v.verify(c, s.genesis.Genesis.AdminKey):
		return refuse(CodeSignature, "not signed by the admin key")
	case w != nil && !w.GetClosed() && bytes.Equal(w.GetPublicKey(), m.GetPublicKey()):
		return refuse(CodeCommitted, "already admitted")
	case w != nil:
		return refuse(CodeWriterExists, "writer id is taken")
	case uint64(len(s.writers)) >= s.genesis.Genesis.Params.MaxWriters:
		return refuse(CodeTooMany, "too many writers")
	}
	return accepted
}

func (s *state) judgeClose(v *verifier, c *call, m *tx.CloseWriter) verdict {
	w := s.writer(m.GetWriter())
	switch {
	case !v.verify(c, s.genesis.Genesis.AdminKey):
		return refuse(CodeSignature, "not signed by the admin key")
	case w == nil:
		return refuse(CodeNoWriter, "writer was never admitted")
	case w.GetLastSeq() != m.GetLastSeq():
		return refuse(CodeLastSeq, fmt.Sprintf("last committed seq is %d", w.GetLastSeq()))
	case w.GetClosed():
		return refuse(CodeCommitted, "already closed")
	}
	return accepted
}
