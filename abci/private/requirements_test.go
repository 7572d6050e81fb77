package private

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/google/go-cmp/cmp"
)

// These tests name the requirements of CometBFT's "Requirements for the Application" (spec/abci). Requirement 1 is
// about the operator's propose timeout (BenchmarkBlock gives the time); 6, 7, 8 and 10 are about vote extensions,
// which this application has not.

func checkRequest(raw []byte) *abci.RequestCheckTx { return &abci.RequestCheckTx{Tx: raw} }

func (n *node) prepare(maxBytes int64, txs ...[]byte) [][]byte {
	n.t.Helper()
	res, err := n.PrepareProposal(n.t.Context(), &abci.RequestPrepareProposal{Height: n.height + 1, MaxTxBytes: maxBytes, Txs: txs})
	if err != nil {
		n.t.Fatal(err)
	}
	return res.Txs
}

func (n *node) process(txs ...[]byte) bool {
	n.t.Helper()
	res, err := n.ProcessProposal(n.t.Context(), &abci.RequestProcessProposal{Height: n.height + 1, Txs: txs})
	if err != nil {
		n.t.Fatal(err)
	}
	return res.IsAccepted()
}

func TestRequirement2PrepareProposalTxSize(t *testing.T) {
	n := newNode(t)
	n.admit(1)
	var txs [][]byte
	for seq := uint64(1); seq <= 20; seq++ {
		txs = append(txs, batchTx(t, 1, seq, 1))
	}
	for limit := int64(0); limit < 4000; limit += 37 {
		got := n.prepare(limit, txs...)
		if err := cmttypes.ToTxs(got).Validate(limit); err != nil {
			t.Fatalf("limit %d: %v", limit, err)
		}
		if !slices.EqualFunc(got, txs[:len(got)], bytes.Equal) {
			t.Fatalf("limit %d: order changed", limit)
		}
	}
	if got := n.prepare(1<<20, txs...); len(got) != len(txs) {
		t.Errorf("%d of %d transactions without a limit", len(got), len(txs))
	}
}

func TestRequirement3PreparedProposalIsAccepted(t *testing.T) {
	p, q := newNode(t), newNode(t)
	for h, txs := range randomBlocks(t, 3, 60) {
		raw := append([][]byte{[]byte("garbage"), batchTx(t, 99, 1, 1)}, txs...)
		prepared := p.prepare(1<<20, raw...)
		if !q.process(prepared...) {
			t.Fatalf("height %d: q refuses what p prepared", h+1)
		}
		p.block(prepared...)
		q.block(prepared...)
	}
}

func TestPrepareProposalDropsWhatHasNoEffect(t *testing.T) {
	n := newNode(t)
	n.admit(1)
	n.block(batchTx(t, 1, 1, 1))
	next, conflict := batchTx(t, 1, 2, 2), batchTx(t, 1, 1, 7)
	got := n.prepare(1<<20, batchTx(t, 1, 1, 1), next, conflict, next, batchTx(t, 1, 9, 9), batchTx(t, 8, 1, 1), []byte{1})
	if diff := cmp.Diff([][]byte{next, conflict}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRequirements4And5ProcessProposalIsDeterministic(t *testing.T) {
	p, q := newNode(t), newNode(t)
	for _, n := range []*node{p, q} {
		n.admit(1)
		n.block(batchTx(t, 1, 1, 1))
	}
	// What a node has seen in its mempool must not matter.
	p.check(batchTx(t, 1, 2, 2))
	tests := map[string]struct {
		txs  [][]byte
		want bool
	}{
		"empty":                  {nil, true},
		"valid":                  {[][]byte{batchTx(t, 1, 2, 2)}, true},
		"valid, other root":      {[][]byte{batchTx(t, 1, 2, 3)}, true},
		"committed":              {[][]byte{batchTx(t, 1, 1, 1)}, true},
		"conflict":               {[][]byte{batchTx(t, 1, 1, 5)}, true},
		"gap":                    {[][]byte{batchTx(t, 1, 8, 8)}, true},
		"admitted in this block": {[][]byte{admitTx(t, adminKey, 2, public(testKey(2))), batchTx(t, 2, 1, 1)}, true},
		"garbage":                {[][]byte{batchTx(t, 1, 2, 2), []byte("garbage")}, false},
		"unknown writer":         {[][]byte{batchTx(t, 2, 1, 1), admitTx(t, adminKey, 2, public(testKey(2)))}, false},
		"bad signature":          {[][]byte{signedBatch(t, testKey(5), testChain, 1, 2, 2, 1)}, false},
		"other chain":            {[][]byte{signedBatch(t, testKey(1), "x", 1, 2, 2, 1)}, false},
		"admin's key missing":    {[][]byte{admitTx(t, testKey(1), 2, public(testKey(2)))}, false},
	}
	for name, tc := range tests {
		for i, n := range []*node{p, q, p} {
			if got := n.process(tc.txs...); got != tc.want {
				t.Errorf("%s, call %d: accepted %v, want %v", name, i, got, tc.want)
			}
		}
	}
}

func TestRequirement9ProposalsHaveNoSideEffects(t *testing.T) {
	n, control := newNode(t), newNode(t)
	for h, txs := range randomBlocks(t, 9, 30) {
		n.prepare(1<<20, txs...)
		n.process(txs...)
		n.process(batchTx(t, 1, 1, 250))
		before := dump(t, n.App)
		n.prepare(1<<20, txs...)
		n.process(txs...)
		if diff := cmp.Diff(before, dump(t, n.App)); diff != "" {
			t.Fatalf("height %d: the store changed: %s", h+1, diff)
		}
		a, _ := n.block(txs...)
		b, _ := control.block(txs...)
		if !bytes.Equal(a, b) {
			t.Fatalf("height %d: the hash depends on earlier proposals", h+1)
		}
	}
}

func TestFinalizeBlockPersistsNothing(t *testing.T) {
	fs := vfs.NewMem()
	n := openNode(t, fs)
	n.admit(1)
	before := dump(t, n.App)
	first := n.finalize(batchTx(t, 1, 1, 1))
	if diff := cmp.Diff(before, dump(t, n.App)); diff != "" {
		t.Errorf("the store changed before Commit: %s", diff)
	}
	// Another decision for the same height replaces the first, and the first again gives the first hash again.
	n.finalize(batchTx(t, 1, 1, 2))
	hash, _ := n.block(batchTx(t, 1, 1, 1))
	if !bytes.Equal(first.AppHash, hash) {
		t.Error("the hash depends on a candidate that was dropped")
	}
}

func TestRequirements11And12FinalizeBlockIsDeterministic(t *testing.T) {
	blocks := randomBlocks(t, 11, 80)
	p, q := newNode(t), newNode(t)
	for h, txs := range blocks {
		for _, raw := range txs {
			p.check(raw) // CheckTx and proposals must not matter
		}
		p.prepare(1<<20, txs...)
		a, b := p.finalize(txs...), q.finalize(txs...)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("height %d: %s", h+1, diff)
		}
		p.block(txs...)
		q.block(txs...)
	}
}

func TestRequirement13CheckTxDoesNotOscillate(t *testing.T) {
	p, q := newNode(t), newNode(t)
	for _, n := range []*node{p, q} {
		n.admit(1)
		n.block(batchTx(t, 1, 1, 1))
	}
	tests := map[string]struct {
		raw  []byte
		want uint32
	}{
		"committed": {batchTx(t, 1, 1, 1), CodeCommitted},
		"conflict":  {batchTx(t, 1, 1, 2), CodeConflict},
		"next":      {batchTx(t, 1, 2, 2), CodeOK},
		"garbage":   {[]byte("garbage"), CodeMalformed},
	}
	for name, tc := range tests {
		for range 3 {
			for _, n := range []*node{p, q} {
				n.block()
				if got := n.check(tc.raw); got != tc.want {
					t.Errorf("%s: code %d, want %d", name, got, tc.want)
				}
			}
		}
	}
}

func TestEmptyBlockLeavesTheHash(t *testing.T) {
	n := newNode(t)
	genesis := n.initChain(DefaultParams())
	for range 3 {
		if hash, _ := n.block(); !bytes.Equal(hash, genesis) {
			t.Fatal("an empty block after genesis changed the hash")
		}
	}
	n.admit(1)
	want, _ := n.block(batchTx(t, 1, 1, 1))
	for range 3 {
		if hash, _ := n.block(); !bytes.Equal(hash, want) {
			t.Fatal("an empty block changed the hash")
		}
	}
	if hash, _ := n.block([]byte("garbage"), batchTx(t, 1, 1, 1), batchTx(t, 1, 7, 7)); !bytes.Equal(hash, want) {
		t.Error("a block of refused transactions changed the hash")
	}
}

func TestMethodsThatAreNotServed(t *testing.T) {
	n := newNode(t)
	query, err := n.Query(t.Context(), &abci.RequestQuery{})
	if err != nil || query.Code != CodeUnsupported {
		t.Errorf("Query: %v, %v", query, err)
	}
	insert, err := n.InsertTx(t.Context(), &abci.RequestInsertTx{})
	if err != nil || insert.Code != CodeUnsupported {
		t.Errorf("InsertTx: %v, %v", insert, err)
	}
}

func BenchmarkBlock(b *testing.B) {
	n := newNode(b)
	n.admit(1)
	// Signed outside of the measured time; a run longer than this repeats the last one.
	txs := make([][]byte, 1<<14)
	for i := range txs {
		txs[i] = batchTx(b, 1, uint64(i+1), 1)
	}
	i := 0
	for b.Loop() {
		raw := txs[min(i, len(txs)-1)]
		i++
		n.check(raw)
		n.prepare(1<<20, raw)
		n.process(raw)
		n.block(raw)
	}
}
