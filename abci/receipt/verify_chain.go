package receipt

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/chartseal/chartseal/abci/tx"
)

func (r *run) checkPrivateHeader() (string, error) {
	s, err := r.receipt.Private.decode()
	if err != nil {
		return "", err
	}
	r.private = s
	if r.member = r.trust.member(s.header.ChainID); r.member == nil {
		return "", fmt.Errorf("%w: the header is of a chain that no member has", ErrMalformed)
	}
	if !bytes.Equal(s.header.AppHash, r.state.Hash()) {
		return "", fmt.Errorf("%w: the header has another application hash than the state", tx.ErrProof)
	}
	if !bytes.Equal(s.header.ValidatorsHash, s.validators.hash()) {
		return "", fmt.Errorf("%w: the header has other validators", tx.ErrProof)
	}
	return fmt.Sprintf("height %d of %s", s.header.Height, s.header.ChainID), nil
}

func (r *run) checkPrivateCommit() (string, error) {
	if err := verifyCommit(r.private.header, r.private.commit, r.private.validators); err != nil {
		return "", err
	}
	return "signed by more than two thirds of its validators", nil
}

// checkChanges goes from the trust file's validators to those of the consortium header. Every change must lead to a
// set that was not there before, so that none can be left out or added.
func (r *run) checkChanges() (string, error) {
	if r.receipt.Anchor == nil {
		return "", errSkip
	}
	r.trusted = validators(r.trust.Checkpoint.Validators)
	seen := map[string]bool{string(r.trusted.hash()): true}
	height := r.trust.Checkpoint.Height
	for i, c := range r.receipt.Anchor.Changes {
		h, err := decodeHeader(c.Header)
		if err != nil {
			return "", err
		}
		commit, err := decodeCommit(c.Commit)
		if err != nil {
			return "", err
		}
		next, err := decodeValidators(c.Next)
		if err != nil {
			return "", err
		}
		if h.ChainID != r.trust.ChainID || h.Height <= height || !bytes.Equal(h.ValidatorsHash, r.trusted.hash()) {
			return "", fmt.Errorf("%w: change %d is not one of the validators before it", ErrMalformed, i+1)
		}
		if !bytes.Equal(h.NextValidatorsHash, next.hash()) || seen[string(h.NextValidatorsHash)] {
			return "", fmt.Errorf("%w: change %d leads to other validators, or to none", ErrMalformed, i+1)
		}
		if err := verifyCommit(h, commit, r.trusted); err != nil {
			return "", fmt.Errorf("change %d: %w", i+1, err)
		}
		seen[string(h.NextValidatorsHash)] = true
		r.trusted, height, r.since = next, h.Height, h.Height
	}
	return fmt.Sprintf("%d changes since the checkpoint", len(r.receipt.Anchor.Changes)), nil
}

func (r *run) checkConsortiumHeader() (string, error) {
	if r.receipt.Anchor == nil {
		return "", errSkip
	}
	s, err := r.receipt.Anchor.decode()
	if err != nil {
		return "", err
	}
	r.consortium, r.top = s, new(tx.ConsortiumState)
	if err := tx.Decode(r.receipt.Anchor.State, r.top); err != nil {
		return "", err
	}
	switch at := r.trust.Checkpoint; {
	case s.header.ChainID != r.trust.ChainID:
		return "", fmt.Errorf("%w: the header is not of the consortium", ErrMalformed)
	case s.header.Height <= r.since:
		return "", fmt.Errorf("%w: the header is older than the last change of validators", ErrMalformed)
	case s.header.Height == at.Height && !bytes.Equal(s.header.Hash(), at.HeaderHash):
		return "", fmt.Errorf("%w: the header is not that of the checkpoint", tx.ErrProof)
	case !bytes.Equal(s.header.AppHash, r.top.Hash()):
		return "", fmt.Errorf("%w: the header has another application hash than the state", tx.ErrProof)
	case !bytes.Equal(s.header.ValidatorsHash, s.validators.hash()):
		return "", fmt.Errorf("%w: the header has other validators", tx.ErrProof)
	case !bytes.Equal(s.header.ValidatorsHash, r.trusted.hash()):
		return "", fmt.Errorf("%w: the header's validators are not the trusted ones; refresh the receipt, or get a newer trust file", tx.ErrProof)
	}
	return fmt.Sprintf("height %d of %s", s.header.Height, s.header.ChainID), nil
}

func (r *run) checkConsortiumCommit() (string, error) {
	if r.receipt.Anchor == nil {
		return "", errSkip
	}
	if err := verifyCommit(r.consortium.header, r.consortium.commit, r.consortium.validators); err != nil {
		return "", err
	}
	return "signed by more than two thirds of its validators", nil
}

func (r *run) checkAnchorLog() (string, error) {
	p := r.receipt.Anchor
	if p == nil {
		return "", errSkip
	}
	entry := new(tx.AnchorEntry)
	if err := tx.Decode(p.Entry, entry); err != nil {
		return "", err
	}
	if err := tx.VerifyInclusion(r.top.GetAnchorLogRoot(), p.Entry, p.LogIndex, r.top.GetAnchorLogSize(), plain(p.LogPath)); err != nil {
		return "", err
	}
	if entry.GetHeight() >= r.consortium.header.Height {
		return "", fmt.Errorf("%w: the anchor is younger than the header", ErrMalformed)
	}
	r.anchor = entry
	return fmt.Sprintf("anchor %d of %d, of consortium height %d", p.LogIndex, r.top.GetAnchorLogSize(), entry.GetHeight()), nil
}

func (r *run) checkAnchor() (string, error) {
	if r.anchor == nil {
		return "", errSkip
	}
	h := r.private.header
	same := r.anchor.GetPrivateChainId() == h.ChainID && r.anchor.GetPrivateHeight() == h.Height &&
		bytes.Equal(r.anchor.GetHeaderHash(), h.Hash()) && bytes.Equal(r.anchor.GetValidatorsHash(), h.ValidatorsHash) &&
		bytes.Equal(r.anchor.GetLogRoot(), r.state.GetLogRoot()) && r.anchor.GetLogSize() == r.state.GetLogSize()
	if !same {
		return "", fmt.Errorf("%w: the anchor is of another private header", tx.ErrProof)
	}
	return "the anchor is that of the private header", nil
}

// checkPrivateValidators: the consortium checks a chain's validators when it takes an anchor, so an anchored header's
// validators need not be those that the trust file names.
func (r *run) checkPrivateValidators() (string, error) {
	if bytes.Equal(validators(r.member.PrivateValidators).hash(), r.private.header.ValidatorsHash) {
		return "those that the trust file names", nil
	}
	if r.anchor == nil {
		return "", fmt.Errorf("%w: the validators are not those that the trust file names", tx.ErrProof)
	}
	return "replaced since the trust file; the consortium accepted them with the anchor", nil
}

func (r *run) checkConsent() (string, error) {
	p := r.receipt.Consent
	if p == nil {
		return "", errSkip
	}
	entry := new(tx.ConsentEntry)
	if err := tx.Decode(p.Entry, entry); err != nil {
		return "", err
	}
	value, ok := r.opened(tx.LeafField_LEAF_FIELD_CONSENT)
	if !ok {
		return "", fmt.Errorf("%w: the leaf's consent field is not disclosed", ErrMalformed)
	}
	ref, err := tx.ParseConsentRef(string(value))
	if err != nil {
		return "", err
	}
	if !bytes.Equal(ref.ID[:], entry.GetConsentId()) || ref.Version != entry.GetVersion() || entry.GetHeight() > ref.Height {
		return "", fmt.Errorf("%w: the leaf names another consent", tx.ErrProof)
	}
	if err := tx.VerifyInclusion(r.top.GetConsentLogRoot(), p.Entry, p.LogIndex, r.top.GetConsentLogSize(), plain(p.LogPath)); err != nil {
		return "", err
	}
	r.consent = entry
	return fmt.Sprintf("consent entry %d of %d, of consortium height %d", p.LogIndex, r.top.GetConsentLogSize(), entry.GetHeight()), nil
}

// claim fills in what a valid receipt says.
func (r *run) claim() {
	c := &r.report.Claims
	c.Organisation, c.Kind, c.Fields = r.member.Name, kindName(r.body.GetKind()), r.openings
	c.PrivateChain, c.PrivateHeight, c.PrivateTime = r.private.header.ChainID, r.private.header.Height, r.private.header.Time.UTC()
	c.ResourceMatches = r.opts.Resource != nil
	if r.anchor != nil {
		c.NoLaterThan, c.ConsortiumHeight = time.Unix(0, r.anchor.GetTimeUnixNano()).UTC(), r.anchor.GetHeight()
	}
	if e := r.consent; e != nil {
		c.Consent = &ConsentClaim{
			ID: hex.EncodeToString(e.GetConsentId()), Version: e.GetVersion(), Active: e.GetStatus() == tx.ConsentStatus_CONSENT_STATUS_ACTIVE,
			Member: e.GetMember(), ByMember: e.GetRecordedByMember(), Height: e.GetHeight(), Time: time.Unix(0, e.GetTimeUnixNano()).UTC(),
		}
	}
	c.state()
}
