package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestBatchesCommitInOrder(t *testing.T) {
	b := newBed(t)
	const n = 200
	for seq := uint64(1); seq <= n; seq++ {
		b.commit(seq)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, seq := range b.seen {
		if seq != uint64(i)+1 {
			t.Fatalf("commit %d was of seq %d", i, seq)
		}
	}
	if len(b.seen) != n {
		t.Fatalf("%d commits", len(b.seen))
	}
	got, err := b.CommittedSeq(b.Writer())
	if err != nil || got != n {
		t.Fatalf("committed seq %d, %v", got, err)
	}
	if root, size, err := b.Batch(b.Writer(), 7); err != nil || root != rootOf(7) || size != 3 {
		t.Fatalf("batch 7: %x, %d, %v", root, size, err)
	}
	if _, _, err := b.Batch(b.Writer(), n+1); !errors.Is(err, ErrAbsent) {
		t.Fatalf("batch that was not committed: %v", err)
	}
	if _, err := b.CommittedSeq([16]byte{1}); !errors.Is(err, ErrAbsent) {
		t.Fatalf("unknown writer: %v", err)
	}
}

func TestSubmissionsAreIdempotent(t *testing.T) {
	b := newBed(t)
	one, two := b.batch(1), b.batch(2)
	if err := b.Submit(within(t), two); !errors.Is(err, ErrNotNext) || errors.Is(err, ErrRejected) {
		t.Errorf("second batch first: %v", err)
	}
	for range 3 { // pending, or committed by then
		if err := b.Submit(within(t), one); err != nil {
			t.Fatal(err)
		}
	}
	b.wait(1)
	if err := b.Submit(within(t), one); err != nil {
		t.Errorf("committed batch: %v", err)
	}
	if err := b.Submit(within(t), two); err != nil {
		t.Fatal(err)
	}
	b.wait(2)
	b.close()
	b.open()
	for _, raw := range [][]byte{one, two} {
		if err := b.Submit(within(t), raw); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	}
	other, err := b.BatchTx(2, rootOf(99), 3)
	if err != nil {
		t.Fatal(err)
	}
	b.allow.Store(true) // the conflict is logged
	if err := b.Submit(within(t), other); !errors.Is(err, ErrConflict) || !errors.Is(err, ErrRejected) {
		t.Errorf("another root: %v", err)
	}
	b.commit(3)
	if got, _ := b.CommittedSeq(b.Writer()); got != 3 {
		t.Errorf("committed seq %d", got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) != 1 || b.seen[0] != 3 {
		t.Errorf("commits since the restart: %v", b.seen)
	}
}

func TestUnknownTransactionsAreRejected(t *testing.T) {
	b, other := newBed(t), newBed(t)
	noMember, err := other.ConsentTx(Consent{ID: rootOf(1), Version: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{"empty": nil, "noise": []byte("noise"), "another chain": other.batch(1)} {
		if err := b.Submit(within(t), raw); !errors.Is(err, ErrRejected) {
			t.Errorf("Submit, %s: %v", name, err)
		}
	}
	for name, raw := range map[string][]byte{"empty": nil, "noise": []byte("noise"), "another chain": noMember} {
		if err := b.SubmitConsortium(within(t), raw); !errors.Is(err, ErrRejected) {
			t.Errorf("SubmitConsortium, %s: %v", name, err)
		}
	}
	if b.Status().PrivateChain == other.Status().PrivateChain || b.Status().ConsortiumChain == other.Status().ConsortiumChain {
		t.Error("two installations have equal chain ids")
	}
}

func TestConsents(t *testing.T) {
	b := newBed(t)
	var (
		mu   sync.Mutex
		seen []Consent
	)
	b.OnConsent(func(c Consent) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, c)
	})
	first := Consent{ID: rootOf(1), Version: 1, Active: true, PolicyCommitment: rootOf(2), EnvelopeHash: rootOf(3)}
	b.putConsent(first, 1)
	second := first
	second.Version, second.Active = 4, false
	b.putConsent(second, 2)
	if got, ok := b.ConsentState(first.ID); !ok || got != second {
		t.Errorf("state %+v, %v", got, ok)
	}
	if _, ok := b.ConsentState(rootOf(77)); ok {
		t.Error("a consent that was never recorded")
	}
	submit := func(c Consent, nonce uint64) error {
		raw, err := b.ConsentTx(c, nonce)
		if err != nil {
			t.Fatal(err)
		}
		return b.SubmitConsortium(within(t), raw)
	}
	again := func(when string) {
		t.Helper()
		for i, c := range []Consent{first, second} {
			if err := submit(c, uint64(i)+1); err != nil { //nolint:gosec // small
				t.Errorf("%s: version %d again: %v", when, c.Version, err)
			}
		}
		changed := first
		changed.Active = false
		if err := submit(changed, 1); !errors.Is(err, ErrRejected) {
			t.Errorf("%s: version 1 with another content: %v", when, err)
		}
		older := first
		older.Version = 3
		if err := submit(older, 9); !errors.Is(err, ErrRejected) {
			t.Errorf("%s: a lower version: %v", when, err)
		}
	}
	again("at once")
	height, at := b.ConsortiumHead()
	if height < 2 || at.IsZero() {
		t.Errorf("head %d at %v", height, at)
	}
	b.close()
	b.open()
	if got, ok := b.ConsentState(first.ID); !ok || got != second {
		t.Errorf("state after a restart: %+v, %v", got, ok)
	}
	again("after a restart")
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]Consent{first, second}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestAnchoringCatchesUp(t *testing.T) {
	b := newBed(t)
	b.commit(1)
	b.awaitAnchored(1)
	b.allow.Store(true) // it is logged that the consortium is cut off
	if err := b.consortium.node.Stop(); err != nil {
		t.Fatal(err)
	}
	for seq := uint64(2); seq <= 30; seq++ {
		b.commit(seq)
	}
	s := b.Status()
	if s.Unanchored != 29 || s.Anchored != 1 || s.Batches != 30 || s.AnchorLag <= 0 || s.Failure == "" {
		t.Errorf("status while cut off: %+v", s)
	}
	raw, err := b.ConsentTx(Consent{ID: rootOf(1), Version: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SubmitConsortium(within(t), raw); !errors.Is(err, ErrUnavailable) {
		t.Errorf("consortium that is cut off: %v", err)
	}
	anchors := s.Anchors
	b.close()
	b.allow.Store(false)
	b.open()
	b.awaitAnchored(30)
	s = b.Status()
	if s.Unanchored != 0 || s.Anchors != anchors+1 || s.Failure != "" || s.Flagged {
		t.Errorf("status after the restart: %+v", s)
	}
}

func TestClosed(t *testing.T) {
	b := newBed(t)
	in := b.leafBatch(1, 2)
	b.awaitAnchored(1)
	raw := b.batch(2)
	b.close()
	b.close()
	if _, err := b.Receipt(within(t), in); err == nil {
		t.Error("a receipt after Close")
	}
	if _, err := b.Trust(); !errors.Is(err, ErrClosed) {
		t.Errorf("trust file: %v", err)
	}
	if err := b.Submit(within(t), raw); !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrClosed) {
		t.Errorf("submit: %v", err)
	}
	if _, ok := b.ConsentState(rootOf(1)); ok {
		t.Error("consent state after Close")
	}
	if got, err := b.CommittedSeq(b.Writer()); err != nil || got != 1 {
		t.Errorf("committed seq: %d, %v", got, err)
	}
	if s := b.Status(); s.Batches != 1 || s.Failure == "" {
		t.Errorf("status: %+v", s)
	}
}

// A stopped node leaves nothing behind: no goroutine, no port, no lock.
func TestCloseLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	b := newBed(t)
	b.commit(1)
	b.awaitAnchored(1)
	b.close()
	// CometBFT v0.40 never closes the file object of its write-ahead log: two idle goroutines a node.
	err := goleak.Find(before,
		goleak.IgnoreAnyFunction("github.com/cometbft/cometbft/libs/autofile.OpenAutoFile.func1"),
		goleak.IgnoreAnyFunction("github.com/cometbft/cometbft/libs/autofile.(*AutoFile).closeFileRoutine"))
	if err != nil {
		t.Error(err)
	}
	b.open()
	b.commit(2)
}

// The nodes must listen on something; it is a loopback port each, and it closes every connection before a handshake.
func TestNobodyGetsIn(t *testing.T) {
	before := listeners(t)
	newBed(t)
	found := 0
	for address := range listeners(t) {
		if before[address] {
			continue
		}
		found++
		if host, _, err := net.SplitHostPort(address); err != nil || host != "127.0.0.1" {
			t.Errorf("listens on %s", address)
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil || n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a stranger got %d bytes: %v", n, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	if found != 2 {
		t.Errorf("%d listeners", found)
	}
}

// listeners are the addresses on which this process accepts TCP connections.
func listeners(t *testing.T) map[string]bool {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("needs /proc")
	}
	own := map[string]bool{}
	for _, fd := range fds {
		if link, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil {
			own[link] = true
		}
	}
	out := map[string]bool{}
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		raw, err := os.ReadFile(file) //nolint:gosec // one of two
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != "0A" || !own["socket:["+f[9]+"]"] {
				continue
			}
			var a, b, c, d, port int
			if _, err := fmt.Sscanf(f[1], "%02X%02X%02X%02X:%04X", &a, &b, &c, &d, &port); err != nil || len(f[1]) != 13 {
				out["every address "+f[1]] = true
				continue
			}
			out[fmt.Sprintf("%d.%d.%d.%d:%d", d, c, b, a, port)] = true
		}
	}
	return out
}

func TestSecretFilesAreForTheirOwnerOnly(t *testing.T) {
	b := newBed(t)
	b.commit(1)
	found := 0
	err := filepath.WalkDir(b.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // written anew meanwhile
		}
		if err != nil {
			return err
		}
		switch d.Name() {
		case "node_key.json", "priv_validator_key.json", "priv_validator_state.json", "genesis.json", "identity.json":
			found++
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
		case "private", "consortium", "config", "data":
			if info.Mode().Perm() != 0o700 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
		}
		return nil
	})
	if err != nil || found < 8 {
		t.Errorf("%d files, %v", found, err)
	}
}

func TestValidatorWithoutRecordDoesNotSign(t *testing.T) {
	b := newBed(t)
	b.commit(1)
	b.close()
	for _, path := range []string{signedFile(b.dir("private")), validatorKeyFile(b.dir("consortium"))} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, damage := range map[string]func() error{
			"missing": func() error { return os.Remove(path) },
			"torn":    func() error { return os.WriteFile(path, raw[:len(raw)/2], 0o600) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			if l, err := Open(within(t), b.cfg); !errors.Is(err, ErrSignerState) {
				t.Errorf("%s %s: %v", name, filepath.Base(path), err)
				if err == nil {
					_ = l.Close()
				}
			}
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.open()
	b.commit(2)
}

// The databases may lie on another file system; keys and write-ahead logs stay on the disk.
func TestDatabasesOnAnotherFileSystem(t *testing.T) {
	b := newBed(t)
	b.close()
	b.cfg.Dir, b.cfg.FS = t.TempDir(), vfs.NewMem()
	b.open()
	b.commit(1)
	b.awaitAnchored(1)
	b.close()
	for _, chain := range []string{"private", "consortium"} {
		for _, db := range []string{"blocks", "state"} {
			if exists(filepath.Join(b.cfg.Dir, chain, db)) {
				t.Errorf("%s/%s is on the disk", chain, db)
			}
		}
		if !exists(filepath.Join(b.cfg.Dir, chain, "data", "cs.wal")) {
			t.Errorf("%s: no write-ahead log on the disk", chain)
		}
	}
	b.open()
	b.commit(2)
}
