package private

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/abci/tx/mlog"
)

// metaSize is the length of the meta record.
const metaSize = 1 + 8 + 8 + tx.HashSize

// state is the state of the chain after one height. A committed state is never changed: a block works on a copy.
type state struct {
	height   int64
	genesis  *genesisRecord    // nil before InitChain
	log      *mlog.Log         // end of the batch log
	writers  []*tx.WriterEntry // ascending by id; an entry is replaced, never changed
	preimage *tx.PrivateState
	hash     []byte
}

func (s *state) clone() *state {
	c := *s
	c.log = s.log.Clone()
	c.writers = slices.Clone(s.writers)
	return &c
}

// seal computes preimage and hash after a change.
func (s *state) seal() error {
	writers, err := tx.WritersRoot(s.writers)
	if err != nil {
		return fmt.Errorf("writers root: %w", err)
	}
	s.preimage = &tx.PrivateState{
		Format: tx.Format, LogRoot: s.log.Root(), LogSize: s.log.Size(), WritersRoot: writers, Params: s.genesis.paramsHash(),
	}
	s.hash = s.preimage.Hash()
	return nil
}

// find returns where a writer is, or belongs.
func (s *state) find(id []byte) (int, bool) {
	return slices.BinarySearchFunc(s.writers, id, func(w *tx.WriterEntry, id []byte) int { return bytes.Compare(w.GetWriter(), id) })
}

func (s *state) writer(id []byte) *tx.WriterEntry {
	if i, ok := s.find(id); ok {
		return s.writers[i]
	}
	return nil
}

func (s *state) meta() []byte {
	out := append(make([]byte, 0, metaSize), tx.Format)
	out = binary.BigEndian.AppendUint64(out, uint64(s.height))
	out = binary.BigEndian.AppendUint64(out, s.log.Size())
	return append(out, s.hash...)
}

// readMeta returns the committed height, log size and hash; height 0 if nothing was committed.
func readMeta(r reader) (height int64, size uint64, hash []byte, err error) {
	raw, err := r.Get([]byte{prefixMeta})
	if err != nil || raw == nil {
		return 0, 0, nil, err
	}
	if len(raw) != metaSize || raw[0] != tx.Format {
		return 0, 0, nil, fmt.Errorf("%w: meta record", ErrCorrupt)
	}
	height = int64(binary.BigEndian.Uint64(raw[1:]))
	if height <= 0 {
		return 0, 0, nil, fmt.Errorf("%w: height", ErrCorrupt)
	}
	return height, binary.BigEndian.Uint64(raw[9:]), raw[17:], nil
}

// loadState reads the committed state and computes its hash anew; ErrCorrupt if it is not the stored one.
func loadState(r reader) (*state, error) {
	height, size, hash, err := readMeta(r)
	if err != nil {
		return nil, err
	}
	s := &state{height: height}
	if s.log, err = mlog.Open(r, []byte{prefixNode}, size); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if height == 0 {
		return s, nil
	}
	if s.genesis, err = readGenesis(r); err != nil {
		return nil, err
	}
	if s.writers, err = readWriters(r); err != nil {
		return nil, err
	}
	if err := s.seal(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if !bytes.Equal(s.hash, hash) {
		return nil, fmt.Errorf("%w: the application hash is not that of the records", ErrCorrupt)
	}
	return s, nil
}

func readGenesis(r reader) (*genesisRecord, error) {
	raw, err := r.Get([]byte{prefixGenesis})
	if err != nil {
		return nil, err
	}
	return parseGenesisRecord(raw)
}

func parseGenesisRecord(raw []byte) (*genesisRecord, error) {
	g := new(genesisRecord)
	if err := decodeStrict(raw, g); err != nil {
		return nil, fmt.Errorf("%w: genesis record: %w", ErrCorrupt, err)
	}
	again, err := json.Marshal(g)
	if err != nil || !bytes.Equal(raw, again) {
		return nil, fmt.Errorf("%w: genesis record", ErrCorrupt)
	}
	return g, nil
}

func readWriters(r reader) ([]*tx.WriterEntry, error) {
	var out []*tx.WriterEntry
	err := r.scan(prefixWriter, func(key, value []byte) error {
		w := new(tx.WriterEntry)
		if err := tx.Decode(value, w); err != nil || !bytes.Equal(key, keyWriter(w.GetWriter())) {
			return fmt.Errorf("%w: writer record", ErrCorrupt)
		}
		out = append(out, w)
		return nil
	})
	return out, err
}

// location is where a committed batch is.
type location struct {
	index  uint64
	height int64
}

func (l location) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, l.index), uint64(l.height))
}

// readBatch finds the batch of a writer and seq; a nil entry if there is none.
func readBatch(r reader, writer []byte, seq uint64) (*tx.BatchEntry, location, error) {
	raw, err := r.Get(keySeq(writer, seq))
	if err != nil || raw == nil {
		return nil, location{}, err
	}
	if len(raw) != 16 {
		return nil, location{}, fmt.Errorf("%w: seq record", ErrCorrupt)
	}
	at := location{index: binary.BigEndian.Uint64(raw), height: int64(binary.BigEndian.Uint64(raw[8:]))}
	value, err := r.Get(keyBatch(at.index))
	if err != nil {
		return nil, location{}, err
	}
	entry := new(tx.BatchEntry)
	if err := tx.Decode(value, entry); err != nil || !bytes.Equal(entry.GetWriter(), writer) || entry.GetSeq() != seq {
		return nil, location{}, fmt.Errorf("%w: batch record %d", ErrCorrupt, at.index)
	}
	return entry, at, nil
}
