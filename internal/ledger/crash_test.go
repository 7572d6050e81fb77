package ledger

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// copyTree copies a data directory as a kill leaves it: without locks, and without waiting for anybody.
func copyTree(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	// CopyFS does not keep modes.
	for _, pattern := range []string{"*/config/*.json", "*/data/*.json", "*/identity.json"} {
		files, err := filepath.Glob(filepath.Join(to, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.Chmod(f, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}

// A copy of the running ledger's directory opens with everything that was acknowledged, and goes on.
func TestCopyOfARunningLedgerOpens(t *testing.T) {
	b := newBed(t)
	for seq := uint64(1); seq <= 20; seq++ {
		b.commit(seq)
	}
	b.awaitAnchored(20)
	b.putConsent(Consent{ID: rootOf(1), Version: 1, Active: true}, 1)
	b.rest() // copying takes time; while nothing is written, it takes one moment of the ledger
	dir := copyTree(t, b.cfg.Dir)

	other := &bed{t: t, cfg: b.cfg}
	other.cfg.Dir = dir
	other.open()
	defer other.close()
	if got, err := other.CommittedSeq(b.Writer()); err != nil || got != 20 {
		t.Fatalf("committed seq %d, %v", got, err)
	}
	if got, ok := other.ConsentState(rootOf(1)); !ok || got.Version != 1 {
		t.Errorf("consent %+v, %v", got, ok)
	}
	if err := other.Submit(within(t), other.batch(20)); err != nil {
		t.Errorf("resubmission: %v", err)
	}
	for seq := uint64(21); seq <= 30; seq++ {
		other.commit(seq)
	}
	other.awaitAnchored(30)
	in := other.leafBatch(31, 4)
	raw, err := other.Receipt(within(t), in)
	if err != nil {
		t.Fatal(err)
	}
	other.verdict(raw, nil)
}

// killed is set in the child process of the next test: directory and keys.
const killed = "CHARTSEAL_TEST_KILL"

// kill -9 at any moment of a stream of batches and consents: whatever was acknowledged is there after the restart,
// what was not is there in full or not at all, and the same bytes can be submitted again.
func TestKilledUnderLoad(t *testing.T) {
	if spec := os.Getenv(killed); spec != "" {
		streamUntilKilled(t, spec)
		return
	}
	b := newBed(t)
	b.commit(1)
	b.close()
	b.allow.Store(true) // CometBFT logs errors when it finds messages that it signed and did not log
	seeds := map[string]string{}
	for name, v := range b.cfg.Secrets.(*memSecrets).m { //nolint:forcetypeassert // newBed made it
		seeds[name] = hex.EncodeToString(v)
	}
	spec, err := json.Marshal(map[string]any{"dir": b.cfg.Dir, "seeds": seeds})
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := uint64(1)
	for round := range 6 {
		acknowledged = max(acknowledged, runAndKill(t, string(spec), 5+rand.IntN(40))) //nolint:gosec // a test's dice
		b.open()
		got, err := b.CommittedSeq(b.Writer())
		if err != nil || got < acknowledged {
			t.Fatalf("round %d: seq %d was acknowledged, %d is committed (%v)", round, acknowledged, got, err)
		}
		for seq := got - min(got-1, 2); seq <= got; seq++ {
			if err := b.Submit(within(t), b.batch(seq)); err != nil {
				t.Errorf("round %d: batch %d again: %v", round, seq, err)
			}
			if root, _, err := b.Batch(b.Writer(), seq); err != nil || root != rootOf(seq) {
				t.Errorf("round %d: batch %d: %x, %v", round, seq, root, err)
			}
		}
		b.commit(got + 1)
		b.awaitAnchored(got + 1)
		acknowledged = got + 1
		b.close()
	}
	if acknowledged < 30 {
		t.Errorf("only %d batches in all rounds", acknowledged)
	}
}

// runAndKill starts a child, kills it after some acknowledgements, and returns the last acknowledged seq.
func runAndKill(t *testing.T, spec string, after int) (last uint64) {
	t.Helper()
	cmd := exec.CommandContext(within(t), os.Args[0], "-test.run=^TestKilledUnderLoad$") //nolint:gosec // this test itself
	cmd.Env = append(os.Environ(), killed+"="+spec)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var other []string
	for lines.Scan() {
		if n, _ := fmt.Sscanf(lines.Text(), "committed %d", &last); n != 1 {
			other = append(other, lines.Text())
			continue
		}
		if after--; after == 0 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || after > 0 {
		t.Fatalf("child ended by itself: %v\n%s", err, strings.Join(other, "\n"))
	}
	return last
}

// streamUntilKilled runs in the child.
func streamUntilKilled(t *testing.T, spec string) {
	var in struct {
		Dir   string
		Seeds map[string]string
	}
	if err := json.Unmarshal([]byte(spec), &in); err != nil {
		t.Fatal(err)
	}
	s := newSecrets()
	for name, v := range in.Seeds {
		s.m[name], _ = hex.DecodeString(v)
	}
	l, err := Open(context.Background(), Config{Dir: in.Dir, Organisation: "Test Hospital", Secrets: s, AnchorInterval: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan uint64, 1)
	l.OnCommit(func(_ [16]byte, seq uint64) {
		fmt.Println("committed", seq)
		done <- seq
	})
	seq, err := l.CommittedSeq(l.Writer())
	for err == nil {
		seq++
		var raw []byte
		if raw, err = l.BatchTx(seq, rootOf(seq), 3); err != nil {
			break
		}
		if err = l.Submit(context.Background(), raw); err == nil {
			<-done
		}
	}
	t.Fatal(err)
}

// A private chain that was restored from an older backup than its last anchor must not sign.
func TestRestoredChainIsHeldBack(t *testing.T) {
	b := newBed(t)
	b.commit(1)
	b.awaitAnchored(1)
	b.close()
	old := copyTree(t, filepath.Join(b.cfg.Dir, "private"))
	b.open()
	for seq := uint64(2); seq <= 10; seq++ {
		b.commit(seq)
	}
	b.awaitAnchored(10)
	b.close()
	current := filepath.Join(b.cfg.Dir, "private.current")
	swap := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	swap(b.dir("private"), current)
	if err := os.CopyFS(b.dir("private"), os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	l, err := Open(within(t), b.cfg)
	if !errors.Is(err, ErrBehind) {
		t.Fatalf("restored chain: %v", err)
	}
	if l != nil {
		t.Error("a ledger was returned")
	}

	// The same chain, grown past the anchored height in another way, as if the guard had not been there.
	alone := b.cfg
	alone.Dir, alone.AnchorInterval = t.TempDir(), time.Hour
	if err := os.CopyFS(filepath.Join(alone.Dir, "private"), os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	fork := &bed{t: t, cfg: alone}
	fork.allow.Store(true) // another consortium, which does not know the chain's old anchors: none of its concern
	fork.open()
	for seq := uint64(2); seq <= 12; seq++ {
		raw, err := fork.BatchTx(seq, rootOf(1000+seq), 3)
		if err != nil {
			t.Fatal(err)
		}
		if err := fork.Submit(within(t), raw); err != nil {
			t.Fatal(err)
		}
		fork.wait(seq)
	}
	fork.rest()
	fork.close()
	if err := os.RemoveAll(b.dir("private")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(b.dir("private"), os.DirFS(fork.dir("private"))); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(within(t), b.cfg); !errors.Is(err, ErrBehind) {
		t.Fatalf("forked chain: %v", err)
	}

	if err := os.RemoveAll(b.dir("private")); err != nil {
		t.Fatal(err)
	}
	swap(current, b.dir("private"))
	b.open()
	b.commit(11)
}

// When a database fails, the chain stops, says so, and loses nothing.
func TestFailedDiskStopsTheChain(t *testing.T) {
	for _, place := range []string{"private/state", "private/blocks", "consortium/state"} {
		t.Run(place, func(t *testing.T) {
			b := newBed(t)
			b.close()
			var broken atomic.Bool
			b.cfg.FS = errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if broken.Load() && op.Kind == errorfs.OpFileSyncData && strings.Contains(op.Path, place) {
					return syscall.EIO
				}
				return nil
			}))
			b.open()
			b.commit(1)
			b.awaitAnchored(1)
			b.rest()
			b.allow.Store(true)
			broken.Store(true)
			private := strings.HasPrefix(place, "private")
			if err := b.Submit(within(t), b.batch(2)); err != nil && !errors.Is(err, ErrUnavailable) {
				t.Fatal(err)
			}
			select {
			case <-b.Halted():
			case <-within(t).Done():
				t.Fatalf("failure was not noticed: %+v", b.Status())
			}
			if s := b.Status(); s.Failure == "" {
				t.Errorf("status: %+v", s)
			}
			failed := b.consortium
			if private {
				failed = b.private
			}
			if err := failed.await(within(t), func() (bool, error) { return false, nil }); !errors.Is(err, ErrUnavailable) {
				t.Errorf("waiting for a block: %v", err)
			}
			if err := b.Submit(within(t), b.batch(3)); private && !errors.Is(err, ErrUnavailable) {
				t.Errorf("submit: %v", err)
			}
			_ = b.Close() // Pebble reports the failure again
			broken.Store(false)
			b.allow.Store(true)
			b.open()
			got, err := b.CommittedSeq(b.Writer())
			if err != nil || got < 1 {
				t.Fatalf("committed seq %d, %v", got, err)
			}
			for seq := got; seq <= 3; seq++ {
				if err := b.Submit(within(t), b.batch(seq)); err != nil {
					t.Errorf("batch %d again: %v", seq, err)
				}
				if seq > got {
					b.wait(seq)
				}
			}
		})
	}
}
