package leakscan

import (
	"encoding/binary"
	"hash/crc32"
	"sync"
)

var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// The write-ahead logs and manifests of Pebble, RocksDB and LevelDB are made of 32 KiB blocks of chunks:
//
//	checksum 4 | length 2 | type 1 | log number 4, types 5 to 12 | sync offset 8, types 9 to 12 | payload
//
// Types count full, first, middle, last in each of the three layouts. A record longer than what is left of a block goes
// on in the next one, so that a value in it is cut where the raw bytes are searched.
const (
	blockSize   = 32 << 10
	chunkHeader = 7
)

// chunk reads the chunk at the start of b, which ends where its block ends. n is 0 if there is none.
func chunk(b []byte) (part byte, payload []byte, n int) {
	if len(b) < chunkHeader {
		return 0, nil, 0
	}
	kind, length, header := b[6], int(binary.LittleEndian.Uint16(b[4:])), chunkHeader
	switch {
	case kind >= 9:
		header += 12
	case kind >= 5:
		header += 4
	}
	if kind == 0 || kind > 12 || header+length > len(b) {
		return 0, nil, 0
	}
	return (kind - 1) % 4, b[header : header+length], header + length
}

// isChunked tells that b begins with a chunk whose checksum is right.
func isChunked(b []byte) bool {
	_, _, n := chunk(b[:min(len(b), blockSize)])
	if n == 0 {
		return false
	}
	sum := crc32.Checksum(b[6:n], castagnoli())
	return binary.LittleEndian.Uint32(b) == (sum>>15|sum<<17)+0xa282ead8
}

// chunked searches the records of a log. Unlike its owner's reader it goes on behind damage, with the next block, and
// takes chunks of an earlier use of the file for good.
func (r *run) chunked(p *place, b []byte) {
	count := 0
	var record []byte
	flush := func() {
		if len(record) > 0 {
			in := p.in("record", count)
			r.blob(in, record)
			count++
		}
		record = nil
	}
	for ; len(b) > 0; b = b[min(len(b), blockSize):] {
		block := b[:min(len(b), blockSize)]
		for {
			part, payload, n := chunk(block)
			if n == 0 {
				break
			}
			if part <= 1 { // full, first
				flush()
			}
			record = append(record, payload...)
			if part == 0 || part == 3 {
				flush()
			}
			block = block[n:]
		}
	}
	flush()
	r.report.opened("log record", count)
}

// consensusRecord reads a record of CometBFT's consensus WAL: checksum 4 | length 4, both big endian | protobuf. n is 0
// if there is none at the start of b.
func consensusRecord(b []byte) (payload []byte, n int) {
	if len(b) < 8 {
		return nil, 0
	}
	length := int(binary.BigEndian.Uint32(b[4:]))
	if length == 0 || length > len(b)-8 {
		return nil, 0
	}
	payload = b[8 : 8+length]
	if crc32.Checksum(payload, castagnoli()) != binary.BigEndian.Uint32(b) {
		return nil, 0
	}
	return payload, 8 + length
}

func isConsensusLog(b []byte) bool {
	_, n := consensusRecord(b)
	return n > 0
}

// consensusLog searches the records of a consensus WAL, and their fields joined: a block travels through it in parts.
func (r *run) consensusLog(p *place, b []byte) {
	fields := make(joined)
	for count := 0; ; count++ {
		payload, n := consensusRecord(b)
		if n == 0 {
			r.report.opened("consensus record", count)
			break
		}
		r.blob(p.in("record", count), payload)
		fields.add("", payload, 0)
		b = b[n:]
	}
	r.joined(p, fields)
}
