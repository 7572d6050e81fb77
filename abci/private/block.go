package private

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	abci "github.com/cometbft/cometbft/abci/types"
	"google.golang.org/protobuf/proto"

	"github.com/chartseal/chartseal/abci/tx"
)

// block is a block in execution: a copy of the state, and the records that it changes, uncommitted.
type block struct {
	*state
	base      *state
	records   *pebble.Batch // indexed: reads see what the block wrote
	verifier  *verifier
	committed []CommittedBatch
	changed   bool
}

func newBlock(db *pebble.DB, v *verifier, base *state, height int64) *block {
	b := &block{state: base.clone(), base: base, records: db.NewIndexedBatch(), verifier: v}
	b.height = height
	return b
}

func (b *block) discard() error { return b.records.Close() }

// deliver executes one transaction. One that is refused leaves nothing behind; errors are of the store.
func (b *block) deliver(raw []byte) (verdict, error) {
	c, v := decode(raw, b.genesis.ChainID)
	if v.code != CodeOK {
		return v, nil
	}
	v, err := b.judge(reader{b.records}, b.verifier, c)
	if err != nil {
		return verdict{}, err
	}
	switch v.code {
	case CodeOK:
		return v, b.apply(c.body)
	case CodeConflict:
		return v, b.change(c.body.GetBatch().GetWriter(), func(w *tx.WriterEntry) { w.Conflicts++ })
	}
	return v, nil
}

func (b *block) apply(body *tx.PrivateBody) error {
	switch m := body.GetMessage().(type) {
	case *tx.PrivateBody_Batch:
		return b.append(m.Batch)
	case *tx.PrivateBody_AdmitWriter:
		w := &tx.WriterEntry{Writer: m.AdmitWriter.GetWriter(), PublicKey: m.AdmitWriter.GetPublicKey()}
		at, _ := b.find(w.GetWriter())
		b.writers = slices.Insert(b.writers, at, w)
		return b.put(w)
	case *tx.PrivateBody_CloseWriter:
		return b.change(m.CloseWriter.GetWriter(), func(w *tx.WriterEntry) { w.Closed = true })
	}
	return nil
}

// append adds a batch to the log and advances its writer.
func (b *block) append(m *tx.Batch) error {
	leaf, err := tx.EntryLeaf(&tx.BatchEntry{Writer: m.GetWriter(), Seq: m.GetSeq(), Root: m.GetRoot(), Size: m.GetSize()})
	if err != nil {
		return fmt.Errorf("encode batch entry: %w", err)
	}
	index, err := b.log.Append(writeBatch{b.records}, leaf)
	if err != nil {
		return fmt.Errorf("append batch: %w", err)
	}
	err = errors.Join(
		b.records.Set(keyBatch(index), leaf, nil),
		b.records.Set(keySeq(m.GetWriter(), m.GetSeq()), location{index, b.height}.encode(), nil),
	)
	if err != nil {
		return fmt.Errorf("write batch records: %w", err)
	}
	b.committed = append(b.committed, CommittedBatch{Writer: [tx.WriterSize]byte(m.GetWriter()), Seq: m.GetSeq(), Index: index})
	return b.change(m.GetWriter(), func(w *tx.WriterEntry) { w.LastSeq = m.GetSeq() })
}

// change replaces the entry of a writer that exists.
func (b *block) change(id []byte, edit func(*tx.WriterEntry)) error {
	at, _ := b.find(id)
	w := proto.CloneOf(b.writers[at])
	edit(w)
	b.writers[at] = w
	return b.put(w)
}

func (b *block) put(w *tx.WriterEntry) error {
	raw, err := tx.Encode(w)
	if err != nil {
		return fmt.Errorf("encode writer: %w", err)
	}
	b.changed = true
	return b.records.Set(keyWriter(w.GetWriter()), raw, nil)
}

// finish computes the hash and adds the records of the height.
func (b *block) finish(genesis []byte) error {
	if b.changed {
		if err := b.seal(); err != nil {
			return err
		}
	}
	// The first height after genesis has a record even if it is empty, so that there is one for every later height.
	if b.changed || b.base.height == 0 {
		raw, err := tx.Encode(b.preimage)
		if err != nil {
			return fmt.Errorf("encode state: %w", err)
		}
		if err := b.records.Set(keyHeight(uint64(b.height)), raw, nil); err != nil {
			return fmt.Errorf("write state record: %w", err)
		}
	}
	if b.base.height == 0 {
		if err := b.records.Set([]byte{prefixGenesis}, genesis, nil); err != nil {
			return fmt.Errorf("write genesis record: %w", err)
		}
	}
	return b.records.Set([]byte{prefixMeta}, b.meta(), nil)
}

func execResult(v verdict) *abci.ExecTxResult {
	return &abci.ExecTxResult{Code: v.code, Log: v.log, Codespace: Codespace}
}
