package seal

import (
	"encoding/binary"
	"fmt"
	"runtime"
)

// Kinds of key records.
const (
	kindPatient = 1
	kindSet     = 2
)

// A new key starts with this epoch.
const firstEpoch = 1

const (
	recordHeadSize = 3      // kind, epoch
	memberSize     = 16 + 2 // handle, epoch
)

// member is one key of a set, in the epoch that the set key was derived from: a set outlives the rotation of a
// member's key as long as the old epoch is kept.
type member struct {
	handle Handle
	epoch  uint16
}

// keyRecord is the plaintext of a stored key.
type keyRecord struct {
	epoch   uint16
	key     *secret  // of a patient
	members []member // of a set, ascending
}

func encodeKeyRecord(r keyRecord) []byte {
	kind := byte(kindPatient)
	if r.key == nil {
		kind = kindSet
	}
	b := binary.BigEndian.AppendUint16([]byte{kind}, r.epoch)
	if r.key != nil {
		return append(b, r.key[:]...)
	}
	for _, m := range r.members {
		b = append(b, m.handle[:]...)
		b = binary.BigEndian.AppendUint16(b, m.epoch)
	}
	return b
}

func decodeKeyRecord(b []byte) (keyRecord, error) {
	if len(b) < recordHeadSize {
		return keyRecord{}, ErrCorrupt
	}
	r := keyRecord{epoch: binary.BigEndian.Uint16(b[1:])}
	payload := b[recordHeadSize:]
	switch b[0] {
	case kindPatient:
		if len(payload) != keySize {
			return keyRecord{}, ErrCorrupt
		}
		key := secret(payload)
		r.key = &key
		return r, nil
	case kindSet:
		members, err := decodeMembers(payload)
		r.members = members
		return r, err
	}
	return keyRecord{}, ErrCorrupt
}

func decodeMembers(b []byte) ([]member, error) {
	if len(b)%memberSize != 0 || len(b) < 2*memberSize {
		return nil, ErrCorrupt
	}
	members := make([]member, 0, len(b)/memberSize)
	for ; len(b) > 0; b = b[memberSize:] {
		m := member{handle: Handle(b[:len(Handle{})]), epoch: binary.BigEndian.Uint16(b[len(Handle{}):])}
		if n := len(members); n > 0 && compareHandles(members[n-1].handle, m.handle) >= 0 {
			return nil, ErrCorrupt
		}
		members = append(members, m)
	}
	return members, nil
}

// wrap seals a key record for storage under a handle.
func (s *Sealer) wrap(h Handle, r keyRecord) []byte {
	plain := encodeKeyRecord(r)
	defer clear(plain)
	return s.wrapping.seal(labelSealedKey, s.recordPlace(h), plain)
}

// unwrap undoes wrap. ErrNoKey: its root epoch is gone. ErrCorrupt: it is not the record of this handle.
func (s *Sealer) unwrap(h Handle, sealed []byte) (keyRecord, error) {
	plain, err := s.wrapping.open(labelSealedKey, s.recordPlace(h), sealed)
	if err != nil {
		return keyRecord{}, err
	}
	defer clear(plain)
	return decodeKeyRecord(plain)
}

func (s *Sealer) recordPlace(h Handle) []byte {
	return append(appendLP(nil, s.tenant), h[:]...)
}

// openRecord makes the key that a stored record stands for; a set asks for its members' keys.
func (s *Sealer) openRecord(h Handle, sealed []byte) (*Key, error) {
	r, err := s.unwrap(h, sealed)
	if err != nil {
		return nil, fmt.Errorf("unwrap key: %w", err)
	}
	if r.key != nil {
		return s.newKey(h, nil, []*generation{newGeneration(r.epoch, r.key)}), nil
	}
	handles := make([]Handle, 0, len(r.members))
	for _, m := range r.members {
		handles = append(handles, m.handle)
	}
	// The handle is a MAC over the members. So no record leads to other members, nor round in a circle.
	if s.setHandle(handles) != h {
		return nil, fmt.Errorf("members of set: %w", ErrCorrupt)
	}
	keys := make([]*Key, 0, len(r.members))
	for _, m := range r.members {
		k, err := s.Key(m.handle)
		if err != nil {
			return nil, fmt.Errorf("member of set: %w", err)
		}
		keys = append(keys, k)
	}
	return s.newSetKey(h, r, keys)
}

// newSetKey derives the key of a set from those of its members, which are in the order of the record.
func (s *Sealer) newSetKey(h Handle, r keyRecord, keys []*Key) (*Key, error) {
	concat := make([]byte, 0, len(keys)*keySize)
	defer func() { clear(concat) }()
	handles := make([]Handle, 0, len(keys))
	for i, k := range keys {
		var ok bool
		if concat, ok = k.appendSecret(concat, r.members[i].epoch); !ok {
			return nil, fmt.Errorf("member of set: %w", ErrNoKey)
		}
		handles = append(handles, k.handle)
	}
	key, err := derive(concat, labelSet, s.tenant, string(h[:]))
	if err != nil {
		return nil, err
	}
	return s.newKey(h, handles, []*generation{newGeneration(r.epoch, key)}), nil
}

// appendSecret appends the bytes of a patient's key in an epoch; false if the key has no such epoch, or is no
// patient's.
func (k *Key) appendSecret(dst []byte, epoch uint16) ([]byte, bool) {
	defer runtime.KeepAlive(k)
	for _, g := range k.gens {
		if g.epoch == epoch && k.members == nil {
			return append(dst, g.secret[:]...), true
		}
	}
	return dst, false
}
