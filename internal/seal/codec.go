package seal

import (
	"fmt"
	"runtime"

	"github.com/klauspost/compress/zstd"

	"github.com/chartseal/chartseal/internal/seal/dict"
)

// The first byte of a packed body says how it is packed. A new dictionary gets a new number; old ones stay.
const (
	codecStored = 0
	codecZstd1  = 1
)

const (
	// maxCoders bounds the memory of the codec (each coder holds about 3 MB once used) on machines with many cores.
	maxCoders = 8
	// packWindow is how far back an encoder looks. Bodies above it are rare, and still compress within it.
	packWindow = 1 << 20
)

// codec compresses bodies. It holds a bounded number of coders, made on first use, none of which starts a goroutine.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (*codec, error) {
	coders := min(runtime.GOMAXPROCS(0), maxCoders)
	// With a dictionary the fastest level is within 1 % of the size of the default one, at a third of its time or less.
	// No checksum: the tag of the encryption covers the frame.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(coders), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderDict(dict.V1()), zstd.WithWindowSize(packWindow), zstd.WithEncoderCRC(false),
		zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("new encoder: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(coders), zstd.WithDecoderDicts(dict.V1()),
		zstd.WithDecoderMaxMemory(MaxPlain))
	if err != nil {
		return nil, fmt.Errorf("new decoder: %w", err)
	}
	return &codec{enc: enc, dec: dec}, nil
}

// pack appends the packed form of a body; one that does not shrink is stored as it is.
func (c *codec) pack(dst, plain []byte) []byte {
	start := len(dst)
	dst = c.enc.EncodeAll(plain, append(dst, codecZstd1))
	if len(dst)-start-1 < len(plain) {
		return dst
	}
	return append(append(dst[:start], codecStored), plain...)
}

// unpack undoes pack. It never makes more than MaxPlain bytes, whatever the frame claims.
func (c *codec) unpack(dst, packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, fmt.Errorf("unpack: %w", ErrCorrupt)
	}
	switch body := packed[1:]; packed[0] {
	case codecStored:
		return append(dst, body...), nil
	case codecZstd1:
		out, err := c.dec.DecodeAll(body, dst)
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", ErrCorrupt)
		}
		return out, nil
	}
	return nil, fmt.Errorf("unpack: %w", ErrCorrupt)
}
