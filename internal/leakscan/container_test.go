package leakscan

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/chartseal/chartseal/internal/seal/dict"
)

// packed compresses in a way that the tests below name by its tag.
func packed(t *testing.T, tag string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch tag {
	case "zstd":
		w, err = zstd.NewWriter(&out)
	case "zstd with the product's dictionary":
		w, err = zstd.NewWriter(&out, zstd.WithEncoderDict(dict.V1()), zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	case "gzip":
		w = gzip.NewWriter(&out)
	case "zlib":
		w = zlib.NewWriter(&out)
	case "snappy stream":
		w = s2.NewWriter(&out, s2.WriterSnappyCompat())
	case "snappy block":
		return s2.EncodeSnappyBest(nil, b)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var packings = []struct{ how, tag string }{
	{"zstd", "zstd at"},
	{"zstd with the product's dictionary", "zstd at"},
	{"gzip", "gzip at"},
	{"zlib", "zlib at"},
	{"snappy stream", "snappy stream at"},
	{"snappy block", "snappy block at"},
}

// Every plant inside a compressed stream that begins and ends anywhere in a file.
func TestInsideCompressed(t *testing.T) {
	list := plants()
	text := slices.Concat(bytes.Repeat([]byte("something that compresses well; "), 20), soup(list))
	for _, c := range packings {
		t.Run(c.how, func(t *testing.T) {
			r := controlScanner(t).Blob("file", slices.Concat(hay(1, 777), packed(t, c.how, text), hay(2, 333)))
			wantAll(t, r, list, c.tag)
		})
	}
}

// A process that is killed leaves streams without their end.
func TestInsideTorn(t *testing.T) {
	list := plants()
	text := slices.Concat(soup(list), hay(9, 1<<20))
	for _, how := range []string{"zstd", "gzip", "zlib", "snappy stream"} {
		t.Run(how, func(t *testing.T) {
			b := packed(t, how, text)
			wantAll(t, controlScanner(t).Blob("file", b[:len(b)*3/4]), list, how+" at")
		})
	}
}

func TestNested(t *testing.T) {
	list := plants()
	b := soup(list)
	for _, how := range []string{"snappy block", "zlib", "zstd", "gzip"} {
		b = slices.Concat(hay(1, 50), packed(t, how, b), hay(2, 50))
	}
	wantAll(t, controlScanner(t).Blob("file", b), list, "gzip at 50 > zstd at 50 > zlib at 50 > snappy block at 50")
}

// What unpacks to too much is reported, not passed over.
func TestBombIsUnread(t *testing.T) {
	s, err := New(Config{Needles: []Needle{{"n", Text, []byte("Castellanos")}}, MaxUnpacked: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int]int{1<<16 - 1: 0, 1 << 17: 1} {
		if r := s.Blob("file", packed(t, "gzip", make([]byte, size))); len(r.Unread) != want || r.Opened["gzip"] != 1 {
			t.Errorf("%d bytes: unread %v, opened %v", size, r.Unread, r.Opened)
		}
	}
}

func TestUnknownDictionaryIsNoted(t *testing.T) {
	s, err := New(Config{Needles: []Needle{{"n", Text, []byte("Castellanos")}}})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Blob("file", packed(t, "zstd with the product's dictionary", []byte("resourceType Patient"))); len(r.Notes) != 1 {
		t.Errorf("notes: %v", r.Notes)
	}
}

// LevelDB: tables, compressed and with superseded entries, and the journal.
func TestInsideLevelDB(t *testing.T) {
	list := plants()
	dir := t.TempDir()
	db, err := leveldb.OpenFile(dir, &opt.Options{Compression: opt.SnappyCompression, DisableSeeksCompaction: true})
	if err != nil {
		t.Fatal(err)
	}
	put := func(tx *leveldb.Transaction, key, value []byte) {
		if err := tx.Put(key, value, nil); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := db.OpenTransaction() // is written to a table at once
	if err != nil {
		t.Fatal(err)
	}
	put(tx, []byte("soup"), soup(list))
	for _, p := range list {
		put(tx, append([]byte("some common start of keys "), p.bytes...), []byte("x"))
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Put([]byte("journal"), slices.Concat(hay(1, blockSize), soup(list)), nil), db.Delete([]byte("soup"), nil), db.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := controlScanner(t).Tree(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, r, list, "> value")
	wantAll(t, r, list, "> key")
	wantAll(t, r, list, "> record")
	if r.Opened["table"] == 0 || r.Opened["table entry"] < len(list) {
		t.Errorf("opened: %v", r.Opened)
	}
}

// CometBFT's consensus WAL: whole records, and a value that two parts of a block share.
func TestInsideConsensusLog(t *testing.T) {
	list := plants()
	text := soup(list)
	record := func(b []byte) []byte {
		head := binary.BigEndian.AppendUint32(nil, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
		return slices.Concat(binary.BigEndian.AppendUint32(head, uint32(len(b))), b)
	}
	message := func(b []byte) []byte {
		in := protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), b)
		out := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7)
		return protowire.AppendBytes(protowire.AppendTag(out, 2, protowire.BytesType), in)
	}
	whole := record(message(text))
	wantAll(t, controlScanner(t).Blob("wal", append(whole, "torn"...)), list, "> record 0")

	var parts []byte
	for piece := range slices.Chunk(text, 5) {
		parts = append(parts, record(message(piece))...)
	}
	r := controlScanner(t).Blob("wal", parts)
	wantAll(t, r, list, "> field 2.3 of all records, joined")
	if want := (len(text) + 4) / 5; r.Opened["consensus record"] < want {
		t.Errorf("want %d records", want)
		t.Errorf("opened: %v", r.Opened)
	}
}

// A file that pretends to be a table is not passed over.
func TestDamagedTableIsUnread(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "000001.sst"), append(hay(1, 500), magicPebble...), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := controlScanner(t).Tree(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Unread) != 1 || r.Clean() {
		t.Errorf("unread: %v", r.Unread)
	}
}
