package consortium

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

// validatorSet builds CometBFT's set from untrusted records. It checks first what makes the constructor panic.
func validatorSet(records []*PrivateValidator, most uint32) (*types.ValidatorSet, error) {
	if len(records) == 0 || len(records) > int(most) {
		return nil, fmt.Errorf("%d validators", len(records))
	}
	var (
		total int64
		seen  = map[string]bool{}
		vals  = make([]*types.Validator, len(records))
	)
	for i, r := range records {
		if len(r.GetPublicKey()) != ed25519.PubKeySize || seen[string(r.GetPublicKey())] {
			return nil, errors.New("validator key of the wrong length, or twice")
		}
		seen[string(r.GetPublicKey())] = true
		if r.GetPower() < 1 || r.GetPower() > types.MaxTotalVotingPower-total {
			return nil, errors.New("validator power out of range")
		}
		total += r.GetPower()
		vals[i] = types.NewValidator(ed25519.PubKey(r.GetPublicKey()), r.GetPower())
	}
	return types.NewValidatorSet(vals), nil
}

// validatorRecords is the inverse of validatorSet, in the set's order.
func validatorRecords(set *types.ValidatorSet) []*PrivateValidator {
	out := make([]*PrivateValidator, set.Size())
	for i, v := range set.Validators {
		out[i] = &PrivateValidator{PublicKey: v.PubKey.Bytes(), Power: v.VotingPower}
	}
	return out
}

// signedHeader is a header with the commit for it and the set that it names, decoded and consistent. Whether the
// signatures hold is not checked yet.
type signedHeader struct {
	header     types.Header
	hash       []byte
	commit     *types.Commit
	validators *types.ValidatorSet
}

// wireMessage is a generated message of CometBFT.
type wireMessage interface {
	Unmarshal([]byte) error
	Marshal() ([]byte, error)
}

// decodeWire accepts the canonical encoding only.
func decodeWire(raw []byte, m wireMessage) error {
	if err := m.Unmarshal(raw); err != nil {
		return err
	}
	again, err := m.Marshal()
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, again) {
		return errors.New("not the canonical encoding")
	}
	return nil
}

// decodeSignedHeader decodes the three parts of an anchor. It returns refusals only.
func decodeSignedHeader(header, commit, validators []byte, most uint32) (*signedHeader, error) {
	var (
		ph cmtproto.Header
		pc cmtproto.Commit
		pv cmtproto.ValidatorSet
	)
	for _, p := range []struct {
		name string
		raw  []byte
		m    wireMessage
	}{{"header", header, &ph}, {"commit", commit, &pc}, {"validators", validators, &pv}} {
		if err := decodeWire(p.raw, p.m); err != nil {
			return nil, refuse(CodeAnchorMalformed, "%s: %v", p.name, err)
		}
	}
	h, err := types.HeaderFromProto(&ph)
	if err != nil {
		return nil, refuse(CodeAnchorMalformed, "header: %v", err)
	}
	c, err := types.CommitFromProto(&pc)
	if err != nil {
		return nil, refuse(CodeAnchorMalformed, "commit: %v", err)
	}
	set, err := decodeValidators(&pv, most)
	if err != nil {
		return nil, err
	}
	s := &signedHeader{header: h, hash: h.Hash(), commit: c, validators: set}
	switch {
	case !bytes.Equal(set.Hash(), h.ValidatorsHash):
		return nil, refuse(CodeAnchorValidators, "validators are not those of the header")
	case c.Height != h.Height || !bytes.Equal(c.BlockID.Hash, s.hash):
		return nil, refuse(CodeAnchorMalformed, "commit is for another header")
	}
	return s, nil
}

func decodeValidators(pv *cmtproto.ValidatorSet, most uint32) (*types.ValidatorSet, error) {
	records := make([]*PrivateValidator, len(pv.Validators))
	for i, v := range pv.Validators {
		records[i] = &PrivateValidator{PublicKey: v.PubKey.GetEd25519(), Power: v.VotingPower}
	}
	set, err := validatorSet(records, most)
	if err != nil {
		return nil, refuse(CodeAnchorMalformed, "validators: %v", err)
	}
	return set, nil
}
