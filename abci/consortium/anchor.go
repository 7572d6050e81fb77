package consortium

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	cmtmath "github.com/cometbft/cometbft/libs/math"
	"github.com/cometbft/cometbft/types"

	"github.com/chartseal/chartseal/abci/tx"
)

// runAnchor accepts an anchor from anyone who may sign messages, because it proves itself: more than two thirds of
// the trusted validators signed the header, the state is the preimage of its application hash, and the log grew
// from the last anchored one. The header's time is a claim and is not looked at; there is no trusting period, as a
// private chain may be cut off for days.
func runAnchor(l *layer, x *execution) error {
	m := x.body.GetAnchor()
	chain, params := new(Chain), new(Params)
	known, err := load(l, ChainKey(m.GetPrivateChainId()), chain)
	if err != nil {
		return err
	}
	if !known {
		return refuse(CodeAnchorChain, "private chain is not registered")
	}
	if _, err := load(l, []byte(keyParams), params); err != nil {
		return err
	}
	trusted, err := validatorSet(chain.GetValidators(), maxValidators)
	if err != nil {
		return fmt.Errorf("trusted validators of a private chain: %w", err)
	}
	s, err := verifyAnchor(m, trusted, params.GetMaxPrivateValidators())
	if err != nil {
		return err
	}
	kind, anchored, err := contradiction(l, chain, m, s)
	if err != nil {
		return err
	}
	if kind != MisbehaviourKind_MISBEHAVIOUR_KIND_UNSPECIFIED {
		return recordMisbehaviour(l, x, &Misbehaviour{
			PrivateChainId: m.GetPrivateChainId(), Member: chain.GetMember(), Kind: kind, Anchored: anchored, Signed: signedState(m, s),
		})
	}
	if s.header.Height <= chain.GetHeight() {
		return refuse(CodeAnchorStale, "height %d is not above %d", s.header.Height, chain.GetHeight())
	}
	if err := tx.VerifyConsistency(chain.GetLogSize(), m.GetState().GetLogSize(), chain.GetLogRoot(), m.GetState().GetLogRoot(), m.GetConsistency()); err != nil {
		return refuse(CodeAnchorConsistency, "%v", err)
	}
	return acceptAnchor(l, x, chain, s)
}

// verifyAnchor checks all that does not depend on earlier anchors but for the set of trusted validators: the last
// anchored one, or the registered one.
func verifyAnchor(m *tx.Anchor, trusted *types.ValidatorSet, most uint32) (*signedHeader, error) {
	s, err := decodeSignedHeader(m.GetHeader(), m.GetCommit(), m.GetValidators(), most)
	if err != nil {
		return nil, err
	}
	chainID := m.GetPrivateChainId()
	if s.header.ChainID != chainID {
		return nil, refuse(CodeAnchorChain, "header of another chain")
	}
	if !bytes.Equal(trusted.Hash(), s.header.ValidatorsHash) {
		// The set has changed: more than two thirds of the one that is trusted must have signed as well.
		if err := types.VerifyCommitLightTrusting(chainID, trusted, s.commit, cmtmath.Fraction{Numerator: 2, Denominator: 3}); err != nil {
			return nil, refuse(CodeAnchorValidators, "trusted validators: %v", err)
		}
	}
	if err := types.VerifyCommitLight(chainID, s.validators, s.commit.BlockID, s.header.Height, s.commit); err != nil {
		return nil, refuse(CodeAnchorSignatures, "commit: %v", err)
	}
	if !bytes.Equal(m.GetState().Hash(), s.header.AppHash) {
		return nil, refuse(CodeAnchorPreimage, "state is not the preimage of the application hash")
	}
	return s, nil
}

// contradiction looks for an anchored state that the new signed one cannot follow, or precede, honestly. What it
// cannot decide (a log of another size without a proof) is no contradiction.
func contradiction(l *layer, chain *Chain, m *tx.Anchor, s *signedHeader) (MisbehaviourKind, *SignedState, error) {
	same, err := l.anchorAt(m.GetPrivateChainId(), s.header.Height)
	if err != nil {
		return 0, nil, err
	}
	if same != nil && !bytes.Equal(same.GetHeaderHash(), s.hash) {
		return MisbehaviourKind_MISBEHAVIOUR_KIND_HEADERS, &SignedState{
			Height: same.GetPrivateHeight(), HeaderHash: same.GetHeaderHash(), LogRoot: same.GetLogRoot(), LogSize: same.GetLogSize(),
		}, nil
	}
	last := &SignedState{Height: chain.GetHeight(), HeaderHash: chain.GetHeaderHash(), LogRoot: chain.GetLogRoot(), LogSize: chain.GetLogSize()}
	height, size, root := s.header.Height, m.GetState().GetLogSize(), m.GetState().GetLogRoot()
	switch {
	case chain.GetAnchors() == 0:
	case height > last.Height && size < last.LogSize, height < last.Height && size > last.LogSize:
		return MisbehaviourKind_MISBEHAVIOUR_KIND_SHRUNK, last, nil
	case size == last.LogSize && !bytes.Equal(root, last.LogRoot):
		return MisbehaviourKind_MISBEHAVIOUR_KIND_ROOTS, last, nil
	}
	return MisbehaviourKind_MISBEHAVIOUR_KIND_UNSPECIFIED, nil, nil
}

func signedState(m *tx.Anchor, s *signedHeader) *SignedState {
	return &SignedState{
		Height: s.header.Height, HeaderHash: s.hash, LogRoot: m.GetState().GetLogRoot(), LogSize: m.GetState().GetLogSize(),
	}
}

// recordMisbehaviour writes the proof once per chain, kind and height, and flags the member. The refusal it returns
// is one that keeps the changes.
func recordMisbehaviour(l *layer, x *execution, r *Misbehaviour) error {
	key := misbehaviourKey(r.PrivateChainId, r.Kind, r.Signed.Height)
	switch known, err := l.read(key); {
	case err != nil:
		return err
	case known != nil:
		return refuse(CodeAnchorKnown, "misbehaviour is recorded already")
	}
	evidence, err := tx.Encode(x.body.GetAnchor())
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	hash := sha256.Sum256(evidence)
	r.EvidenceHash, r.Height, r.TimeUnixNano = hash[:], x.height, x.time.UnixNano()
	member := new(Member)
	if _, err := load(l, MemberKey(r.Member), member); err != nil {
		return err
	}
	member.Misbehaviours++
	if err := l.put(MemberKey(r.Member), member); err != nil {
		return err
	}
	if err := l.put(key, r); err != nil {
		return err
	}
	l.newMisbehaved = append(l.newMisbehaved, r)
	codes := map[MisbehaviourKind]Code{
		MisbehaviourKind_MISBEHAVIOUR_KIND_HEADERS: CodeConflictingHeaders,
		MisbehaviourKind_MISBEHAVIOUR_KIND_SHRUNK:  CodeShrunkLog,
		MisbehaviourKind_MISBEHAVIOUR_KIND_ROOTS:   CodeConflictingRoots,
	}
	return refuse(codes[r.Kind], "contradicts anchored height %d", r.Anchored.Height)
}

// acceptAnchor appends the anchor and makes it the last one of its chain.
func acceptAnchor(l *layer, x *execution, chain *Chain, s *signedHeader) error {
	m := x.body.GetAnchor()
	entry := &tx.AnchorEntry{
		PrivateChainId: m.GetPrivateChainId(), PrivateHeight: s.header.Height, HeaderHash: s.hash,
		LogRoot: m.GetState().GetLogRoot(), LogSize: m.GetState().GetLogSize(), ValidatorsHash: s.header.ValidatorsHash,
		Height: x.height, TimeUnixNano: x.time.UnixNano(),
	}
	evidence := &tx.Anchor{
		PrivateChainId: m.GetPrivateChainId(), Header: m.GetHeader(), Commit: m.GetCommit(), Validators: m.GetValidators(), State: m.GetState(),
	}
	index, err := l.appendAnchor(entry, evidence, entry.LogSize > chain.GetLogSize())
	if err != nil {
		return err
	}
	return l.put(ChainKey(m.GetPrivateChainId()), &Chain{
		Member: chain.GetMember(), Validators: validatorRecords(s.validators), Height: entry.PrivateHeight, HeaderHash: s.hash,
		LogRoot: entry.LogRoot, LogSize: entry.LogSize, Anchors: chain.GetAnchors() + 1, LastIndex: index,
	})
}
