package leakscan

import (
	"encoding/binary"

	"github.com/klauspost/compress/s2"
)

const maxBlock = 8 << 20 // a longer Snappy block is not looked for

// snappyBlocks searches every bare Snappy block in b. A block has no magic and no end mark, but it gives its unpacked
// length first and its elements must add up to exactly that, so that at nearly every offset a few bytes tell that
// there is none.
func (r *run) snappyBlocks(p *place, b []byte) {
	for at := range b {
		if c := b[at]; c < 0x80 && (c < window || at+1 < len(b) && b[at+1]&3 != 0) {
			continue // what snappyBlock would find first, for speed
		}
		n := snappyBlock(b[at:])
		if n == 0 {
			continue
		}
		out, err := s2.Decode(nil, b[at:at+n])
		if err != nil {
			continue
		}
		r.unpacked(p, "snappy block", at, out)
	}
}

// snappyBlock gives the length of the Snappy block at the start of b, 0 if there is none, or none with a copy in it:
// blocks of literals only are found by searching the raw bytes. The format is described in format_description.txt of
// google/snappy.
func snappyBlock(b []byte) int {
	want, at := binary.Uvarint(b)
	if at <= 0 || want < window || want > maxBlock {
		return 0
	}
	if at >= len(b) || b[at]&3 != 0 {
		return 0 // nothing to copy from yet
	}
	have, copies := uint64(0), false
	for have < want {
		size, back, n := snappyElement(b[at:])
		if n == 0 || size > want-have || back > have {
			return 0
		}
		copies = copies || back > 0
		have += size
		at += n
	}
	if !copies {
		return 0
	}
	return at
}

// snappyElement gives how many bytes an element stands for, how far back it copies from (0: a literal), and its own
// length in b, 0 if it is none.
func snappyElement(b []byte) (size, back uint64, n int) {
	if len(b) == 0 {
		return 0, 0, 0
	}
	tag := b[0]
	var num [8]byte // the little-endian number behind the tag
	switch tag & 3 {
	case 1:
		n = copy(num[:1], b[1:])
		back = uint64(tag>>5)<<8 | uint64(num[0])
		return checked(uint64(tag>>2&7)+4, back, 2, n == 1)
	case 2:
		n = copy(num[:2], b[1:])
		return checked(uint64(tag>>2)+1, binary.LittleEndian.Uint64(num[:]), 3, n == 2)
	case 3:
		n = copy(num[:4], b[1:])
		return checked(uint64(tag>>2)+1, binary.LittleEndian.Uint64(num[:]), 5, n == 4)
	}
	head := 1
	size = uint64(tag >> 2)
	if size >= 60 {
		extra := int(size) - 59 //nolint:gosec // 1 to 4
		if copy(num[:extra], b[1:]) < extra {
			return 0, 0, 0
		}
		head, size = 1+extra, binary.LittleEndian.Uint64(num[:])
	}
	if size++; size > uint64(len(b)-head) {
		return 0, 0, 0
	}
	return size, 0, head + int(size) //nolint:gosec // at most len(b)
}

// checked is a copy element; one from nowhere is none.
func checked(size, back uint64, n int, whole bool) (gotSize, gotBack uint64, length int) {
	if !whole || back == 0 {
		return 0, 0, 0
	}
	return size, back, n
}
