package pebble

import (
	"encoding/binary"
	"fmt"

	"github.com/chartseal/chartseal/internal/store"
)

// Every value starts with its format. Numbers are uvarints, tokens and hashes plain bytes, the last field runs to the
// end, and one before it that varies in size has its length in front.
const valueFormat = 1

const flagDeleted = 1

func flags(deleted bool) byte {
	if deleted {
		return flagDeleted
	}
	return 0
}

func appendPos(b []byte, p store.Pos) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(p.Writer)), p.Seq)
}

func appendHead(b []byte, h *store.Head) []byte {
	b = append(b, valueFormat, flags(h.Deleted))
	b = binary.AppendUvarint(b, h.Version)
	b = binary.AppendUvarint(b, uint64(h.Doc))
	b = appendPos(b, h.Pos)
	b = append(b, h.Handle[:]...)
	return append(b, h.Commitment[:]...)
}

func decodeHead(b []byte) (store.Head, error) {
	r := newReader(b)
	h := store.Head{Deleted: r.deleted(), Version: r.number(), Doc: store.DocID(r.number()), Pos: r.pos()}
	copy(h.Handle[:], r.take(len(h.Handle)))
	copy(h.Commitment[:], r.take(len(h.Commitment)))
	return h, r.end("head")
}

func appendVersion(b []byte, v *store.Version) []byte {
	b = append(b, valueFormat, flags(v.Deleted))
	b = binary.AppendUvarint(b, uint64(v.Doc))
	b = appendPos(b, v.Pos)
	b = binary.AppendUvarint(b, uint64(v.Index))
	b = append(b, v.Handle[:]...)
	b = append(b, v.Commitment[:]...)
	b = binary.AppendUvarint(b, uint64(len(v.Leaf)))
	b = append(b, v.Leaf...)
	return append(b, v.Body...)
}

// decodeVersion sets everything but what the key says. Leaf and Body are parts of b.
func decodeVersion(b []byte, v *store.Version) error {
	r := newReader(b)
	v.Deleted = r.deleted()
	v.Doc = store.DocID(r.number())
	v.Pos = r.pos()
	v.Index = r.number32()
	copy(v.Handle[:], r.take(len(v.Handle)))
	copy(v.Commitment[:], r.take(len(v.Commitment)))
	v.Leaf = r.sized()
	v.Body = r.rest()
	return r.end("version")
}

func appendDoc(b []byte, v *store.StagedVersion) []byte {
	b = append(b, valueFormat, flags(v.Deleted))
	b = binary.AppendUvarint(b, v.Version.Version)
	b = appendPos(b, v.Pos)
	b = append(b, v.Resource[:]...)
	b = append(b, v.Handle[:]...)
	return append(b, v.Row...)
}

// decodeDoc sets everything but what the key says. Row is part of b.
func decodeDoc(b []byte, d *store.Doc) error {
	r := newReader(b)
	d.Deleted = r.deleted()
	d.Version = r.number()
	d.Pos = r.pos()
	copy(d.Resource[:], r.take(len(d.Resource)))
	copy(d.Handle[:], r.take(len(d.Handle)))
	d.Row = r.rest()
	return r.end("document")
}

func appendBatch(b []byte, s *store.Staging) []byte {
	b = append(b, valueFormat)
	b = append(b, s.Root[:]...)
	b = binary.AppendUvarint(b, uint64(len(s.Commitments)))
	for i := range s.Commitments {
		b = append(b, s.Commitments[i][:]...)
	}
	return append(b, s.Tx...)
}

// decodeBatch sets everything but what the key says. Tx is part of b.
func decodeBatch(b []byte, out *store.Batch) error {
	r := newReader(b)
	copy(out.Root[:], r.take(len(out.Root)))
	if n := r.number(); n <= uint64(len(r.b)/32) {
		out.Commitments = make([][32]byte, n)
	} else {
		r.fail()
	}
	for i := range out.Commitments {
		copy(out.Commitments[i][:], r.take(32))
	}
	out.Tx = r.rest()
	return r.end("batch")
}

func appendOutcome(b []byte, o *store.Outcome) []byte {
	return append(appendPos(append(b, valueFormat), o.Pos), o.Sealed...)
}

func decodeOutcome(b []byte, o *store.Outcome) error {
	r := newReader(b)
	o.Pos = r.pos()
	o.Sealed = r.rest()
	return r.end("outcome")
}

func appendSide(b []byte, s *store.SideTx) []byte {
	b = append(b, valueFormat)
	b = append(b, s.Resource[:]...)
	b = binary.AppendUvarint(b, s.Version)
	b = binary.AppendUvarint(b, uint64(len(s.Tx)))
	b = append(b, s.Tx...)
	return append(b, s.Overlay...)
}

func decodeSide(b []byte, s *store.SideTx) error {
	r := newReader(b)
	copy(s.Resource[:], r.take(len(s.Resource)))
	s.Version = r.number()
	s.Tx = r.sized()
	s.Overlay = r.rest()
	return r.end("side transaction")
}

func appendRecord(b, record []byte) []byte { return append(append(b, valueFormat), record...) }

func decodeRecord(b []byte) ([]byte, error) {
	r := newReader(b)
	record := r.rest()
	return record, r.end("key record")
}

func appendNumber(b []byte, n uint64) []byte {
	return binary.AppendUvarint(append(b, valueFormat), n)
}

func decodeNumber(b []byte) (uint64, error) {
	r := newReader(b)
	n := r.number()
	return n, r.end("number")
}

// reader takes a value apart. After the first thing that does not fit everything it returns is zero, and end tells.
type reader struct {
	b   []byte
	bad bool
}

func newReader(b []byte) reader {
	r := reader{b: b}
	if f := r.take(1); f != nil && f[0] != valueFormat {
		r.fail()
	}
	return r
}

func (r *reader) fail() { r.b, r.bad = nil, true }

// take returns the next n bytes, nil if there are not as many.
func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// number accepts the shortest form only: each value has one encoding.
func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || size > 1 && r.b[size-1] == 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) number32() uint32 {
	n := r.number()
	if n > 1<<32-1 {
		r.fail()
		return 0
	}
	return uint32(n)
}

func (r *reader) pos() store.Pos {
	return store.Pos{Writer: r.number32(), Seq: r.number()}
}

func (r *reader) deleted() bool {
	f := r.take(1)
	if f == nil || f[0] > flagDeleted {
		r.fail()
		return false
	}
	return f[0] == flagDeleted
}

// sized returns bytes that have their length in front.
func (r *reader) sized() []byte {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	return r.take(int(n))
}

func (r *reader) rest() []byte { return r.take(len(r.b)) }

func (r *reader) end(what string) error {
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("decode %s: %w", what, store.ErrCorrupt)
	}
	return nil
}
