package record

import (
	"context"
	"time"

	"github.com/chartseal/chartseal/internal/ledger"
)

// Chain is what the write path needs of the organisation's private chain.
type Chain interface {
	// Writer names this gateway on the chain.
	Writer() [16]byte
	// BatchTx signs the transaction that commits a batch. The bytes are staged and never signed again.
	BatchTx(seq uint64, root [32]byte, size uint64) ([]byte, error)
	// Submit hands a staged transaction over. Nil means pending or committed; it may be called again.
	Submit(ctx context.Context, tx []byte) error
	// CommittedSeq is the writer's last seq in the committed state.
	CommittedSeq(writer [16]byte) (uint64, error)
	// OnCommit registers the callback that follows each commit, in order. It must not block.
	OnCommit(func(writer [16]byte, seq uint64))
	// Receipt proves one leaf of a committed batch.
	Receipt(ctx context.Context, in ledger.ReceiptInput) ([]byte, error)
}

// Consortium is what consent needs of the consortium chain.
type Consortium interface {
	// ConsentTx signs a consent transaction; nonce rises strictly per gateway.
	ConsentTx(c ledger.Consent, nonce uint64) ([]byte, error)
	// SubmitConsortium hands it over; ledger.ErrRejected is final.
	SubmitConsortium(ctx context.Context, tx []byte) error
	// ConsentState is the committed state in this gateway's own node.
	ConsentState(id [32]byte) (ledger.Consent, bool)
	// OnConsent registers the callback that follows each committed consent transaction. It must not block.
	OnConsent(func(ledger.Consent))
	// ConsortiumHead is the newest block of this gateway's own node.
	ConsortiumHead() (height int64, blockTime time.Time)
}
