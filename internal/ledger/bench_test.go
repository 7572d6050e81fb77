package ledger

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"
)

// BenchmarkOpen measures the start of both nodes: the first one, and later ones.
func BenchmarkOpen(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			l, err := Open(context.Background(), Config{Dir: b.TempDir(), Organisation: "Test Hospital", Secrets: newSecrets()})
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
	b.Run("again", func(b *testing.B) {
		bed := newBed(b)
		for seq := uint64(1); seq <= 50; seq++ {
			bed.commit(seq)
		}
		for b.Loop() {
			b.StopTimer()
			bed.close()
			b.StartTimer()
			bed.open()
		}
	})
}

// BenchmarkIsolated measures one transaction at a time: from Submit to the callback.
func BenchmarkIsolated(b *testing.B) {
	bed := newBed(b)
	seq := uint64(0)
	var took []time.Duration
	for b.Loop() {
		seq++
		raw := bed.batch(seq)
		start := time.Now()
		if err := bed.Submit(context.Background(), raw); err != nil {
			b.Fatal(err)
		}
		bed.wait(seq)
		took = append(took, time.Since(start))
		// The empty block that proves the hash is over before the next one: isolated means on a quiet chain.
		if err := bed.private.await(context.Background(), func() (bool, error) {
			v := bed.privateApp.View()
			_, made, err := v.StateAt(v.Height())
			return made < v.Height(), err
		}); err != nil {
			b.Fatal(err)
		}
	}
	report(b, took)
}

// BenchmarkBackToBack measures batches that follow each other without a pause.
func BenchmarkBackToBack(b *testing.B) {
	bed := newBed(b)
	seq := uint64(0)
	var took []time.Duration
	for b.Loop() {
		seq++
		start := time.Now()
		bed.commit(seq)
		took = append(took, time.Since(start))
	}
	report(b, took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "batches/s")
}

func report(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
}

// BenchmarkReceipt measures an anchored receipt.
func BenchmarkReceipt(b *testing.B) {
	bed := newBed(b)
	in := bed.leafBatch(1, 100)
	bed.awaitAnchored(1)
	for b.Loop() {
		if _, err := bed.Receipt(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkConsentState measures the read that a decision waits for, from several goroutines.
func BenchmarkConsentState(b *testing.B) {
	bed := newBed(b)
	bed.putConsent(Consent{ID: rootOf(1), Version: 1, Active: true}, 1)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, ok := bed.ConsentState(rootOf(1)); !ok {
				b.Error("no consent")
			}
		}
	})
}

// BenchmarkIdle reports what two idle nodes hold in memory.
func BenchmarkIdle(b *testing.B) {
	heap := func() (m runtime.MemStats) {
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m
	}
	for b.Loop() {
		before := heap()
		bed := newBed(b)
		for seq := uint64(1); seq <= 20; seq++ {
			bed.commit(seq)
		}
		after := heap()
		b.ReportMetric(float64(after.HeapInuse-before.HeapInuse)/(1<<20), "heap-MiB")
		b.ReportMetric(float64(after.Sys-before.Sys)/(1<<20), "sys-MiB")
		b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
	}
}
