package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chartseal/chartseal/abci/private"
	"github.com/chartseal/chartseal/abci/tx"
)

// committedBatch is an event of the private chain.
type committedBatch struct {
	writer [tx.WriterSize]byte
	seq    uint64
}

// Writer names this gateway on the private chain: the id of its writer key.
func (l *Ledger) Writer() [16]byte { return l.writer }

// BatchTx signs the transaction that commits a batch: the root over its leaf commitments and their number. The bytes
// are to be stored before they are submitted, and a seq is never signed twice.
func (l *Ledger) BatchTx(seq uint64, root [32]byte, size uint64) ([]byte, error) {
	raw, err := tx.Sign(l.keys.writer, &tx.PrivateBody{
		ChainId: l.id.chainID("private"),
		Message: &tx.PrivateBody_Batch{Batch: &tx.Batch{Format: tx.Format, Writer: l.writer[:], Seq: seq, Root: root[:], Size: size}},
	})
	if err != nil {
		return nil, fmt.Errorf("sign batch %d: %w", seq, err)
	}
	return raw, nil
}

// Submit hands a batch to the private chain. Nil: it is pending, or committed. The same bytes may be submitted again
// at any time; a caller whose batch does not commit in time does so. Errors: ErrRejected (and ErrConflict),
// ErrNotNext, ErrUnavailable. It returns after the application has checked the batch; ctx is looked at before.
func (l *Ledger) Submit(ctx context.Context, raw []byte) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("submit batch: %w", err)
	}
	code, reason, err := l.private.check(raw)
	if err != nil {
		return fmt.Errorf("submit batch: %w", err)
	}
	switch code {
	case private.CodeOK, private.CodeCommitted:
		return nil
	case private.CodeConflict, private.CodeOutstanding:
		return fmt.Errorf("submit batch: %w: %w: %s", ErrRejected, ErrConflict, reason)
	case private.CodeGap:
		return fmt.Errorf("submit batch: %w: %s", ErrNotNext, reason)
	default:
		return fmt.Errorf("submit batch: %w: %s (code %d)", ErrRejected, reason, code)
	}
}

// CommittedSeq is the last committed seq of a writer, 0 if there is none. Errors: ErrAbsent for a writer that was
// never admitted.
func (l *Ledger) CommittedSeq(writer [16]byte) (uint64, error) {
	seq, ok := l.privateApp.View().WriterSeq(writer)
	if !ok {
		return 0, fmt.Errorf("writer: %w", ErrAbsent)
	}
	return seq, nil
}

// Batch returns root and size of a committed batch. Errors: ErrAbsent.
func (l *Ledger) Batch(writer [16]byte, seq uint64) (root [32]byte, size uint64, err error) {
	b, err := l.privateApp.View().BatchEntry(writer, seq)
	if errors.Is(err, private.ErrAbsent) {
		return root, 0, fmt.Errorf("batch %d: %w", seq, ErrAbsent)
	}
	if err != nil {
		return root, 0, fmt.Errorf("batch %d: %w", seq, err)
	}
	copy(root[:], b.Entry.GetRoot())
	return root, b.Entry.GetSize(), nil
}

// OnCommit registers a callback for every batch committed from now on, whoever wrote it: in order, from one goroutine,
// after block and state are durable. It should not block, and may call the ledger. A subscriber asks CommittedSeq
// after it has registered, for what came before.
func (l *Ledger) OnCommit(fn func(writer [16]byte, seq uint64)) {
	l.batches.subscribe(func(e committedBatch) { fn(e.writer, e.seq) })
}

// privateCommitted runs on the consensus goroutine.
func (l *Ledger) privateCommitted(c private.Committed) {
	events := make([]committedBatch, len(c.Batches))
	for i, b := range c.Batches {
		events[i] = committedBatch{writer: b.Writer, seq: b.Seq}
		l.lag.committed(b.Index+1, time.Now())
	}
	l.batches.publish(events...)
}

// sameConsent tells whether a consent transaction is what an entry recorded.
func sameConsent(e *tx.ConsentEntry, m *tx.PutConsent, member string) bool {
	return e.GetMember() == member && e.GetStatus() == m.GetStatus() && bytes.Equal(e.GetPolicyCommitment(), m.GetPolicyCommitment()) &&
		bytes.Equal(e.GetEnvelopeHash(), m.GetEnvelopeHash())
}
