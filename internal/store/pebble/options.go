package pebble

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// DefaultCacheBytes is the size of the block cache unless the Config gives another.
const DefaultCacheBytes = 64 << 20

// Config says where and how a store is kept.
type Config struct {
	Dir        string       // required; made if absent, nothing else lies in it
	FS         vfs.FS       // nil: the disk
	CacheBytes int64        // of uncompressed blocks, while write buffers are full; 0: DefaultCacheBytes
	Logger     *slog.Logger // nil: slog.Default()
}

const (
	// memTableSize bounds a write buffer. Postings are spread over the whole key space, so that every flush meets every
	// table below it: a larger buffer means fewer rewrites (16, 32, 64 MB: 103, 82, 68 µs of processor time a version
	// of 48 postings), but two of them stay in memory after an ingest. Pebble starts small and grows to it.
	memTableSize = 32 << 20
	// memTablesKept is the number of write buffers that stay in memory. Pebble takes their memory out of the block cache,
	// which would leave nothing of it: so the cache is made larger by them.
	memTablesKept = 2
	// memTablesWaiting bounds the write buffers in memory: more stop writes until one is flushed.
	memTablesWaiting = 4
	// mergeAt is the number of overlapping flushes that are merged into the levels below, stopAt that at which writes
	// wait for it. Merging at Pebble's 4 costs 15 % more processor time; reads look into a few more tables.
	mergeAt = 8
	stopAt  = 24
	// maxCompactions bounds the processors that merging takes when it falls behind.
	maxCompactions = 4
	blockSize      = 16 << 10
	filterBits     = 10
)

func (cfg *Config) options() *pebble.Options {
	o := &pebble.Options{
		FS:                          cfg.FS,
		CacheSize:                   cfg.CacheBytes + memTablesKept*memTableSize,
		FormatMajorVersion:          pebble.FormatTableFormatV6,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTablesWaiting,
		L0CompactionThreshold:       mergeAt,
		L0StopWritesThreshold:       stopAt,
		CompactionConcurrencyRange:  func() (int, int) { return 1, min(max(runtime.GOMAXPROCS(0)/2, 1), maxCompactions) },
		Logger:                      logger{cfg.Logger},
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = blockSize
		o.Levels[i].FilterPolicy = pointFilter{bloom.FilterPolicy(filterBits)}
	}
	// Sealed values do not compress; postings do, by their order. Against no compression: 14.1 bytes a posting for 19.8,
	// and 8 % more processor time.
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	return o
}

// pointFilter keeps postings out of the Bloom filters: they are most of the keys, and nobody gets one by its key.
type pointFilter struct{ bloom.FilterPolicy }

func (pointFilter) Name() string { return "chartseal.points.1" }

func (p pointFilter) MayContain(t pebble.FilterType, filter, key []byte) bool {
	return key[0] == prefixPosting || p.FilterPolicy.MayContain(t, filter, key)
}

func (p pointFilter) NewWriter(t pebble.FilterType) pebble.FilterWriter {
	return pointFilterWriter{p.FilterPolicy.NewWriter(t)}
}

type pointFilterWriter struct{ pebble.FilterWriter }

func (w pointFilterWriter) AddKey(key []byte) {
	if key[0] != prefixPosting {
		w.FilterWriter.AddKey(key)
	}
}

// logger hands on what Pebble logs: names of its files, sizes, times. Keys and values are opaque.
type logger struct{ *slog.Logger }

func (l logger) Infof(format string, args ...any) {
	if l.Enabled(context.Background(), slog.LevelDebug) {
		l.Debug("store", "event", fmt.Sprintf(format, args...))
	}
}

func (l logger) Errorf(format string, args ...any) {
	l.Error("store", "event", fmt.Sprintf(format, args...))
}

// Fatalf is called when Pebble no longer knows what of its log is on disk. It must not return.
func (l logger) Fatalf(format string, args ...any) {
	l.Error("store failed, the process ends", "event", fmt.Sprintf(format, args...))
	os.Exit(1)
}
