package receipt

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
)

// ErrQuorum is wrapped when signatures do not carry more than two thirds of a validator set's power, or more of them
// are given than that takes.
var ErrQuorum = errors.New("not the signatures of just over two thirds of the validators")

// Validator is a validator with an Ed25519 key.
type Validator struct {
	PublicKey Bytes `json:"public_key"` // 32 bytes
	Power     int64 `json:"power"`
}

// validators are a set in CometBFT's order.
type validators []Validator

// ValidatorsOf returns the validators of a set, in its order. All must have Ed25519 keys.
func ValidatorsOf(set *cmttypes.ValidatorSet) ([]Validator, error) {
	if set == nil {
		return nil, fmt.Errorf("%w: no validators", ErrMalformed)
	}
	out := make(validators, len(set.Validators))
	for i, v := range set.Validators {
		key, ok := v.PubKey.(ed25519.PubKey)
		if !ok {
			return nil, fmt.Errorf("%w: validator %d has no Ed25519 key", ErrMalformed, i)
		}
		out[i] = Validator{PublicKey: Bytes(key), Power: v.VotingPower}
	}
	return out, out.check()
}

func (vs validators) check() error {
	if len(vs) == 0 {
		return fmt.Errorf("%w: no validators", ErrMalformed)
	}
	left := cmttypes.MaxTotalVotingPower
	for i, v := range vs {
		if len(v.PublicKey) != ed25519.PubKeySize || v.Power <= 0 || v.Power > left {
			return fmt.Errorf("%w: validator %d", ErrMalformed, i)
		}
		left -= v.Power
	}
	return nil
}

// total cannot overflow after check, nor can three times it.
func (vs validators) total() (sum int64) {
	for _, v := range vs {
		sum += v.Power
	}
	return sum
}

// enough tells whether a power is more than two thirds of a total.
func enough(power, total int64) bool { return power*3 > total*2 }

// hash is CometBFT's hash of the set.
func (vs validators) hash() []byte {
	set := cmttypes.ValidatorSet{Validators: make([]*cmttypes.Validator, len(vs))}
	for i, v := range vs {
		set.Validators[i] = cmttypes.NewValidator(ed25519.PubKey(v.PublicKey), v.Power)
	}
	return set.Hash()
}

// encode writes a ValidatorSet with nothing in it but what the hash covers, and the addresses.
func (vs validators) encode() ([]byte, error) {
	set := &cmtproto.ValidatorSet{Validators: make([]*cmtproto.Validator, len(vs))}
	for i, v := range vs {
		set.Validators[i] = &cmtproto.Validator{
			Address:     ed25519.PubKey(v.PublicKey).Address(),
			PubKey:      cmtcrypto.PublicKey{Sum: &cmtcrypto.PublicKey_Ed25519{Ed25519: v.PublicKey}},
			VotingPower: v.Power,
		}
	}
	return set.Marshal()
}

func decodeValidators(raw []byte) (validators, error) {
	set := new(cmtproto.ValidatorSet)
	if err := set.Unmarshal(raw); err != nil {
		return nil, fmt.Errorf("%w: validator set", ErrMalformed)
	}
	out := make(validators, len(set.Validators))
	for i, v := range set.Validators {
		out[i] = Validator{PublicKey: v.PubKey.GetEd25519(), Power: v.VotingPower}
	}
	if err := out.check(); err != nil {
		return nil, err
	}
	return out, canonical("validator set", raw, out.encode)
}

// canonical checks that bytes are what the decoded value encodes to.
func canonical(what string, raw []byte, encode func() ([]byte, error)) error {
	again, err := encode()
	if err != nil || !bytes.Equal(raw, again) {
		return fmt.Errorf("%w: %s is not in its canonical encoding", ErrMalformed, what)
	}
	return nil
}

func decodeHeader(raw []byte) (*cmttypes.Header, error) {
	pb := new(cmtproto.Header)
	if err := pb.Unmarshal(raw); err != nil {
		return nil, fmt.Errorf("%w: header", ErrMalformed)
	}
	h, err := cmttypes.HeaderFromProto(pb)
	if err != nil {
		return nil, fmt.Errorf("%w: header", ErrMalformed)
	}
	return &h, canonical("header", raw, h.ToProto().Marshal)
}

func decodeCommit(raw []byte) (*cmttypes.Commit, error) {
	pb := new(cmtproto.Commit)
	if err := pb.Unmarshal(raw); err != nil {
		return nil, fmt.Errorf("%w: commit", ErrMalformed)
	}
	c, err := cmttypes.CommitFromProto(pb)
	if err != nil {
		return nil, fmt.Errorf("%w: commit", ErrMalformed)
	}
	return c, canonical("commit", raw, c.ToProto().Marshal)
}

// trim keeps the shortest prefix of the signatures for the block, in the order of the validators, that carries more
// than two thirds of the power. What is left out before its end, a vote for nothing included, becomes absent.
func trim(c *cmttypes.Commit, vs validators) (*cmttypes.Commit, error) {
	out := &cmttypes.Commit{Height: c.Height, Round: c.Round, BlockID: c.BlockID}
	power, total := int64(0), vs.total()
	for i, sig := range c.Signatures {
		if i >= len(vs) {
			break
		}
		if sig.BlockIDFlag != cmttypes.BlockIDFlagCommit {
			out.Signatures = append(out.Signatures, cmttypes.NewCommitSigAbsent())
			continue
		}
		out.Signatures = append(out.Signatures, sig)
		if power += vs[i].Power; enough(power, total) {
			return out, nil
		}
	}
	return nil, fmt.Errorf("commit of height %d: %w", c.Height, ErrQuorum)
}

// verifyCommit checks that validators who are hashed in the header signed it: every given signature, and just as many
// as needed.
func verifyCommit(h *cmttypes.Header, c *cmttypes.Commit, vs validators) error {
	if c.Height != h.Height || !bytes.Equal(c.BlockID.Hash, h.Hash()) || !c.BlockID.IsComplete() {
		return fmt.Errorf("%w: the commit is for another header", ErrMalformed)
	}
	power, total := int64(0), vs.total()
	for i, sig := range c.Signatures {
		if i >= len(vs) || enough(power, total) {
			return fmt.Errorf("%w: signature %d is too many", ErrQuorum, i)
		}
		if sig.BlockIDFlag == cmttypes.BlockIDFlagAbsent {
			continue
		}
		key := ed25519.PubKey(vs[i].PublicKey)
		if sig.BlockIDFlag != cmttypes.BlockIDFlagCommit || !bytes.Equal(sig.ValidatorAddress, key.Address()) {
			return fmt.Errorf("%w: signature %d is not one of validator %d for the block", ErrMalformed, i, i)
		}
		if !key.VerifySignature(c.VoteSignBytes(h.ChainID, int32(i)), sig.Signature) {
			return fmt.Errorf("%w: signature of validator %d is wrong", ErrMalformed, i)
		}
		power += vs[i].Power
	}
	if !enough(power, total) {
		return ErrQuorum
	}
	return nil
}

// signed is a decoded header with its commit and validators.
type signed struct {
	header     *cmttypes.Header
	commit     *cmttypes.Commit
	validators validators
}

func (p *ChainPart) decode() (*signed, error) {
	h, err := decodeHeader(p.Header)
	if err != nil {
		return nil, err
	}
	c, err := decodeCommit(p.Commit)
	if err != nil {
		return nil, err
	}
	vs, err := decodeValidators(p.Validators)
	if err != nil {
		return nil, err
	}
	return &signed{h, c, vs}, nil
}
