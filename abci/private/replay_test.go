package private

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/abci/tx/mlog"
)

// dump returns every record of the store.
func dump(t testing.TB, a *App) map[string]string {
	t.Helper()
	out := make(map[string]string)
	it, err := a.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		out[string(it.Key())] = string(it.Value())
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// The same blocks give the same hash at every height and the same records at the end, on an instance that runs
// through and on one that is closed and opened again at random heights.
func TestDeterministicReplayAcrossRestarts(t *testing.T) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 2))
		blocks := randomBlocks(t, seed, 60)
		through := newNode(t)
		fs := vfs.NewMem()
		stopped := openNode(t, fs)
		for h, txs := range blocks {
			want, wantCodes := through.block(txs...)
			if rng.IntN(4) == 0 {
				if rng.IntN(2) == 0 {
					stopped.finalize(txs...) // stopped between FinalizeBlock and Commit
				}
				if err := stopped.Close(); err != nil {
					t.Fatal(err)
				}
				stopped = openNode(t, fs)
			}
			got, gotCodes := stopped.block(txs...)
			if !bytes.Equal(want, got) || !cmp.Equal(wantCodes, gotCodes) {
				t.Fatalf("seed %d, height %d: the instances differ", seed, h+1)
			}
		}
		if diff := cmp.Diff(dump(t, through.App), dump(t, stopped.App)); diff != "" {
			t.Errorf("seed %d: records differ: %s", seed, diff)
		}
		checkRecords(t, through.App)
	}
}

// recompute derives the application hash from the records alone, entry by entry, and checks every derived record.
func recompute(records map[string]string) ([]byte, error) {
	kv := mapKV(records)
	s := &state{}
	var err error
	if s.genesis, err = parseGenesisRecord([]byte(records["g"])); err != nil {
		return nil, err
	}
	nodes := mapKV{}
	if s.log, err = mlog.Open(nodes, []byte{prefixNode}, 0); err != nil {
		return nil, err
	}
	for ; ; s.height++ {
		raw, ok := records[string(keyBatch(s.log.Size()))]
		if !ok {
			break
		}
		if _, err := s.log.Append(nodes, []byte(raw)); err != nil {
			return nil, err
		}
	}
	if s.writers, err = kv.writers(); err != nil {
		return nil, err
	}
	if err := s.seal(); err != nil {
		return nil, err
	}
	for key, node := range nodes {
		if records[key] != node {
			return nil, errors.New("a node of the log is wrong")
		}
	}
	return s.hash, nil
}

// mapKV holds records in memory.
type mapKV map[string]string

func (m mapKV) Get(key []byte) ([]byte, error) {
	if v, ok := m[string(key)]; ok {
		return []byte(v), nil
	}
	return nil, nil
}

func (m mapKV) Set(key, value []byte) error { m[string(key)] = string(value); return nil }

func (m mapKV) writers() ([]*tx.WriterEntry, error) {
	var out []*tx.WriterEntry
	for i := range 256 {
		id := writerID(byte(i))
		raw, ok := m[string(keyWriter(id[:]))]
		if !ok {
			continue
		}
		w := new(tx.WriterEntry)
		if err := tx.Decode([]byte(raw), w); err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// checkRecords re-verifies a whole store: hash from the records, every batch found by writer and seq, every proof.
func checkRecords(t testing.TB, a *App) {
	t.Helper()
	records := dump(t, a)
	hash, err := recompute(records)
	if err != nil {
		t.Fatal(err)
	}
	v := a.View()
	if !bytes.Equal(hash, v.AppHash()) {
		t.Fatal("the records do not give the application hash")
	}
	for index := range v.LogSize() {
		entry := new(tx.BatchEntry)
		leaf := []byte(records[string(keyBatch(index))])
		if err := tx.Decode(leaf, entry); err != nil {
			t.Fatal(err)
		}
		if err := checkBatch(v, [16]byte(entry.GetWriter()), entry.GetSeq(), index, leaf); err != nil {
			t.Fatalf("batch %d: %v", index, err)
		}
	}
}

func checkBatch(v *View, writer [16]byte, seq, index uint64, leaf []byte) error {
	got, err := v.BatchEntry(writer, seq)
	if err != nil {
		return err
	}
	state, made, err := v.StateAt(got.Height)
	if err != nil {
		return err
	}
	if got.Index != index || made != got.Height || state.GetLogSize() <= index {
		return fmt.Errorf("batch at index %d height %d, state of height %d and size %d", got.Index, got.Height, made, state.GetLogSize())
	}
	if got.Height > 1 {
		before, _, err := v.StateAt(got.Height - 1)
		if err != nil {
			return err
		}
		if before.GetLogSize() > index {
			return errors.New("the height before held the batch already")
		}
		path, err := v.Consistency(before.GetLogSize(), state.GetLogSize())
		if err != nil {
			return err
		}
		if err := tx.VerifyConsistency(before.GetLogSize(), state.GetLogSize(), before.GetLogRoot(), state.GetLogRoot(), path); err != nil {
			return err
		}
	}
	path, err := v.Inclusion(index, state.GetLogSize())
	if err != nil {
		return err
	}
	return tx.VerifyInclusion(state.GetLogRoot(), leaf, index, state.GetLogSize(), path)
}
