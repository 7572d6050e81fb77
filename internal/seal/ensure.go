package seal

import (
	"crypto/rand"
	"fmt"
)

// Key returns the key of a handle: that of a stored record, or one that Ensure made and that is not stored yet.
// ErrNoKey: there is no record, or the record of a member of a set is gone, or its root epoch is. ErrCorrupt: the
// record is damaged or belongs to another handle.
func (s *Sealer) Key(h Handle) (*Key, error) {
	if h == TenantHandle {
		return s.tenantKey, nil
	}
	key, _, load := s.keys.acquire(h, false)
	if load == nil {
		return key, nil
	}
	defer s.keys.fail(load) // unless settled, also if lookup panics: others wait for it
	key, ok, err := s.load(h)
	if err == nil && !ok {
		err = ErrNoKey
	}
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	s.keys.settle(load, key)
	return key, nil
}

// load fetches and opens the stored record of a handle.
func (s *Sealer) load(h Handle) (key *Key, ok bool, err error) {
	record, ok, err := s.lookup(h)
	if err != nil || !ok {
		return nil, false, err
	}
	key, err = s.openRecord(h, record)
	return key, err == nil, err
}

// Ensure returns the key to write a resource of these patients under (in any order, repetitions ignored), and the
// records of it that are not known to be stored. They must be staged in the same durable step as what is sealed under
// the key; concurrent callers may get the same records. The caller then says what became of them: Durable once they
// are stored, Abandon if they were never given to a store. While the outcome of a stage is unknown it says nothing:
// the records stay, and go with the next write.
func (s *Sealer) Ensure(patientIDs []string) (*Key, []KeyRecord, error) {
	members := s.handles(patientIDs)
	switch len(members) {
	case 0:
		return s.tenantKey, nil, nil
	case 1:
		keys, recs, err := s.ensurePatients(members)
		if err != nil {
			return nil, nil, err
		}
		return keys[0], recs, nil
	}
	return s.ensureSet(members)
}

// Durable tells that these records, from Ensure, are stored for good.
func (s *Sealer) Durable(recs []KeyRecord) { s.keys.durable(recs) }

// Abandon tells that the records which one Ensure returned were not given to any store and will not be. A new key
// that nobody else is about to store is dropped.
func (s *Sealer) Abandon(recs []KeyRecord) { s.keys.abandon(recs) }

// Forget drops a key, and every set key made with it, from memory: its record was destroyed, or a store refused a stage
// because the handle has another record already (Ensure then returns the stored key). Callers that hold the *Key can
// use it until they let go of it.
func (s *Sealer) Forget(h Handle) { s.keys.forget(h) }

// ensure returns the key of a handle and its record if that is pending; create makes them if nothing is stored.
func (s *Sealer) ensure(h Handle, create func() (*Key, []byte, error)) (*Key, []byte, error) {
	key, record, load := s.keys.acquire(h, true)
	if load == nil {
		return key, record, nil
	}
	defer s.keys.fail(load) // unless settled or pending
	key, ok, err := s.load(h)
	if err == nil && !ok {
		key, record, err = create()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("ensure key: %w", err)
	}
	if ok {
		s.keys.settle(load, key)
	} else {
		s.keys.pend(load, key, record)
	}
	return key, record, nil
}

// ensurePatients ensures one key for each handle. On an error it holds nothing.
func (s *Sealer) ensurePatients(handles []Handle) ([]*Key, []KeyRecord, error) {
	keys := make([]*Key, 0, len(handles))
	var recs []KeyRecord
	for _, h := range handles {
		key, record, err := s.ensure(h, func() (*Key, []byte, error) { return s.newPatientKey(h) })
		if err != nil {
			s.keys.abandon(recs)
			return nil, nil, err
		}
		keys = append(keys, key)
		if record != nil {
			recs = append(recs, KeyRecord{Handle: h, Record: record})
		}
	}
	return keys, recs, nil
}

// ensureSet ensures the key of a set. While that is pending its members may be, and their records go along.
func (s *Sealer) ensureSet(handles []Handle) (*Key, []KeyRecord, error) {
	h := s.setHandle(handles)
	var recs []KeyRecord
	made := false
	key, record, err := s.ensure(h, func() (_ *Key, record []byte, err error) {
		var keys []*Key
		if keys, recs, err = s.ensurePatients(handles); err != nil {
			return nil, nil, err
		}
		made = true
		r := keyRecord{epoch: firstEpoch, members: make([]member, len(keys))}
		for i, k := range keys {
			r.members[i] = member{handle: k.handle, epoch: k.gens[0].epoch}
		}
		key, err := s.newSetKey(h, r, keys)
		return key, s.wrap(h, r), err
	})
	if err != nil {
		s.keys.abandon(recs)
		return nil, nil, err
	}
	if record == nil {
		return key, nil, nil
	}
	own := KeyRecord{Handle: h, Record: record}
	if !made {
		if _, recs, err = s.ensurePatients(handles); err != nil {
			s.keys.abandon([]KeyRecord{own})
			return nil, nil, err
		}
	}
	return key, append(recs, own), nil
}

// newPatientKey makes a patient's key.
func (s *Sealer) newPatientKey(h Handle) (*Key, []byte, error) {
	var key secret
	rand.Read(key[:]) //nolint:errcheck // never fails: it ends the process instead (crypto/rand)
	record := s.wrap(h, keyRecord{epoch: firstEpoch, key: &key})
	return s.newKey(h, nil, []*generation{newGeneration(firstEpoch, &key)}), record, nil
}
