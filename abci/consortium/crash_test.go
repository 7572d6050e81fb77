package consortium

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/chartseal/chartseal/abci/tx"
)

const bigTxs = 1900

// bigBlock holds so many consents that its commit is larger than 1 MB.
func bigBlock(t *testing.T, o *org, n int) [][]byte {
	t.Helper()
	out := make([][]byte, n)
	for i := range out {
		c := consent(0, 1)
		id := sha256.Sum256(binary.BigEndian.AppendUint32([]byte("big"), uint32(i))) //nolint:gosec // small
		c.ConsentId = id[:]
		out[i] = o.sign(t, c)
	}
	return out
}

// crashRig is a node on a file system whose every write during Commit calls a hook.
type crashRig struct {
	fs      vfs.FS
	dir     string
	node    *node
	armed   atomic.Bool
	hook    func(op errorfs.Op) error
	genesis []byte
	before  *Snapshot
	block   *abci.RequestFinalizeBlock
	hash    []byte // after the block
}

// newCrashRig commits some blocks and finalizes one whose commit is large.
func newCrashRig(t *testing.T, fs vfs.FS, dir string, txs int) *crashRig {
	t.Helper()
	o := newOrg("north", 1)
	r := &crashRig{fs: fs, dir: dir, genesis: genesisOf(t, o)}
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !r.armed.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		return r.hook(op)
	})
	n := &node{t: t, cfg: Config{Dir: dir, FS: errorfs.Wrap(fs, inject)}}
	r.node = n
	n.open()
	n.init(r.genesis)
	for v := range uint64(3) {
		o.write(2)
		n.run(o.good(t), o.sign(t, consent(1, v+1)))
	}
	r.before = n.app.Current()
	r.block = n.next(bigBlock(t, o, txs)...)
	r.hash = n.finalize(r.block).AppHash
	return r
}

// check opens a copy of the file system as a crash left it. The state is the one before the block or the one after
// it; in the first case the replayed block leads to the same hash.
func (r *crashRig) check(t *testing.T, fs vfs.FS) (height int64) {
	t.Helper()
	n := &node{t: t, cfg: Config{Dir: r.dir, FS: fs}}
	n.open()
	defer func() {
		if err := n.app.Close(); err != nil {
			t.Error(err)
		}
	}()
	s := n.app.Current()
	switch s.Height {
	case r.before.Height:
		if !bytes.Equal(s.AppHash, r.before.AppHash) {
			t.Fatal("state before the block has another hash")
		}
		if got := n.finalize(r.block).AppHash; !bytes.Equal(got, r.hash) {
			t.Fatal("replayed block has another hash")
		}
		if _, err := n.app.Commit(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	case r.before.Height + 1:
		if !bytes.Equal(s.AppHash, r.hash) {
			t.Fatal("state after the block has another hash")
		}
	default:
		t.Fatalf("height %d", s.Height)
	}
	n.run() // and it goes on
	if c, err := n.app.Current().Consent([32]byte(consent(1, 1).ConsentId)); err != nil || c.Version != 3 {
		t.Fatalf("an old consent: %v, %v", c, err)
	}
	last, err := tx.DecodeSigned(r.block.Txs[len(r.block.Txs)-1])
	if err != nil {
		t.Fatal(err)
	}
	body := new(tx.ConsortiumBody)
	if err := tx.Decode(last.Body, body); err != nil {
		t.Fatal(err)
	}
	if _, err := n.app.Current().Consent([32]byte(body.GetPutConsent().ConsentId)); err != nil {
		t.Fatalf("the block's last consent: %v", err)
	}
	return s.Height
}

// A kill or power cut at any write of a commit larger than 1 MB leaves the state before or after the block.
func TestKillInsideALargeCommit(t *testing.T) {
	r := newCrashRig(t, vfs.NewCrashableMem(), "state", bigTxs)
	mem, _ := r.fs.(*vfs.MemFS)
	var (
		points [][]*vfs.MemFS                // copies of the file system, by write
		rng    = rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's dice
	)
	r.hook = func(errorfs.Op) error {
		var at []*vfs.MemFS
		for _, percent := range []int{0, 50, 100} {
			at = append(at, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}))
		}
		points = append(points, at)
		return nil
	}
	size := func() uint64 { return r.node.app.store.db.Metrics().WAL.BytesWritten }
	before := size()
	r.armed.Store(true)
	if _, err := r.node.app.Commit(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	r.armed.Store(false)
	if got := size() - before; got < 1<<20 {
		t.Fatalf("the commit has %d bytes only", got)
	}
	after := mem.CrashClone(vfs.CrashCloneCfg{})
	if err := r.node.app.Close(); err != nil {
		t.Fatal(err)
	}
	heights := map[int64]int{r.check(t, after): 1}
	for i := 0; i < len(points); i += 1 + len(points)/10 {
		for _, fs := range points[i] {
			heights[r.check(t, fs)]++
		}
	}
	t.Logf("%d writes, crash points by height: %v", len(points), heights)
	if heights[r.before.Height] == 0 || heights[r.before.Height+1] == 0 {
		t.Errorf("crash points by height: %v, want both sides", heights)
	}
}

// fullDiskAt is set in the child process of the next test: the directory and the number of writes that succeed.
const fullDiskAt = "CHARTSEAL_TEST_FULL_DISK"

// A full disk at any write of the commit stops the application, by an error or with the process (Pebble cannot
// always leave its locks); after a restart with space the block is there or is replayed.
func TestFullDiskInsideALargeCommit(t *testing.T) {
	if spec := os.Getenv(fullDiskAt); spec != "" {
		commitOnFullDisk(t, spec)
		return
	}
	for _, txs := range []int{1, bigTxs} {
		outcomes := map[string]int{}
		for at := 0; fillDisk(t, txs, at, outcomes); {
			at += 1 + at/2
		}
		t.Logf("block of %d transactions: %v", txs, outcomes)
		if len(outcomes) == 0 {
			t.Error("no write failed")
		}
	}
}

// fillDisk lets a child process commit a block on a disk that takes some writes, and checks what it left. It returns
// false if the disk was large enough.
func fillDisk(t *testing.T, txs, writes int, outcomes map[string]int) bool {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDiskInsideALargeCommit$") //nolint:gosec // this test itself
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %s", fullDiskAt, txs, writes, dir))
	out, err := cmd.CombinedOutput()
	switch {
	case bytes.Contains(out, []byte("commit succeeded")):
		return false
	case err == nil && bytes.Contains(out, []byte("PASS")):
		outcomes["stopped by an error"]++
	case bytes.Contains(out, []byte("consortium.(*store).commit(")): // the trace of a fatal error
		outcomes["stopped with the process"]++
	default:
		t.Fatalf("child: %v\n%s", err, out)
	}
	// The keys are the same in every run, so the block and its hash are.
	r := newCrashRig(t, vfs.NewMem(), "state", txs)
	defer func() {
		if err := r.node.app.Close(); err != nil {
			t.Error(err)
		}
	}()
	r.dir = dir
	r.check(t, vfs.Default)
	return true
}

// commitOnFullDisk runs in the child process.
func commitOnFullDisk(t *testing.T, spec string) {
	var (
		at  int64
		txs int
		dir string
	)
	if _, err := fmt.Sscan(spec, &txs, &at, &dir); err != nil {
		t.Fatal(err)
	}
	r := newCrashRig(t, vfs.Default, dir, txs)
	var writes atomic.Int64
	r.hook = func(errorfs.Op) error {
		if writes.Add(1) > at { // the disk stays full
			return syscall.ENOSPC
		}
		return nil
	}
	r.armed.Store(true)
	if _, err := r.node.app.Commit(context.Background(), nil); err == nil {
		fmt.Println("commit succeeded")
		os.Exit(3)
	}
	if r.node.app.Err() == nil {
		t.Error("failed commit left the application running")
	}
	if _, err := r.node.app.FinalizeBlock(context.Background(), r.block); err == nil {
		t.Error("block taken after a failed commit")
	}
	if got := r.node.check(r.block.Txs[0]); got != CodeStopped {
		t.Errorf("CheckTx after a failed commit: code %d", got)
	}
}
