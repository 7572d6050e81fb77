package seal

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// Defaults of a Config.
const (
	DefaultCacheSize = 4096
	DefaultCacheTTL  = 10 * time.Minute
)

// Config makes a Sealer.
type Config struct {
	Root   *Root  // required
	Tenant string // required; part of everything derived and sealed
	// Lookup returns the stored record of a handle, and ok false if none is stored. Required. It is called from any
	// goroutine that asks for a key, without locks held, once at a time for each handle.
	Lookup    func(Handle) (record []byte, ok bool, err error)
	CacheSize int              // unwrapped keys held at most (2 to 4 kB each); 0: DefaultCacheSize
	CacheTTL  time.Duration    // after this an unwrapped key is dropped, used or not; 0: DefaultCacheTTL
	Now       func() time.Time // nil: time.Now
}

// Sealer seals for one tenant. It is safe for concurrent use.
type Sealer struct {
	redacted
	tenant    string
	tenantLP  []byte // the tenant behind its length, as it starts every MAC
	lookup    func(Handle) ([]byte, bool, error)
	wrapping  *epochAEADs
	index     *keyedMAC
	pseudonym *keyedMAC
	tenantKey *Key
	codec     *codec
	keys      *cache
}

// New makes a Sealer. ErrConfig: a required field is missing.
func New(cfg Config) (*Sealer, error) {
	switch {
	case cfg.Root == nil || cfg.Tenant == "" || cfg.Lookup == nil:
		return nil, fmt.Errorf("%w: root, tenant and lookup are required", ErrConfig)
	case cfg.CacheSize < 0 || cfg.CacheTTL < 0:
		return nil, fmt.Errorf("%w: cache size and time must not be negative", ErrConfig)
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = DefaultCacheSize
	}
	if cfg.CacheTTL == 0 {
		cfg.CacheTTL = DefaultCacheTTL
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Sealer{
		tenant:   cfg.Tenant,
		tenantLP: appendLP(nil, cfg.Tenant),
		lookup:   cfg.Lookup,
		keys:     newCache(cfg.CacheSize, cfg.CacheTTL, cfg.Now),
	}
	if err := s.derive(cfg.Root.ring); err != nil {
		return nil, fmt.Errorf("new sealer: %w", err)
	}
	return s, nil
}

func (s *Sealer) derive(ring *keyring) error {
	var err error
	if s.codec, err = newCodec(); err != nil {
		return err
	}
	if s.wrapping, err = ring.aeads(labelWrapping, s.tenant); err != nil {
		return err
	}
	index, err := derive(ring.epoch(ring.index)[:], labelIndex, s.tenant)
	if err != nil {
		return err
	}
	pseudonym, err := derive(ring.epoch(ring.pseudonym)[:], labelPseudonym, s.tenant)
	if err != nil {
		return err
	}
	s.index, s.pseudonym = newKeyedMAC(index), newKeyedMAC(pseudonym)
	gens := make([]*generation, 0, len(ring.epochs))
	for _, e := range slices.Backward(ring.epochs) {
		key, err := derive(e.key[:], labelTenant, s.tenant)
		if err != nil {
			return err
		}
		gens = append(gens, newGeneration(e.number, key))
	}
	s.tenantKey = s.newKey(TenantHandle, nil, gens)
	return nil
}

// Close drops every unwrapped key that no caller holds. The Sealer must not be used afterwards.
func (s *Sealer) Close() { s.keys.close() }

// PatientHandle returns the handle of a patient's key: a pseudonym that says nothing without the root key.
func (s *Sealer) PatientHandle(patientID string) Handle {
	st := s.pseudonym.get()
	st.buf = appendLP(st.buf, labelPatientHandle)
	st.buf = append(st.buf, s.tenantLP...)
	st.buf = appendLP(st.buf, patientID)
	h := Handle(st.finish()[:len(Handle{})])
	s.pseudonym.put(st)
	return h
}

// HandleFor returns the handle of the key that seals a resource of these patients, in any order, repetitions ignored:
// TenantHandle for none, the patient's for one, and for several that of their set.
func (s *Sealer) HandleFor(patientIDs []string) Handle {
	members := s.handles(patientIDs)
	switch len(members) {
	case 0:
		return TenantHandle
	case 1:
		return members[0]
	}
	return s.setHandle(members)
}

// handles returns the patients' handles in ascending order, each once.
func (s *Sealer) handles(patientIDs []string) []Handle {
	out := make([]Handle, 0, len(patientIDs))
	for _, id := range patientIDs {
		out = append(out, s.PatientHandle(id))
	}
	slices.SortFunc(out, compareHandles)
	return slices.Compact(out)
}

// setHandle names a set by its members, which must be ascending and distinct.
func (s *Sealer) setHandle(members []Handle) Handle {
	st := s.pseudonym.get()
	st.buf = appendLP(st.buf, labelSetHandle)
	st.buf = append(st.buf, s.tenantLP...)
	for _, m := range members {
		st.buf = append(st.buf, m[:]...)
	}
	h := Handle(st.finish()[:len(Handle{})])
	s.pseudonym.put(st)
	return h
}

func compareHandles(a, b Handle) int { return bytes.Compare(a[:], b[:]) }
