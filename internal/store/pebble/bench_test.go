package pebble

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/chartseal/chartseal/internal/store"
)

const (
	benchVersions = 1000 // of a stage
	benchPostings = 48   // of a version
)

// load makes stages like those of an ingest: half of a version's tokens are its own, the other half are shared, some
// by everything.
type load struct {
	rng    *rand.ChaCha8
	pick   *rand.Rand
	doc    store.DocID
	seq    uint64
	shared []store.Token
	all    []store.Token // of resources
}

func newLoad() *load {
	l := &load{rng: rand.NewChaCha8([32]byte{1})}
	l.pick = rand.New(l.rng)
	for range 20_000 {
		l.shared = append(l.shared, l.token())
	}
	return l
}

func (l *load) token() (t store.Token) {
	l.rng.Read(t[:]) //nolint:errcheck // never fails
	return t
}

func (l *load) bytes(n int) []byte {
	b := make([]byte, n)
	l.rng.Read(b) //nolint:errcheck // never fails
	return b
}

// stage returns the next batch. Sizes are those of a mean resource, sealed.
func (l *load) stage(versions int) *store.Staging {
	l.seq++
	st := &store.Staging{Pos: store.Pos{Writer: 1, Seq: l.seq}, Tx: l.bytes(200)}
	for i := range versions {
		l.doc++
		v := store.StagedVersion{Row: l.bytes(250)}
		v.Version = store.Version{
			Resource: l.token(), Version: 1, Doc: l.doc, Pos: st.Pos, Index: uint32(i),
			Commitment: [32]byte(l.bytes(32)), Body: l.bytes(420), Leaf: l.bytes(350),
		}
		binary.BigEndian.PutUint64(v.Handle[:], uint64(l.doc/200))
		for p := range benchPostings {
			t := l.token()
			if p%2 == 0 {
				t = l.shared[int(float64(len(l.shared))*l.pick.ExpFloat64()/8)%len(l.shared)]
			}
			v.Postings = append(v.Postings, t)
		}
		l.all = append(l.all, v.Resource)
		st.Commitments = append(st.Commitments, v.Commitment)
		st.Versions = append(st.Versions, v)
	}
	return st
}

func openBench(b testing.TB) (*Store, string) {
	b.Helper()
	dir := b.TempDir()
	s, err := Open(Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s, dir
}

// cpu is the processor time of the process, background work included.
func cpu(b testing.TB) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkStage reports processor time per version, with the flushes and compactions that it causes.
func BenchmarkStage(b *testing.B) {
	s, _ := openBench(b)
	l := newLoad()
	var used, wall time.Duration
	for b.Loop() {
		st := l.stage(benchVersions)
		before, start := cpu(b), time.Now()
		if err := s.Stage(b.Context(), st); err != nil {
			b.Fatal(err)
		}
		used += cpu(b) - before
		wall += time.Since(start)
	}
	n := float64(b.N * benchVersions)
	b.ReportMetric(float64(used.Nanoseconds())/n, "cpu-ns/version")
	b.ReportMetric(float64(wall.Nanoseconds())/n, "wall-ns/version")
}

// BenchmarkStageOne is a stage of a single version: the least that a write waits for.
func BenchmarkStageOne(b *testing.B) {
	s, _ := openBench(b)
	l := newLoad()
	for b.Loop() {
		if err := s.Stage(b.Context(), l.stage(1)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead is a read by id: head, then version.
func BenchmarkRead(b *testing.B) {
	s, _ := openBench(b)
	l := newLoad()
	for range 20 {
		if err := s.Stage(b.Context(), l.stage(benchVersions)); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.db.Compact(b.Context(), []byte{0}, []byte{0xff}, true); err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		t := l.all[l.pick.IntN(len(l.all))]
		h, err := s.Head(ctx, t)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Version(ctx, t, h.Version); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPostings reports the time of one step along a list.
func BenchmarkPostings(b *testing.B) {
	s, _ := openBench(b)
	l := newLoad()
	for range 20 {
		if err := s.Stage(b.Context(), l.stage(benchVersions)); err != nil {
			b.Fatal(err)
		}
	}
	steps := 0
	for b.Loop() {
		it, err := s.Postings(b.Context(), l.shared[0])
		if err != nil {
			b.Fatal(err)
		}
		for it.Next() {
			steps++
		}
		if err := it.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/posting")
	b.ReportMetric(float64(steps)/float64(b.N), "postings")
}

// TestDiskPerPosting keeps the index small: the store as a whole may cost half of the plain JSON on top of it.
func TestDiskPerPosting(t *testing.T) {
	if slower > 1 {
		t.Skip("the same bytes, slowly")
	}
	s, dir := openBench(t)
	l := newLoad()
	const stages = 4
	for range stages {
		if err := s.Stage(t.Context(), l.stage(benchVersions)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Compact(t.Context(), []byte{0}, []byte{0xff}, true); err != nil {
		t.Fatal(err)
	}
	size, err := s.db.EstimateDiskUsage([]byte{prefixPosting}, []byte{prefixPosting + 1})
	if err != nil {
		t.Fatal(err)
	}
	per := float64(size) / (stages * benchVersions * benchPostings)
	t.Logf("%.1f bytes a posting, %d bytes in all", per, diskUsage(t, dir))
	if per > 24 {
		t.Errorf("%.1f bytes on disk a posting, want 24 at most", per)
	}
}

func diskUsage(t testing.TB, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a log that was of no use any more
		}
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}
