package record

import (
	"context"
	"encoding/hex"
	"slices"
	"sync"

	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/store"
)

// policyCache keeps compiled policies per patient. An entry lives until a consent of the patient is published or
// committed; the epoch keeps a load that began before from being stored after.
type policyCache struct {
	s *Service

	mu    sync.RWMutex
	epoch uint64                      // guarded by mu
	sets  map[store.Handle]policySet  // guarded by mu
	owner map[[32]byte][]store.Handle // consent id -> patients; guarded by mu
}

// policyCacheSize bounds the patients held; the cache is emptied when full.
const policyCacheSize = 100_000

func newPolicyCache(s *Service) *policyCache {
	p := &policyCache{s: s, sets: map[store.Handle]policySet{}, owner: map[[32]byte][]store.Handle{}}
	s.cfg.Consortium.OnConsent(func(c ledger.Consent) { p.committed(c.ID) })
	return p
}

func (p *policyCache) get(ctx context.Context, h store.Handle) (policySet, error) {
	p.mu.RLock()
	set, ok := p.sets[h]
	epoch := p.epoch
	p.mu.RUnlock()
	if ok {
		return set, nil
	}
	set, ids, err := p.s.loadPolicies(ctx, h)
	if err != nil {
		return policySet{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sets) >= policyCacheSize {
		clear(p.sets)
		clear(p.owner)
	}
	if p.epoch == epoch {
		p.sets[h] = set
		for _, id := range ids {
			if !slices.Contains(p.owner[id], h) {
				p.owner[id] = append(p.owner[id], h)
			}
		}
	}
	return set, nil
}

// change forgets the policies of patients of whom a consent is published, together with what publishes it.
func (p *policyCache) change(patients []store.Handle, publish func()) {
	if len(patients) == 0 {
		publish()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	publish()
	p.epoch++
	for _, h := range patients {
		delete(p.sets, h)
	}
}

// committed forgets the policies that the consortium has just changed.
func (p *policyCache) committed(id [32]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch++
	for _, h := range p.owner[id] {
		delete(p.sets, h)
	}
}

// consentID is the pseudonym of a consent on the consortium chain.
func (s *Service) consentID(id string) (out [32]byte) {
	a, b := s.sealer.Token("Consent", "", "chain-a", id), s.sealer.Token("Consent", "", "chain-b", id)
	copy(out[:16], a[:])
	copy(out[16:], b[:])
	return out
}

// consentToken finds the consents of a patient.
func (s *Service) consentToken(h store.Handle) store.Token {
	return s.sealer.Token("Consent", "", "subject", hex.EncodeToString(h[:]))
}
