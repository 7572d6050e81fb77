package private

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/abci/tx"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestViewIsImmutable(t *testing.T) {
	n := newNode(t)
	n.admit(1)
	n.block(batchTx(t, 1, 1, 1))
	old := n.View()
	hash := old.AppHash()
	n.block(batchTx(t, 1, 2, 2), closeTx(t, adminKey, 1, 2))
	if seq, ok := old.WriterSeq(writerID(1)); seq != 1 || !ok {
		t.Errorf("old view: seq %d, %v", seq, ok)
	}
	if _, err := old.BatchEntry(writerID(1), 2); !errors.Is(err, ErrAbsent) {
		t.Errorf("old view sees a later batch: %v", err)
	}
	if _, err := old.Inclusion(1, 2); !errors.Is(err, ErrAbsent) {
		t.Errorf("old view proves a later batch: %v", err)
	}
	if _, _, err := old.StateAt(3); !errors.Is(err, ErrAbsent) {
		t.Errorf("old view has a later state: %v", err)
	}
	if !bytes.Equal(hash, old.AppHash()) || old.Height() != 2 || old.LogSize() != 1 {
		t.Error("old view changed")
	}
	if w, _ := old.Writer(writerID(1)); w.GetClosed() {
		t.Error("old view changed its writer")
	}
	now := n.View()
	if w, _ := now.Writer(writerID(1)); !w.GetClosed() || now.Height() != 3 || now.LogSize() != 2 {
		t.Error("the new view is not the new state")
	}
	now.AppHash()[0]++
	w, _ := now.Writer(writerID(1))
	w.LastSeq = 99
	if seq, _ := now.WriterSeq(writerID(1)); seq != 2 || bytes.Equal(now.AppHash(), hash) {
		t.Error("a caller changed the view")
	}
}

func TestViewAbsent(t *testing.T) {
	n := newNode(t)
	v := n.View()
	if v.Height() != 0 || v.AppHash() != nil || v.LogSize() != 0 {
		t.Error("a chain without blocks has a state")
	}
	if _, ok := v.WriterSeq(writerID(1)); ok {
		t.Error("an unknown writer has a seq")
	}
	if _, ok := v.Writer(writerID(1)); ok {
		t.Error("an unknown writer exists")
	}
	if _, err := v.BatchEntry(writerID(1), 1); !errors.Is(err, ErrAbsent) {
		t.Errorf("batch: %v", err)
	}
	for _, h := range []int64{-1, 0, 1} {
		if _, _, err := v.StateAt(h); !errors.Is(err, ErrAbsent) {
			t.Errorf("state at %d: %v", h, err)
		}
	}
}

func TestStateAtQuietHeights(t *testing.T) {
	n := newNode(t)
	n.block()
	n.admit(1)
	n.block()
	n.block()
	n.block(batchTx(t, 1, 1, 1))
	n.block()
	for height, want := range map[int64]int64{1: 1, 2: 2, 3: 2, 4: 2, 5: 5, 6: 5} {
		s, made, err := n.View().StateAt(height)
		if err != nil || made != want {
			t.Errorf("state at %d: made at %d, %v; want %d", height, made, err, want)
		}
		if height == 6 && !bytes.Equal(s.Hash(), n.View().AppHash()) {
			t.Error("the newest state does not give the hash")
		}
	}
}

// At every height, every earlier height's log is consistent with it.
func TestConsistencyBetweenAllHeights(t *testing.T) {
	n := newNode(t)
	for _, txs := range randomBlocks(t, 21, 25) {
		n.block(txs...)
	}
	v := n.View()
	for a := int64(1); a <= v.Height(); a++ {
		for b := a; b <= v.Height(); b++ {
			from, _, err := v.StateAt(a)
			if err != nil {
				t.Fatal(err)
			}
			to, _, err := v.StateAt(b)
			if err != nil {
				t.Fatal(err)
			}
			path, err := v.Consistency(from.GetLogSize(), to.GetLogSize())
			if err != nil {
				t.Fatal(err)
			}
			if err := tx.VerifyConsistency(from.GetLogSize(), to.GetLogSize(), from.GetLogRoot(), to.GetLogRoot(), path); err != nil {
				t.Fatalf("heights %d and %d: %v", a, b, err)
			}
		}
	}
}

func TestOnCommit(t *testing.T) {
	n := newNode(t)
	n.admit(1, 2)
	n.block()
	n.block(batchTx(t, 1, 1, 1), batchTx(t, 2, 1, 1), batchTx(t, 1, 1, 1), batchTx(t, 1, 2, 2))
	n.block(batchTx(t, 1, 2, 9))
	want := []Committed{{Height: 3, Batches: []CommittedBatch{
		{Writer: writerID(1), Seq: 1, Index: 0}, {Writer: writerID(2), Seq: 1, Index: 1}, {Writer: writerID(1), Seq: 2, Index: 2},
	}}}
	if diff := cmp.Diff(want, n.got); diff != "" {
		t.Error(diff)
	}
}

// The view must already show what OnCommit tells.
func TestOnCommitSeesTheView(t *testing.T) {
	var app *App
	var seen uint64
	app, err := New(Config{Dir: "state", FS: vfs.NewMem(), OnCommit: func(c Committed) {
		seen, _ = app.View().WriterSeq(c.Batches[0].Writer)
	}})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{App: app, t: t}
	n.initChain(DefaultParams())
	n.admit(1)
	n.block(batchTx(t, 1, 1, 1))
	if seen != 1 {
		t.Errorf("OnCommit saw seq %d", seen)
	}
	if err := app.Close(); err != nil {
		t.Error(err)
	}
}

func TestReadersAndBlocksAtOnce(t *testing.T) {
	n := newNode(t)
	n.admit(1)
	n.block(batchTx(t, 1, 1, 1))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				v := n.View()
				seq, _ := v.WriterSeq(writerID(1))
				got, err := v.BatchEntry(writerID(1), seq)
				if err != nil || checkBatch(v, writerID(1), seq, got.Index, mustLeaf(t, got.Entry)) != nil {
					t.Errorf("seq %d: %v", seq, err)
					return
				}
			}
		})
	}
	for seq := uint64(2); seq < 60; seq++ {
		raw := batchTx(t, 1, seq, byte(seq))
		n.check(raw)
		n.block(raw)
	}
	close(stop)
	wg.Wait()
}

func mustLeaf(t *testing.T, m *tx.BatchEntry) []byte {
	raw, err := tx.EntryLeaf(m)
	if err != nil {
		t.Error(err)
	}
	return raw
}

func TestReadersAfterClose(t *testing.T) {
	n := newNode(t)
	n.admit(1)
	n.block(batchTx(t, 1, 1, 1))
	n.finalize(batchTx(t, 1, 2, 2))
	v := n.View()
	if err := errors.Join(n.Close(), n.Close()); err != nil {
		t.Fatal(err)
	}
	_, errEntry := v.BatchEntry(writerID(1), 1)
	_, _, errState := v.StateAt(2)
	_, errPath := v.Inclusion(0, 1)
	for _, err := range []error{errEntry, errState, errPath} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
}

func TestBlocksOutOfOrder(t *testing.T) {
	ctx := context.Background()
	n := newNode(t)
	n.block()
	for _, height := range []int64{0, 1, 3} {
		if _, err := n.FinalizeBlock(ctx, &abci.RequestFinalizeBlock{Height: height}); err == nil {
			t.Errorf("took height %d after height 1", height)
		}
	}
	if _, err := n.Commit(ctx, &abci.RequestCommit{}); err == nil {
		t.Error("committed without a block")
	}
	if _, err := n.InitChain(ctx, &abci.RequestInitChain{ChainId: testChain, AppStateBytes: testGenesis(t, DefaultParams())}); !errors.Is(err, ErrGenesis) {
		t.Errorf("InitChain after a block: %v", err)
	}
}
