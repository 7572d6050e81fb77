//go:build linux

package crashfs

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkSync is what an acknowledged small write costs here: a write and a sync, each a way through the kernel.
func BenchmarkSync(b *testing.B) {
	disk := ForTest(b, Config{Names: Ext4})
	f, err := os.Create(filepath.Join(disk.Dir(), "wal"))
	must(b, err)
	defer f.Close()
	record := make([]byte, 200)
	for b.Loop() {
		if _, err := f.Write(record); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWrite is sequential writing in large pieces.
func BenchmarkWrite(b *testing.B) {
	disk := ForTest(b, Config{})
	f, err := os.Create(filepath.Join(disk.Dir(), "table"))
	must(b, err)
	defer f.Close()
	piece := make([]byte, 1<<20)
	b.SetBytes(int64(len(piece)))
	for b.Loop() {
		if _, err := f.WriteAt(piece, 0); err != nil {
			b.Fatal(err)
		}
	}
}
