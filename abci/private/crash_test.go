package private

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	abci "github.com/cometbft/cometbft/abci/types"
)

// history is a chain's blocks and the hash after each, computed without faults: history.hashes[h] is after height h.
type history struct {
	blocks [][][]byte
	hashes [][]byte
}

func newHistory(t *testing.T, seed uint64, blocks int) *history {
	t.Helper()
	h := &history{blocks: randomBlocks(t, seed, blocks), hashes: [][]byte{nil}}
	n := newNode(t)
	for _, txs := range h.blocks {
		hash, _ := n.block(txs...)
		h.hashes = append(h.hashes, hash)
	}
	return h
}

// recover opens a store after a crash as CometBFT does: it asks Info, compares the hash, and replays the rest.
// atLeast is the height whose Commit had returned.
func (h *history) recover(t *testing.T, fs vfs.FS, atLeast int64) {
	t.Helper()
	n := openNode(t, fs)
	if n.height < atLeast {
		t.Fatalf("height %d after the crash: a committed height (%d) was lost", n.height, atLeast)
	}
	info, err := n.Info(context.Background(), &abci.RequestInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(info.LastBlockAppHash, h.hashes[n.height]) {
		t.Fatalf("wrong hash at height %d after the crash", n.height)
	}
	for n.height < int64(len(h.blocks)) {
		hash, _ := n.block(h.blocks[n.height]...)
		if !bytes.Equal(hash, h.hashes[n.height]) {
			t.Fatalf("wrong hash at height %d in the replay", n.height)
		}
	}
	checkRecords(t, n.App)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// snapshot is what the disk holds if the machine stops at one operation.
type snapshot struct {
	fs        vfs.FS
	committed int64
	op        errorfs.OpKind
}

// recorder takes crash clones at operations that write.
type recorder struct {
	mu        sync.Mutex
	mem       *vfs.MemFS
	rng       *rand.Rand
	committed int64
	taken     []snapshot
}

func (r *recorder) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, percent := range []int{0, 50, 100} {
		clone := r.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r.rng})
		r.taken = append(r.taken, snapshot{clone, r.committed, op.Kind})
	}
	return nil
}

func (r *recorder) String() string { return "crash clones" }

// The machine stops before each operation of the file system that opening and committing do, with none, some and all
// of the data that was not synced.
func TestCrashAtEveryStepOfCommit(t *testing.T) {
	h := newHistory(t, 31, 12)
	mem := vfs.NewCrashableMem()
	rec := &recorder{mem: mem, rng: rand.New(rand.NewPCG(31, 3))}
	n := openNode(t, errorfs.Wrap(mem, rec))
	for i, txs := range h.blocks {
		n.block(txs...)
		rec.mu.Lock()
		rec.committed = int64(i + 1)
		rec.mu.Unlock()
	}
	rec.mu.Lock()
	taken := rec.taken
	rec.mu.Unlock()
	if len(taken) < 3*2*len(h.blocks) {
		t.Fatalf("only %d crash points", len(taken))
	}
	for _, s := range taken {
		h.recover(t, s.fs, s.committed)
	}
}

// A crash between FinalizeBlock and Commit, at every height.
func TestCrashBetweenFinalizeBlockAndCommit(t *testing.T) {
	h := newHistory(t, 32, 12)
	for at := range h.blocks {
		mem := vfs.NewCrashableMem()
		n := openNode(t, mem)
		for _, txs := range h.blocks[:at] {
			n.block(txs...)
		}
		n.finalize(h.blocks[at]...)
		h.recover(t, mem.CrashClone(vfs.CrashCloneCfg{}), int64(at))
	}
}

var errDisk = errors.New("no space left on device")

// fault fails the write or sync with number at, once.
type fault struct {
	mu    sync.Mutex
	armed bool
	seen  int
	at    int
	hit   bool
}

func (f *fault) MaybeError(op errorfs.Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch op.Kind {
	case errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo, errorfs.OpFileFlush, errorfs.OpFilePreallocate:
	default:
		return nil
	}
	if !f.armed {
		return nil
	}
	f.seen++
	if f.hit || f.seen != f.at {
		return nil
	}
	f.hit = true
	return errDisk
}

func (f *fault) String() string { return "disk fault" }

// A write or sync of Commit fails: Commit says so, the application takes no more blocks, and what is on the disk (once
// without and once with the data that was never synced: failed, and failed but stored) replays to the same hashes.
func TestDiskFaultInCommit(t *testing.T) {
	h := newHistory(t, 33, 6)
	for _, percent := range []int{0, 100} {
		for at := 1; ; at++ {
			mem := vfs.NewCrashableMem()
			f := &fault{at: at}
			n := openNode(t, errorfs.Wrap(mem, f))
			f.mu.Lock()
			f.armed = true
			f.mu.Unlock()
			failed := n.blocksUntilError(h)
			f.mu.Lock()
			f.armed = false
			hit := f.hit
			f.mu.Unlock()
			if !hit {
				if at < 2*len(h.blocks) {
					t.Fatalf("only %d operations for %d blocks", at, len(h.blocks))
				}
				break
			}
			if failed == nil && n.Err() != nil || failed != nil && n.Err() == nil {
				t.Fatalf("operation %d: Commit %v, Err %v", at, failed, n.Err())
			}
			clone := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 1))})
			h.recover(t, clone, n.height)
		}
	}
}

// blocksUntilError runs the history and returns the error of the Commit that failed.
func (n *node) blocksUntilError(h *history) error {
	ctx := context.Background()
	for _, txs := range h.blocks {
		n.finalize(txs...)
		if _, err := n.Commit(ctx, &abci.RequestCommit{}); err != nil {
			if _, again := n.FinalizeBlock(ctx, &abci.RequestFinalizeBlock{Height: n.height + 1}); again == nil {
				n.t.Error("took a block after a failed commit")
			}
			if _, again := n.CheckTx(ctx, checkRequest(nil)); again == nil {
				n.t.Error("took a transaction after a failed commit")
			}
			return err
		}
		n.height++
	}
	return nil
}
