package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"

	consentpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"

	"github.com/chartseal/chartseal/consent"
	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/seal"
	"github.com/chartseal/chartseal/internal/store"
)

// policySet is what is known of one patient's consents.
type policySet struct {
	subject   string            // Patient/id, known if there is a consent
	committed []*consent.Policy // as the consortium chain has them
	pending   []*consent.Policy // as this organisation has published them
	changing  bool              // the two differ: decide under both
	broken    bool              // a consent cannot be read: nobody but the patient sees anything
}

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

// loadPolicies reads every consent of a patient: the version that the consortium has, and the one published here.
func (s *Service) loadPolicies(ctx context.Context, h store.Handle) (set policySet, ids [][32]byte, err error) {
	it, err := s.store.Postings(ctx, s.consentToken(h))
	if err != nil {
		return set, nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	v := s.view()
	seen := map[store.Token]bool{}
	for it.Next() {
		doc, err := s.store.Doc(ctx, it.Doc())
		if err != nil {
			return set, nil, err
		}
		if seen[doc.Resource] || !v.sees(doc.Pos) {
			continue
		}
		seen[doc.Resource] = true
		id, err := s.addConsent(ctx, h, v, doc, &set)
		if err != nil {
			return set, nil, err
		}
		ids = append(ids, id)
	}
	return set, ids, it.Err()
}

// addConsent adds one consent to the set, as committed and as published.
func (s *Service) addConsent(ctx context.Context, h store.Handle, v view, doc *store.Doc, set *policySet) ([32]byte, error) {
	row, err := s.openRow(doc)
	if err != nil {
		return [32]byte{}, err
	}
	head, err := s.visible(ctx, v, doc.Resource)
	if err != nil {
		return [32]byte{}, err
	}
	id := s.consentID(row.ID)
	state, known := s.cfg.Consortium.ConsentState(id)
	if !known || state.Version != head.Version {
		set.changing = true
	}
	if !head.Deleted {
		set.pending = s.addPolicy(ctx, h, set.pending, doc.Resource, row.ID, head.Version, nil, set)
	}
	if known && state.Active {
		set.committed = s.addPolicy(ctx, h, set.committed, doc.Resource, row.ID, state.Version, &state, set)
	}
	return id, nil
}

// addPolicy compiles one version. What cannot be read or does not match its commitment breaks the set: a consent
// that cannot be understood must not widen access.
func (s *Service) addPolicy(ctx context.Context, h store.Handle, list []*consent.Policy, res store.Token, id string, version uint64, state *ledger.Consent, set *policySet) []*consent.Policy {
	p, subject, err := s.compilePolicy(ctx, h, res, id, version, state)
	if err != nil {
		s.log.Error("a consent cannot be read: access is denied", "version", version, "error", err)
		set.broken = true
		return list
	}
	if p == nil {
		return list
	}
	set.subject = subject
	return append(list, p)
}

// compilePolicy gives nil for a version that is another patient's.
func (s *Service) compilePolicy(ctx context.Context, h store.Handle, res store.Token, id string, version uint64, state *ledger.Consent) (p *consent.Policy, subject string, err error) {
	ver, err := s.store.Version(ctx, res, version)
	if err != nil {
		return nil, "", err
	}
	r, err := s.openVersion("Consent", id, ver)
	if err != nil {
		return nil, "", err
	}
	if state != nil {
		if err := s.checkCommitment(id, ver, state); err != nil {
			return nil, "", err
		}
	}
	parsed, err := fhir.Parse(r.JSON, s.cfg.Limits)
	if err != nil {
		return nil, "", err
	}
	pb, ok := parsed.Proto.(*consentpb.Consent)
	if !ok {
		return nil, "", errors.New("not a Consent")
	}
	patient := s.consentPatient(pb)
	if s.sealer.PatientHandle(patient) != h {
		return nil, "", nil
	}
	p, err = consent.Compile(pb, consent.Options{Location: s.cfg.Location, Bases: []string{s.cfg.Base}})
	return p, "Patient/" + patient, err
}

// consentPatient is the id of the local patient whose consent it is, in whatever spelling; empty if there is none.
func (s *Service) consentPatient(pb *consentpb.Consent) string {
	if id := pb.GetPatient().GetPatientId().GetValue(); id != "" {
		return id
	}
	base, typ, id, _, ok := fhir.SplitReference(pb.GetPatient().GetUri().GetValue())
	if !ok || typ != "Patient" || (base != "" && base != s.cfg.Base) {
		return ""
	}
	return id
}

// checkCommitment compares the stored version with what the consortium committed to.
func (s *Service) checkCommitment(id string, ver *store.Version, state *ledger.Consent) error {
	got, err := s.consentState(id, ver, true)
	if err != nil {
		return err
	}
	if got.PolicyCommitment != state.PolicyCommitment || got.EnvelopeHash != state.EnvelopeHash {
		return errors.New("the stored consent is not the one that the consortium committed to")
	}
	return nil
}

// consentState is what the consortium records of a version: no content, only commitments.
func (s *Service) consentState(id string, ver *store.Version, active bool) (ledger.Consent, error) {
	key, err := s.sealer.Key(ver.Handle)
	if err != nil {
		return ledger.Consent{}, err
	}
	opening, err := s.openLeaf(key, ver)
	if err != nil {
		return ledger.Consent{}, err
	}
	content, err := ledger.ContentCommitment(opening)
	if err != nil {
		return ledger.Consent{}, err
	}
	return ledger.Consent{
		ID: s.consentID(id), Version: ver.Version, Active: active,
		PolicyCommitment: content, EnvelopeHash: sha256.Sum256(ver.Body),
	}, nil
}

func (s *Service) openLeaf(key *seal.Key, ver *store.Version) ([]byte, error) {
	return key.Open(nil, purposeLeaf, versionAAD(ver.Resource, ver.Version), ver.Leaf)
}
