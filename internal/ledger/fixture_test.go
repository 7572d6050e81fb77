package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// memSecrets keeps secrets in memory.
type memSecrets struct {
	mu sync.Mutex
	m  map[string][]byte
}

func newSecrets() *memSecrets { return &memSecrets{m: map[string][]byte{}} }

func (s *memSecrets) GetOrCreate(name string, create func() ([]byte, error)) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.m[name]; ok {
		return v, nil
	}
	v, err := create()
	if err == nil {
		s.m[name] = v
	}
	return v, err
}

// testLog fails the test on a warning or an error that a node logs, unless the test has made one.
type testLog struct {
	slog.Handler
	t     testing.TB
	allow *atomic.Bool
}

func (h testLog) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

func (h testLog) Handle(_ context.Context, r slog.Record) error {
	if h.allow.Load() {
		return nil
	}
	var attrs []any
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a.String()); return true })
	h.t.Errorf("logged: %s %s %v", r.Level, r.Message, attrs)
	return nil
}

func (h testLog) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h testLog) WithGroup(string) slog.Handler { return h }

// bed is a ledger with the batches that the test committed.
type bed struct {
	*Ledger
	t     testing.TB
	cfg   Config
	allow atomic.Bool // errors in the log are expected

	mu   sync.Mutex
	seen []uint64
	more chan struct{} // closed and replaced at each commit
}

func newBed(t testing.TB) *bed {
	t.Helper()
	b := &bed{t: t}
	b.cfg = Config{
		Dir: t.TempDir(), Organisation: "Test Hospital", Secrets: newSecrets(),
		Logger: slog.New(testLog{t: t, allow: &b.allow}), AnchorInterval: 20 * time.Millisecond,
	}
	b.open()
	t.Cleanup(func() { b.close() })
	return b
}

func (b *bed) open() {
	b.t.Helper()
	l, err := Open(context.Background(), b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.attach(l)
}

func (b *bed) attach(l *Ledger) {
	b.Ledger = l
	b.mu.Lock()
	b.seen, b.more = nil, make(chan struct{})
	b.mu.Unlock()
	l.OnCommit(func(writer [16]byte, seq uint64) {
		if writer != l.Writer() {
			b.t.Errorf("commit of writer %x", writer)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.seen = append(b.seen, seq)
		close(b.more)
		b.more = make(chan struct{})
	})
}

func (b *bed) close() {
	b.t.Helper()
	if err := b.Close(); err != nil {
		b.t.Error(err)
	}
}

// patience bounds every wait of a test.
const patience = 30 * time.Second

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// wait returns when the callback has reported seq.
func (b *bed) wait(seq uint64) {
	b.t.Helper()
	ctx := within(b.t)
	for {
		b.mu.Lock()
		done, more := len(b.seen) > 0 && b.seen[len(b.seen)-1] >= seq, b.more
		b.mu.Unlock()
		if done {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			b.t.Fatalf("batch %d was not committed: %+v", seq, b.Status())
		}
	}
}

func rootOf(seq uint64) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("root"), seq))
}

func (b *bed) batch(seq uint64) []byte {
	b.t.Helper()
	raw, err := b.BatchTx(seq, rootOf(seq), 3)
	if err != nil {
		b.t.Fatal(err)
	}
	return raw
}

// commit submits a batch and waits for it.
func (b *bed) commit(seq uint64) {
	b.t.Helper()
	if err := b.Submit(within(b.t), b.batch(seq)); err != nil {
		b.t.Fatal(err)
	}
	b.wait(seq)
}

// awaitAnchored returns when the consortium has anchored so many batches, under a header.
func (b *bed) awaitAnchored(batches uint64) {
	b.t.Helper()
	err := b.consortium.await(within(b.t), func() (bool, error) {
		head := b.head.load()
		if head == nil {
			return false, nil
		}
		c, err := head.snap.Chain(b.id.chainID("private"))
		return err == nil && c.GetLogSize() >= batches, err
	})
	if err != nil {
		b.t.Fatalf("%d batches not anchored: %v, %+v", batches, err, b.Status())
	}
}
