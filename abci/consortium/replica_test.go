package consortium

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	abci "github.com/cometbft/cometbft/abci/types"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/abci/tx/mlog"
)

// ABCI requirements 11 and 12, and promise 7 of the architecture: replicas that get equal blocks have equal hashes
// and results at every height, whether they run on, restart between any two steps, prune at other times, or replay
// everything later.
func TestReplicasAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := newOrg("north", 3), newOrg("south", 1)
		g := genesisOf(t, a, b)
		steady, restarting := newNode(t, g), newNode(t, g)
		restarting.cfg.KeepVersions = 1
		var results []*abci.ResponseFinalizeBlock
		for range rapid.IntRange(1, 12).Draw(rt, "blocks") {
			blk := steady.next(drawTxs(rt, t, a, b)...)
			want := steady.finalize(blk)
			got := restarting.finalize(blk)
			if rapid.Bool().Draw(rt, "restart before commit") {
				restarting.reopen()
				if restarting.app.Current().Height == 0 {
					restarting.init(g)
				}
				got = restarting.finalize(blk)
			}
			same(rt, want, got)
			for _, n := range []*node{steady, restarting} {
				if _, err := n.app.Commit(context.Background(), nil); err != nil {
					rt.Fatal(err)
				}
			}
			if rapid.Bool().Draw(rt, "restart after commit") {
				restarting.reopen()
			}
			info, err := restarting.app.Info(context.Background(), nil)
			if err != nil || info.LastBlockHeight != blk.Height || !bytes.Equal(info.LastBlockAppHash, want.AppHash) {
				rt.Fatalf("info %v, %v, want height %d and hash %x", info, err, blk.Height, want.AppHash)
			}
			steady.blocks, results = append(steady.blocks, blk), append(results, want)
		}
		late := newNode(t, g)
		for i, blk := range steady.blocks {
			same(rt, results[i], late.finalize(blk))
			if _, err := late.app.Commit(context.Background(), nil); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// drawTxs draws a block's transactions: good ones, refused ones, proofs of misbehaviour, or none.
func drawTxs(rt *rapid.T, t *testing.T, a, b *org) [][]byte {
	var out [][]byte
	for range rapid.IntRange(0, 4).Draw(rt, "txs") {
		switch rapid.IntRange(0, 4).Draw(rt, "kind") {
		case 0:
			a.write(rapid.IntRange(0, 3).Draw(rt, "batches"))
			out = append(out, a.good(t))
		case 1:
			b.write(1)
			out = append(out, b.good(t))
		case 2:
			out = append(out, b.sign(t, consent(byte(rapid.IntRange(0, 3).Draw(rt, "id")), rapid.Uint64Range(1, 5).Draw(rt, "version"))))
		case 3:
			s := a.spec()
			s.salt = 1
			out = append(out, b.sign(t, a.anchor(s)))
		case 4:
			out = append(out, []byte("noise"))
		}
	}
	return out
}

func same(rt *rapid.T, want, got *abci.ResponseFinalizeBlock) {
	w, _ := want.Marshal()
	g, _ := got.Marshal()
	if !bytes.Equal(w, g) {
		rt.Fatalf("results differ: %v and %v", want, got)
	}
}

func TestEmptyBlocksKeepTheHash(t *testing.T) {
	o := newOrg("north", 1)
	n := newNode(t, genesisOf(t, o))
	genesis := n.app.Current().AppHash
	n.run()
	if !bytes.Equal(genesis, n.app.Current().AppHash) {
		t.Error("first block changed the hash of genesis")
	}
	n.run(o.sign(t, consent(1, 1)))
	hash := n.app.Current().AppHash
	if bytes.Equal(genesis, hash) {
		t.Error("consent did not change the hash")
	}
	for range 5 {
		n.run()
		n.run(o.sign(t, consent(1, 1))) // refused
	}
	if !bytes.Equal(hash, n.app.Current().AppHash) {
		t.Error("blocks without effect changed the hash")
	}
}

// Changing any one record of the state, or any entry or its place in a log, changes the application hash.
func TestEveryRecordIsInTheHash(t *testing.T) {
	a, b := newOrg("north", 3), newOrg("south", 1)
	n := newNode(t, genesisOf(t, a, b))
	for range 3 {
		a.write(2)
		b.write(1)
		n.run(a.good(t), b.good(t), a.sign(t, consent(1, a.nonce+1)), b.sign(t, consent(2, b.nonce+1)))
	}
	s := a.spec()
	s.salt = 1
	n.run(b.sign(t, a.anchor(s)))
	var keys [][]byte
	if _, err := n.app.tree.Iterate(func(k, _ []byte) bool { keys = append(keys, bytes.Clone(k)); return false }); err != nil {
		t.Fatal(err)
	}
	if len(keys) < 16 {
		t.Fatalf("only %d records", len(keys))
	}
	state := n.app.Current().State
	for _, k := range keys {
		v, _ := n.app.tree.Get(k)
		for i := range v {
			changed := bytes.Clone(v)
			changed[i] ^= 1
			if _, err := n.app.tree.Set(k, changed); err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(n.app.tree.WorkingHash(), state.StateRoot) {
				t.Errorf("byte %d of record %q is not in the state root", i, k)
			}
			n.app.tree.Rollback()
		}
	}
	cur := n.app.Current()
	for name, log := range map[string]struct {
		prefix, entries byte
		size            uint64
		root            []byte
	}{
		"anchors":  {prefixAnchorLog, prefixAnchor, state.AnchorLogSize, state.AnchorLogRoot},
		"consents": {prefixConsentLog, prefixConsent, state.ConsentLogSize, state.ConsentLogRoot},
	} {
		for skip := range log.size {
			l, _ := mlog.Open(nil, nil, 0)
			for i := range log.size {
				e, err := n.app.store.get(entryKey(log.entries, i))
				if err != nil {
					t.Fatal(err)
				}
				if i == skip {
					e[len(e)-1] ^= 1
				}
				if _, err := l.Append(memNodes{}, e); err != nil {
					t.Fatal(err)
				}
			}
			if bytes.Equal(l.Root(), log.root) {
				t.Errorf("%s: entry %d is not in the root", name, skip)
			}
		}
	}
	preimage := proto.Clone(cur.State).(*tx.ConsortiumState) //nolint:forcetypeassert // a clone has its type
	for i, change := range []func(*tx.ConsortiumState){
		func(s *tx.ConsortiumState) { s.StateRoot[0] ^= 1 },
		func(s *tx.ConsortiumState) { s.AnchorLogRoot[0] ^= 1 },
		func(s *tx.ConsortiumState) { s.AnchorLogSize++ },
		func(s *tx.ConsortiumState) { s.ConsentLogRoot[0] ^= 1 },
		func(s *tx.ConsortiumState) { s.ConsentLogSize++ },
		func(s *tx.ConsortiumState) { s.Format++ },
	} {
		other := proto.Clone(preimage).(*tx.ConsortiumState) //nolint:forcetypeassert // a clone has its type
		change(other)
		if bytes.Equal(other.Hash(), cur.AppHash) {
			t.Errorf("part %d is not in the application hash", i)
		}
	}
}

// A changed byte of the stored tree or logs is noticed when the state is opened, or the application reads on
// something that gives the same hash.
func TestTamperedStateIsCorrupt(t *testing.T) {
	o := newOrg("north", 1)
	n := newNode(t, genesisOf(t, o))
	o.write(1)
	n.run(o.good(t), o.sign(t, consent(1, 1)))
	s := n.app.Current()
	for name, key := range map[string][]byte{
		"meta":        metaKey(),
		"anchor log":  append([]byte{prefixAnchorLog, 0}, make([]byte, 8)...),
		"consent log": append([]byte{prefixConsentLog, 0}, make([]byte, 8)...),
	} {
		raw, err := n.app.store.get(key)
		if err != nil || raw == nil {
			t.Fatal(name, err)
		}
		changed := bytes.Clone(raw)
		if name == "meta" {
			m := new(Meta)
			if err := proto.Unmarshal(raw, m); err != nil {
				t.Fatal(err)
			}
			m.AppHash[0] ^= 1
			changed, _ = proto.Marshal(m)
		} else {
			changed[0] ^= 1
		}
		set(t, n, key, changed)
		if err := n.app.Close(); err != nil {
			t.Fatal(err)
		}
		if app, err := New(n.cfg); err == nil {
			_ = app.Close()
			t.Errorf("%s: tampered state opened", name)
		}
		db, err := pebble.Open(n.cfg.Dir, &pebble.Options{FS: n.cfg.FS})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Set(key, raw, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		n.open()
	}
	if !bytes.Equal(n.app.Current().AppHash, s.AppHash) {
		t.Error("restored state differs")
	}
}

func set(t *testing.T, n *node, key, value []byte) {
	t.Helper()
	if err := n.app.store.db.Set(key, value, pebble.Sync); err != nil {
		t.Fatal(err)
	}
}

// Pruning keeps the tree's storage near the size of the kept versions.
func TestPruningDropsOldVersions(t *testing.T) {
	count := func(n *node) (nodes int) {
		it, err := n.app.store.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixTree}, UpperBound: []byte{prefixTree + 1}})
		if err != nil {
			t.Fatal(err)
		}
		defer it.Close() //nolint:errcheck // a test's iterator
		for ok := it.First(); ok; ok = it.Next() {
			nodes++
		}
		return nodes
	}
	o := newOrg("north", 1)
	n := newNode(t, genesisOf(t, o))
	n.cfg.KeepVersions = 8
	n.reopen()
	n.init(genesisOf(t, o))
	var sizes []int
	for v := range uint64(600) {
		n.run(o.sign(t, consent(byte(v%5), v+1)))
		if v%100 == 99 {
			sizes = append(sizes, count(n))
		}
	}
	if sizes[5] > 2*sizes[0] {
		t.Errorf("nodes after each 100 blocks: %v", sizes)
	}
	n.reopen()
	n.run(o.sign(t, consent(1, 1000)))
	if got := fmt.Sprint(n.app.Current().Height); got != "601" {
		t.Error("height", got)
	}
}
