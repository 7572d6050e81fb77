package seal

import "sync"

// buffer is scratch space for what is built and dropped within one call.
type buffer struct{ b []byte }

// maxPooledBuffer keeps the buffer of one huge body from living in the pool for ever.
const maxPooledBuffer = 256 << 10

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 1<<10)} }}

// getBuffer returns an empty buffer; it goes back by put.
func getBuffer() *buffer {
	b := buffers.Get().(*buffer)
	b.b = b.b[:0]
	return b
}

// put overwrites the buffer and gives it back.
func (b *buffer) put() {
	clear(b.b)
	if cap(b.b) <= maxPooledBuffer {
		buffers.Put(b)
	}
}
