package leakscan

import "encoding/binary"

const (
	window     = 6  // bytes that lead to the candidates; no pattern is shorter
	filterBits = 22 // half a megabyte: stays in the processor's cache
	windowMask = 1<<(8*window) - 1
)

// index finds many patterns in one pass. Every pattern is entered under its first six bytes; a bitmap of their hashes
// turns nearly all positions of the data away.
type index struct {
	patterns []pattern
	filter   []uint64
	starts   map[uint64][]int32
}

func newIndex(patterns []pattern) *index {
	x := &index{patterns: patterns, filter: make([]uint64, 1<<(filterBits-6)), starts: make(map[uint64][]int32)}
	for i := range patterns {
		w := head(patterns[i].bytes)
		h := spread(w)
		x.filter[h>>6] |= 1 << (h & 63)
		x.starts[w] = append(x.starts[w], int32(i)) //nolint:gosec // some hundred thousand patterns
	}
	return x
}

// head is the window at the start of b, which has at least that many bytes.
func head(b []byte) uint64 {
	var w [8]byte
	copy(w[:window], b)
	return binary.LittleEndian.Uint64(w[:])
}

func spread(w uint64) uint64 { return w * 0x9e3779b97f4a7c15 >> (64 - filterBits) }

// search calls found for every place of every pattern.
func (x *index) search(b []byte, found func(at int, p *pattern)) {
	last := len(b) - window
	for i := 0; i <= last; i++ {
		var w uint64
		if i+8 <= len(b) {
			w = binary.LittleEndian.Uint64(b[i:]) & windowMask
		} else {
			w = head(b[i:])
		}
		h := spread(w)
		if x.filter[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		for _, n := range x.starts[w] {
			p := &x.patterns[n]
			if len(b)-i >= len(p.bytes) && string(b[i:i+len(p.bytes)]) == string(p.bytes) && (!p.alone || stands(b, i, i+len(p.bytes))) {
				found(i, p)
			}
		}
	}
}

// stands tells that no digit touches b[from:to].
func stands(b []byte, from, to int) bool {
	return (from == 0 || !digit(b[from-1])) && (to == len(b) || !digit(b[to]))
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// lower appends b to dst with ASCII letters in lower case.
func lower(dst, b []byte) []byte {
	from := len(dst)
	dst = append(dst, b...)
	for i, c := range dst[from:] {
		if c >= 'A' && c <= 'Z' {
			dst[from+i] = c + 'a' - 'A'
		}
	}
	return dst
}
