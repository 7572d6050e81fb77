package private

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/abci/tx"
)

// Each transaction is judged after the block before it: writer 1 has committed seq 1 to 3 (root = seq), writer 2 has
// committed seq 1 and is closed.
func TestRules(t *testing.T) {
	setup := func(t *testing.T) *node {
		n := newNode(t)
		n.admit(1, 2)
		n.block(batchTx(t, 1, 1, 1), batchTx(t, 1, 2, 2), batchTx(t, 1, 3, 3), batchTx(t, 2, 1, 1), closeTx(t, adminKey, 2, 1))
		return n
	}
	ok := batchTx(t, 1, 4, 4)
	tests := map[string]struct {
		raw  []byte
		want uint32
	}{
		"next":                   {ok, CodeOK},
		"same seq, same root":    {batchTx(t, 1, 3, 3), CodeCommitted},
		"older seq, same root":   {batchTx(t, 1, 1, 1), CodeCommitted},
		"same seq, other root":   {batchTx(t, 1, 3, 9), CodeConflict},
		"older seq, other root":  {batchTx(t, 1, 1, 9), CodeConflict},
		"same root, other size":  {signedBatch(t, testKey(1), testChain, 1, 3, 3, 11), CodeConflict},
		"gap":                    {batchTx(t, 1, 5, 5), CodeGap},
		"far gap":                {batchTx(t, 1, 1<<63, 5), CodeGap},
		"unknown writer":         {batchTx(t, 7, 1, 1), CodeUnknown},
		"closed writer":          {batchTx(t, 2, 2, 2), CodeClosed},
		"closed, committed":      {batchTx(t, 2, 1, 1), CodeCommitted},
		"closed, conflict":       {batchTx(t, 2, 1, 2), CodeConflict},
		"by another writer":      {signedBatch(t, testKey(2), testChain, 1, 4, 4, 1), CodeSignature},
		"by the admin":           {signedBatch(t, adminKey, testChain, 1, 4, 4, 1), CodeSignature},
		"other chain":            {signedBatch(t, testKey(1), "private-other", 1, 4, 4, 1), CodeWrongChain},
		"too many leaves":        {signedBatch(t, testKey(1), testChain, 1, 4, 4, 1<<20+1), CodeBatchSize},
		"empty":                  {nil, CodeMalformed},
		"garbage":                {[]byte("no transaction"), CodeMalformed},
		"trailing byte":          {append(ok[:len(ok):len(ok)], 0), CodeMalformed},
		"too long":               {make([]byte, MaxTxBytes+1), CodeMalformed},
		"admit":                  {admitTx(t, adminKey, 3, public(testKey(3))), CodeOK},
		"admit again":            {admitTx(t, adminKey, 1, public(testKey(1))), CodeCommitted},
		"admit with another key": {admitTx(t, adminKey, 1, public(testKey(5))), CodeWriterExists},
		"admit a closed one":     {admitTx(t, adminKey, 2, public(testKey(2))), CodeWriterExists},
		"admit by a writer":      {admitTx(t, testKey(1), 3, public(testKey(3))), CodeSignature},
		"close":                  {closeTx(t, adminKey, 1, 3), CodeOK},
		"close below":            {closeTx(t, adminKey, 1, 2), CodeLastSeq},
		"close above":            {closeTx(t, adminKey, 1, 4), CodeLastSeq},
		"close again":            {closeTx(t, adminKey, 2, 1), CodeCommitted},
		"close an unknown one":   {closeTx(t, adminKey, 7, 0), CodeNoWriter},
		"close by the writer":    {closeTx(t, testKey(1), 1, 3), CodeSignature},
		"consortium body":        {consortiumTx(t), CodeMalformed},
		"changed signature":      {flip(ok, len(ok)-1), CodeSignature},
		"changed root":           {flip(ok, bytes.Index(ok, bytes.Repeat([]byte{4}, 32))), CodeSignature},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			n := setup(t)
			if got := n.check(tc.raw); got != tc.want {
				t.Errorf("CheckTx: code %d, want %d", got, tc.want)
			}
			before := n.View().AppHash()
			hash, codes := n.block(tc.raw)
			if diff := cmp.Diff([]uint32{tc.want}, codes); diff != "" {
				t.Errorf("FinalizeBlock: %s", diff)
			}
			// Only what succeeded, or was a conflict, may leave anything behind.
			changes := tc.want == CodeOK || tc.want == CodeConflict
			if changed := !bytes.Equal(before, hash); changed != changes {
				t.Errorf("application hash changed: %v, want %v", changed, changes)
			}
		})
	}
}

func consortiumTx(t *testing.T) []byte {
	t.Helper()
	raw, err := tx.Sign(testKey(1), &tx.ConsortiumBody{ChainId: testChain, Message: &tx.ConsortiumBody_PutConsent{PutConsent: &tx.PutConsent{
		ConsentId: make([]byte, 32), Version: 1, Status: 1, PolicyCommitment: make([]byte, 32), EnvelopeHash: make([]byte, 32),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func flip(raw []byte, at int) []byte {
	out := bytes.Clone(raw)
	out[at] ^= 1
	return out
}

func TestConflictIsCountedAndChangesNothingElse(t *testing.T) {
	n := newNode(t)
	n.admit(1)
	n.block(batchTx(t, 1, 1, 1))
	n.block(batchTx(t, 1, 1, 2), batchTx(t, 1, 1, 3))
	w, ok := n.View().Writer(writerID(1))
	if !ok || w.GetConflicts() != 2 || w.GetLastSeq() != 1 {
		t.Errorf("writer: %v", w)
	}
	got, err := n.View().BatchEntry(writerID(1), 1)
	if err != nil || got.Entry.GetRoot()[0] != 1 || n.View().LogSize() != 1 {
		t.Errorf("batch: %v, %v", got, err)
	}
}

func TestSeveralBatchesOfOneWriterInABlock(t *testing.T) {
	n := newNode(t)
	n.admit(1)
	_, codes := n.block(batchTx(t, 1, 1, 1), batchTx(t, 1, 1, 1), batchTx(t, 1, 2, 2), batchTx(t, 1, 2, 3), batchTx(t, 1, 4, 4))
	if diff := cmp.Diff([]uint32{CodeOK, CodeCommitted, CodeOK, CodeConflict, CodeGap}, codes); diff != "" {
		t.Error(diff)
	}
}

func TestWriterAdmittedInTheSameBlock(t *testing.T) {
	n := newNode(t)
	_, codes := n.block(
		admitTx(t, adminKey, 1, public(testKey(1))), batchTx(t, 1, 1, 1), closeTx(t, adminKey, 1, 1), batchTx(t, 1, 2, 2))
	if diff := cmp.Diff([]uint32{CodeOK, CodeOK, CodeOK, CodeClosed}, codes); diff != "" {
		t.Error(diff)
	}
}

func TestMaxWriters(t *testing.T) {
	n := newNode(t)
	n.initChain(Params{MaxBatchLeaves: 10, MaxWriters: 2})
	_, codes := n.block(
		admitTx(t, adminKey, 1, public(testKey(1))), admitTx(t, adminKey, 2, public(testKey(2))), closeTx(t, adminKey, 2, 0),
		admitTx(t, adminKey, 3, public(testKey(3))))
	if diff := cmp.Diff([]uint32{CodeOK, CodeOK, CodeOK, CodeTooMany}, codes); diff != "" {
		t.Error(diff)
	}
}

func TestOneOutstandingBatchPerWriter(t *testing.T) {
	n := newNode(t)
	n.admit(1, 2)
	steps := []struct {
		name string
		raw  []byte
		want uint32
	}{
		{"first", batchTx(t, 1, 1, 1), CodeOK},
		{"the same again", batchTx(t, 1, 1, 1), CodeOK},
		{"another root", batchTx(t, 1, 1, 2), CodeOutstanding},
		{"another size", signedBatch(t, testKey(1), testChain, 1, 1, 1, 99), CodeOutstanding},
		{"the next", batchTx(t, 1, 2, 2), CodeGap},
		{"another writer", batchTx(t, 2, 1, 1), CodeOK},
	}
	for _, s := range steps {
		if got := n.check(s.raw); got != s.want {
			t.Errorf("%s: code %d, want %d", s.name, got, s.want)
		}
	}
	n.block() // without the batch: it is still in the mempool
	if got := n.check(batchTx(t, 1, 1, 2)); got != CodeOutstanding {
		t.Errorf("after an empty block: code %d", got)
	}
	n.block(batchTx(t, 1, 1, 1))
	if got := n.check(batchTx(t, 1, 2, 2)); got != CodeOK {
		t.Errorf("after its commit: code %d", got)
	}
	n.block(closeTx(t, adminKey, 1, 1))
	if _, held := n.outstanding[writerID(1)]; held {
		t.Error("a closed writer has an outstanding batch")
	}
}

func TestCheckTxBeforeGenesis(t *testing.T) {
	app, err := New(Config{Dir: "state", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	res, err := app.CheckTx(t.Context(), checkRequest(batchTx(t, 1, 1, 1)))
	if err != nil || res.Code != CodeWrongChain {
		t.Errorf("got %v, %v", res, err)
	}
	if err := app.Close(); err != nil {
		t.Error(err)
	}
}

// What was verified under one key is not verified under another, and the memory stays bounded.
func TestVerifierRemembersTheKey(t *testing.T) {
	var v verifier
	c, _ := decode(batchTx(t, 1, 1, 1), testChain)
	for range 2 {
		if !v.verify(c, public(testKey(1))) {
			t.Error("refused the writer's key")
		}
		if v.verify(c, public(testKey(2))) {
			t.Error("accepted another key")
		}
	}
	for i := range maxVerified + 10 {
		c.digest[0], c.digest[1] = byte(i), byte(i>>8)
		v.seen[c.digest] = [32]byte(public(testKey(1)))
	}
	c.digest = [32]byte{31: 1}
	if !v.verify(c, public(testKey(1))) || len(v.seen) > maxVerified {
		t.Errorf("%d transactions remembered", len(v.seen))
	}
}

func FuzzDeliver(f *testing.F) {
	for _, raw := range [][]byte{batchTx(f, 1, 2, 2), batchTx(f, 1, 1, 9), admitTx(f, adminKey, 4, public(testKey(4))), closeTx(f, adminKey, 1, 1)} {
		f.Add(raw)
	}
	n := newNode(f)
	n.admit(1)
	n.block(batchTx(f, 1, 1, 1))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n.t = t
		first := n.finalize(raw)
		again := n.finalize(raw)
		if !bytes.Equal(first.AppHash, again.AppHash) || first.TxResults[0].Code != again.TxResults[0].Code {
			t.Error("not deterministic")
		}
		code := first.TxResults[0].Code
		if changed := !bytes.Equal(first.AppHash, n.View().AppHash()); changed && code != CodeOK && code != CodeConflict {
			t.Errorf("code %d changed the state", code)
		}
	})
}
