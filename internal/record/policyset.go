package record

import (
	"context"
	"crypto/sha256"
	"errors"

	consentpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"

	"github.com/chartseal/chartseal/consent"
	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/seal"
	"github.com/chartseal/chartseal/internal/store"
)

// policySet is what is known of one patient's consents. A decision must hold under every variant: a restriction
// binds from its publication here, a permission only when the consortium has committed it (ledger design, "A Consent
// write spans two chains").
type policySet struct {
	subject  string              // Patient/id, known if there is a consent
	variants [][]*consent.Policy // as committed; and while changes are on their way, as each will leave it
	broken   bool                // a consent cannot be read: nobody but the patient sees anything
}

// consentVersions is one consent: as the consortium has it, and as published since, oldest first. nil is a version
// that says nothing: revoked, deleted or another patient's.
type consentVersions struct {
	committed *consent.Policy
	pending   []*consent.Policy
}

// newest is the version that will hold in the end.
func (c *consentVersions) newest() *consent.Policy {
	if n := len(c.pending); n > 0 {
		return c.pending[n-1]
	}
	return c.committed
}

// maxPending bounds the versions of one consent that wait for the consortium; with more nobody but the patient sees
// anything until it has caught up.
const maxPending = 32

// variantsOf lists the states that the consents pass through: the committed one, the final one, and the committed
// one with each pending version in turn.
func variantsOf(all []consentVersions) [][]*consent.Policy {
	pick := func(choose func(i int) *consent.Policy) []*consent.Policy {
		var out []*consent.Policy
		for i := range all {
			if p := choose(i); p != nil {
				out = append(out, p)
			}
		}
		return out
	}
	out := [][]*consent.Policy{pick(func(i int) *consent.Policy { return all[i].committed })}
	changing := 0
	for i := range all {
		if len(all[i].pending) > 0 {
			changing++
		}
	}
	if changing == 0 {
		return out
	}
	out = append(out, pick(func(i int) *consent.Policy { return all[i].newest() }))
	for k := range all {
		for j, p := range all[k].pending {
			if changing == 1 && j == len(all[k].pending)-1 {
				continue // that is the final state
			}
			out = append(out, pick(func(i int) *consent.Policy {
				if i == k {
					return p
				}
				return all[i].committed
			}))
		}
	}
	return out
}

// loadPolicies reads every consent of a patient, as the consortium has it and as it was published here.
func (s *Service) loadPolicies(ctx context.Context, h store.Handle) (set policySet, ids [][32]byte, err error) {
	it, err := s.store.Postings(ctx, s.consentToken(h))
	if err != nil {
		return set, nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	l := policyLoad{s: s, patient: h, view: s.view()}
	seen := map[store.Token]bool{}
	for it.Next() {
		doc, err := s.store.Doc(ctx, it.Doc())
		if err != nil {
			return set, nil, err
		}
		if seen[doc.Resource] || !l.view.sees(doc.Pos) {
			continue
		}
		seen[doc.Resource] = true
		id, err := l.add(ctx, doc)
		if err != nil {
			return set, nil, err
		}
		ids = append(ids, id)
	}
	l.set.variants = variantsOf(l.all)
	return l.set, ids, it.Err()
}

// policyLoad is one patient's consents being read.
type policyLoad struct {
	s       *Service
	patient store.Handle
	view    view
	all     []consentVersions
	set     policySet
}

// add reads one consent: the version that the consortium has, and those published since.
func (l *policyLoad) add(ctx context.Context, doc *store.Doc) (id [32]byte, err error) {
	row, err := l.s.openRow(doc)
	if err != nil {
		return id, err
	}
	head, err := l.s.visible(ctx, l.view, doc.Resource)
	if err != nil {
		return id, err
	}
	id = l.s.consentID(row.ID)
	state, known := l.s.cfg.Consortium.ConsentState(id)
	var c consentVersions
	if known && state.Active {
		c.committed = l.compile(ctx, doc.Resource, row.ID, state.Version, &state)
	}
	if head.Version > state.Version+maxPending {
		l.set.broken = true
	}
	for n := max(state.Version, head.Version-min(head.Version, maxPending)) + 1; n <= head.Version; n++ {
		c.pending = append(c.pending, l.compile(ctx, doc.Resource, row.ID, n, nil))
	}
	l.all = append(l.all, c)
	return id, nil
}

// compile reads one version. What cannot be read or does not match its commitment breaks the set: a consent that
// cannot be understood must not widen access.
func (l *policyLoad) compile(ctx context.Context, res store.Token, id string, version uint64, state *ledger.Consent) *consent.Policy {
	p, subject, err := l.s.compilePolicy(ctx, l.patient, res, id, version, state)
	if err != nil {
		l.s.log.Error("a consent cannot be read: access is denied", "version", version, "error", err)
		l.set.broken = true
		return nil
	}
	if p != nil {
		l.set.subject = subject
	}
	return p
}

// compilePolicy gives nil for a version that is another patient's.
func (s *Service) compilePolicy(ctx context.Context, h store.Handle, res store.Token, id string, version uint64, state *ledger.Consent) (p *consent.Policy, subject string, err error) {
	ver, err := s.store.Version(ctx, res, version)
	if err != nil {
		return nil, "", err
	}
	if ver.Deleted {
		return nil, "", nil
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
