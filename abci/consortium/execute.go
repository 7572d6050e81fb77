package consortium

import (
	"crypto/ed25519"
	"slices"
	"sync"
	"time"

	"github.com/chartseal/chartseal/abci/tx"
)

// execution is one transaction on its way through the application.
type execution struct {
	chainID string
	height  int64     // of the block that executes it; for CheckTx the next one
	time    time.Time // of that block
	keyID   []byte
	member  string // the signer's
	body    *tx.ConsortiumBody
	raw     []byte
}

// method executes one kind of message on a layer. It returns a refusal, or an error that stops the node.
type method struct {
	kind uint32 // field number in ConsortiumBody
	name string // module/message
	run  func(*layer, *execution) error
}

// methods is the module table in ascending order of kind. A later module adds its lines here.
func methods() []method {
	return []method{
		{KindAnchor, "anchors/Anchor", runAnchor},
		{KindPutConsent, "consent/PutConsent", runPutConsent},
	}
}

// Kinds of messages: field numbers in tx.ConsortiumBody.
const (
	KindAnchor     uint32 = 10
	KindPutConsent uint32 = 11
)

func kindOf(b *tx.ConsortiumBody) uint32 {
	switch b.GetMessage().(type) {
	case *tx.ConsortiumBody_Anchor:
		return KindAnchor
	case *tx.ConsortiumBody_PutConsent:
		return KindPutConsent
	default:
		return 0
	}
}

// open decodes a transaction and checks who signed it: all that does not depend on nonces, heights or the message.
// The keys are those of the given state.
func (a *App) open(r reader, x *execution, raw []byte) error {
	if len(raw) > maxTxBytes {
		return refuse(CodeMalformed, "transaction of %d bytes", len(raw))
	}
	signed, err := tx.DecodeSigned(raw)
	if err != nil {
		return refuse(CodeMalformed, "envelope: %v", err)
	}
	body := new(tx.ConsortiumBody)
	if err := tx.Decode(signed.GetBody(), body); err != nil {
		return refuse(CodeMalformed, "body: %v", err)
	}
	if body.GetChainId() != x.chainID {
		return refuse(CodeChainID, "made for another chain")
	}
	key := new(Key)
	known, err := load(r, keyKey(signed.GetKeyId()), key)
	if err != nil {
		return err
	}
	if !known {
		return refuse(CodeKey, "unknown key")
	}
	if err := a.verified.check(raw, signed, key.PublicKey); err != nil {
		return refuse(CodeSignature, "%v", err)
	}
	x.raw, x.body, x.keyID, x.member = raw, body, signed.GetKeyId(), key.Member
	if key.Use != KeyUse_KEY_USE_GATEWAY {
		return refuse(CodeKey, "key may not sign this message")
	}
	return nil
}

// execute runs a transaction on a layer of its own. After CodeOK, or a code that is Recorded, the layer is kept.
func (a *App) execute(l *layer, x *execution, raw []byte) error {
	if err := a.open(l, x, raw); err != nil {
		return err
	}
	if e := x.body.GetExpiryHeight(); e != 0 && uint64(x.height) > e { //nolint:gosec // heights are positive
		return refuse(CodeExpired, "expired at height %d", e)
	}
	kind := kindOf(x.body)
	nonce := new(Nonce)
	if _, err := load(l, nonceKey(x.keyID, kind), nonce); err != nil {
		return err
	}
	if x.body.GetNonce() <= nonce.Last {
		return refuse(CodeNonce, "nonce not above %d", nonce.Last)
	}
	table := methods()
	i, ok := slices.BinarySearchFunc(table, kind, func(m method, k uint32) int { return int(m.kind) - int(k) })
	if !ok {
		return refuse(CodeMethod, "no module for message %d", kind)
	}
	if err := l.put(nonceKey(x.keyID, kind), &Nonce{Last: x.body.GetNonce()}); err != nil {
		return err
	}
	return table[i].run(l, x)
}

// verifiedTxs remembers transactions whose signature held, so that a transaction is verified once although CheckTx,
// ProcessProposal and FinalizeBlock all ask. It is a cache: forgetting costs time, nothing else. Two generations
// bound its size.
type verifiedTxs struct {
	mu       sync.Mutex
	young    map[verifiedKey]struct{}
	old      map[verifiedKey]struct{}
	capacity int
}

type verifiedKey struct {
	id  [32]byte
	pub [ed25519.PublicKeySize]byte
}

func newVerifiedTxs() *verifiedTxs {
	return &verifiedTxs{young: map[verifiedKey]struct{}{}, old: map[verifiedKey]struct{}{}, capacity: 4096}
}

func (v *verifiedTxs) check(raw []byte, signed *tx.Signed, pub []byte) error {
	if len(pub) != ed25519.PublicKeySize {
		return tx.ErrSignature
	}
	k := verifiedKey{id: txID(raw), pub: [ed25519.PublicKeySize]byte(pub)}
	v.mu.Lock()
	_, young := v.young[k]
	_, old := v.old[k]
	v.mu.Unlock()
	if young || old {
		return nil
	}
	if err := signed.Verify(pub); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.young) >= v.capacity {
		v.young, v.old = map[verifiedKey]struct{}{}, v.young
	}
	v.young[k] = struct{}{}
	return nil
}
