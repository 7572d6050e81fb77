package private

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/abci/tx/mlog"
)

// ErrAbsent is wrapped when a batch, a height or a log position does not exist in a View.
var ErrAbsent = errors.New("not on the private chain")

// View reads the state as it was after one committed height, without ABCI and without waiting for a block. It is
// immutable and safe for concurrent use: what it reads from the store is append-only and bounded by the log size.
type View struct {
	app   *App
	state *state
}

func (a *App) viewOf(s *state) *View { return &View{app: a, state: s} }

// View returns the newest committed state; its height is 0 before the first block.
func (a *App) View() *View { return a.view.Load() }

// Height is the height after whose block the view was taken.
func (v *View) Height() int64 { return v.state.height }

// AppHash is the application hash after Height; it stands in the header of Height + 1. Nil at height 0.
func (v *View) AppHash() []byte { return append([]byte(nil), v.state.hash...) }

// LogSize is the number of batches in the log.
func (v *View) LogSize() uint64 { return v.state.log.Size() }

// Writer is the state of an admitted writer.
func (v *View) Writer(id [tx.WriterSize]byte) (*tx.WriterEntry, bool) {
	w := v.state.writer(id[:])
	if w == nil {
		return nil, false
	}
	return proto.CloneOf(w), true
}

// WriterSeq is a writer's last committed seq, 0 if it committed none; false if it was never admitted.
func (v *View) WriterSeq(id [tx.WriterSize]byte) (uint64, bool) {
	w := v.state.writer(id[:])
	return w.GetLastSeq(), w != nil
}

// Batch is a committed batch and where it is.
type Batch struct {
	Entry  *tx.BatchEntry
	Index  uint64 // in the batch log
	Height int64  // of the block that committed it; the next header covers it
}

// BatchEntry finds a writer's batch. Errors: ErrAbsent, ErrClosed, ErrCorrupt or of the store.
func (v *View) BatchEntry(writer [tx.WriterSize]byte, seq uint64) (*Batch, error) {
	if err := v.app.gate.enter(); err != nil {
		return nil, err
	}
	defer v.app.gate.leave()
	entry, at, err := readBatch(reader{v.app.db}, writer[:], seq)
	if err != nil {
		return nil, err
	}
	if entry == nil || at.index >= v.state.log.Size() {
		return nil, fmt.Errorf("batch %d: %w", seq, ErrAbsent)
	}
	return &Batch{Entry: entry, Index: at.index, Height: at.height}, nil
}

// StateAt returns the preimage of the application hash after a height, and the height that made it: the newest one
// not above it that changed the state.
func (v *View) StateAt(height int64) (*tx.PrivateState, int64, error) {
	if height <= 0 || height > v.state.height {
		return nil, 0, fmt.Errorf("state at height %d: %w", height, ErrAbsent)
	}
	if err := v.app.gate.enter(); err != nil {
		return nil, 0, err
	}
	defer v.app.gate.leave()
	made, raw, err := reader{v.app.db}.last(prefixHeight, uint64(height))
	if err != nil {
		return nil, 0, err
	}
	if raw == nil {
		return nil, 0, fmt.Errorf("state at height %d: %w", height, ErrAbsent)
	}
	s := new(tx.PrivateState)
	if err := tx.Decode(raw, s); err != nil {
		return nil, 0, fmt.Errorf("%w: state record: %w", ErrCorrupt, err)
	}
	return s, int64(made), nil
}

// Inclusion proves a batch log index at a log size, both of this view (RFC 6962 section 2.1.1).
func (v *View) Inclusion(index, size uint64) ([][]byte, error) {
	return v.proof(func(l mlog.View) ([][]byte, error) { return l.Inclusion(index, size) })
}

// Consistency proves that the log at size to extends the log at size from (RFC 6962 section 2.1.2).
func (v *View) Consistency(from, to uint64) ([][]byte, error) {
	return v.proof(func(l mlog.View) ([][]byte, error) { return l.Consistency(from, to) })
}

func (v *View) proof(build func(mlog.View) ([][]byte, error)) ([][]byte, error) {
	if err := v.app.gate.enter(); err != nil {
		return nil, err
	}
	defer v.app.gate.leave()
	path, err := build(mlog.NewView(reader{v.app.db}, []byte{prefixNode}, v.state.log.Size()))
	switch {
	case errors.Is(err, mlog.ErrRange):
		return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
	case errors.Is(err, mlog.ErrCorrupt):
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return path, err
}
