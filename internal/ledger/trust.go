package ledger

import (
	"fmt"
	"time"

	"github.com/cometbft/cometbft/types"

	"github.com/chartseal/chartseal/abci/consortium"
	"github.com/chartseal/chartseal/abci/receipt"
)

// trustingPeriod is how long the validators of a trust file's checkpoint answer for it. After it, keys that were
// retired since could have signed another history unpunished, and a verifier warns.
const trustingPeriod = 365 * 24 * time.Hour

// Trust makes a trust file of the consortium as of its newest header, signed by this member's governance key. It is
// complete only if that is more than two thirds of the members, as in a consortium of one.
func (l *Ledger) Trust() ([]byte, error) {
	t := &receipt.Trust{
		Format: receipt.TrustFormat, ChainID: l.id.chainID("consortium"), TrustingPeriod: int64(trustingPeriod / time.Second),
	}
	snap, err := l.checkpoint(&t.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("trust file: %w", err)
	}
	members, err := snap.Members()
	if err != nil {
		return nil, fmt.Errorf("trust file: %w", err)
	}
	for _, m := range members {
		c, err := snap.Chain(m.GetPrivateChainId())
		if err != nil {
			return nil, fmt.Errorf("trust file: %w", err)
		}
		t.Members = append(t.Members, receipt.Member{
			Name: m.GetName(), Role: m.GetRole(), GovernanceKey: m.GetGovernanceKey(), PrivateChainID: m.GetPrivateChainId(),
			PrivateValidators: privateValidators(c),
		})
	}
	raw, err := receipt.SignTrust(t, l.keys.governance)
	if err != nil {
		return nil, fmt.Errorf("trust file: %w", err)
	}
	return raw, nil
}

func privateValidators(c *consortium.Chain) (out []receipt.Validator) {
	for _, v := range c.GetValidators() {
		out = append(out, receipt.Validator{PublicKey: v.GetPublicKey(), Power: v.GetPower()})
	}
	return out
}

// checkpoint fills in the newest header, or genesis before there is one, and returns the state that it proves.
func (l *Ledger) checkpoint(c *receipt.Checkpoint) (*consortium.Snapshot, error) {
	head := l.head.load()
	if head == nil {
		doc := l.consortium.node.GenesisDoc()
		c.Time = stamp(doc.GenesisTime)
		vals := make([]*types.Validator, len(doc.Validators))
		for i, v := range doc.Validators {
			vals[i] = types.NewValidator(v.PubKey, v.Power)
		}
		var err error
		c.Validators, err = receipt.ValidatorsOf(types.NewValidatorSet(vals))
		return l.consortiumApp.Current(), err
	}
	header, _, _, found, err := l.consortium.header(head.height)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("consortium header %d: %w", head.height, ErrAbsent)
	}
	next, err := l.consortium.validators(head.height + 1)
	if err != nil {
		return nil, err
	}
	c.Height, c.HeaderHash, c.Time = head.height, receipt.Bytes(header.Hash()), stamp(header.Time)
	c.Validators, err = receipt.ValidatorsOf(next)
	return head.snap, err
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
