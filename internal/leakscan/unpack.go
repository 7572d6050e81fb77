package leakscan

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

const (
	maxWindow = 128 << 20 // of a zstd frame
	maxSpent  = 512 << 20 // bytes out of one file, all streams together
)

// codec is a kind of stream that can begin anywhere.
type codec struct {
	name  string
	magic []byte
	open  func(*run, []byte) (io.Reader, error)
}

var codecs = [...]codec{
	{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, (*run).openZstd},
	{"gzip", []byte{0x1f, 0x8b, 8}, func(_ *run, b []byte) (io.Reader, error) { return gzip.NewReader(bytes.NewReader(b)) }},
	{"snappy stream", []byte("\xff\x06\x00\x00sNaPpY"), func(_ *run, b []byte) (io.Reader, error) { return s2.NewReader(bytes.NewReader(b)), nil }},
	{"zlib", []byte{0x78}, openZlib},
}

// unpack searches what is compressed in a blob, wherever it begins. Streams that break off are searched up to there.
func (r *run) unpack(p *place, b []byte) {
	for i := range codecs {
		c := &codecs[i]
		for at := 0; ; at++ {
			next := bytes.Index(b[at:], c.magic)
			if next < 0 {
				break
			}
			at += next
			r.stream(p, c, b, at)
		}
	}
	r.snappyBlocks(p, b)
}

func (r *run) stream(p *place, c *codec, b []byte, at int) {
	src, err := c.open(r, b[at:])
	if err != nil {
		return // the magic was chance
	}
	out, err := io.ReadAll(io.LimitReader(src, int64(r.s.maxUnpacked)))
	if errors.Is(err, zstd.ErrUnknownDictionary) || errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		r.note(p.in(c.name+" at", at), err)
	}
	if len(out) == r.s.maxUnpacked {
		r.unread(p.in(c.name+" at", at), errors.New("unpacks to more than is read"))
	}
	r.unpacked(p, c.name, at, out)
}

// unpacked searches what came out of a compressed container.
func (r *run) unpacked(p *place, kind string, at int, out []byte) {
	if len(out) < window {
		return
	}
	in := p.in(kind+" at", at)
	if r.spent += int64(len(out)); r.spent > maxSpent {
		if r.spent-int64(len(out)) <= maxSpent {
			r.unread(in, fmt.Errorf("more than %d bytes unpacked from this file: not searched from here on", maxSpent))
		}
		return
	}
	r.report.opened(kind, 1)
	r.blob(in, out)
	r.formats(in, out)
}

func (r *run) openZstd(b []byte) (io.Reader, error) {
	if r.zstd == nil {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderDicts(r.s.dictionaries...),
			zstd.IgnoreChecksum(true), zstd.WithDecoderMaxMemory(maxWindow))
		if err != nil {
			return nil, err
		}
		r.zstd = dec
	}
	// Not the type bytes.Reader or bytes.Buffer: for those the decoder would withhold a frame that breaks off.
	return r.zstd, r.zstd.Reset(io.MultiReader(bytes.NewReader(b)))
}

// openZlib checks the header (RFC 1950, section 2.2) before anything is allocated: its first byte is common.
func openZlib(_ *run, b []byte) (io.Reader, error) {
	if len(b) < 2 || (int(b[0])<<8|int(b[1]))%31 != 0 || b[1]&0x20 != 0 {
		return nil, zlib.ErrHeader
	}
	return zlib.NewReader(bytes.NewReader(b))
}
