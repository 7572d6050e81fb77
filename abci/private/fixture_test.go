package private

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/chartseal/chartseal/abci/tx"
)

const testChain = "private-test"

func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return ed25519.PublicKey(k[ed25519.SeedSize:]) }

var adminKey = testKey(200)

func testGenesis(t testing.TB, params Params) []byte {
	t.Helper()
	raw, err := json.Marshal(Genesis{Organisation: "hospital-a", AdminKey: public(adminKey), Params: params})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func writerID(n byte) [16]byte { return [16]byte(bytes.Repeat([]byte{n}, 16)) }

func sign(t testing.TB, key ed25519.PrivateKey, body *tx.PrivateBody) []byte {
	t.Helper()
	raw, err := tx.Sign(key, body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// batchTx is a batch of writer n, signed with the writer's key testKey(n). root is made of one byte.
func batchTx(t testing.TB, n byte, seq uint64, root byte) []byte {
	t.Helper()
	return signedBatch(t, testKey(n), testChain, n, seq, root, 10)
}

func signedBatch(t testing.TB, key ed25519.PrivateKey, chain string, n byte, seq uint64, root byte, size uint64) []byte {
	t.Helper()
	id := writerID(n)
	return sign(t, key, &tx.PrivateBody{ChainId: chain, Message: &tx.PrivateBody_Batch{Batch: &tx.Batch{
		Format: tx.Format, Writer: id[:], Seq: seq, Root: bytes.Repeat([]byte{root}, 32), Size: size,
	}}})
}

func admitTx(t testing.TB, by ed25519.PrivateKey, n byte, key ed25519.PublicKey) []byte {
	t.Helper()
	id := writerID(n)
	return sign(t, by, &tx.PrivateBody{ChainId: testChain, Message: &tx.PrivateBody_AdmitWriter{
		AdmitWriter: &tx.AdmitWriter{Writer: id[:], PublicKey: key},
	}})
}

func closeTx(t testing.TB, by ed25519.PrivateKey, n byte, seq uint64) []byte {
	t.Helper()
	id := writerID(n)
	return sign(t, by, &tx.PrivateBody{ChainId: testChain, Message: &tx.PrivateBody_CloseWriter{
		CloseWriter: &tx.CloseWriter{Writer: id[:], LastSeq: seq},
	}})
}

// node is an application under a driver that calls it like CometBFT.
type node struct {
	*App
	t      testing.TB
	height int64
	got    []Committed
}

func openNode(t testing.TB, fs vfs.FS) *node {
	t.Helper()
	n := &node{t: t}
	app, err := New(Config{Dir: "state", FS: fs, OnCommit: func(c Committed) { n.got = append(n.got, c) }})
	if err != nil {
		t.Fatal(err)
	}
	n.App = app
	t.Cleanup(func() {
		if err := app.Close(); err != nil && app.Err() == nil {
			t.Error(err)
		}
	})
	info, err := app.Info(context.Background(), &abci.RequestInfo{})
	if err != nil {
		t.Fatal(err)
	}
	n.height = info.LastBlockHeight
	if n.height == 0 {
		n.initChain(DefaultParams())
	}
	return n
}

func newNode(t testing.TB) *node { return openNode(t, vfs.NewMem()) }

func (n *node) initChain(params Params) []byte {
	n.t.Helper()
	res, err := n.InitChain(context.Background(), &abci.RequestInitChain{
		ChainId: testChain, InitialHeight: 1, AppStateBytes: testGenesis(n.t, params),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return res.AppHash
}

func (n *node) finalize(txs ...[]byte) *abci.ResponseFinalizeBlock {
	n.t.Helper()
	res, err := n.FinalizeBlock(context.Background(), &abci.RequestFinalizeBlock{Height: n.height + 1, Txs: txs})
	if err != nil {
		n.t.Fatal(err)
	}
	return res
}

// block runs one block to the end and returns the application hash and the codes.
func (n *node) block(txs ...[]byte) (hash []byte, codes []uint32) {
	n.t.Helper()
	res := n.finalize(txs...)
	for _, r := range res.TxResults {
		codes = append(codes, r.Code)
	}
	if _, err := n.Commit(context.Background(), &abci.RequestCommit{}); err != nil {
		n.t.Fatal(err)
	}
	n.height++
	return res.AppHash, codes
}

func (n *node) check(raw []byte) uint32 {
	n.t.Helper()
	res, err := n.CheckTx(context.Background(), &abci.RequestCheckTx{Tx: raw})
	if err != nil {
		n.t.Fatal(err)
	}
	return res.Code
}

// admit admits writers in a block of their own.
func (n *node) admit(ids ...byte) {
	n.t.Helper()
	var txs [][]byte
	for _, id := range ids {
		txs = append(txs, admitTx(n.t, adminKey, id, public(testKey(id))))
	}
	_, codes := n.block(txs...)
	for _, c := range codes {
		if c != CodeOK {
			n.t.Fatalf("admit: code %d", c)
		}
	}
}

// randomBlocks makes a history with valid, repeated, conflicting, skipping, unsigned and administrative transactions.
func randomBlocks(t testing.TB, seed uint64, blocks int) [][][]byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	seqs := make(map[byte]uint64)
	out := [][][]byte{{admitTx(t, adminKey, 1, public(testKey(1))), admitTx(t, adminKey, 2, public(testKey(2)))}}
	for len(out) < blocks {
		var txs [][]byte
		for range rng.IntN(5) {
			id := byte(1 + rng.IntN(3))
			switch rng.IntN(8) {
			case 0:
				txs = append(txs, batchTx(t, id, max(seqs[id], 1), byte(rng.IntN(256)))) // again, likely a conflict
			case 1:
				txs = append(txs, batchTx(t, id, seqs[id]+2, 0))
			case 2:
				txs = append(txs, closeTx(t, adminKey, 3, seqs[3]), admitTx(t, adminKey, 3, public(testKey(3))))
			case 3:
				txs = append(txs, batchTx(t, id, max(seqs[id], 1), byte(seqs[id]))) // again, the same
			case 4:
				txs = append(txs, signedBatch(t, testKey(9), testChain, id, seqs[id]+1, 1, 1))
			default:
				seqs[id]++
				txs = append(txs, batchTx(t, id, seqs[id], byte(seqs[id])))
			}
		}
		out = append(out, txs)
	}
	return out
}
