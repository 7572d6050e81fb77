package leakscan

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/s2"
)

// FuzzSnappyBlock packs what it is given: the block must be recognised, with its length, whatever follows it.
func FuzzSnappyBlock(f *testing.F) {
	f.Add([]byte("Castellanos, Castellanos, Castellanos"), []byte("tail"))
	f.Add(bytes.Repeat([]byte("abcdefgh"), 300), []byte{})
	f.Add(append(hay(1, 700), hay(1, 700)...), []byte{0, 0})
	f.Fuzz(func(t *testing.T, text, tail []byte) {
		packed := s2.EncodeSnappyBetter(nil, text)
		n := snappyBlock(append(bytes.Clone(packed), tail...))
		if n == 0 && len(packed) >= len(text) {
			return // nothing repeats: the text lies there as it is
		}
		if n != len(packed) && len(text) >= window {
			t.Fatalf("%d bytes in a block of %d: recognised %d", len(text), len(packed), n)
		}
	})
}

// FuzzScan reads any bytes as every kind of container. It must not fail, and find what stands in front in the clear.
func FuzzScan(f *testing.F) {
	s := controlScanner(f)
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x58"))
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))
	f.Add([]byte("\xff\x06\x00\x00sNaPpY\x00\x08\x00\x00"))
	f.Add([]byte("\x78\x9c\x4b\x4c\x4a\x06\x00"))
	f.Add(append(hay(1, 60), magicPebble...))
	f.Add(append(hay(2, 60), magicLevelDB...))
	f.Add([]byte{0x0a, 0x03, 0x1a, 0x01, 'x', 0x10, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := s.Blob("x", b)
		if len(r.Findings) > 0 {
			t.Skip("the fuzzer found a needle")
		}
		p := &place{name: "x", number: -1}
		run := s.newRun()
		run.chunked(p, b)
		run.consensusLog(p, b)
		make(joined).add("", b, 0)
		if r := s.Blob("x", append([]byte("castellanos"), b...)); len(r.Findings) == 0 {
			t.Fatal("the needle in front was not found")
		}
	})
}
